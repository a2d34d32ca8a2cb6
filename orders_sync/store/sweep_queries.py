"""Orders of the tables by creation time, to plan which of them are to be read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from orders_sync.domain.ledger import Wanted
from orders_sync.domain.sweep_cost import HourBucket, StatusCount
from orders_sync.domain.sweeps import SweepPolicy, SweepRange
from orders_sync.domain.windows import Window
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_optional, fetch_rows, fetch_windows

# `seconds` only where reading those may cost fewer calls than the hour's pages: else nobody needs them
_HOURS = """
SELECT date_bin('1 hour', created_at, '2000-01-01') AS start, count(*)::int AS orders,
    (count(*) FILTER (WHERE is_due))::int AS due,
    coalesce(
        CASE WHEN count(*) > %(page_size)s AND (count(*) FILTER (WHERE is_due) - 1) * %(page_size)s <= count(*)
            THEN array_agg(DISTINCT date_trunc('second', created_at)) FILTER (WHERE is_due) END,
        '{{}}'
    ) AS seconds
FROM ({orders}) AS o
GROUP BY 1 ORDER BY 1
"""

_DUE = """
SELECT o.created_at, r.order_id IS NOT NULL
    OR NOT coalesce(s.is_final, false) AND o.status <> ALL (%(listed)s)
    OR %(with_final)s AND o.synced_at > now() - %(final_for)s AND o.created_at > now() - %(finals_age)s
        AND coalesce(s.is_final, false) AS is_due
FROM orders AS o LEFT JOIN order_statuses AS s USING (platform, status)
LEFT JOIN (
    SELECT DISTINCT platform, order_id FROM sync.rejects
    WHERE account = %(account)s AND resolved_at IS NULL AND ignored_at IS NULL
) AS r USING (platform, order_id)
WHERE o.account = %(account)s AND o.created_at >= %(start)s AND o.created_at < %(end)s
"""

# an order within a planned sweep of all orders that nobody has begun is read anyway
_NOT_BROUGHT = """
SELECT o.order_id, o.created_at, o.status = %(status)s AND o.order_id <> ALL (%(brought)s) AND NOT EXISTS (
        SELECT FROM sync.windows AS w
        WHERE w.account = o.account AND w.kind = 'sweep' AND w.state = 'planned' AND w.status IS NULL
          AND w.starts_at <= o.created_at AND w.ends_at > o.created_at
    ) AS is_due
FROM orders AS o
WHERE o.account = %(account)s AND o.created_at >= %(start)s AND o.created_at < %(end)s
"""

_COUNTS = """
SELECT date_bin(%(longest)s, created_at, %(start)s) AS start, status, count(*)::int AS orders
FROM orders
WHERE account = %(account)s AND created_at >= %(start)s AND created_at < %(end)s AND status = ANY(%(statuses)s)
GROUP BY 1, 2 ORDER BY 1, 2
"""

# an order without a creation time is read again by the window that brought it, as a reject is
_WINDOWS_OF_REJECTS = """
SELECT w.starts_at, w.ends_at
FROM orders AS o
JOIN raw_orders AS r USING (platform, order_id)
JOIN sync.windows AS w ON w.id = r.window_id
LEFT JOIN order_statuses AS s ON (s.platform, s.status) = (o.platform, o.status)
WHERE o.account = %(account)s AND o.created_at IS NULL AND NOT coalesce(s.is_final, false)
  AND w.feed = 'created' AND w.status IS NULL AND w.starts_at >= %(start)s AND w.starts_at < %(end)s
UNION
SELECT w.starts_at, w.ends_at
FROM sync.rejects AS r JOIN sync.windows AS w ON w.id = r.window_id
WHERE r.account = %(account)s AND r.resolved_at IS NULL AND r.ignored_at IS NULL
  AND w.starts_at >= %(start)s AND w.starts_at < %(end)s
  AND NOT EXISTS (
      SELECT FROM orders AS o
      WHERE o.platform = r.platform AND o.order_id = r.order_id AND o.account = r.account AND o.created_at IS NOT NULL
  )
  AND (w.status IS NULL OR r.order_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM sync.rejects AS c JOIN sync.windows AS cw ON cw.id = c.window_id
      WHERE c.platform = r.platform AND c.order_id = r.order_id AND c.account = r.account AND c.resolved_at IS NULL
        AND cw.status IS NULL
  ))
