"""Loaders beside each other: they never wait for each other in a circle, and none rejects an order for it (P1, P2).

Loaders are stopped by locks the tests hold, never by time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from random import Random

import pytest

from orders_sync.domain.records import LoadCounts
from orders_sync.store import copy_writer, load, rejects
from orders_sync.store.database import Connection, Pool
from orders_sync.store.flat_orders import FlatOrder
from orders_sync.store.load import Stored
from tests.support.databases import one, rows
from tests.support.loading import SOURCE, at, land, payload


async def until_waiting(connection: Connection, sessions: int) -> None:
    """Return once so many other sessions of this database wait for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
    )
    while await one(connection, query) != sessions:  # noqa: ASYNC110  only the server knows
        await asyncio.sleep(0.005)


@asynccontextmanager
async def held(pool: Pool, query: str, *values: object) -> AsyncIterator[Connection]:
    """Rows locked by another session as long as the body runs."""
    async with pool.connection() as holder, holder.transaction():
        await holder.execute(query.encode(), values)
        yield holder


def loader(pool: Pool, *payloads: bytes, read: float = 0) -> asyncio.Task[LoadCounts]:
    async def run() -> LoadCounts:
        async with pool.connection() as connection:
            return await land(connection, *payloads, read=read)

    return asyncio.create_task(run())


# orders whose newest row of history shows anything else
DISAGREEING = """
    SELECT o.order_id FROM orders AS o LEFT JOIN LATERAL (
        SELECT * FROM order_history AS h WHERE (h.platform, h.order_id) = (o.platform, o.order_id)
        ORDER BY seen_at DESC LIMIT 1
    ) AS h ON true
    WHERE (h.status, h.modified_at, h.total_amount, h.line_count)
        IS DISTINCT FROM (o.status, o.modified_at, o.total_amount, o.line_count)
"""
LOCK_ONE = "SELECT FROM raw_orders WHERE order_id = %s FOR UPDATE"


async def test_a_new_order_is_not_inserted_before_a_known_one_of_a_lower_key_is_locked(
    pool: Pool, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "BATCH", 2)
    await land(connection, payload("a"), payload("b"))
    async with held(pool, LOCK_ONE, "b"):
        # its second batch inserts what the other one, in a single batch, inserts too
        first = loader(pool, payload("a", "x", 1), payload("b", "x", 1), payload("c", "x", 1), read=1)
        await until_waiting(connection, 1)
        second = loader(pool, payload("b", "y", 2), payload("c", "y", 2), read=2)
        await until_waiting(connection, 2)
    assert [*await asyncio.gather(first, second)] == [LoadCounts(changed=2, new=1), LoadCounts(changed=2)]
    assert await rows(connection, "SELECT order_id, status FROM orders ORDER BY 1") == [
        ("a", "x"),
        ("b", "y"),
        ("c", "y"),
    ]


@pytest.mark.parametrize("new", [[], [payload("c")]], ids=["all known", "one is new"])
async def test_keys_are_locked_in_one_order_whatever_language_the_database_sorts_by(
    pool: Pool, connection: Connection, new: list[bytes]
) -> None:
    languages = "SELECT collname FROM pg_collation WHERE collprovider = 'i' AND collname = 'en-x-icu'"
    for (name,) in await rows(connection, languages) or [pytest.skip("the server sorts by no language")]:
        await connection.execute(f'ALTER TABLE raw_orders ALTER COLUMN order_id TYPE text COLLATE "{name}"'.encode())
    await land(connection, payload("B"), payload("a"))  # by code point B comes before a, by language behind it
    async with held(pool, LOCK_ONE, "a"):
        waits = loader(pool, payload("B", "x", 1), payload("a", "x", 1), *new, read=1)
        await until_waiting(connection, 1)
        assert await rows(connection, LOCK_ONE + " SKIP LOCKED", "B") == []
    await waits


async def test_an_order_that_is_deleted_while_a_loader_waits_for_it_lands_as_new(
    pool: Pool, connection: Connection
) -> None:
    await land(connection, payload("a"), payload("b"))
    async with held(pool, LOCK_ONE, "b") as holder:
        waits = loader(pool, payload("a", "x", 1), payload("b", "x", 1), read=1)
        await until_waiting(connection, 1)
        for table in ("orders", "sub_orders", "product_items", "order_receivers", "raw_orders"):
            await holder.execute(f"DELETE FROM {table} WHERE order_id = 'b'".encode())
    assert await waits == LoadCounts(changed=1, new=1)
    assert await rows(connection, "SELECT status, line_count FROM orders") == [("x", 2), ("x", 2)]


async def test_two_loaders_that_settle_what_the_other_rejects_do_not_wait_for_each_other(
    pool: Pool, connection: Connection
) -> None:
    bad = {name: payload(name, broken=True) for name in "xy"}
    await land(connection, payload("x"), payload("y"))
    await land(connection, *bad.values(), read=1)
    async with held(pool, "SELECT FROM sync.rejects WHERE order_id = 'y' FOR UPDATE"):
        first = loader(pool, payload("x", "mended", 2), bad["y"], read=2)
        await until_waiting(connection, 1)
        second = loader(pool, bad["x"], payload("y", "mended", 3), read=3)
        await until_waiting(connection, 2)
    assert [*await asyncio.gather(first, second)] == [LoadCounts(changed=1, rejected=1)] * 2
    assert await rows(connection, "SELECT order_id FROM sync.rejects WHERE resolved_at IS NULL") == [("x",)]


