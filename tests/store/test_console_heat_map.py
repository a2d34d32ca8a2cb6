"""The state of every hour of an account's list: what is proven, whatever the windows look like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from orders_sync.domain import local_times
from orders_sync.domain.windows import Feed, WindowKind, WindowState
from orders_sync.store.console import heat_map
from orders_sync.store.console.heat_map import CellState, HeatMap
from orders_sync.store.database import Connection

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)  # 20:00 in Shanghai
HISTORY = datetime(2026, 3, 1, 16, tzinfo=UTC)  # 2 March in Shanghai
DUE = NOW - timedelta(minutes=10)


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


@pytest.fixture(autouse=True)
def shanghai() -> Iterator[None]:
    before = local_times.zone_name()
    local_times.use("Asia/Shanghai")
    yield
    local_times.use(before)


async def account(connection: Connection, history: datetime | None = HISTORY, proven: datetime | None = None) -> None:
    await connection.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, history_from, proven_from) "
        "VALUES ('shop', '1688', 's', 'updated', %s, %s)",
        [history, proven],
    )


async def window(
    connection: Connection,
    start: datetime,
    end: datetime,
    state: str = "done",
    kind: str = "incremental",
    **more: object,
) -> None:
    columns = {"feed": "updated", **more}
    await connection.execute(
        f"INSERT INTO sync.windows (account, kind, state, starts_at, ends_at, {', '.join(columns)}) "
        f"VALUES ('shop', %s, %s, %s, %s, {', '.join(['%s'] * len(columns))})".encode(),
        [kind, state, start, end, *columns.values()],
    )


async def seen(connection: Connection, first: int = 1, last: int = 10, feed: Feed | None = None) -> HeatMap:
    days = [date(2026, 3, day) for day in range(first, last + 1)]
    found = await heat_map.heat_map(connection, "shop", days, DUE, feed)
    assert found is not None
    return found


async def states(
    connection: Connection, first: int = 1, last: int = 10, feed: Feed | None = None
) -> Counter[CellState]:
    return Counter(each.state for each in (await seen(connection, first, last, feed)).cells)


async def test_a_month_proved_by_one_window_is_complete(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW)
    assert await states(connection) == {
        CellState.BEFORE_HISTORY: 24,
        CellState.COMPLETE: 8 * 24 + 20,
        CellState.NOT_DUE: 4,
    }


async def test_hours_whose_windows_were_removed_are_proved_and_not_missing(connection: Connection) -> None:
    await account(connection)
    await window(connection, NOW - 2 * HOUR, NOW)  # retention keeps the newest
    assert await states(connection) == {
        CellState.BEFORE_HISTORY: 24,
        CellState.FORGOTTEN: 8 * 24 + 18,
        CellState.COMPLETE: 2,
        CellState.NOT_DUE: 4,
    }


async def test_an_hour_that_is_due_and_not_read_is_missing(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW - 3 * HOUR)
    await window(connection, NOW - 3 * HOUR, NOW - 2 * HOUR, "planned")  # a worker should have read it
    found = await states(connection, 10)
    assert found == {CellState.COMPLETE: 17, CellState.MISSING: 3, CellState.NOT_DUE: 4}


async def test_older_history_that_waits_for_its_first_read_was_never_asked(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, HISTORY + 3 * DAY, "planned")
    await window(connection, HISTORY + 3 * DAY, HISTORY + 4 * DAY, "planned", attempts=1)
    await window(connection, HISTORY + 4 * DAY, HISTORY + 5 * DAY, "running")
    await window(connection, HISTORY + 5 * DAY, NOW)
    assert await states(connection, 2) == {
        CellState.NEVER_ASKED: 72,
        CellState.MISSING: 24,
        CellState.RUNNING: 24,
        CellState.COMPLETE: 3 * 24 + 20,
        CellState.NOT_DUE: 4,
    }


async def test_the_worst_state_wins_and_every_window_is_counted(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW)
    await window(connection, NOW - HOUR, NOW - HOUR / 2, "failed", "confirm")
    await window(connection, NOW - HOUR, NOW, "running", "confirm")
    for _ in range(2):
        await window(connection, NOW - HOUR, NOW, "planned", "sweep")
    cell = (await seen(connection, 10)).cells[19]
    assert cell.state is CellState.FAILED
    assert (cell.counts.planned, cell.counts.failed, cell.counts.running) == (2, 1, 1)


async def test_a_read_once_more_of_what_is_complete_leaves_it_complete(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW)
    await window(connection, NOW - DAY, NOW, "running", "sweep")
    assert CellState.RUNNING not in await states(connection)


async def test_windows_of_one_second_for_messages_do_not_fill_the_map(connection: Connection) -> None:
    await account(connection)
    for second in range(50):
        at = NOW - 2 * HOUR + timedelta(seconds=second)
        await window(connection, at, at + timedelta(seconds=1), ("done", "failed", "running")[second == 49], "hook")
    assert (await states(connection))[CellState.MISSING] == 8 * 24 + 20


async def test_seconds_add_up_to_an_hour(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW, "planned")
    start = NOW - 2 * HOUR
    for minute in range(60):
        at = start + minute * HOUR / 60
        await window(connection, at, at + HOUR / 60, kind="repair", seen=1)
    cells = (await seen(connection, 10)).cells
    assert [each.state for each in cells[17:20]] == [CellState.NEVER_ASKED, CellState.COMPLETE, CellState.NEVER_ASKED]


async def test_a_second_that_is_not_read_is_seen(connection: Connection) -> None:
    await account(connection)
    second = timedelta(seconds=1)
    await window(connection, HISTORY, NOW - HOUR - second)
    await window(connection, NOW - HOUR - second, NOW - HOUR, "planned", attempts=1)
    await window(connection, NOW - HOUR, NOW)
    assert [each.state for each in (await seen(connection, 10)).cells[17:20]] == [
        CellState.COMPLETE,
        CellState.MISSING,
        CellState.COMPLETE,
    ]


async def test_what_is_read_once_more_because_it_was_listed_as_empty_is_being_read(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW, "planned", attempts=1, not_before=NOW)
    assert set(await states(connection, 2)) == {CellState.RUNNING, CellState.NOT_DUE}


async def test_one_empty_answer_for_a_long_time_and_a_list_of_one_status_prove_nothing(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW, "planned")
    await window(connection, HISTORY, NOW, kind="backfill", seen=0)
    await window(connection, HISTORY, NOW, kind="sweep", status="paid", seen=9)
    assert CellState.COMPLETE not in await states(connection)


async def test_a_window_whose_parts_brought_too_few_rows_is_not_proven(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW)
    await window(connection, NOW - HOUR, NOW, "planned", "backfill", part_rows=3, attempts=1)
    assert (await seen(connection, 10)).cells[19].state is CellState.MISSING


async def test_time_beyond_the_reach_of_the_platform_is_before_history(connection: Connection) -> None:
    await account(connection, proven=HISTORY + 2 * DAY)
    await window(connection, HISTORY, HISTORY + DAY, "beyond")
    await window(connection, HISTORY + DAY, NOW)
    found = await seen(connection, 2, 3)
    assert {each.state for each in found.cells[:24]} == {CellState.BEFORE_HISTORY}


async def test_a_backfill_before_history_is_complete(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY - DAY, HISTORY, kind="backfill", seen=1)
    assert await states(connection, 1, 1) == {CellState.COMPLETE: 24}


async def test_another_list_than_the_accounts_own_was_never_asked_where_it_is_not_read(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW)
    await window(connection, NOW - 4 * HOUR, NOW, kind="sweep", feed="created", seen=1)
    found = await seen(connection, 10, feed=Feed.CREATED)
    assert not found.is_own
    assert Counter(each.state for each in found.cells) == {
        CellState.NEVER_ASKED: 16,
        CellState.COMPLETE: 4,
        CellState.NOT_DUE: 4,
    }


async def test_an_account_that_was_never_planned_has_a_map_and_an_unknown_one_has_none(connection: Connection) -> None:
    await account(connection, history=None)
    assert set(await states(connection, 10)) == {CellState.BEFORE_HISTORY, CellState.NOT_DUE}
    assert await heat_map.heat_map(connection, "other", [date(2026, 3, 1)], DUE) is None
    assert await heat_map.heat_map(connection, "shop", [], DUE) is None


async def test_days_on_which_clocks_change_have_their_hours(connection: Connection) -> None:
    local_times.use("Europe/Berlin")
    await account(connection)
    await window(connection, HISTORY, NOW)
    for day, hours in ((date(2026, 3, 29), 23), (date(2025, 10, 26), 24), (date(2026, 3, 9), 24)):
        found = await heat_map.heat_map(connection, "shop", [day], DUE)
        assert found is not None
        assert len(found.cells) == hours
        assert found.cells[-1].ends_at == local_times.start_of(day + DAY)


async def test_a_range_of_more_days_is_cut_to_the_last_month(connection: Connection) -> None:
    await account(connection)
    days = [date(2026, 1, 1) + day * DAY for day in range(60)]
    found = await heat_map.heat_map(connection, "shop", days, DUE)
    assert found is not None
    assert (found.cells[0].day, found.cells[-1].day) == (days[29], days[59])


@pytest.mark.parametrize("state", WindowState)
async def test_windows_in_every_state_may_have_every_column_empty(connection: Connection, state: WindowState) -> None:
    await account(connection)
    for kind in WindowKind:
        await window(connection, NOW - 2 * HOUR, NOW - HOUR, state, kind)
        assert len((await seen(connection, 10)).cells) == 24
        await connection.execute("DELETE FROM sync.windows")


async def test_an_hour_in_which_history_begins_is_judged_from_there_on(connection: Connection) -> None:
    await account(connection, history=HISTORY + HOUR / 2)
    await window(connection, HISTORY + HOUR / 2, NOW)
    assert [each.state for each in (await seen(connection, 2)).cells[:2]] == [CellState.COMPLETE, CellState.COMPLETE]


async def test_a_window_of_the_other_list_is_not_on_the_map(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW)
    await window(connection, NOW - HOUR, NOW, "failed", "sweep", feed="created")
    assert CellState.FAILED not in await states(connection)
    assert (await states(connection, feed=Feed.CREATED))[CellState.FAILED] == 1


async def test_a_window_that_is_asked_once_more_is_counted_as_being_read(connection: Connection) -> None:
    await account(connection)
    await window(connection, HISTORY, NOW, "planned", attempts=1, not_before=NOW)
    counts = (await seen(connection, 10)).cells[0].counts
    assert (counts.running, counts.planned, counts.tried) == (1, 0, 0)
