"""Modify times that go back (P1, P2), versions that cannot be read (P4), and lists of lines that say nothing."""

from __future__ import annotations

from typing import Any

import pytest

from orders_sync.domain.directions import Direction
from orders_sync.domain.records import Head, LoadCounts, Record
from orders_sync.domain.versions import BELIEVED_AFTER
from orders_sync.engine.replay import Replayed, replay
from orders_sync.platforms import PLATFORMS
from orders_sync.store import load, rejects
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import LandingSource
from orders_sync.store.load import Stored
from tests.support.databases import one, rows
from tests.support.loading import SOURCE, at, land, normalize, payload

HOUR = BELIEVED_AFTER.total_seconds()
REMEMBERED = "SELECT order_id, modified_at, read_at FROM sync.older_versions"
BACK = payload("a", "back", -100)


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def status(connection: Connection) -> Any:
    return await one(connection, "SELECT status FROM orders WHERE order_id = 'a'")


async def test_a_modify_time_that_went_back_is_believed_when_it_is_read_again_an_hour_later(
    connection: Connection,
) -> None:
    await land(connection, payload("a"), payload("b"), read=10)
    assert await land(connection, BACK, read=20) == LoadCounts(stale=1)
    assert await rows(connection, REMEMBERED) == [("a", at(-100), at(20))]
    assert await land(connection, BACK, read=19 + HOUR) == LoadCounts(stale=1)
    assert await land(connection, BACK, read=20 + HOUR) == LoadCounts(changed=1)
    assert await rows(connection, REMEMBERED) == []
    assert await one(connection, "SELECT status, modified_at FROM orders WHERE order_id = 'a'") == ("back", at(-100))
    [note] = await one(connection, "SELECT notes FROM orders WHERE order_id = 'a'")
    assert "went back" in note
    history = "SELECT status, changed FROM order_history WHERE order_id = 'a' ORDER BY seen_at DESC LIMIT 1"
    assert await one(connection, history) == ("back", ["status", "modified_at", "notes"])
    before = await rows(connection, "SELECT ctid::text, xmin::text, xmax::text FROM raw_orders")
    assert await land(connection, BACK, payload("b"), read=30 + HOUR) == LoadCounts(unchanged=2)
    assert await rows(connection, "SELECT ctid::text, xmin::text, xmax::text FROM raw_orders") == before


async def test_slow_readers_who_bring_the_same_old_page_are_never_believed_P2(connection: Connection) -> None:
    await land(connection, payload("a"), read=3 * HOUR)
    for began in (0, 2 * HOUR, 3 * HOUR):
        assert await land(connection, BACK, read=began) == LoadCounts(stale=1)
    assert await rows(connection, REMEMBERED) == []
    assert await status(connection) == "paid"


@pytest.mark.parametrize(
    "confirmed", [payload("a"), payload("a", other=1), payload("a", "newer", 1)], ids=["same", "equal rows", "newer"]
)
async def test_a_read_between_that_brought_the_stored_version_ends_the_doubt_P2(
    connection: Connection, confirmed: bytes
) -> None:
    await land(connection, payload("a"), read=10)
    await land(connection, BACK, read=20)
    await land(connection, confirmed, read=30)
    assert await rows(connection, REMEMBERED) == []
    assert await land(connection, BACK, read=25) == LoadCounts(stale=1)  # slower than what confirmed the stored version
    assert await rows(connection, REMEMBERED) == []
    assert await land(connection, BACK, read=20 + HOUR) == LoadCounts(stale=1)
    assert await rows(connection, REMEMBERED) == [("a", at(-100), at(20 + HOUR))]


async def test_what_was_read_before_a_time_that_went_back_does_not_come_again_P2(connection: Connection) -> None:
    await land(connection, payload("a"), read=10)
    await land(connection, BACK, read=20)
    await land(connection, BACK, read=20 + HOUR)
    assert await land(connection, payload("a"), read=15) == LoadCounts(stale=1)
    assert await land(connection, payload("a", "late reader", 50), read=HOUR) == LoadCounts(stale=1)
    assert await land(connection, payload("a", "next", -90), read=30 + HOUR) == LoadCounts(changed=1)
    assert await one(connection, "SELECT notes FROM orders") is None
    assert await land(connection, payload("a", "late reader", 50), read=HOUR) == LoadCounts(stale=1)
    assert await land(connection, payload("a", "newest", 50), read=40 + HOUR) == LoadCounts(changed=1)


