"""Windows of an account as rows: which touch a range, which failed, what was read last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from orders_sync.domain.windows import Feed, Window, WindowKind, WindowState
from orders_sync.store.console import windows
from orders_sync.store.database import Connection
from tests.support.databases import one

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CELL = Window(NOW - HOUR, NOW)
_fences = count(1)


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def window(
    connection: Connection,
    start: datetime,
    end: datetime,
    state: str = "done",
    kind: str = "incremental",
    account: str = "shop",
    **more: object,
) -> int:
    columns = {"feed": "created", **more}
    return int(
        await one(
            connection,
            f"INSERT INTO sync.windows (account, kind, state, starts_at, ends_at, {', '.join(columns)}) "
            f"VALUES (%s, %s, %s, %s, %s, {', '.join(['%s'] * len(columns))}) RETURNING id",
            account,
            kind,
            state,
            start,
            end,
            *columns.values(),
        )
    )


async def touching(connection: Connection, feed: Feed | None = None, limit: int = 50) -> list[int]:
    return [each.id for each in await windows.touching(connection, "shop", CELL, feed, limit=limit)]


async def test_a_range_is_touched_by_what_overlaps_it_in_every_kind(connection: Connection) -> None:
    expected = []
    for kind in WindowKind:
        await window(connection, CELL.start - HOUR, CELL.start, kind=kind)
        await window(connection, CELL.end, CELL.end + HOUR, kind=kind)
        await window(connection, CELL.start, CELL.end, kind=kind, account="other")
        expected.append(await window(connection, CELL.start - MINUTE, CELL.start + MINUTE, kind=kind))
        expected.append(await window(connection, CELL.start - 20 * 24 * HOUR, CELL.end + 10 * 24 * HOUR, kind=kind))
    assert sorted(await touching(connection)) == expected


async def test_what_needs_somebody_comes_first_then_the_newest(connection: Connection) -> None:
    done = await window(connection, CELL.start, CELL.end, finished_at=NOW)
    older = await window(connection, CELL.start, CELL.end, "split", finished_at=NOW - HOUR)
    unknown = await window(connection, CELL.start, CELL.end, "beyond")
    planned = await window(connection, CELL.start, CELL.end, "planned", "sweep")
    running = await window(connection, CELL.start, CELL.end, "running")
    failed = await window(connection, CELL.start, CELL.end, "failed", "confirm")
    assert await touching(connection) == [failed, running, planned, done, older, unknown]
    assert await touching(connection, limit=2) == [failed, running]


async def test_a_list_can_be_chosen(connection: Connection) -> None:
    created = await window(connection, CELL.start, CELL.end)
    updated = await window(connection, CELL.start, CELL.end, feed="updated")
    assert await touching(connection, Feed.CREATED) == [created]
    assert await touching(connection, Feed.UPDATED) == [updated]
    assert sorted(await touching(connection)) == [created, updated]


async def test_windows_of_one_second_do_not_hide_what_failed(connection: Connection) -> None:
    for second in range(400):
        at = CELL.start + timedelta(seconds=second)
        await window(connection, at, at + timedelta(seconds=1), kind="hook", finished_at=NOW)
    failed = await window(connection, CELL.end - MINUTE, CELL.end, "failed", "hook", error="it answered 503")
    found = await windows.touching(connection, "shop", CELL)
    assert (len(found), found[0].id, found[0].error) == (50, failed, "it answered 503")


async def test_failed_windows_are_paged_by_their_number(connection: Connection) -> None:
    ids = [await window(connection, CELL.start, CELL.end, "failed", attempts=n) for n in range(5)]
    await window(connection, CELL.start, CELL.end, "failed", account="other")
    first = await windows.failed(connection, "shop", limit=3)
    rest = await windows.failed(connection, "shop", after=first[-1].id, limit=3)
    assert [each.id for each in (*first, *rest)] == ids
    assert all(each.retry_at is None for each in first)  # no time of its end is known


async def test_a_failed_window_says_when_it_is_read_again(connection: Connection) -> None:
    await window(connection, CELL.start, CELL.end, "failed", attempts=3, finished_at=NOW)
    [found] = await windows.failed(connection, "shop")
    assert found.retry_at == NOW + 2 * MINUTE


async def test_the_newest_reads_are_those_claimed_last(connection: Connection) -> None:
    ids = [
        await window(connection, CELL.start, CELL.end, kind=kind, fence=next(_fences), calls=2, rows_new=1)
        for kind in ("sweep", "incremental", "sweep")
    ]
    await window(connection, CELL.start, CELL.end, "planned", kind="sweep")  # nobody has read it
    assert [each.id for each in await windows.latest(connection, "shop")] == ids[::-1]
    assert [each.id for each in await windows.latest(connection, "shop", [WindowKind.SWEEP])] == [ids[2], ids[0]]
    assert [each.id for each in await windows.latest(connection, "shop", limit=1)] == [ids[2]]
    totals = {each.kind: each for each in await windows.by_kind(connection, "shop")}
    assert (totals[WindowKind.SWEEP].windows, totals[WindowKind.SWEEP].calls, totals[WindowKind.SWEEP].rows_new) == (
        2,
        4,
        2,
    )
    assert await windows.by_kind(connection, "other") == []


@pytest.mark.parametrize("state", WindowState)
async def test_windows_in_every_state_may_have_every_column_empty(connection: Connection, state: WindowState) -> None:
    for kind in WindowKind:
        number = await window(connection, CELL.start, CELL.end, state, kind, fence=next(_fences))
        [found] = await windows.touching(connection, "shop", CELL)
        assert (found.id, found.state, found.stored, found.error) == (number, state, None, None)
        assert [each.id for each in await windows.latest(connection, "shop")] == [number]
        assert [each.kind for each in await windows.by_kind(connection, "shop")] == [kind]
        assert len(await windows.failed(connection, "shop")) == (state is WindowState.FAILED)
        await connection.execute("DELETE FROM sync.windows")


async def test_what_is_stored_of_a_window_is_the_sum_of_what_is_known(connection: Connection) -> None:
    await window(connection, CELL.start, CELL.end, rows_new=1, rows_unchanged=2, rows_rejected=9)
    [found] = await windows.touching(connection, "shop", CELL)
    assert found.stored == 3
