"""Write flat orders into the tables, by COPY and the statements of `statements`; `load` chooses which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import cast

from orders_sync.store import copy_format, statements
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import FlatOrder


async def insert(connection: Connection, orders: Sequence[FlatOrder]) -> None:
    """Insert orders that no table holds yet, in ascending order of order_id.

    Raises `psycopg.errors.UniqueViolation` where one has been inserted meanwhile.
    """
    await _copy_raw(connection, orders, "copy")
    await _insert_rows(connection, orders)


async def insert_or_lock(connection: Connection, orders: Sequence[FlatOrder]) -> set[str]:
    """Insert new orders and lock the rows of the others, in ascending order of order_id; return the ids inserted.

    New payloads go through a temporary table: a plain COPY is faster where all are new.
    """
    await _clear_stages(connection)
    await _copy_raw(connection, orders, "stage")
    cursor = await connection.execute(statements.INSERT_OR_LOCK)
    inserted = {str(row[0]) for row in await cursor.fetchall()}
    await _insert_rows(connection, [order for order in orders if order.order_id in inserted])
    return inserted


async def _insert_rows(connection: Connection, orders: Sequence[FlatOrder]) -> None:
    await _copy_rows(connection, orders, "copy")
    await _copy(connection, "order_history", "copy", [_first_sight(order) for order in orders])


async def _clear_stages(connection: Connection) -> None:
    await connection.execute(statements.CREATE_STAGES)
    await connection.execute(statements.CLEAR_STAGES)


async def update(
    connection: Connection,
    same_rows: Sequence[FlatOrder],
    changed: Sequence[FlatOrder],
    rebuilt: Sequence[FlatOrder],
    went_back: Sequence[str] = (),
) -> set[str]:
    """Update orders whose rows of `raw_orders` are locked; return the ids of those marked as unconverted.

    `same_rows` have other bytes only, `rebuilt` other rows only, `changed` both; `went_back`: the ids among them whose
    modify time went back, which is believed. Rows of lines that vanished are marked removed, and the history says what
    differs.
    """
    run = connection.execute
    other_bytes, other_rows = [*same_rows, *changed], [*changed, *rebuilt]
    if other_bytes or other_rows:
        await _clear_stages(connection)
    if other_bytes:
        await _copy_raw(connection, other_bytes, "stage")
        await run(statements.UPDATE_RAW)
    if went_back:
        await run(statements.WENT_BACK, [other_bytes[0].platform if other_bytes else rebuilt[0].platform, went_back])
    if rebuilt:
        async with connection.cursor() as cursor:
            await cursor.executemany(
                statements.REBUILD_RAW,
                [(order.rows_hash, order.version.modified_at, order.platform, order.order_id) for order in rebuilt],
            )
    if other_rows:
        changes, unconverted = await _update_rows(connection, other_rows, went_back)
        await _add_history(connection, other_rows, changes)
        return unconverted
    return set()


async def _update_rows(
    connection: Connection, orders: Sequence[FlatOrder], went_back: Sequence[str]
) -> tuple[dict[str, list[str] | None], set[str]]:
    """Return what changed, columns of orders and names of other tables, by order id; and the ids marked as unconverted.

    None for an order whose row was not there: somebody deleted it.
    """
    run = connection.execute
    keeping = await _stage_rows(connection, orders, went_back)
    changes: defaultdict[str, list[str]] = defaultdict(list)
    unconverted: set[str] = set()
    changed = cast("list[tuple[str, bool, list[str]]]", await (await run(statements.UPDATE_ORDERS)).fetchall())
    for order_id, is_unconverted, columns in changed:
        changes[order_id] += columns
        if is_unconverted:
            unconverted.add(order_id)
    for table, upsert, mark in zip(
        statements.CHILDREN, statements.UPSERT_CHILDREN, statements.MARK_VANISHED, strict=True
    ):
        values = [keeping] if "sub_order_id" in table.key else []
        touched = [*await (await run(upsert)).fetchall(), *await (await run(mark, values)).fetchall()]
        for order_id in {str(row[0]) for row in touched}:
            changes[order_id].append(table.name)
    deleted = {order.order_id for order in orders} - {order_id for order_id, _, _ in changed}
    if deleted:
        await run(statements.INSERT_DELETED, [list(deleted)])
    return {**changes, **dict.fromkeys(deleted)}, unconverted


async def stage(connection: Connection, orders: Sequence[FlatOrder], went_back: Sequence[str]) -> list[str]:
    """Fill the temporary tables with the rows of orders as they are to stand; return those that keep their lines.

    These are orders of which not all lines could be converted. `went_back`: ids of orders whose modify time went back,
    which is believed.
    """
    await _clear_stages(connection)
    return await _stage_rows(connection, orders, went_back)


async def _stage_rows(connection: Connection, orders: Sequence[FlatOrder], went_back: Sequence[str]) -> list[str]:
    await _copy_rows(connection, orders, "stage")
    if went_back:
        await connection.execute(statements.NOTE_WENT_BACK, [list(went_back)])
    keeping = [order.order_id for order in orders if not order.has_all_lines]
    if keeping:
        await connection.execute(statements.KEEP_LINES, {"platform": orders[0].platform, "order_ids": keeping})
    return keeping


async def _add_history(
    connection: Connection, orders: Sequence[FlatOrder], changes: dict[str, list[str] | None]
) -> None:
    await connection.execute(
        statements.ADD_HISTORY,
        {
            "platform": orders[0].platform,
            "order_ids": [order.order_id for order in orders],
            "read_at": [order.read_at for order in orders],
            "window_ids": [order.window_id for order in orders],
            "changed": [_as_array(changes.get(order.order_id, [])) for order in orders],
        },
    )


def _as_array(names: list[str] | None) -> str | None:
    return None if names is None else copy_format.array(names)


async def _copy_rows(connection: Connection, orders: Sequence[FlatOrder], into: str) -> None:
    await _copy(connection, "orders", into, [order.order for order in orders])
    for number, table in enumerate(statements.CHILDREN):
        await _copy(connection, table.name, into, [order.children[number] for order in orders])


async def _copy_raw(connection: Connection, orders: Sequence[FlatOrder], into: str) -> None:
    await _send(connection, "raw_orders", into, b"".join(map(_raw, orders)))


async def _copy(connection: Connection, table: str, into: str, rows: list[str]) -> None:
    await _send(connection, table, into, "".join(rows).encode())


async def _send(connection: Connection, table: str, into: str, data: bytes) -> None:
    if not data:
        return
    statement = getattr(statements.OF[table], into)
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(data)


def _raw(order: FlatOrder) -> bytes:
    modified_at, read_at = order.version.modified_at, order.version.read_at
    head = (
        order.platform,
        order.account,
        order.order_id,
        "\\x" + order.payload_hash.hex(),
        "\\x" + order.rows_hash.hex(),
        "" if modified_at is None else modified_at.isoformat(),
        read_at.isoformat(),
        "" if order.window_id is None else str(order.window_id),
        order.direction,
    )
    return copy_format.line_with_payload(head, order.payload)


def _first_sight(order: FlatOrder) -> str:
    window = "" if order.window_id is None else str(order.window_id)
    return copy_format.line(
        (order.platform, order.order_id, order.read_at.isoformat(), window, "", *order.history_values, order.direction)
    )
