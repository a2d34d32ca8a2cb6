"""Due orders are read again by the cheapest lists: all of them, once, for as few calls as a greedy choice finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.sweep_cost import (
    HOUR,
    MIN_STATUS_CALLS,
    ORDERS_PER_MOVE,
    HourBucket,
    PlannedRead,
    StatusCount,
    calls_for,
    choose_cheaper,
    merge_hours,
    merge_hours_by_day,
    merge_small_windows,
    status_reads,
    total_calls,
)
from orders_sync.domain.windows import SECOND, Window

MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = Window(MIDNIGHT, MIDNIGHT + timedelta(days=31))

loads = st.lists(st.tuples(st.integers(0, 300), st.sets(st.integers(0, 3599), max_size=3), st.booleans()), max_size=60)


def hours_of(load: list[tuple[int, set[int], bool]]) -> list[HourBucket]:
    """Buckets of one hour: orders, the seconds in which due ones were created, and whether those are known."""
    hours = []
    for number, (orders, seconds, is_told) in enumerate(load):
        start = MIDNIGHT + number * HOUR
        moments = [start + second * SECOND for second in sorted(seconds)][:orders]
        if orders:
            hours.append(HourBucket(start, orders, len(moments), moments if is_told else ()))
    return hours


@given(loads, st.integers(1, 500))
def test_all_that_is_due_is_covered_once_and_never_by_more_calls_than_hour_by_hour_P2(
    load: list[tuple[int, set[int], bool]], page_size: int
) -> None:
    hours = hours_of(load)
    parts = merge_hours(hours, page_size)
    for hour in hours:
        covering = sum(p.window.start <= hour.start and hour.start + HOUR <= p.window.end for p in parts)
        alone = sorted(
            p.window.start
            for p in parts
            if p.window.seconds == 1 and p.window.start - hour.start < HOUR and p.window.start >= hour.start
        )
        if hour.due and not covering:
            assert alone == hour.seconds
        else:
            assert covering == (1 if hour.due else covering)
            assert covering <= 1
            assert alone == []
    assert total_calls(parts) <= sum(calls_for(hour.orders, page_size) for hour in hours if hour.due)


@given(loads, st.integers(1, 500))
def test_what_a_part_is_said_to_cost_is_what_its_orders_cost(
    load: list[tuple[int, set[int], bool]], page_size: int
) -> None:
    hours = hours_of(load)
    for part in merge_hours(hours, page_size):
        if part.window.seconds == 1:
            assert part.calls == 1
        else:
            inside = sum(h.orders for h in hours if part.window.start <= h.start < part.window.end)
            assert part.calls == calls_for(inside, page_size)


def test_far_apart_orders_are_not_joined_over_full_pages_between_them() -> None:
    hours = [
        HourBucket(MIDNIGHT + number * HOUR, orders, due)
        for number, (orders, due) in enumerate([(40, 1), (30, 0), (20, 1), (500, 0), (500, 0), (500, 0), (10, 1)])
    ]
    windows = [part.window for part in merge_hours(hours, 100)]
    assert [(w.start - MIDNIGHT, w.end - MIDNIGHT) for w in windows] == [(0 * HOUR, 3 * HOUR), (6 * HOUR, 7 * HOUR)]


def test_an_hour_of_many_pages_with_little_due_is_read_order_by_order() -> None:
    seconds = [MIDNIGHT + 7 * SECOND, MIDNIGHT + 1800 * SECOND]
    parts = merge_hours(
        [HourBucket(MIDNIGHT, 500, 3, seconds), HourBucket(MIDNIGHT + HOUR, 90, 1, [MIDNIGHT + HOUR])], 100
    )
    assert parts == [
        PlannedRead(Window(seconds[0], seconds[0] + SECOND), 1),
        PlannedRead(Window(seconds[1], seconds[1] + SECOND), 1),
        PlannedRead(Window(MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR), 1),  # one page: a second would be no cheaper
    ]


held_counts = st.lists(st.integers(1, 3000), min_size=1, max_size=8)


@given(held_counts, st.integers(0, 200), st.integers(0, 200), st.integers(1, 500))
def test_the_lists_by_status_are_read_only_where_they_cost_less_with_what_is_expected_to_leave_them(
    counts: list[int], creation_calls: int, rest_calls: int, page_size: int
) -> None:
    held = [StatusCount(MONTH, str(number), orders) for number, orders in enumerate(counts)]
    creation, rest = [PlannedRead(MONTH, creation_calls)], [PlannedRead(MONTH, rest_calls)]
    expected = sum(calls_for(orders, page_size) for orders in counts) + rest_calls + sum(counts) / ORDERS_PER_MOVE
    chosen = choose_cheaper(creation, held, rest, page_size)
    if chosen == creation:
        assert creation_calls < expected + 1
    else:
        assert expected < creation_calls
        assert chosen == [*status_reads(held, page_size), *rest]
        assert creation_calls > MIN_STATUS_CALLS


@given(held_counts, st.integers(1, 500))
def test_every_status_that_holds_something_due_gets_its_list(counts: list[int], page_size: int) -> None:
    held = [StatusCount(MONTH, str(number), orders) for number, orders in enumerate(counts)]
    lists = status_reads(held, page_size)
    assert [(each.window, each.status) for each in lists] == [(each.window, each.status) for each in held]
    assert total_calls(lists) == sum(calls_for(orders, page_size) for orders in counts)


def test_a_small_shop_is_read_by_creation_window_and_a_large_one_with_little_open_by_status() -> None:
    small = [HourBucket(MIDNIGHT + number * HOUR, 1, 1) for number in range(60)]
    few = [StatusCount(MONTH, status, 15) for status in ("0", "1", "10", "11")]
    assert choose_cheaper(merge_hours(small, 100), few, [], 100) == [
        PlannedRead(Window(MIDNIGHT, MIDNIGHT + 60 * HOUR), 1)
    ]

    large = [HourBucket(MIDNIGHT + number * HOUR, 20, 1) for number in range(500)]
    some = [StatusCount(MONTH, status, 100) for status in ("0", "1", "2", "10", "11")]
    assert {part.status for part in choose_cheaper(merge_hours(large, 100), some, [], 100)} == {
        "0",
        "1",
        "2",
        "10",
        "11",
    }


@given(loads, st.integers(1, 500))
def test_where_the_tables_hold_parts_only_no_window_reaches_into_another_day(
    load: list[tuple[int, set[int], bool]], page_size: int
) -> None:
    hours = hours_of(load)
    parts = merge_hours_by_day(hours, page_size)
    assert all(part.window.start.date() == (part.window.end - SECOND).date() for part in parts)
    for hour in hours:
        held = [part for part in parts if part.window.start < hour.start + HOUR and part.window.end > hour.start]
        assert bool(held) or not hour.due
    apart = [HourBucket(MIDNIGHT - 400 * 24 * HOUR, 1, 1), HourBucket(MIDNIGHT, 1, 1)]
    assert len(merge_hours_by_day(apart, 100)) == 2
    assert len(merge_hours(apart, 100)) == 1


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 500), st.integers(1, 31))
def test_days_are_joined_without_a_gap_to_what_fits_on_a_page_and_no_two_of_them_could_be_joined_more(
    orders: list[int], page_size: int, longest: int
) -> None:
    day = timedelta(days=1)
    days = [(Window(MIDNIGHT + n * day, MIDNIGHT + (n + 1) * day), held) for n, held in enumerate(orders)]
    windows = merge_small_windows(days, page_size, longest * day)
    assert [window.start for window in windows[1:]] == [window.end for window in windows[:-1]]
    if orders:
        assert (windows[0].start, windows[-1].end) == (MIDNIGHT, MIDNIGHT + len(orders) * day)

    def held(window: Window) -> int:
        return sum(held for each, held in days if window.start <= each.start < window.end)

    for window in windows:
        assert window.end - window.start <= longest * day
        assert held(window) <= page_size or window.end - window.start == day
    for window, after in pairwise(windows):
        first = Window(after.start, after.start + day)
        assert held(window) + held(first) > page_size or first.end - window.start > longest * day
