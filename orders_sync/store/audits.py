"""The queries of an audit: orders of the tables to be compared with the platform's, and the records of its result."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from orders_sync.domain.windows import Feed, Window
from orders_sync.store.database import Connection
from orders_sync.store.progress import PROGRESS
from orders_sync.store.queries import fetch_dict, fetch_row, fetch_value, fetch_values

_LISTED_AT = {Feed.CREATED: "created_at", Feed.UPDATED: "modified_at"}


@dataclass(frozen=True, slots=True)
class Synced:
    """The progress of an account, by the database's clock.

    `[read_from, read_to)` is the newest stretch that was read without a gap, None before anything was.
    """

    now: datetime
    read_from: datetime | None
    read_to: datetime | None


@dataclass(frozen=True, slots=True)
class RecordedDifference:
    """A range in which the list by `feed` and the tables differ.

    `missing`: orders the tables lack or hold in an older version. Of them the ids in `missing_ids` and `older_ids`, as
    far as they are known; `not_listed_ids`: those only the tables hold.
    """

    feed: Feed
    window: Window
    platform: int
    tables: int
    missing: int
    missing_ids: Collection[str] = ()
    older_ids: Collection[str] = ()
    not_listed_ids: Collection[str] = ()


# a difference stays acknowledged when every order of it was; without ids, when it is the same range and the same counts
_CARRY = """
UPDATE sync.audit_differences AS d
SET acknowledged_at = k.acknowledged_at, acknowledged_by = k.acknowledged_by,
    acknowledged_because = k.acknowledged_because
FROM sync.audit_differences AS n CROSS JOIN LATERAL (
    SELECT max(o.acknowledged_at) AS acknowledged_at, max(o.acknowledged_by) AS acknowledged_by,
        max(o.acknowledged_because) AS acknowledged_because,
        bool_or((o.starts_at, o.ends_at, o.platform_orders, o.table_orders)
            = (n.starts_at, n.ends_at, n.platform_orders, n.table_orders)) AS is_same,
        array(
            SELECT unnest(p.missing_ids || p.older_ids || p.not_listed_ids)
            FROM sync.audit_differences AS p JOIN sync.audits AS b ON b.id = p.audit_id
            WHERE b.account = %(account)s AND p.audit_id < n.audit_id AND p.feed = n.feed AND p.repaired_at IS NULL
              AND p.acknowledged_at IS NOT NULL AND p.starts_at < n.ends_at AND p.ends_at > n.starts_at
        ) AS ids
    FROM sync.audit_differences AS o JOIN sync.audits AS a ON a.id = o.audit_id
    WHERE a.account = %(account)s AND o.audit_id < n.audit_id AND o.feed = n.feed AND o.repaired_at IS NULL
      AND o.acknowledged_at IS NOT NULL AND o.starts_at < n.ends_at AND o.ends_at > n.starts_at
) AS k
WHERE n.audit_id = %(number)s AND n.feed = %(feed)s AND k.acknowledged_at IS NOT NULL
  AND (d.audit_id, d.feed, d.starts_at) = (n.audit_id, n.feed, n.starts_at)
  AND CASE WHEN cardinality(n.missing_ids || n.older_ids || n.not_listed_ids) > 0
      THEN cardinality(n.missing_ids || n.older_ids) = n.missing
          AND (n.missing_ids || n.older_ids || n.not_listed_ids) <@ k.ids
      ELSE k.is_same END
RETURNING d.starts_at
"""
_SETTLE = """
UPDATE sync.audit_differences AS d SET repaired_at = clock_timestamp(), settled_by = %(number)s
FROM sync.audits AS a
WHERE a.id = d.audit_id AND a.account = %(account)s AND d.audit_id < %(number)s AND d.feed = %(feed)s
  AND d.repaired_at IS NULL AND d.starts_at >= %(start)s AND d.ends_at <= %(end)s
