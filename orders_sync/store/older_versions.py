"""Orders whose last read brought an earlier modify time than the stored version, until it is decided which is newer.

One row per order in `sync.older_versions`, written only by who holds the order's row of `raw_orders`. It goes when a
read that began later brings the stored version or a newer one, or when the earlier modify time is read again an hour
later and believed (`domain/versions.py`). As long as it is there equal bytes are looked at again: none goes unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from orders_sync.domain.versions import BELIEVED_AFTER, Version
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import FlatOrder
from orders_sync.store.queries import fetch_values

_REMEMBERED = """
SELECT order_id, modified_at, read_at FROM sync.older_versions WHERE platform = %s AND order_id = ANY(%s)
"""

_REMEMBER = """
INSERT INTO sync.older_versions AS v (platform, order_id, account, modified_at, read_at, window_id)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (platform, order_id) DO UPDATE
SET account = excluded.account, modified_at = excluded.modified_at, read_at = excluded.read_at,
    window_id = excluded.window_id, noted_at = now()
"""

# what confirmed the stored version is as good as what brought it: nothing read before it is newer
_FORGET = """
WITH forgotten AS (
    DELETE FROM sync.older_versions WHERE platform = %(platform)s AND order_id = %(order_id)s AND read_at <= %(read_at)s
    RETURNING order_id
)
UPDATE raw_orders AS t SET read_at = %(read_at)s
FROM forgotten AS s
WHERE t.platform = %(platform)s AND t.order_id = s.order_id AND t.read_at < %(read_at)s
"""


# once: what is planned stays in the ledger longer than it takes to read it
_TO_READ = """
SELECT o.created_at FROM sync.older_versions AS v JOIN orders AS o USING (platform, order_id)
WHERE v.account = %(account)s AND v.read_at <= clock_timestamp() - %(after)s AND o.created_at > %(since)s
  AND NOT EXISTS (
      SELECT FROM sync.windows AS w
      WHERE w.account = v.account AND w.kind = 'repair' AND w.feed = 'created' AND w.planned_at >= v.read_at + %(after)s
        AND w.starts_at <= o.created_at AND w.ends_at > o.created_at
  )
ORDER BY o.created_at LIMIT 200
"""


async def to_read(connection: Connection, account: str, since: datetime | None) -> list[datetime]:
    """Return the creation times of orders that are to be read once more now, `BELIEVED_AFTER` the older version.

    200 at most, and only those that were created after `since`.
    """
    values = {"account": account, "after": BELIEVED_AFTER, "since": since or datetime.min.replace(tzinfo=UTC)}
    return await fetch_values(connection, _TO_READ, values, datetime)


async def remembered(connection: Connection, platform: str, order_ids: Iterable[str]) -> dict[str, Version]:
    """Return the remembered older versions of these orders, by id. The orders must be locked."""
    cursor = await connection.execute(_REMEMBERED, [platform, list(order_ids)])
    rows = cast("list[tuple[str, datetime | None, datetime]]", await cursor.fetchall())
    return {order_id: Version(modified_at, read_at) for order_id, modified_at, read_at in rows}


async def remember(connection: Connection, orders: Sequence[FlatOrder]) -> None:
    """Store versions with an earlier modify time than the stored ones. The orders must be locked."""
    for each in orders:
        version = each.version
        await connection.execute(
            _REMEMBER,
            [each.platform, each.order_id, each.account, version.modified_at, version.read_at, each.window_id],
        )


async def forget(connection: Connection, orders: Sequence[FlatOrder]) -> None:
    """Delete what was remembered of orders that are up to date before they were read. The orders must be locked."""
    for each in orders:
        values = {"platform": each.platform, "order_id": each.order_id, "read_at": each.read_at}
        await connection.execute(_FORGET, values)
