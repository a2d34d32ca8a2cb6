"""Rows that were deleted or changed by hand are written again where reads or `renormalize` check rows (P1)."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import msgspec
import pytest

from orders_sync.domain.records import LoadCounts, Record
from orders_sync.domain.rows import OrderRows
from orders_sync.store import load, rebuild
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import LandingSource
from orders_sync.store.tables import BUSINESS
from tests.support.databases import one, rows
from tests.support.loading import SOURCE, at, land, normalize, payload

CHECKING = msgspec.structs.replace(SOURCE, checks_rows=True)
ORDERS = [payload(str(number), parcels=[f"{number}-p"], name=f"name {number}") for number in range(10, 18)]
CHILDREN = ("sub_orders", "product_items", "order_parcels", "order_receivers")
WITH_PAYLOAD = [
    "DELETE FROM orders WHERE order_id IN ('12', '13', '17')",
    *(f"DELETE FROM {table} WHERE order_id = '12'" for table in CHILDREN),
    "DELETE FROM sub_orders WHERE sub_order_id = '12-2'",
    "DELETE FROM orders WHERE order_id = '12'; DELETE FROM sub_orders WHERE order_id = '12'",
    "DELETE FROM orders; DELETE FROM sub_orders; DELETE FROM product_items; DELETE FROM order_parcels",
    "UPDATE orders SET total_amount = 999 WHERE order_id = '12'",
    "UPDATE orders SET modified_at = NULL, notes = '{mine}' WHERE order_id = '12'",
    "UPDATE orders SET account = 'another' WHERE order_id = '12'",
    "UPDATE orders SET direction = 'purchase' WHERE order_id = '12'",
    "UPDATE sub_orders SET status = 'mine' WHERE sub_order_id = '12-1'",
    "UPDATE sub_orders SET removed_at = now() WHERE sub_order_id = '12-1'",
    "UPDATE product_items SET sku_attributes = '{}' WHERE order_id = '12'",
    "UPDATE order_receivers SET name = NULL WHERE order_id = '12'",
    "UPDATE order_parcels SET removed_at = now()",
]
WITHOUT_PAYLOAD = [
    "DELETE FROM raw_orders WHERE order_id IN ('12', '13')",
    "DELETE FROM raw_orders WHERE order_id = '12'; DELETE FROM orders WHERE order_id = '12'",
    "DELETE FROM raw_orders WHERE order_id = '12'; DELETE FROM sub_orders WHERE order_id = '12'",
    "DELETE FROM raw_orders; UPDATE sub_orders SET status = 'mine'",
    "DELETE FROM raw_orders; DELETE FROM orders; DELETE FROM sub_orders; DELETE FROM product_items",
]
OURS = ("synced_at", "changed_xid", "window_id")


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def state(connection: Connection) -> dict[str, list[Any]]:
    """Every row of an order without the times and numbers of its landing."""
    return {
        table.name: await rows(
            connection, f"SELECT to_jsonb(t) - %s::text[] FROM {table.name} AS t ORDER BY 1", list(OURS)
        )
        for table in BUSINESS
        if table.name in {"orders", "raw_orders", *CHILDREN}
    }


async def read(
    connection: Connection, *payloads: bytes, seconds: float = 60, source: LandingSource = CHECKING
) -> LoadCounts:
    records = [Record(json.loads(each)["id"], each, at(seconds)) for each in payloads]
    async with connection.transaction():
        return await load.land(connection, source, records)


async def rebuilt(connection: Connection, source: LandingSource = SOURCE) -> LoadCounts:
    counts = LoadCounts()
    async for page in rebuild.pages(connection, source.platform, None):
        async with connection.transaction():
            counts += await load.rebuild(connection, source, page)
    return counts


async def row_versions(connection: Connection) -> list[Any]:
    return [
        await one(connection, f"SELECT string_agg(concat(ctid, xmin, xmax), ' ' ORDER BY ctid) FROM {table.name}")
        for table in BUSINESS
    ]


# The cases of these tests follow each other in one database: after each of them its rows are as before.


async def test_rows_are_made_again_from_the_payload_that_is_there(connection: Connection) -> None:
    await land(connection, *ORDERS)
    before = await state(connection)
    for damage in WITH_PAYLOAD:
        await connection.execute(damage.encode())
        assert await state(connection) != before, damage
        counts = await rebuilt(connection)
        assert (counts.changed > 0, counts.changed + counts.unchanged) == (True, len(ORDERS)), damage
        assert await state(connection) == before, damage
        assert (await rebuilt(connection)).changed == 0, damage


async def test_a_read_that_checks_rows_makes_an_order_whole(connection: Connection) -> None:
    await land(connection, *ORDERS)
    before = await state(connection)
    for damage in (*WITH_PAYLOAD, *WITHOUT_PAYLOAD):
        await connection.execute(damage.encode())
        assert await state(connection) != before, damage
        counts = await read(connection, *ORDERS, seconds=0)
        assert (counts.changed > 0, counts.rejected) == (True, 0), damage
        assert await state(connection) == before, damage
        assert (await read(connection, *ORDERS)).unchanged == len(ORDERS), damage


async def test_any_read_makes_an_order_whole_whose_payload_was_deleted(connection: Connection) -> None:
    await land(connection, *ORDERS)
    before = await state(connection)
    for damage in WITHOUT_PAYLOAD:
        await connection.execute(damage.encode())
        assert await state(connection) != before, damage
        assert (await read(connection, *ORDERS, seconds=0, source=SOURCE)).rejected == 0, damage
        assert await state(connection) == before, damage
        assert await rows(connection, "SELECT FROM sync.rejects") == [], damage


async def test_a_line_added_by_hand_is_marked_removed(connection: Connection) -> None:
    await land(connection, *ORDERS)
    await connection.execute(
        "INSERT INTO sub_orders (platform, order_id, sub_order_id, line_no, currency)"
        " SELECT platform, order_id, 'mine', 9, currency FROM orders LIMIT 1"
    )
    assert (await rebuilt(connection)).changed == 1
    assert await one(connection, "SELECT removed_at IS NOT NULL FROM sub_orders WHERE sub_order_id = 'mine'") is True


@pytest.mark.parametrize("source", [SOURCE, CHECKING])
async def test_unchanged_orders_are_neither_written_nor_locked_though_rows_are_checked_P3(
    connection: Connection, source: LandingSource
) -> None:
    await land(connection, *ORDERS)
    before = await row_versions(connection)
    assert (await read(connection, *ORDERS, source=source)).unchanged == len(ORDERS)
    assert (await rebuilt(connection)).unchanged == len(ORDERS)
    assert await row_versions(connection) == before


async def test_a_read_that_checks_no_rows_decodes_no_unchanged_order_P3(connection: Connection) -> None:
    await land(connection, *ORDERS)

    def forbidden(record: bytes) -> OrderRows:
        raise AssertionError(record)

    undecoded = msgspec.structs.replace(SOURCE, normalize=forbidden)
    assert (await read(connection, *ORDERS, source=undecoded)).unchanged == len(ORDERS)


async def test_a_change_of_an_order_whose_row_was_deleted_brings_the_row_back(connection: Connection) -> None:
    await land(connection, *ORDERS)
    await connection.execute("DELETE FROM orders WHERE order_id = '12'")
    changed = payload("12", "shipped", modified=30)
    assert (await read(connection, changed, source=SOURCE)).changed == 1
    assert await one(connection, "SELECT account, status FROM orders WHERE order_id = '12'") == ("shop", "shipped")


async def test_the_change_feed_shows_a_restored_order_as_new(connection: Connection) -> None:
    await land(connection, *ORDERS)
    await connection.execute("SELECT sync.settle_change_feed()")  # the test's database is a copy
    [*_, (cursor,)] = await rows(connection, "SELECT cursor FROM bi.changes_since(NULL)")
    await connection.execute("DELETE FROM orders WHERE order_id = '12'")
    feed = "SELECT order_id, kind, cursor FROM bi.changes_since(%s)"
    [(order_id, kind, cursor)] = await rows(connection, feed, cursor)
    assert (order_id, kind) == ("12", "deleted")
    await rebuilt(connection)
    assert [row[:2] for row in await rows(connection, feed, cursor)] == [("12", "new")]


async def test_the_history_says_what_was_changed_back(connection: Connection) -> None:
    await land(connection, *ORDERS)
    await connection.execute("UPDATE orders SET total_amount = 999 WHERE order_id = '12'")
    await connection.execute("DELETE FROM order_parcels WHERE order_id = '12'")
    await rebuilt(connection)
    assert await rows(connection, "SELECT changed FROM order_history WHERE changed IS NOT NULL") == [
        (["total_amount", "order_parcels"],)
    ]


async def test_an_order_without_payload_keeps_its_account_and_its_newer_version_P2(connection: Connection) -> None:
    newer, older = payload("12", "shipped", modified=90), payload("12", "paid", modified=0)
    await land(connection, newer)
    await connection.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, history_from)"
        " SELECT name, '1688', name, 'updated', now() FROM unnest(ARRAY['shop', 'neighbour']) AS name"
    )
    await connection.execute("DELETE FROM raw_orders")
    assert (await read(connection, older, source=msgspec.structs.replace(SOURCE, account="neighbour"))).rejected == 0
    assert await one(connection, "SELECT account, status FROM orders") == ("shop", "shipped")
    assert (await read(connection, newer)).changed == 1
    assert await one(connection, "SELECT r.account, payload IS NULL, status FROM raw_orders r, orders") == (
        "shop",
        False,
        "shipped",
    )


async def test_lines_that_were_kept_stay_kept_and_are_no_damage(connection: Connection) -> None:
    def partly(record: bytes) -> OrderRows:
        made = normalize(record)
        made.has_all_lines = False
        return made

    await land(connection, payload("12", lines=["a", "b", "c"]))
    lenient = msgspec.structs.replace(CHECKING, normalize=partly)
    listed = payload("12", lines=["a"], modified=30)
    await read(connection, listed, source=lenient)
    before = await row_versions(connection)
    assert (await read(connection, listed, source=lenient)).unchanged == 1
    assert (await rebuilt(connection, lenient)).unchanged == 1
    assert await row_versions(connection) == before


async def test_a_payload_that_this_version_cannot_read_keeps_its_rows_and_is_no_reject(connection: Connection) -> None:
    odd = payload("12", broken="by this version only")
    lenient = msgspec.structs.replace(SOURCE, normalize=lambda record: normalize(payload(json.loads(record)["id"])))
    await read(connection, odd, source=lenient)
    counts = await read(connection, odd)
    assert (counts.unchanged, counts.rejected) == (1, 0)


async def test_a_payload_changed_by_hand_makes_no_rows_and_the_next_read_replaces_it(connection: Connection) -> None:
    await land(connection, *ORDERS)
    before = await state(connection)
    await connection.execute(
        "UPDATE raw_orders SET payload = replace(payload::text, '1.00', '9.00')::json, synced_at = now()"
        " WHERE order_id IN ('12', '13')"
    )
    await connection.execute("UPDATE raw_orders SET payload = '{}' WHERE order_id = '14'")
    counts = await rebuilt(connection)
    assert (counts.changed, counts.stale, counts.rejected) == (0, 1, 0)
    assert await one(connection, "SELECT count(*) FROM raw_orders WHERE payload_hash = ''") == 1
    assert (await read(connection, *ORDERS, source=SOURCE)).unchanged == len(ORDERS)
    assert [each for each in (await state(connection))["raw_orders"] if each not in before["raw_orders"]] != []
    assert await rows(connection, "SELECT FROM raw_orders WHERE payload::text = '{}'") == []
    assert {table: each for table, each in (await state(connection)).items() if table != "raw_orders"} == {
        table: each for table, each in before.items() if table != "raw_orders"
    }


async def test_payloads_hashed_by_an_early_version_are_no_damage(connection: Connection) -> None:
    await land(connection, *ORDERS)
    for each in ORDERS:
        hashed = blake2b(each, digest_size=16).digest()
        await connection.execute(
            "UPDATE raw_orders SET payload_hash = %s WHERE order_id = %s", [hashed, json.loads(each)["id"]]
        )
    assert (await rebuilt(connection)).unchanged == len(ORDERS)


async def test_rows_of_an_order_whose_payload_was_removed_by_retention_come_back_by_a_read_that_checks_them(
    connection: Connection,
) -> None:
    await land(connection, *ORDERS)
    await connection.execute("UPDATE raw_orders SET payload = NULL")
    before = await state(connection)
    await connection.execute("DELETE FROM orders WHERE order_id = '12'")
    await connection.execute("UPDATE sub_orders SET status = 'mine' WHERE order_id = '13'")
    assert (await rebuilt(connection)) == LoadCounts()
    assert (await read(connection, *ORDERS)).changed == 2
    assert await state(connection) == before


async def test_a_row_that_comes_back_keeps_the_moment_of_its_first_refund(connection: Connection) -> None:
    def refunding(record: bytes) -> OrderRows:
        made = normalize(record)
        made.order.refund_status = json.loads(record).get("refund")
        return made

    source = msgspec.structs.replace(SOURCE, normalize=refunding)
    for seconds, refund in ((0, None), (30, "refundsuccess"), (60, "refundsuccess")):
        each = payload("12", "paid", modified=seconds, refund=refund, name=f"of {seconds}")
        await read(connection, each, seconds=seconds, source=source)
    moment = "SELECT refunded_at FROM orders"
    assert await one(connection, moment) == at(30)
    await connection.execute("DELETE FROM orders")
    assert (await rebuilt(connection, source)).changed == 1
    assert await one(connection, moment) == at(30)