"""


async def synced(connection: Connection, account: str) -> Synced | None:
    """Return the progress of an account; None if it was never synced."""
    return await fetch_row(
        connection,
        f"SELECT clock_timestamp() AS now, p.read_from, p.read_to FROM ({PROGRESS}) AS p WHERE p.name = %s",
        [account],
        Synced,
    )


async def count(
    connection: Connection, account: str, feed: Feed, window: Window, left_out: Collection[str] = ()
) -> int:
    """Count an account's orders that were created, or last changed, in a window.

    `feed` chooses which of the two. The ids in `left_out` are not counted.
    """
    column = _LISTED_AT[feed]
    query = f"""
        SELECT count(*) FROM orders AS o
        WHERE account = %s AND {column} >= %s AND {column} < %s
          AND NOT EXISTS (SELECT FROM unnest(%s::text[]) AS l (order_id) WHERE l.order_id = o.order_id)
    """
    return await fetch_value(connection, query, [account, window.start, window.end, list(left_out)], int)


async def stored_in(connection: Connection, account: str, feed: Feed, window: Window) -> dict[str, datetime]:
    """Return the orders of an account that were created, or last changed, in a window: that time, by id."""
    column = _LISTED_AT[feed]
    query = f"SELECT order_id, {column} FROM orders WHERE account = %s AND {column} >= %s AND {column} < %s"
    return await fetch_dict(connection, query, [account, window.start, window.end], dict[str, datetime])


async def modify_times(connection: Connection, platform: str, ids: list[str]) -> dict[str, datetime | None]:
    """Return the modify times by id of those orders that the tables hold, for any account and creation time."""
    query = "SELECT order_id, modified_at FROM orders WHERE platform = %s AND order_id = ANY(%s)"
    return await fetch_dict(connection, query, [platform, ids], dict[str, datetime | None])


async def rejected(connection: Connection, platform: str, ids: list[str]) -> set[str]:
    """Return those of the order ids that have an open reject."""
    query = "SELECT order_id FROM sync.rejects WHERE platform = %s AND order_id = ANY(%s) AND resolved_at IS NULL"
    return set(await fetch_values(connection, query, [platform, ids], str))


async def rejected_payloads(connection: Connection, account: str, hashes: list[bytes]) -> set[bytes]:
    """Return those of the hashes that are payloads of open rejects, for records that name no id."""
    query = (
        "SELECT payload_hash FROM sync.rejects WHERE account = %s AND payload_hash = ANY(%s) AND resolved_at IS NULL"
    )
    return set(await fetch_values(connection, query, [account, hashes], bytes))


async def begin(connection: Connection, account: str, window: Window, *, is_routine: bool) -> int:
    """Record that an audit has begun and return its number. One that is cut off stays without `finished_at`."""
    query = """
        INSERT INTO sync.audits (account, starts_at, ends_at, is_routine, seen_at)
        VALUES (%s, %s, %s, %s, clock_timestamp()) RETURNING id
    """
    return await fetch_value(connection, query, [account, window.start, window.end, is_routine], int)


async def finish(
    connection: Connection,
    number: int,
    start: datetime,
    *,
    platform: int,
    tables: int,
    rejects: int,
    awaited: int,
    differences: int,
    calls: int,
) -> None:
    """Record the totals of an audit.

    `start`: the beginning of its range, moved to that of the platform's reach if that is later. `awaited`: orders that
    the next sync reads anyway. `rejects`: those of `tables` that are records and no orders.
    """
    await connection.execute(
        """
        UPDATE sync.audits SET finished_at = clock_timestamp(), starts_at = %s, platform_orders = %s, table_orders = %s,
            rejects = %s, awaited = %s, differences = %s, calls = %s
        WHERE id = %s
        """,
        [start, platform, tables, rejects, awaited, differences, calls, number],
    )


async def record_difference(connection: Connection, number: int, found: RecordedDifference) -> None:
    """Record a range in which a list and the tables differ, with the orders that do."""
    await connection.execute(
        """
        INSERT INTO sync.audit_differences (audit_id, feed, starts_at, ends_at, platform_orders, table_orders, missing,
            missing_ids, older_ids, not_listed_ids)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            number,
            found.feed,
            found.window.start,
            found.window.end,
            found.platform,
            found.tables,
            found.missing,
            list(found.missing_ids),
            list(found.older_ids),
            list(found.not_listed_ids),
        ],
    )


async def supersede(connection: Connection, account: str, number: int, feed: Feed, window: Window) -> list[datetime]:
    """Take over what earlier audits found in a range that this one compared again; return what is acknowledged of it.

    Differences of this audit whose orders were all acknowledged before stay so: the starts of these are returned.
    Those of earlier audits within the range are settled, for this audit's own say what is left of them.
    """
    values = {"account": account, "number": number, "feed": feed, "start": window.start, "end": window.end}
    carried = await fetch_values(connection, _CARRY, values, datetime)
    await connection.execute(_SETTLE, values)
    return carried


async def record_repair(connection: Connection, number: int, feed: Feed, window: Window) -> None:
    """Record that a read of the range resolved its difference."""
    await connection.execute(
        """
        UPDATE sync.audit_differences SET repaired_at = clock_timestamp()
        WHERE audit_id = %s AND feed = %s AND starts_at = %s
        """,
        [number, feed, window.start],
    )


async def fail(connection: Connection, number: int, error: str, calls: int) -> None:
    """Record why an audit stopped."""
    await connection.execute(
        "UPDATE sync.audits SET error = %s, calls = %s WHERE id = %s", [error.replace("\x00", "\\0"), calls, number]
    )


async def record_heartbeat(connection: Connection, number: int) -> None:
    """Record that an audit still runs."""
    await connection.execute("UPDATE sync.audits SET seen_at = clock_timestamp() WHERE id = %s", [number])