async def test_rows_made_anew_of_a_version_that_was_believed_keep_the_note(connection: Connection) -> None:
    await land(connection, payload("a"), read=10)
    await land(connection, BACK, read=20)
    await land(connection, BACK, read=20 + HOUR)
    digest, read_at = await one(connection, "SELECT payload_hash, read_at FROM raw_orders")
    async with connection.transaction():
        stored = Stored("shop", "a", BACK, digest, b"rows of older code", read_at)
        await connection.execute("UPDATE raw_orders SET rows_hash = 'rows of older code'")
        assert await load.rebuild(connection, SOURCE, [stored]) == LoadCounts(changed=1)
    [note] = await one(connection, "SELECT notes FROM orders")
    assert "went back" in note


# a version that could not be read

UNCONVERTED = "SELECT order_id FROM orders WHERE unread_version_since IS NOT NULL ORDER BY 1"


async def test_an_order_says_that_a_newer_version_could_not_be_read_until_one_is_P4(connection: Connection) -> None:
    neighbours = [payload(f"n{number}") for number in range(5)]
    await land(connection, payload("a"), payload("b"), *neighbours)
    synced = await one(connection, "SELECT synced_at FROM orders WHERE order_id = 'a'")
    await land(connection, payload("a", broken=True), payload("new", broken=True), *neighbours, read=5)
    assert await rows(connection, UNCONVERTED) == [("a",)]
    assert await one(connection, "SELECT synced_at FROM orders WHERE order_id = 'a'") > synced
    versions = "SELECT order_id, ctid::text, xmin::text, xmax::text FROM orders ORDER BY order_id"
    before = await rows(connection, versions)
    await land(connection, payload("a", broken=True), payload("b"), *neighbours, read=6)
    assert [row[:3] for row in await rows(connection, versions)] == [row[:3] for row in before]
    assert [row for row in await rows(connection, versions) if row[0] != "a"] == [r for r in before if r[0] != "a"]
    await land(connection, payload("a", "shipped", 7), read=7)
    assert await rows(connection, UNCONVERTED) == []


@pytest.mark.parametrize("again", [payload("a"), payload("a", other=1)], ids=["the same bytes", "equal rows"])
async def test_a_later_read_of_the_stored_version_clears_it_P4(connection: Connection, again: bytes) -> None:
    await land(connection, payload("a"))
    await land(connection, payload("a", broken=True), read=5)
    await land(connection, again, read=6)
    assert await rows(connection, UNCONVERTED) == []


async def test_a_version_read_before_the_unconverted_one_says_so_as_it_lands_P4(connection: Connection) -> None:
    await land(connection, payload("a", broken=True), read=5)
    await land(connection, payload("a"), read=1)
    assert await rows(connection, UNCONVERTED) == [("a",)]
    await land(connection, payload("a", "changed", 1), read=2)
    assert await rows(connection, UNCONVERTED) == [("a",)]


async def test_what_an_older_read_could_not_read_is_no_newer_version_P4(connection: Connection) -> None:
    await land(connection, payload("a"), read=10)
    await land(connection, payload("a", broken=True), read=5)
    assert await rows(connection, UNCONVERTED) == []


async def test_rows_that_cannot_be_made_anew_are_no_newer_version_P4(connection: Connection) -> None:
    bad = payload("a", broken=True)
    async with connection.transaction():
        lenient = LandingSource(
            "1688", "shop", None, lambda record: normalize(record.replace(b"broken", b"mended")), Direction.SALE
        )
        await load.land(connection, lenient, [Record("a", bad, at(0))])
    digest, read_at = await one(connection, "SELECT payload_hash, read_at FROM raw_orders")
    async with connection.transaction():
        await load.rebuild(connection, SOURCE, [Stored("shop", "a", bad, digest, b"another", read_at)])
    await connection.execute("UPDATE sync.rejects SET read_at = read_at + interval '1 day'")
    await land(connection, payload("b"), bad, read=20)
    assert await one(connection, "SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL") == 1
    assert await rows(connection, UNCONVERTED) == []


