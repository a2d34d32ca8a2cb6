"""What an audit asks of the tables, and what it leaves in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from orders_sync.domain.windows import Window
from orders_sync.store.database import Connection
from orders_sync.store.progress import PROGRESS


@dataclass(frozen=True, slots=True)
class Synced:
    """How far an account is in the tables, by the database's clock: `[first, past)` is the newest stretch that was read
    without a gap, None before anything was."""

    now: datetime
    first: datetime | None
    past: datetime | None


async def synced(connection: Connection, account: str) -> Synced | None:
    """None for an account that was never synced."""
    async with connection.cursor(row_factory=class_row(Synced)) as cursor:
        await cursor.execute(
            f"SELECT clock_timestamp() AS now, p.first, p.past FROM ({PROGRESS}) AS p WHERE p.name = %s".encode(),  # noqa: S608
            [account],
        )
        return await cursor.fetchone()


async def held(connection: Connection, account: str, window: Window) -> dict[str, datetime]:
    """An account's orders created in a window: when each was, by id."""
    cursor = await connection.execute(
        "SELECT order_id, created_at FROM orders WHERE account = %s AND created_at >= %s AND created_at < %s",
        [account, window.start, window.end],
    )
    return dict(await cursor.fetchall())  # type: ignore[arg-type]


async def known(connection: Connection, platform: str, ids: list[str]) -> set[str]:
    """Which of these orders are in the tables, whatever their account and creation time."""
    cursor = await connection.execute(
        "SELECT order_id FROM orders WHERE platform = %s AND order_id = ANY(%s)", [platform, ids]
    )
    return {str(row[0]) for row in await cursor.fetchall()}


async def rejected(connection: Connection, platform: str, ids: list[str]) -> set[str]:
    """Which of these orders are open rejects."""
    cursor = await connection.execute(
        "SELECT order_id FROM sync.rejects WHERE platform = %s AND order_id = ANY(%s) AND resolved_at IS NULL",
        [platform, ids],
    )
    return {str(row[0]) for row in await cursor.fetchall()}


async def rejected_payloads(connection: Connection, account: str, hashes: list[bytes]) -> set[bytes]:
    """Which of these payloads are open rejects: for records that name no id."""
    cursor = await connection.execute(
        "SELECT payload_hash FROM sync.rejects WHERE account = %s AND payload_hash = ANY(%s) AND resolved_at IS NULL",
        [account, hashes],
    )
    return {bytes(row[0]) for row in await cursor.fetchall()}  # type: ignore[call-overload]


async def begin(connection: Connection, account: str, window: Window, *, is_routine: bool) -> int:
    """Note that an audit runs; its number. Cut off, it stays without `finished_at`."""
    cursor = await connection.execute(
        "INSERT INTO sync.audits (account, starts_at, ends_at, is_routine) VALUES (%s, %s, %s, %s) RETURNING id",
        [account, window.start, window.end, is_routine],
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(str(row[0]))


async def finish(
    connection: Connection, number: int, start: datetime, platform: int, tables: int, differences: int, calls: int
) -> None:
    """Note what an audit found in all. `start`: where the platform's reach begins, if that is later than asked for."""
    await connection.execute(
        """
        UPDATE sync.audits SET finished_at = clock_timestamp(), starts_at = %s, platform_orders = %s, table_orders = %s,
            differences = %s, calls = %s
        WHERE id = %s
        """,
        [start, platform, tables, differences, calls, number],
    )


async def note_difference(connection: Connection, number: int, window: Window, platform: int, tables: int) -> None:
    await connection.execute(
        """
        INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders)
        VALUES (%s, %s, %s, %s, %s)
        """,
        [number, window.start, window.end, platform, tables],
    )


async def note_repair(connection: Connection, number: int, window: Window) -> None:
    """A read of the range ended its difference."""
    await connection.execute(
        "UPDATE sync.audit_differences SET repaired_at = clock_timestamp() WHERE audit_id = %s AND starts_at = %s",
        [number, window.start],
    )


async def fail(connection: Connection, number: int, error: str, calls: int) -> None:
    """Note why an audit stopped."""
    await connection.execute(
        "UPDATE sync.audits SET error = %s, calls = %s WHERE id = %s", [error.replace("\x00", "\\0"), calls, number]
    )