@pytest.mark.parametrize("seed", range(2))
async def test_loaders_and_rebuilds_with_interleaved_keys_end_in_the_newest_without_a_deadlock_P2(
    pool: Pool, connection: Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(load, "BATCH", 7)
    chance = Random(seed)
    names = [f"{chance.choice('aBc-é')}{number:03}" for number in range(40)]
    await land(connection, *(payload(name, "first", None) for name in chance.sample(names, 20)))
    page = [
        Stored("shop", name, body.encode(), digest, b"rows of older code", read_at)
        for name, body, digest, read_at in await rows(
            connection, "SELECT order_id, payload::text, payload_hash, read_at FROM raw_orders ORDER BY order_id"
        )
    ]

    async def rebuild() -> None:
        async with pool.connection() as own, own.transaction():
            await load.rebuild(own, SOURCE, page)

    newest = dict.fromkeys(names, 0)
    loaders: list[Awaitable[object]] = []
    for number in range(1, 6):
        chosen = chance.sample(names, 30)
        newest |= dict.fromkeys(chosen, number)
        bodies = [payload(name, f"of {number}", None, broken=chance.random() < 0.1) for name in chosen]
        loaders.append(loader(pool, *bodies, read=number))
    await asyncio.gather(*loaders, rebuild(), rebuild())
    rejected = {name for (name,) in await rows(connection, "SELECT order_id FROM sync.rejects")}
    landed = dict(await rows(connection, "SELECT order_id, status FROM orders"))
    assert {name: landed[name] for name in newest.keys() - rejected if newest[name]} == {
        name: f"of {number}" for name, number in newest.items() if number and name not in rejected
    }
    assert await rows(connection, DISAGREEING) == []
    assert await one(connection, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0


async def test_the_newest_row_of_the_history_is_what_the_order_is_though_its_transaction_began_first_P2(
    pool: Pool, connection: Connection
) -> None:
    await land(connection, payload("a"), payload("b"))
    async with held(pool, LOCK_ONE, "a"):
        late = loader(pool, payload("a", "z", 9), payload("b", "newest", 9), read=9)
        await until_waiting(connection, 1)  # it has begun, and waits for a
        await land(connection, payload("b", "between", 5), read=5)
    await late
    history = await rows(
        connection, "SELECT status, seen_at, read_at FROM order_history WHERE order_id = 'b' ORDER BY seen_at"
    )
    assert [row[0] for row in history] == ["paid", "between", "newest"]
    assert await one(connection, "SELECT status, synced_at FROM orders WHERE order_id = 'b'") == history[-1][:2]
    assert history[-1][2] == at(9)


@pytest.mark.parametrize("first", ["order", "reject"])
async def test_an_order_that_lands_while_a_newer_version_of_it_is_rejected_says_so_whichever_is_first_P4(
    pool: Pool, connection: Connection, first: str
) -> None:
    await land(connection, payload("z"))
    await land(connection, payload("y", broken=True), read=1)
    lands = [payload("x", "of old", 1), payload("z", "changed", 1)]
    rejected = [payload("x", "newer", 2, broken=True), payload("y", broken=True)]
    row = LOCK_ONE if first == "order" else "SELECT FROM sync.rejects WHERE order_id = %s FOR UPDATE"
    async with held(pool, row, "z" if first == "order" else "y"):
        waits = loader(pool, *lands, read=2) if first == "order" else loader(pool, *rejected, read=5)
        await until_waiting(connection, 1)  # the order is inserted, the reject kept, neither committed
        other = loader(pool, *rejected, read=5) if first == "order" else loader(pool, *lands, read=2)
        if first == "order":
            await other
        else:
            await until_waiting(connection, 2)
    await asyncio.gather(waits, other)
    assert await rows(connection, "SELECT order_id FROM orders WHERE unread_version_since IS NOT NULL") == [("x",)]


async def test_a_reject_that_is_dropped_while_its_order_lands_leaves_no_mark_P4(
    pool: Pool, connection: Connection
) -> None:
    await land(connection, payload("x"), payload("z"))
    await land(connection, payload("x", broken=True), read=5)
    number = await one(connection, "SELECT id FROM sync.rejects")
    async with held(pool, "SELECT FROM sub_orders WHERE sub_order_id = 'z-1' FOR UPDATE"):
        # its orders are written, its lines not yet; and what lands was read before the reject
        waits = loader(pool, payload("x", "changed", 1), payload("z", "changed", 1, line_status="paid"), read=2)
        await until_waiting(connection, 1)
        assert await rejects.drop(connection, [number]) == 1
    await waits
    assert await rows(connection, "SELECT order_id FROM orders WHERE unread_version_since IS NOT NULL") == []


async def test_a_refused_order_among_five_hundred_costs_two_attempts_a_halving_and_its_neighbours_land_P4(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []
    insert = copy_writer.insert

    async def counted(connection: Connection, orders: Sequence[FlatOrder]) -> None:
        attempts.append(len(orders))
        await insert(connection, orders)

    monkeypatch.setattr(copy_writer, "insert", counted)
    bodies = [payload(f"{number:03}") for number in range(500)]
    bodies[311] = payload("311", amount="1e17")
    assert await land(connection, *bodies) == LoadCounts(new=499, rejected=1)
    assert len(attempts) <= 1 + 2 * 9  # both halves of 500, 250, .. 2
    assert sum(attempts) <= 500 * 3
    [reason] = await rows(connection, "SELECT reason, order_id FROM sync.rejects")
    assert reason == ("refused by the database: numeric field overflow", "311")


async def test_what_the_database_says_of_a_refused_order_does_not_repeat_its_rows_P8(connection: Connection) -> None:
    await connection.execute("ALTER TABLE order_receivers ADD CONSTRAINT ours CHECK (name <> 'Zhang San')")
    await land(connection, json.dumps(json.loads(payload("a")) | {"name": "Zhang San"}).encode(), payload("b"))
    assert "Zhang" not in await one(connection, "SELECT reason FROM sync.rejects")
