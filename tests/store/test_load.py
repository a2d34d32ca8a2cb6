"""Landing: new, changed, unchanged, stale, malformed (P2, P3, P4), on a real Postgres."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from orders_sync.domain.directions import Direction
from orders_sync.domain.records import LoadCounts, Record
from orders_sync.domain.rows import OrderRows
from orders_sync.store import database, load, rebuild
from orders_sync.store.database import Connection, Pool
from orders_sync.store.flat_orders import LandingSource, fingerprint
from tests.support.databases import made_database, one, rows
from tests.support.loading import SOURCE, at, land, normalize, payload


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def test_others_go_on_while_a_batch_becomes_rows(connection: Connection) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    seen: list[int] = []

    def watched(record: bytes) -> OrderRows:
        seen.append(turns)
        return normalize(record)

    records = [Record(str(number), payload(str(number)), at(0)) for number in range(load.PIECE * 3)]
    going_on = asyncio.create_task(others())
    async with connection.transaction():
        await load.land(connection, LandingSource("1688", "shop", None, watched, Direction.SALE), records)
    going_on.cancel()
    assert sorted(Counter(seen).values()) == [load.PIECE] * 3


async def test_others_go_on_while_stored_payloads_become_rows_again(connection: Connection) -> None:
    """As heartbeats and renewals of leases do: 500 large orders take a second."""
    records = [Record(f"{number:04}", payload(f"{number:04}"), at(0)) for number in range(load.PIECE * 3)]
    async with connection.transaction():
        await load.land(connection, SOURCE, records)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    seen: list[int] = []

    def watched(record: bytes) -> OrderRows:
        seen.append(turns)
        return normalize(record)

    [page] = [page async for page in rebuild.pages(connection, "1688", None)]
    going_on = asyncio.create_task(others())
    async with connection.transaction():
        await load.rebuild(connection, LandingSource("1688", "shop", None, watched, Direction.SALE), page)
    going_on.cancel()
    assert sorted(Counter(seen).values()) == [load.PIECE] * 3


async def test_others_go_on_though_the_first_of_each_piece_is_unchanged(connection: Connection) -> None:
    records = [Record(f"{number:04}", payload(f"{number:04}"), at(0)) for number in range(load.BATCH)]
    held = records[:: load.PIECE]
    async with connection.transaction():
        await load.land(connection, SOURCE, held)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    seen: list[int] = []

    def watched(record: bytes) -> OrderRows:
        seen.append(turns)
        return normalize(record)

    going_on = asyncio.create_task(others())
    async with connection.transaction():
        await load.land(connection, LandingSource("1688", "shop", None, watched, Direction.SALE), records)
    going_on.cancel()
    assert len(seen) == len(records) - len(held)
    assert max(Counter(seen).values()) <= load.PIECE


async def test_new_orders_land_in_every_table(connection: Connection) -> None:
    assert await land(connection, payload("b", parcels=["p"]), payload("a")) == LoadCounts(new=2)
    counts = {
        table: await one(connection, f"SELECT count(*) FROM {table}")
        for table in (
            "orders",
            "sub_orders",
            "product_items",
            "order_parcels",
            "order_receivers",
            "order_history",
            "raw_orders",
        )
    }
    assert counts == {
        "orders": 2,
        "sub_orders": 4,
        "product_items": 4,
        "order_parcels": 1,
        "order_receivers": 2,
        "order_history": 2,
        "raw_orders": 2,
    }
    assert (
        await one(connection, "SELECT payload::text FROM raw_orders WHERE order_id = 'b'")
        == payload("b", parcels=["p"]).decode()
    )
    assert await one(connection, "SELECT DISTINCT sku_attributes ->> '颜色' FROM product_items") == "红\t\\\n"


async def test_changed_order_says_what_changed(connection: Connection) -> None:
    await land(connection, payload("a"), read=0)
    assert await land(connection, payload("a", "shipped", 5, amount="2.00"), read=10) == LoadCounts(changed=1)
    assert await one(connection, "SELECT status, total_amount FROM orders") == ("shipped", Decimal("2.00"))
    history = await rows(connection, "SELECT changed, status, read_at FROM order_history ORDER BY seen_at")
    assert history == [(None, "paid", at(0)), (["status", "total_amount", "modified_at"], "shipped", at(10))]


async def test_only_lines_that_differ_are_written(connection: Connection) -> None:
    await land(connection, payload("a"))
    before = await rows(connection, "SELECT sub_order_id, xmin::text, synced_at FROM sub_orders ORDER BY 1")
    await land(connection, payload("a", "shipped", 5), read=10)
    assert await rows(connection, "SELECT sub_order_id, xmin::text, synced_at FROM sub_orders ORDER BY 1") == before


async def test_vanished_line_is_marked_removed_and_may_come_back(connection: Connection) -> None:
    await land(connection, payload("a", parcels=["p"]))
    await land(connection, payload("a", modified=1, lines=["a-2", "a-3"]), read=1)
    removed = "SELECT sub_order_id, removed_at IS NOT NULL FROM sub_orders ORDER BY 1"
    assert await rows(connection, removed) == [("a-1", True), ("a-2", False), ("a-3", False)]
    assert await rows(connection, removed.replace("sub_orders", "product_items")) == [
        ("a-1", True),
        ("a-2", False),
        ("a-3", False),
    ]
    assert await one(connection, "SELECT removed_at IS NOT NULL FROM order_parcels") is True
    assert await one(connection, "SELECT changed FROM order_history WHERE changed IS NOT NULL") == [
        "modified_at",
        "sub_orders",
        "product_items",
        "order_parcels",
    ]
    await land(connection, payload("a", modified=2), read=2)
    assert await rows(connection, removed) == [("a-1", False), ("a-2", False), ("a-3", True)]


@pytest.mark.parametrize(
    ("stored", "candidate", "wins"),
    [
        pytest.param((5, 10), (4, 20), False, id="an older modify time never wins, however late it was read"),
        pytest.param((5, 10), (6, 9), True, id="a newer modify time wins, however early it was read"),
        pytest.param((5, 10), (5, 11), True, id="an equal modify time with other content is a change"),
        pytest.param((5, 10), (5, 9), False, id="an equal modify time read earlier is stale"),
        pytest.param((None, 10), (None, 11), True, id="without modify time the later read wins"),
        pytest.param((None, 10), (None, 9), False, id="without modify time the earlier read is stale"),
        pytest.param((5, 10), (None, 11), True, id="a modify time that is gone says nothing"),
    ],
)
async def test_an_older_version_never_replaces_a_newer_one_P2(
    connection: Connection, stored: Any, candidate: Any, wins: bool
) -> None:
    await land(connection, payload("a", "stored", stored[0]), read=stored[1])
    result = await land(connection, payload("a", "candidate", candidate[0], lines=["x"]), read=candidate[1])
    assert result == (LoadCounts(changed=1) if wins else LoadCounts(stale=1))
    assert await one(connection, "SELECT status FROM orders") == ("candidate" if wins else "stored")
    assert await one(connection, "SELECT count(*) FROM sub_orders WHERE sub_order_id = 'x'") == wins
    assert await one(connection, "SELECT count(*) FROM order_history") == 1 + wins


async def _activity(connection: Connection) -> Any:
    await connection.execute("SELECT pg_stat_force_next_flush()")
    counters = await rows(
        connection,
        """
        SELECT relname, n_tup_ins, n_tup_upd, n_tup_del, n_dead_tup FROM pg_stat_all_tables
        WHERE schemaname IN ('public', 'sync') ORDER BY relname
        """,
    )
    return counters, await one(connection, "SELECT pg_current_wal_insert_lsn() - '0/0'")


async def test_unchanged_orders_cost_no_write_no_lock_and_no_wal_P3(server: str, template: str) -> None:
    """In a database without what other tests deleted, which Postgres may clear away meanwhile."""
    payloads = [payload(f"{number:04}") for number in range(2500)]
    with made_database(server, "unchanged", template) as new:
        async with database.connected(new.url, 1) as pool, pool.connection() as connection:
            await land(connection, *payloads)
            await connection.execute("VACUUM ANALYZE")  # hint bits and the like are written now
            await land(connection, *payloads, read=1)
            tables, wal = await _activity(connection)
            assert await land(connection, *payloads, read=100) == LoadCounts(unchanged=2500)
            tables_after, wal_after = await _activity(connection)
            assert tables_after == tables
            assert (
                wal_after - wal < 10_000
            )  # whatever else the server does; one row version an order would be megabytes
            assert await one(connection, "SELECT count(*) FROM raw_orders WHERE xmax <> 0") == 0  # never locked


async def test_other_bytes_with_equal_rows_move_the_payload_alone_P3(connection: Connection) -> None:
    await land(connection, payload("a"))
    before = await rows(connection, "SELECT xmin::text, xmax::text, synced_at FROM orders")
    other = payload("a", field_without_column=1)
    assert await land(connection, other, read=1) == LoadCounts(unchanged=1)
    assert await rows(connection, "SELECT xmin::text, xmax::text, synced_at FROM orders") == before
    assert await one(connection, "SELECT payload::text, payload_hash FROM raw_orders") == (
        other.decode(),
        fingerprint(other),
    )
    assert await one(connection, "SELECT count(*) FROM order_history") == 1


async def test_record_that_cannot_be_normalized_is_kept_whole_and_its_neighbours_land_P4(
    connection: Connection,
) -> None:
    bad = payload("b", broken=True)
    assert await land(connection, payload("a"), bad, payload("c")) == LoadCounts(new=2, rejected=1)
    assert await one(connection, "SELECT account, order_id, payload, reason FROM sync.rejects") == (
        "shop",
        "b",
        bad,
        "broken: is broken",
    )
    await land(connection, bad, read=5)
    assert await one(connection, "SELECT count(*) FROM sync.rejects") == 1
    await land(connection, payload("b"), read=6)
    assert await one(connection, "SELECT resolved_at IS NOT NULL FROM sync.rejects")


OPEN = "SELECT payload FROM sync.rejects WHERE resolved_at IS NULL ORDER BY read_at"


async def test_a_stale_read_leaves_a_newer_reject_open_P4(connection: Connection) -> None:
    bad = payload("a", broken=True)
    await land(connection, payload("a", modified=5), read=5)
    await land(connection, bad, read=20)
    assert await land(connection, payload("a", "older", 4), read=30) == LoadCounts(stale=1)
    assert await one(connection, OPEN) == bad


@pytest.mark.parametrize("modified", [6, None], ids=["by modify time", "by read time"])
async def test_a_version_read_before_a_reject_lands_and_leaves_it_open_P4(
    connection: Connection, modified: float | None
) -> None:
    await land(connection, payload("a", modified=5), read=5)
    await land(connection, payload("a", broken=True), read=20)
    assert await land(connection, payload("a", "shipped", modified), read=10) == LoadCounts(changed=1)
    assert len(await rows(connection, OPEN)) == 1


@pytest.mark.parametrize(
    ("again", "becomes"),
    [
        pytest.param(payload("a"), LoadCounts(unchanged=1), id="the same bytes"),
        pytest.param(payload("a", field_without_column=1), LoadCounts(unchanged=1), id="other bytes, equal rows"),
        pytest.param(payload("a", "shipped"), LoadCounts(changed=1), id="another version"),
    ],
)
async def test_all_rejects_of_an_order_are_resolved_by_a_later_read_of_it_P4(
    connection: Connection, again: bytes, becomes: LoadCounts
) -> None:
    await land(connection, payload("a"), read=0)
    for read in (1, 2):
        await land(connection, payload("a", broken=True, number=read), read=read)
    assert len(await rows(connection, OPEN)) == 2
    assert await land(connection, again, read=3) == becomes
    assert await rows(connection, OPEN) == []
    assert await one(connection, "SELECT read_at FROM raw_orders") == at(3)


async def test_the_same_bytes_read_before_a_reject_leave_it_open_P4(connection: Connection) -> None:
    await land(connection, payload("a"), read=0)
    await land(connection, payload("a", broken=True), read=20)
    assert await land(connection, payload("a"), read=10) == LoadCounts(unchanged=1)
    assert len(await rows(connection, OPEN)) == 1


async def test_a_reject_that_arrives_after_a_later_read_is_kept_as_resolved_P4(connection: Connection) -> None:
    bad = payload("a", broken=True)
    await land(connection, payload("a"), read=10)
    assert await land(connection, bad, read=5) == LoadCounts(rejected=1)
    assert await rows(connection, OPEN) == []
    assert await one(connection, "SELECT payload FROM sync.rejects") == bad


async def test_a_resolved_reject_opens_again_only_by_a_later_read_P4(connection: Connection) -> None:
    bad = payload("a", broken=True)
    await land(connection, bad, read=1)
    await land(connection, payload("a"), read=10)
    await land(connection, bad, read=5)
    assert await rows(connection, OPEN) == []
    await land(connection, bad, read=20)
    await land(connection, bad, read=15)
    assert await rows(connection, "SELECT read_at, resolved_at FROM sync.rejects") == [(at(20), None)]


async def test_what_a_later_read_confirmed_is_not_replaced_by_what_was_rejected_before_P2(
    connection: Connection,
) -> None:
    await land(connection, payload("a", modified=None), read=0)
    await land(connection, payload("a", "between", None, broken=True), read=5)
    await land(connection, payload("a", modified=None), read=10)
    mended = payload("a", "between", None)  # as today's code would read the reject
    assert await land(connection, mended, read=5) == LoadCounts(stale=1)


async def test_a_record_that_two_codes_read_as_different_orders_is_a_reject_P4(connection: Connection) -> None:
    async with connection.transaction():
        landed = await load.land(connection, SOURCE, [Record("b", payload("a"), at(0))])
    assert landed == LoadCounts(rejected=1)
    assert "read as order a, known as order b" in await one(connection, "SELECT reason FROM sync.rejects")


async def test_an_open_reject_of_another_order_costs_its_neighbours_no_write_P3(connection: Connection) -> None:
    payloads = [payload(f"{number:04}") for number in range(20)]
    await land(connection, *payloads)
    await land(connection, payload("0007", broken=True), read=5)
    before = await rows(connection, "SELECT ctid, xmin::text, xmax::text FROM raw_orders WHERE order_id <> '0007'")
    assert await land(connection, *payloads, read=10) == LoadCounts(unchanged=20)
    assert (
        await rows(connection, "SELECT ctid, xmin::text, xmax::text FROM raw_orders WHERE order_id <> '0007'") == before
    )
    assert await rows(connection, OPEN) == []


async def test_record_without_id_is_kept_P4(connection: Connection) -> None:
    async with connection.transaction():
        landed = await load.land(
            connection, SOURCE, [Record(None, b"\xff\x00{", at(0), "no id"), Record("a", payload("a"), at(0))]
        )
    assert landed == LoadCounts(new=1, rejected=1)
    assert await one(connection, "SELECT order_id, payload, reason FROM sync.rejects") == (None, b"\xff\x00{", "no id")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(
            payload("m", no="".join(str(Random(1).sample(range(10**6), 2000)))), id="a number too long for its index"
        ),
        pytest.param(payload("m", amount="1e17"), id="an amount no column holds"),
        pytest.param(payload("m", lines=["same", "same"]), id="two lines with one id"),
        pytest.param(payload("m", no="\x00"), id="a NUL that slipped through"),
        pytest.param(payload("m")[:-1] + b', "x": 01}', id="JSON that only a lenient decoder takes"),
    ],
)
@pytest.mark.parametrize("known", [False, True])
async def test_what_the_database_refuses_becomes_a_reject_and_its_neighbours_land_P4(
    connection: Connection, bad: bytes, known: bool
) -> None:
    neighbours = [payload(f"{letter}{number}") for letter in "az" for number in range(5)]
    if known:
        await land(connection, payload("m"), *neighbours)
        neighbours = [payload(f"{letter}{number}", "shipped", 9) for letter in "az" for number in range(5)]
    lenient = LandingSource(
        "1688", "shop", None, lambda record: normalize(record.replace(b'"x": 01', b'"x": 1')), Direction.SALE
    )
    records = [Record(each.split(b'"')[3].decode(), each, at(1)) for each in [*neighbours, bad]]
    async with connection.transaction():
        landed = await load.land(connection, lenient, records)
    assert landed == (LoadCounts(changed=10, rejected=1) if known else LoadCounts(new=10, rejected=1))
    assert await one(connection, "SELECT order_id, payload FROM sync.rejects") == ("m", bad)


async def test_two_loaders_of_the_same_new_orders_do_not_hinder_each_other_P3(pool: Pool) -> None:
    payloads = [payload(f"{number:05}") for number in range(600)]

    async def loader() -> LoadCounts:
        async with pool.connection() as connection:
            return await land(connection, *payloads)

    results = await asyncio.gather(loader(), loader(), loader())
    assert sum(result.new for result in results) == 600
    assert sum(result.unchanged for result in results) == 1200
    async with pool.connection() as connection:
        assert await one(connection, "SELECT count(*) FROM orders") == 600
        assert await one(connection, "SELECT count(*) FROM order_history") == 600


async def test_two_loaders_changing_the_same_orders_end_in_the_newest_P2(pool: Pool) -> None:
    names = [f"{number:05}" for number in range(600)]

    async def loader(status: str, read: float) -> LoadCounts:
        async with pool.connection() as connection:
            return await land(connection, *(payload(name, status, None) for name in names), read=read)

    await loader("first", 0)
    await asyncio.gather(loader("older", 10), loader("newest", 20), loader("oldest", 5))
    async with pool.connection() as connection:
        assert await rows(connection, "SELECT status, count(*) FROM orders GROUP BY 1") == [("newest", 600)]


async def test_every_row_of_an_order_says_whether_it_is_a_sale_or_a_purchase(connection: Connection) -> None:
    await land(connection, payload("a", parcels=["p"]))
    await land(connection, payload("a", "shipped", 1, parcels=["p", "q"], lines=["a-1", "a-3"]), payload("b"))
    for table in ("orders", "sub_orders", "product_items", "order_parcels", "order_receivers", "order_history"):
        assert {each[0] for each in await rows(connection, f"SELECT direction FROM {table}")} == {"sale"}, table
    assert await rows(connection, "SELECT DISTINCT direction FROM raw_orders") == [("sale",)]
