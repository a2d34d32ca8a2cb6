"""Windows are planned without a gap, with the overlap, and none longer than the platform takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.ledger import PlannedTimes, PlanningState, Unclaimed
from orders_sync.domain.schedule import (
    confirm,
    daily_sweep,
    due_plan,
    incremental,
    ranges_to_sweep,
    superseded,
    time_ahead,
)
from orders_sync.domain.sweeps import Sweep
from orders_sync.domain.windows import Feed, Window, WindowKind, whole_second

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LAG = timedelta(seconds=10)
OVERLAP = timedelta(minutes=10)


def policy(
    history_from: datetime, lag: timedelta = LAG, overlap: timedelta = OVERLAP, longest: timedelta = DAY
) -> SyncPolicy:
    minute = timedelta(minutes=1)
    return SyncPolicy(
        history_from, 5, 100, longest, interval=minute, lag=lag, overlap=overlap, confirm=timedelta(hours=3)
    )


def planned_times(
    now: datetime, history_from: datetime | None = None, planned_to: datetime | None = None
) -> PlannedTimes:
    return PlannedTimes(now, history_from, planned_to, None)


def planned_after(before: PlannedTimes, windows: list[Window], now: datetime) -> PlannedTimes:
    """Return what the ledger says once these windows are in it, as `ledger.plan` and `ledger.planned_times` have it."""
    starts = [each.start for each in windows] + ([before.history_from] if before.history_from else [])
    ends = [each.end for each in windows] + ([before.planned_to] if before.planned_to else [])
    return planned_times(now, min(starts, default=None), max(ends, default=None))


@pytest.mark.parametrize("lag", [LAG, timedelta(hours=2), -LAG])
def test_only_a_clock_that_was_put_back_leaves_an_account_planned_into_the_future(lag: timedelta) -> None:
    settings, latest = policy(NOON - DAY, lag), NOON + max(lag, timedelta(0)) + timedelta(minutes=1)
    assert time_ahead(planned_times(NOON), settings) is None
    assert time_ahead(planned_times(NOON, NOON - DAY, NOON - lag), settings) is None
    assert time_ahead(planned_times(NOON, NOON - DAY, latest), settings) is None
    later = latest + timedelta(seconds=1)
    assert time_ahead(planned_times(NOON, NOON - DAY, later), settings) == later
    assert time_ahead(PlannedTimes(NOON, NOON - DAY, NOON - DAY, later), settings) == later


def test_the_first_plan_reaches_from_the_beginning_of_history_to_now_less_the_lag() -> None:
    start = NOON - 3 * DAY
    assert incremental(planned_times(NOON), policy(start)) == [
        Window(start, start + DAY),
        Window(start + DAY, start + 2 * DAY),
        Window(start + 2 * DAY, NOON - LAG),
    ]


def test_a_plan_holds_all_that_has_come_due() -> None:
    before = planned_times(NOON, NOON - 3 * DAY, NOON - timedelta(hours=13))
    second = NOON - 2 * DAY
    state = PlanningState(before, [second, second + timedelta(milliseconds=1)])
    for feed in Feed:
        plan = due_plan(state, policy(NOON - 3 * DAY), feed, None, Sweep.DUE)
        assert [(each.kind, each.feed, each.windows) for each in plan.added] == [
            (WindowKind.INCREMENTAL, feed, incremental(before, policy(NOON - 3 * DAY))),
            (WindowKind.CONFIRM, feed, confirm(before, policy(NOON - 3 * DAY))),
            (WindowKind.REPAIR, Feed.CREATED, [Window(second, second + timedelta(seconds=1))]),
        ]
        found = daily_sweep(before, policy(NOON - 3 * DAY), None)
        assert plan.sweeps == (
            ranges_to_sweep(before, policy(NOON - 3 * DAY), Sweep.DUE) if feed is Feed.CREATED else found
        )
        assert plan.sweeps


def test_a_plan_by_update_time_sweeps_only_what_is_due() -> None:
    before = planned_times(NOON, NOON - 3 * DAY, NOON - timedelta(hours=13))
    for sweep in (Sweep.NONE, Sweep.OPEN, Sweep.ALL):
        assert not due_plan(PlanningState(before), policy(NOON - 3 * DAY), Feed.UPDATED, None, sweep).sweeps


def test_the_next_plan_begins_the_overlap_before_the_last_one_ended_P1() -> None:
    windows = incremental(planned_times(NOON, NOON - 3 * DAY, NOON - timedelta(hours=1)), policy(NOON - 3 * DAY))
    assert windows == [Window(NOON - timedelta(hours=1) - OVERLAP, NOON - LAG)]


def test_the_overlap_does_not_reach_before_the_history() -> None:
    start = NOON - timedelta(minutes=5)
    windows = incremental(planned_times(NOON, start, NOON - timedelta(minutes=1)), policy(start))
    assert windows == [Window(start, NOON - LAG)]


def test_a_history_that_reaches_further_back_is_planned_as_well_and_first() -> None:
    before = planned_times(NOON, NOON - DAY, NOON - LAG)
    assert incremental(before, policy(NOON - 3 * DAY)) == [
        Window(NOON - 3 * DAY, NOON - 2 * DAY),
        Window(NOON - 2 * DAY, NOON - DAY),
        Window(NOON - LAG - OVERLAP, NOON - LAG),
    ]


def test_a_history_that_begins_later_than_before_leaves_no_gap() -> None:
    windows = incremental(planned_times(NOON, NOON - 9 * DAY, NOON - 5 * DAY), policy(NOON - DAY, longest=9 * DAY))
    assert windows == [Window(NOON - 5 * DAY - OVERLAP, NOON - LAG)]


def test_no_window_reaches_over_the_border_of_what_the_platform_is_documented_to_list_P5() -> None:
    windows = incremental(planned_times(NOON), policy(NOON - 100 * DAY, longest=28 * DAY), 31 * DAY)
    assert_no_gap(windows)
    border = NOON - 31 * DAY
    within = [each for each in windows if each.end > border + timedelta(hours=2)]
    assert all(each.start > border for each in within)
    assert within[0].start == border + timedelta(hours=2)


def test_where_changes_are_listed_by_update_time_the_month_is_read_again_once_a_day_P1() -> None:
    settings = policy(NOON - 400 * DAY)
    runs = [NOON + timedelta(hours=number) for number in range(72)]
    known = [planned_times(now, NOON - 400 * DAY, now - timedelta(hours=1) - LAG) for now in runs]
    found = [each for one in known for each in daily_sweep(one, settings, 31 * DAY)]
    assert len(found) == 3
    assert all(each.with_final and 30 * DAY < each.end - each.start < 31 * DAY for each in found)
    assert daily_sweep(planned_times(NOON), settings, 31 * DAY) == []


def test_orders_older_than_the_history_are_read_again_as_often_as_their_age_says_P1() -> None:
    """Of 20 days: once an hour, and once a day the final ones; apart, for the tables hold only parts of their time."""
    begin, oldest = NOON - 10 * DAY, NOON - 20 * DAY
    ends = [NOON + timedelta(minutes=minute) for minute in range(24 * 60)]
    known = [planned_times(end + LAG, begin, end - timedelta(minutes=1)) for end in ends]
    before = [
        each for one in known for each in ranges_to_sweep(one, policy(begin), Sweep.DUE, oldest) if not each.is_covered
    ]
    assert len(before) == 24
    assert {(each.start, each.end) for each in before} == {(oldest, begin)}
    assert sum(each.with_final for each in before) == 1
    assert all(each.is_covered for one in known for each in ranges_to_sweep(one, policy(begin), Sweep.DUE, begin + DAY))
    monthly = [each for one in known for each in daily_sweep(one, policy(begin), 31 * DAY, oldest)]
    assert [each.start for each in monthly] == [oldest, begin]


def unclaimed(known: PlannedTimes, window: Window, now: datetime) -> PlannedTimes:
    return PlannedTimes(now, known.history_from, window.end, None, Unclaimed(7, window))


def test_a_window_nobody_claimed_is_lengthened_instead_of_another_one() -> None:
    hour = timedelta(hours=1)
    waiting = Window(NOON - hour - OVERLAP, NOON - LAG)
    before = unclaimed(planned_times(NOON, NOON - DAY), waiting, NOON + hour)
    assert incremental(before, policy(NOON - DAY)) == [Window(waiting.start, NOON + hour - LAG)]
    assert superseded(before, policy(NOON - DAY)) == Unclaimed(7, waiting)


def test_a_window_nobody_claimed_stays_as_it_is_where_nothing_new_is_to_be_planned() -> None:
    waiting = Window(NOON - OVERLAP, NOON - LAG)
    before = unclaimed(planned_times(NOON, NOON - DAY), waiting, NOON)
    assert incremental(before, policy(NOON - DAY)) == []
    assert superseded(before, policy(NOON - DAY)) is None


def test_what_is_lengthened_beyond_what_the_platform_takes_is_two_windows_without_a_gap() -> None:
    waiting = Window(NOON - DAY, NOON - LAG)
    before = unclaimed(planned_times(NOON, NOON - 3 * DAY), waiting, NOON + DAY)
    assert incremental(before, policy(NOON - 3 * DAY)) == [
        Window(NOON - DAY, NOON),
        Window(NOON, NOON + DAY - LAG),
    ]


@given(
    waits=st.lists(st.integers(0, 20_000), min_size=1, max_size=30),
    claimed=st.lists(st.booleans(), min_size=30, max_size=30),
    longest=st.integers(300, 90_000),
)
def test_while_nobody_reads_the_windows_cover_everything_and_hardly_more_P1(
    waits: list[int], claimed: list[bool], longest: int
) -> None:
    begin = NOON - timedelta(hours=2)
    settings = policy(begin, longest=timedelta(seconds=longest))
    now, known, ledger = NOON, planned_times(NOON), list[Window]()
    is_claimed = True
    for wait, claims_it in zip(waits, claimed, strict=False):
        now += timedelta(seconds=wait)
        newest = None if is_claimed or not ledger else Unclaimed(1, ledger[-1])
        known = PlannedTimes(now, known.history_from, known.planned_to, None, newest)
        windows = incremental(known, settings)
        if superseded(known, settings):
            ledger.pop()
        ledger += windows
        is_claimed = claims_it
        known = planned_after(known, windows, now)
        assert_no_gap(ledger)
        assert known.planned_to == now - LAG
    if not any(claimed[: len(waits)]):
        assert sum(each.seconds for each in ledger) == (now - LAG - begin).total_seconds()


@pytest.mark.parametrize("history_from", [NOON - LAG, NOON, NOON + DAY])
def test_nothing_to_do_where_the_history_has_not_begun(history_from: datetime) -> None:
    assert incremental(planned_times(NOON), policy(history_from)) == []


def test_nothing_to_do_where_the_clock_was_set_back_behind_the_overlap() -> None:
    assert incremental(planned_times(NOON, NOON - DAY, NOON + OVERLAP), policy(NOON - DAY)) == []


def test_the_confirming_pass_lies_behind_the_overlap_three_times_in_each_period() -> None:
    settings, begin = policy(NOON - DAY), NOON - DAY
    runs = [NOON + timedelta(minutes=number) for number in range(0, 360)]
    found = [confirm(planned_times(now, begin, now - timedelta(minutes=1) - LAG), settings) for now in runs]
    windows = [window for each in found for window in each]
    assert len(windows) == 6
    assert all(each.end - each.start == timedelta(hours=3) - OVERLAP for each in windows)
    assert {later.start - earlier.start for earlier, later in pairwise(windows)} == {timedelta(hours=1)}


def test_what_is_indexed_late_by_two_thirds_of_confirm_is_confirmed_P1() -> None:
    settings, begin = policy(NOON - DAY), NOON - DAY
    for minute in range(0, 180, 7):
        happened = NOON + timedelta(minutes=minute)
        indexed = happened + timedelta(hours=2)
        seen = False
        for number in range(0, 500):
            now = NOON + timedelta(minutes=number)
            for each in confirm(planned_times(now, begin, now - timedelta(minutes=1) - LAG), settings):
                seen = seen or (now >= indexed and each.start <= happened < each.end)
        assert seen, happened


def test_nothing_to_confirm_before_anything_was_planned_or_when_it_is_off() -> None:
    assert confirm(planned_times(NOON), policy(NOON - DAY)) == []
    off = replace(policy(NOON - DAY), confirm=timedelta(0))
    assert confirm(planned_times(NOON, NOON - DAY, NOON - DAY / 2), off) == []


@given(
    histories=st.lists(st.integers(0, 40_000), min_size=1, max_size=6),
    waits=st.lists(st.floats(0, 20_000), min_size=1, max_size=6),
    lag=st.integers(-5, 120),
    overlap=st.integers(0, 4_000),
    longest=st.integers(300, 9_000),
)
def test_what_is_planned_over_time_covers_the_history_without_a_gap_P1(
    histories: list[int], waits: list[float], lag: int, overlap: int, longest: int
) -> None:
    """Runs at any intervals, the beginning of history moved at will between them."""
    now, known, planned = NOON, planned_times(NOON), list[Window]()
    for history, wait in zip(histories, waits, strict=False):
        now += timedelta(seconds=wait)
        seconds = (timedelta(seconds=each) for each in (lag, overlap, longest))
        settings = policy(NOON - timedelta(seconds=history), *seconds)
        end_before = known.planned_to
        windows = incremental(planned_times(now, known.history_from, known.planned_to), settings)
        assert all(each.seconds <= longest for each in windows)
        assert all(each.end <= now - timedelta(seconds=lag) for each in windows)
        planned += windows
        known = planned_after(known, windows, now)
        if not planned:
            continue
        assert known.history_from is not None
        assert known.planned_to is not None
        assert known.history_from <= min(settings.history_from, known.planned_to)
        assert known.planned_to >= whole_second(now - timedelta(seconds=lag))
        assert_no_gap(planned)
        if end_before is not None:
            overlapping = max(end_before - timedelta(seconds=overlap), known.history_from)
            assert any(each.start <= overlapping < each.end for each in windows) or overlapping >= known.planned_to


def assert_no_gap(windows: list[Window]) -> None:
    ordered = sorted(windows, key=lambda each: each.start)
    covered = ordered[0].end
    for each in ordered[1:]:
        assert each.start <= covered, f"nothing between {covered} and {each.start}"
        covered = max(covered, each.end)