async def test_a_reject_that_is_dropped_or_replayed_clears_it_P4(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["dropped", "lands", "older"]
    await land(connection, *(payload(name, modified=5) for name in names))
    await land(connection, payload("dropped", broken=True), payload("lands", "newer", 9, broken=True), read=10)
    await land(connection, payload("older", "older", 1, broken=True), read=10)
    assert len(await rows(connection, UNCONVERTED)) == 3
    numbers = dict(await rows(connection, "SELECT order_id, id FROM sync.rejects"))
    assert await rejects.drop(connection, [numbers["dropped"]]) == 1
    assert await rows(connection, UNCONVERTED) == [("lands",), ("older",)]
    mended = PLATFORMS["1688"]
    monkeypatch.setitem(
        PLATFORMS,
        "1688",
        type(mended)(
            **{
                **{name: getattr(mended, name) for name in mended.__dataclass_fields__},
                "identify": lambda record, feed: Head(record.split(b'"')[3].decode()),
                "normalize": lambda record: normalize(record.replace(b"broken", b"mended")),
            }
        ),
    )
    result = Replayed()
    for name in ("lands", "older"):
        await replay(connection, numbers[name], result)
    assert (result.landed, result.older) == (1, 1)
    assert await rows(connection, UNCONVERTED) == []


# lists of lines

LINES = "SELECT sub_order_id FROM sub_orders WHERE removed_at IS NULL ORDER BY 1"


async def test_an_order_that_lists_no_line_keeps_those_it_had(connection: Connection) -> None:
    await land(connection, payload("a"), payload("b"))
    await land(connection, payload("a", "shipped", 1, lines=[]), payload("b", "shipped", 1, lines=["b-1"]), read=1)
    assert await rows(connection, LINES) == [("a-1",), ("a-2",), ("b-1",)]
    assert await rows(connection, "SELECT sub_order_id FROM product_items WHERE removed_at IS NULL ORDER BY 1") == [
        ("a-1",),
        ("a-2",),
        ("b-1",),
    ]
    found = "SELECT status, line_count, notes FROM orders WHERE order_id = 'a'"
    assert await one(connection, found) == (
        "shipped",
        2,
        ["not all of its lines could be read: those known before are kept"],
    )
    history = "SELECT line_count, changed FROM order_history WHERE order_id = 'a' ORDER BY seen_at DESC LIMIT 1"
    assert await one(connection, history) == (2, ["status", "modified_at", "notes"])
    await land(connection, payload("a", "shipped", 2, lines=["a-2"]), read=2)
    assert await rows(connection, LINES) == [("a-2",), ("b-1",)]
    assert await one(connection, found) == ("shipped", 1, None)


async def test_an_order_some_of_whose_lines_could_not_be_read_keeps_the_others_it_had(connection: Connection) -> None:
    def partly(record: bytes) -> Any:
        made = normalize(record)
        made.has_all_lines = False
        return made

    await land(connection, payload("a"))
    async with connection.transaction():
        record = Record("a", payload("a", modified=1, lines=["a-2", "a-3"]), at(1))
        assert await load.land(
            connection, LandingSource("1688", "shop", None, partly, Direction.SALE), [record]
        ) == LoadCounts(changed=1)
    assert await rows(connection, LINES) == [("a-1",), ("a-2",), ("a-3",)]
    assert await one(connection, "SELECT line_count FROM orders") == 3


async def test_an_order_that_never_had_a_line_lands_without_one_and_without_a_note_of_others(
    connection: Connection,
) -> None:
    await land(connection, payload("a", lines=[]))
    await land(connection, payload("a", "shipped", 1, lines=[]), read=1)
    assert await one(connection, "SELECT status, line_count, notes FROM orders") == ("shipped", 0, None)
