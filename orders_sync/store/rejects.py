"""Records that could not be normalized: stored whole, once each, until their order lands (P4).

A reject is settled when its order is in the tables as a read saw it that did not begin before the reject's own. Where
such a read found nothing to write, `raw_orders.read_at` moves up to it: so the stored version is never older than a
settled reject, and neither a replay nor a late read can replace it by that one (P2).

A transaction locks the rejects of the platform (`_lock`) after all other rows but the ledger's:

    exclusive    to add or delete some
    shared       to settle only those of orders whose rows in `raw_orders` it holds

While it holds this lock it never waits for a row of an order (`_mark_unconverted`), so no two transactions deadlock;
and of two about one order, the second sees what the first did.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row

from orders_sync.domain import reject_reasons
from orders_sync.store import locks
from orders_sync.store.database import Connection
from orders_sync.store.ownership import OTHER_HOST
from orders_sync.store.queries import fetch_dict, fetch_row, fetch_rows, fetch_values

# only the newest read of a record says whether it is open; a renormalized order rejects the bytes that are stored
_KEEP = f"""
INSERT INTO sync.rejects AS r
    (account, platform, order_id, payload, payload_hash, reason, reason_key, window_id, read_at, listed_at, resolved_at)
VALUES (
    %(account)s, %(platform)s, %(order_id)s, %(payload)s, %(payload_hash)s, %(reason)s, %(reason_key)s,
    %(window_id)s, %(read_at)s, %(listed_at)s,
    (
        SELECT now() FROM raw_orders
        WHERE platform = %(platform)s AND order_id = %(order_id)s AND NOT {OTHER_HOST.format("account", "%(account)s")}
            AND read_at >= %(read_at)s AND payload_hash <> %(payload_hash)s
    )
)
ON CONFLICT (account, payload_hash) DO UPDATE
SET order_id = coalesce(excluded.order_id, r.order_id), reason = excluded.reason,
    reason_key = excluded.reason_key, read_at = excluded.read_at, resolved_at = excluded.resolved_at
WHERE excluded.read_at >= r.read_at
    AND (excluded.read_at, excluded.reason, excluded.resolved_at IS NULL)
        IS DISTINCT FROM (r.read_at, r.reason, r.resolved_at IS NULL)
"""

# bytes that have landed after all settle their own reject whenever they were read
_SETTLE = f"""
WITH settled AS (
    UPDATE sync.rejects AS r SET resolved_at = now()
    FROM unnest(%(order_ids)b::text[], %(read_at)b::timestamptz[], %(hashes)b::bytea[])
        AS o (order_id, read_at, payload_hash)
    WHERE r.platform = %(platform)s AND r.order_id = o.order_id AND r.resolved_at IS NULL
        AND (r.read_at <= o.read_at OR r.payload_hash = o.payload_hash)
        AND NOT {OTHER_HOST.format("r.account", "%(account)s")}
    RETURNING r.order_id, greatest(r.read_at, o.read_at) AS read_at
)
UPDATE raw_orders AS t SET read_at = s.read_at
FROM (SELECT order_id, max(read_at) AS read_at FROM settled GROUP BY order_id) AS s
WHERE t.platform = %(platform)s AND t.order_id = s.order_id AND t.read_at < s.read_at
"""

_OPEN_OF = """
SELECT DISTINCT order_id FROM sync.rejects
WHERE platform = %(platform)s AND order_id = ANY(%(order_ids)b) AND resolved_at IS NULL
"""

# SKIP LOCKED: see `_mark_unconverted`
_MARK_UNCONVERTED = f"""
WITH those AS (
    SELECT o.order_id, o.unread_version_since, EXISTS (
        SELECT FROM sync.rejects AS r JOIN raw_orders AS t USING (platform, order_id)
        WHERE r.platform = o.platform AND r.order_id = o.order_id AND r.resolved_at IS NULL
            AND r.read_at > t.read_at AND r.payload_hash <> t.payload_hash
            AND NOT {OTHER_HOST.format("r.account", "t.account")}
    ) AS is_unconverted
    FROM orders AS o
    WHERE o.platform = %(platform)s AND o.order_id = ANY(%(order_ids)b)
    FOR UPDATE OF o SKIP LOCKED
)
UPDATE orders AS t SET unread_version_since = CASE WHEN s.is_unconverted THEN now() END,
    synced_at = greatest(now(), t.synced_at + interval '1 microsecond')