ORDER BY starts_at
"""


async def hours(
    connection: Connection,
    account: str,
    swept: SweepRange,
    policy: SweepPolicy,
    page_size: int,
    listed: Sequence[str] = (),
) -> list[HourBucket]:
    """Return the hours of a range that hold orders, oldest first.

    `listed`: orders in these statuses are not due, for another list brings them, unless they are open rejects.
    """
    values = {
        "account": account,
        "start": swept.start,
        "end": swept.end,
        "with_final": swept.with_final,
        "final_for": policy.final_for,
        "finals_age": policy.finals_age,
        "listed": list(listed),
    }
    return await _hours(connection, _DUE, values, page_size)


async def hours_not_brought(
    connection: Connection, account: str, window: Window, status: str, brought: Sequence[str], page_size: int
) -> list[HourBucket]:
    """Return the hours of a window that hold orders, oldest first.

    Due are those orders in `status` that its list did not bring.
    """
    values = {
        "account": account,
        "start": window.start,
        "end": window.end,
        "status": status,
        "brought": list(brought),
    }
    return await _hours(connection, _NOT_BROUGHT, values, page_size)


async def orders_not_brought(
    connection: Connection, account: str, window: Window, status: str, brought: Sequence[str]
) -> list[Wanted]:
    """Return the orders that `hours_not_brought` counts as due."""
    query = f"SELECT order_id, created_at FROM ({_NOT_BROUGHT}) AS o WHERE is_due"
    return await fetch_rows(
        connection,
        query,
        {
            "account": account,
            "start": window.start,
            "end": window.end,
            "status": status,
            "brought": list(brought),
        },
        Wanted,
    )


async def counts_by_status(
    connection: Connection, account: str, swept: SweepRange, statuses: Sequence[str], longest: timedelta
) -> list[StatusCount]:
    """Count the orders of a range in each of these statuses, by parts of it no longer than `longest`."""
    cursor = await connection.execute(
        _COUNTS,
        {
            "account": account,
            "start": swept.start,
            "end": swept.end,
            "statuses": list(statuses),
            "longest": longest,
        },
    )
    found = cast("list[tuple[datetime, str, int]]", await cursor.fetchall())
    return [
        StatusCount(Window(start, min(start + longest, swept.end)), status, orders) for start, status, orders in found
    ]


async def oldest_creation_time(connection: Connection, account: str) -> datetime | None:
    """Return the earliest creation time of an order, or start of a backfill by creation time; None if there is none."""
    query = """
        SELECT least(
            (SELECT min(created_at) FROM orders WHERE account = %(account)s),
            (SELECT min(starts_at) FROM sync.backfills
             WHERE account = %(account)s AND feed = 'created' AND state IN ('planned', 'done'))
        )
    """
    return await fetch_optional(connection, query, {"account": account}, datetime)


async def windows_of_rejects(connection: Connection, account: str, swept: SweepRange) -> list[Window]:
    """Return the windows that begin in a range and are to be read again for what they brought.

    They brought an open reject without an order in the tables, which may be convertible by now; or an order that is not
    final and has no creation time, so that no other sweep finds it. A list by status is left out where a window of all
    orders brought a reject of the same order, or where the record names none: every order is listed by its creation
    first.
    """
    return await fetch_windows(
        connection, _WINDOWS_OF_REJECTS, {"account": account, "start": swept.start, "end": swept.end}
    )


async def _hours(connection: Connection, orders: str, values: dict[str, object], page_size: int) -> list[HourBucket]:
    return await fetch_rows(connection, _HOURS.format(orders=orders), {**values, "page_size": page_size}, HourBucket)
