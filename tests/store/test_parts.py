"""A window that was split is compared with its parts when the last of them is done, and never by who lost it (P5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import LeaseLostError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.store import claims, closing, ledger
from orders_sync.store.database import Connection

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SHOP = "kingdo"
DAY = timedelta(days=1)


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


def hours(first: float, last: float) -> Window:
    return Window(BEGIN + timedelta(hours=first), BEGIN + timedelta(hours=last))


async def claim(connection: Connection) -> Claim:
    found = await claims.claim(connection, SHOP, "worker")
    assert found is not None
    return found


async def finish(connection: Connection, claimed: Claim, seen: int) -> None:
    await closing.finish(connection, claimed, total=seen, seen=seen, calls=1, landed=LoadCounts())


async def split(
    connection: Connection, *parts: Window, total: int | None, kind: WindowKind = WindowKind.INCREMENTAL
) -> Claim:
    """A window of these parts, split with this count."""
    await ledger.register(connection, Account(SHOP, "1688", "", "seller", "app", "secret"), Feed.UPDATED)
    await ledger.plan(connection, SHOP, kind, Feed.UPDATED, [Window(parts[0].start, parts[-1].end)])
    whole = await claim(connection)
    async with connection.transaction():
        await closing.split(connection, whole, list(parts), total=total, calls=1)
    return whole


async def state(connection: Connection, whole: Claim) -> tuple[object, ...] | None:
    query = "SELECT state, part_rows FROM sync.windows WHERE id = %s"
    return await (await connection.execute(query, [whole.id])).fetchone()


async def watermark(connection: Connection) -> datetime | None:
    return (await ledger.planned_times(connection, SHOP)).watermark


@pytest.mark.parametrize("kind", [WindowKind.INCREMENTAL, WindowKind.BACKFILL])
async def test_parts_that_bring_fewer_rows_open_the_whole_again(connection: Connection, kind: WindowKind) -> None:
    whole = await split(connection, hours(0, 1), hours(1, 2), total=9, kind=kind)
    for seen in (5, 3):
        assert await state(connection, whole) == ("split", None)
        await finish(connection, await claim(connection), seen)
    assert await state(connection, whole) == ("planned", 8)


@pytest.mark.parametrize(("total", "second"), [(9, 4), (9, 5), (None, 0), (0, 0)])
async def test_parts_that_bring_as_many_or_more_leave_it_closed(
    connection: Connection, total: int | None, second: int
) -> None:
    whole = await split(connection, hours(0, 1), hours(1, 2), total=total)
    for seen in (5, second):
        await finish(connection, await claim(connection), seen)
    assert await state(connection, whole) == ("split", None)
    assert await watermark(connection) == whole.window.end


@pytest.mark.parametrize("kind", [WindowKind.SWEEP, WindowKind.CONFIRM, WindowKind.REPAIR])
async def test_what_only_reads_again_is_held_against_nothing(connection: Connection, kind: WindowKind) -> None:
    whole = await split(connection, hours(0, 1), hours(1, 2), total=9, kind=kind)
    for _ in range(2):
        await finish(connection, await claim(connection), 1)
    assert await state(connection, whole) == ("split", None)


async def test_the_watermark_enters_no_whole_whose_parts_are_not_all_read_P5(connection: Connection) -> None:
    """Whichever part is done first: the parts may bring too few all together, and a watermark never goes back."""
    whole = await split(connection, hours(0, 1), hours(1, 2), total=9)
    newer, older = await claim(connection), await claim(connection)
    assert older.window.start < newer.window.start
    await finish(connection, older, 5)
    assert await watermark(connection) == whole.window.start
    await finish(connection, newer, 3)
    assert await watermark(connection) == whole.window.start


async def test_a_part_that_was_split_is_held_against_its_own_parts_first(connection: Connection) -> None:
    whole = await split(connection, hours(0, 2), hours(2, 3), total=9)
    await finish(connection, await claim(connection), 1)
    part = await claim(connection)
    async with connection.transaction():
        await closing.split(connection, part, [hours(0, 1), hours(1, 2)], total=8, calls=1)
    for seen in (4, 3):
        await finish(connection, await claim(connection), seen)
    assert await state(connection, part) == ("planned", 7)
    assert await state(connection, whole) == ("split", None)
    again = await claim(connection)
    assert (again.id, again.part_rows, again.attempts) == (part.id, 7, 1)
    await closing.finish(connection, again, total=7, seen=7, calls=1, landed=LoadCounts(), is_split=True)
    assert await state(connection, part) == ("split", 7)
    assert await state(connection, whole) == ("planned", 8)


async def test_parts_are_read_once_more_all_of_them_and_then_only_those_that_were_young(connection: Connection) -> None:
    whole = await split(connection, hours(0, 1), hours(1, 2), total=9)
    for _ in range(2):
        await finish(connection, await claim(connection), 4)
    again = await claim(connection)
    async with connection.transaction():
        assert await closing.plan_parts_again(connection, again, "too few", total=9, calls=1, younger_than=DAY)
    for _ in range(2):
        part = await claim(connection)
        assert part.parent_id == whole.id
        await finish(connection, part, 4)
    age = "UPDATE sync.windows SET finished_at = ends_at + %s WHERE starts_at = %s AND state = 'done'"
    await connection.execute(age, [DAY / 2, hours(1, 2).start])
    await connection.execute(age, [DAY * 2, hours(0, 1).start])
    again = await claim(connection)
    assert again.id == whole.id
    async with connection.transaction():
        assert await closing.plan_parts_again(connection, again, "too few", total=9, calls=1, younger_than=DAY)
    assert (await claim(connection)).window == hours(1, 2)
    assert await claims.claim(connection, SHOP, "worker") is None


async def test_where_no_part_was_young_nothing_is_done(connection: Connection) -> None:
    whole = await split(connection, hours(0, 1), hours(1, 2), total=9)
    for _ in range(2):
        await finish(connection, await claim(connection), 4)
    await connection.execute("UPDATE sync.windows SET parts_again_at = now(), finished_at = ends_at + %s", [DAY * 2])
    again = await claim(connection)
    async with connection.transaction():
        assert not await closing.plan_parts_again(connection, again, "too few", total=9, calls=1, younger_than=DAY)
    assert await state(connection, whole) == ("running", 8)


async def test_whoever_lost_the_last_part_opens_no_whole_P5(connection: Connection) -> None:
    whole = await split(connection, hours(0, 1), hours(1, 2), total=9)
    await finish(connection, await claim(connection), 5)
    lost = await claim(connection)
    await connection.execute("UPDATE sync.windows SET lease_until = now() - interval '1 s' WHERE id = %s", [lost.id])
    await claim(connection)
    with pytest.raises(LeaseLostError):
        await finish(connection, lost, 3)
    assert await state(connection, whole) == ("split", None)


async def test_parts_that_leave_a_gap_say_nothing(connection: Connection) -> None:
    """Windows that were read long ago are removed from the ledger by age."""
    whole = await split(connection, hours(0, 1), hours(1, 2), total=9)
    await finish(connection, await claim(connection), 5)
    await connection.execute("DELETE FROM sync.windows WHERE state = 'done'")
    await finish(connection, await claim(connection), 4)
    assert await state(connection, whole) == ("split", None)


async def test_an_account_s_other_windows_of_the_range_are_no_parts(connection: Connection) -> None:
    whole = await split(connection, hours(0, 1), hours(1, 2), total=9)
    await ledger.plan(connection, SHOP, WindowKind.INCREMENTAL, Feed.UPDATED, [hours(0, 1), hours(1, 2)])
    for _ in range(4):
        await finish(connection, await claim(connection), 4)
    assert await state(connection, whole) == ("planned", 8)
