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

    `[first, past)` is the newest stretch that was read without a gap, None before anything was.
    """

    now: datetime
    first: datetime | None
    past: datetime | None


async def synced(connection: Connection, account: str) -> Synced | None:
    """Return the progress of an account; None if it was never synced."""
    return await fetch_row(
        connection,
        f"SELECT clock_timestamp() AS now, p.first, p.past FROM ({PROGRESS}) AS p WHERE p.name = %s",
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


async def held(connection: Connection, account: str, feed: Feed, window: Window) -> dict[str, datetime]:
    """Return the orders of an account that were created, or last changed, in a window: that time, by id."""
    column = _LISTED_AT[feed]
    query = f"SELECT order_id, {column} FROM orders WHERE account = %s AND {column} >= %s AND {column} < %s"
    return await fetch_dict(connection, query, [account, window.start, window.end], dict[str, datetime])


async def stored(connection: Connection, platform: str, ids: list[str]) -> dict[str, datetime | None]:
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
    query = "INSERT INTO sync.audits (account, starts_at, ends_at, is_routine) VALUES (%s, %s, %s, %s) RETURNING id"
    return await fetch_value(connection, query, [account, window.start, window.end, is_routine], int)


async def finish(
    connection: Connection, number: int, start: datetime, platform: int, tables: int, differences: int, calls: int
) -> None:
    """Record the totals of an audit.

    `start`: the beginning of its range, moved to that of the platform's reach if that is later.
    """
    await connection.execute(
        """
        UPDATE sync.audits SET finished_at = clock_timestamp(), starts_at = %s, platform_orders = %s, table_orders = %s,
            differences = %s, calls = %s
        WHERE id = %s
        """,
        [start, platform, tables, differences, calls, number],
    )


async def note_difference(
    connection: Connection, number: int, feed: Feed, window: Window, platform: int, tables: int
) -> None:
    """Record a range in which the list by `feed` and the tables differ."""
    await connection.execute(
        """
        INSERT INTO sync.audit_differences (audit_id, feed, starts_at, ends_at, platform_orders, table_orders)
        VALUES (%s, %s, %s, %s, %s, %s)
        """,
        [number, feed, window.start, window.end, platform, tables],
    )


async def note_repair(connection: Connection, number: int, feed: Feed, window: Window) -> None:
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
