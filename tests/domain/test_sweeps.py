"""What is read again on a creation-time feed, how often, and by how many calls."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.sweeps import DAY, HOUR, Hour, Look, Policy, Sweep, calls_for, cover, looks

MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
HISTORY = MIDNIGHT - 400 * DAY
POLICY = Policy()


def test_over_a_day_of_runs_every_age_is_looked_over_as_often_as_the_policy_says() -> None:
    """A run a minute. Ages as they are at the end of the day."""
    times: Counter[timedelta] = Counter()
    ages = [timedelta(days=days) for days in (1, 10, 60, 100, 110)]
    for minute in range(24 * 60):
        end = MIDNIGHT + timedelta(minutes=minute)
        for look in looks(POLICY, Sweep.DUE, HISTORY, end - timedelta(minutes=1), end):
            times.update(age for age in ages if look.start <= end - age < look.end)
    assert times == {ages[0]: 144, ages[1]: 24, ages[2]: 1, ages[3]: 1}


def test_a_service_that_slept_for_days_looks_over_everything_once() -> None:
    [look] = looks(POLICY, Sweep.DUE, HISTORY, MIDNIGHT - 5 * DAY, MIDNIGHT + HOUR)
    assert look == Look(MIDNIGHT + HOUR - 105 * DAY, MIDNIGHT + HOUR, with_final=True)


def test_no_look_reaches_before_the_history() -> None:
    begin = MIDNIGHT - 2 * DAY
    for minute in range(24 * 60):
        end = MIDNIGHT + timedelta(minutes=minute)
        assert all(begin <= look.start < look.end <= end for look in looks(POLICY, Sweep.DUE, begin, end - HOUR, end))


def test_open_and_all_look_over_the_whole_history_and_none_over_nothing() -> None:
    assert looks(POLICY, Sweep.OPEN, HISTORY, MIDNIGHT, MIDNIGHT) == [Look(HISTORY, MIDNIGHT, with_final=False)]
    assert looks(POLICY, Sweep.ALL, HISTORY, MIDNIGHT, MIDNIGHT) == [Look(HISTORY, MIDNIGHT, with_final=True)]
    assert looks(POLICY, Sweep.NONE, HISTORY, MIDNIGHT - DAY, MIDNIGHT) == []


loads = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3)), max_size=60)


@given(loads, st.integers(1, 500))
def test_every_hour_with_something_due_is_covered_once_and_never_by_more_calls_than_alone_P2(
    load: list[tuple[int, int]], page_size: int
) -> None:
    hours = [
        Hour(MIDNIGHT + number * HOUR, orders, min(orders, due)) for number, (orders, due) in enumerate(load) if orders
    ]
    windows = cover(hours, page_size)
    for hour in hours:
        covering = sum(window.start <= hour.start and hour.start + HOUR <= window.end for window in windows)
        assert covering == 1 if hour.due else covering <= 1
    spent = sum(
        calls_for(sum(h.orders for h in hours if window.start <= h.start < window.end), page_size) for window in windows
    )
    assert spent <= sum(calls_for(hour.orders, page_size) for hour in hours if hour.due)


def test_far_apart_orders_are_not_joined_over_full_pages_between_them() -> None:
    hours = [
        Hour(MIDNIGHT + number * HOUR, orders, due)
        for number, (orders, due) in enumerate([(40, 1), (30, 0), (20, 1), (500, 0), (500, 0), (500, 0), (10, 1)])
    ]
    windows = cover(hours, 100)
    assert [(w.start - MIDNIGHT, w.end - MIDNIGHT) for w in windows] == [(0 * HOUR, 3 * HOUR), (6 * HOUR, 7 * HOUR)]