FROM those AS s
WHERE t.platform = %(platform)s AND t.order_id = s.order_id AND (s.unread_version_since IS NOT NULL) <> s.is_unconverted
"""


_UNSETTLED_ONE = """
SELECT account, platform, order_id, payload, payload_hash, reason, window_id, read_at
FROM sync.rejects WHERE id = %s AND resolved_at IS NULL
"""


class Reject(msgspec.Struct, frozen=True):
    """A rejected record.

    `order_id`: None if unreadable. `reason`: with the field as the platform spells it. `listed_at`: the time it shows
    of those its list goes by, None if unreadable.
    """

    account: str
    platform: str
    order_id: str | None
    payload: bytes
    payload_hash: bytes
    reason: str
    window_id: int | None
    read_at: datetime
    listed_at: datetime | None = None


class _Dropped(msgspec.Struct, frozen=True):
    platform: str
    order_id: str | None


class UpToDate(msgspec.Struct, frozen=True):
    """An order whose newest version, as far as this read tells, is in the tables."""

    order_id: str
    read_at: datetime
    payload_hash: bytes


async def store_and_settle(
    connection: Connection,
    platform: str,
    account: str,
    rejected: Sequence[Reject],
    up_to_date: Sequence[UpToDate],
    unconverted: Collection[str] = (),
) -> None:
    """Store rejects, settle earlier ones of up-to-date orders, and mark orders by whether a newer one is unconverted.

    Earlier ones: of accounts on the host of `account`.

    Comes after all else that locks in the transaction but the ledger. The rows of `up_to_date` in `raw_orders` must be
    locked or just written. `unconverted`: those marked so before.
    """
    await _lock(connection, platform, exclusive=bool(rejected))
    for reject in rejected:
        await _keep(connection, reject)
    ids = [each.order_id for each in up_to_date]
    bad = {reject.order_id for reject in rejected if reject.order_id is not None}
    opened = await fetch_values(connection, _OPEN_OF, {"platform": platform, "order_ids": [*ids, *bad]}, str)
    touched = {*opened, *unconverted, *bad}
    settling = [each for each in up_to_date if each.order_id in touched]
    if settling:
        await _settle_earlier(connection, platform, account, settling)
    await _mark_unconverted(connection, platform, touched)


async def _mark_unconverted(connection: Connection, platform: str, order_ids: Collection[str]) -> None:
    """Set or clear `orders.unread_version_since` of these, where it is wrong. The rejects must be locked.

    Orders that another transaction has locked are skipped, for to wait while the rejects are locked could deadlock.
    That transaction has yet to lock the rejects; once it has, it sees what was done here and sets the mark itself.
    """
    if order_ids:
        await connection.execute(_MARK_UNCONVERTED, {"platform": platform, "order_ids": sorted(order_ids)})


async def _lock(connection: Connection, platform: str, *, exclusive: bool) -> None:
    """Lock the rejects of a platform to the end of the transaction, shared with other settlers unless `exclusive`."""
    function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
    await connection.execute(f"SELECT {function}(%s, hashtext(%s))".encode(), [locks.REJECTS, platform])


async def _keep(connection: Connection, reject: Reject) -> None:
    """Store a reject; the same bytes of the same account are stored once, with the newest read of them.

    It is stored as settled when a later read of the order has landed already.
    """
    await connection.execute(
        _KEEP,
        {
            "account": reject.account,
            "platform": reject.platform,
            "order_id": reject.order_id,
            "payload": reject.payload,
            "payload_hash": reject.payload_hash,
            "reason": reject.reason.replace("\x00", "\\0"),
            "reason_key": reject_reasons.classify(reject.reason),
            "window_id": reject.window_id,
            "read_at": reject.read_at,
            "listed_at": reject.listed_at,
        },
    )


async def _settle_earlier(connection: Connection, platform: str, account: str, up_to_date: Sequence[UpToDate]) -> None:
    values = {
        "platform": platform,
        "account": account,
        "order_ids": [each.order_id for each in up_to_date],
        "read_at": [each.read_at for each in up_to_date],
        "hashes": [each.payload_hash for each in up_to_date],
    }
    await connection.execute(_SETTLE, values)


async def whole(connection: Connection, number: int) -> dict[str, Any] | None:
    """Return every column of a reject by name; None if there is no such number."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("SELECT * FROM sync.rejects WHERE id = %s", [number])
        return await cursor.fetchone()


async def unsettled(connection: Connection, number: int) -> Reject | None:
    """Return an unsettled reject, open or ignored; None if it is settled or gone."""
    return await fetch_row(connection, _UNSETTLED_ONE, [number], Reject)


async def settle_one(connection: Connection, reject: Reject, number: int, order_id: str | None) -> None:
    """Mark a reject, which has this number, as settled. The row of its order in `raw_orders` must be locked.

    `order_id`: of the order that it became; it is kept where the reject had none.
    """
    await _lock(connection, reject.platform, exclusive=False)
    await connection.execute(
        "UPDATE sync.rejects SET resolved_at = now(), order_id = coalesce(order_id, %s) "
        "WHERE id = %s AND resolved_at IS NULL",
        [order_id, number],
    )
    if reject.order_id is not None:
        await _mark_unconverted(connection, reject.platform, [reject.order_id])


async def known_numbers(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """Return those of the numbers that exist, ascending."""
    query = "SELECT id FROM sync.rejects WHERE id = ANY(%s) ORDER BY id"
    return await fetch_values(connection, query, [list(numbers)], int)


async def by_account(connection: Connection, numbers: Sequence[int]) -> dict[str, list[int]]:
    """Return those of these rejects that exist, by the account they are of."""
    query = "SELECT account, array_agg(id ORDER BY id) FROM sync.rejects WHERE id = ANY(%s) GROUP BY 1 ORDER BY 1"
    return await fetch_dict(connection, query, [list(numbers)], dict[str, list[int]])


async def drop(connection: Connection, numbers: Sequence[int]) -> int:
    """Delete rejects in one transaction; return their number."""
    async with connection.transaction():
        query = "SELECT DISTINCT platform FROM sync.rejects WHERE id = ANY(%s) ORDER BY platform"
        platforms = await fetch_values(connection, query, [numbers], str)
        for platform in platforms:
            await _lock(connection, platform, exclusive=True)
        query = "DELETE FROM sync.rejects WHERE id = ANY(%s) RETURNING platform, order_id"
        dropped = await fetch_rows(connection, query, [numbers], _Dropped)
        for platform in platforms:
            ids = {each.order_id for each in dropped if each.platform == platform and each.order_id is not None}
            await _mark_unconverted(connection, platform, ids)
    return len(dropped)
