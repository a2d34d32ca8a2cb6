"""What the tables hold by creation time."""

from __future__ import annotations

from psycopg.rows import class_row

from orders_sync.domain.sweeps import Hour, Look, Policy
from orders_sync.domain.windows import Window
from orders_sync.store.database import Connection

_HOURS = """
SELECT date_bin('1 hour', created_at, '2000-01-01') AS start, count(*)::int AS orders,
    (count(*) FILTER (
        WHERE NOT coalesce(s.is_final, false)
        OR %(with_final)s AND o.synced_at > now() - %(final_for)s AND o.created_at > now() - %(finals_age)s
    ))::int AS due
FROM orders AS o LEFT JOIN order_statuses AS s USING (platform, status)
WHERE o.account = %(account)s AND o.created_at >= %(start)s AND o.created_at < %(end)s
GROUP BY 1 ORDER BY 1
"""

_REJECTED = """
SELECT DISTINCT w.starts_at, w.ends_at
FROM sync.rejects AS r JOIN sync.windows AS w ON w.id = r.window_id
WHERE r.account = %s AND r.resolved_at IS NULL AND w.starts_at >= %s AND w.starts_at < %s
ORDER BY w.starts_at
"""


async def hours(connection: Connection, account: str, look: Look, policy: Policy) -> list[Hour]:
    """The hours of a range that hold orders, oldest first."""
    async with connection.cursor(row_factory=class_row(Hour)) as cursor:
        await cursor.execute(
            _HOURS,
            {
                "account": account,
                "start": look.start,
                "end": look.end,
                "with_final": look.with_final,
                "final_for": policy.final_for,
                "finals_age": policy.finals_age,
            },
        )
        return await cursor.fetchall()


async def rejected(connection: Connection, account: str, look: Look) -> list[Window]:
    """The windows of a range that brought what is still a reject: its order may be readable by now."""
    cursor = await connection.execute(_REJECTED, [account, look.start, look.end])
    return [Window(start, end) for start, end in await cursor.fetchall()]  # type: ignore[arg-type]
