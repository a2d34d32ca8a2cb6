"""Orders of a creation-time feed are read again at these intervals, by so many calls."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from orders_sync.domain.sweeps import DAY, HOUR, Sweep, SweepPolicy, SweepRange, due_ranges

MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
HISTORY = MIDNIGHT - 400 * DAY
POLICY = SweepPolicy()


def test_over_a_day_of_runs_every_age_is_read_again_as_often_as_the_policy_says() -> None:
    """A run a minute. Ages as they are at the end of the day."""
    times: Counter[timedelta] = Counter()
    ages = [timedelta(days=days) for days in (1, 10, 60, 100, 110)]
    for minute in range(24 * 60):
        end = MIDNIGHT + timedelta(minutes=minute)
        for each in due_ranges(POLICY, Sweep.DUE, HISTORY, end - timedelta(minutes=1), end):
            times.update(age for age in ages if each.start <= end - age < each.end)
    assert times == {ages[0]: 144, ages[1]: 24, ages[2]: 1, ages[3]: 1}


def test_a_service_that_slept_for_days_reads_everything_again_once() -> None:
    *_, last = due_ranges(POLICY, Sweep.DUE, HISTORY, MIDNIGHT - 5 * DAY, MIDNIGHT + HOUR)
    assert last == SweepRange(MIDNIGHT + HOUR - 105 * DAY, MIDNIGHT + HOUR, with_final=True)


def test_no_sweep_begins_before_the_history() -> None:
    begin = MIDNIGHT - 2 * DAY
    for minute in range(24 * 60):
        end = MIDNIGHT + timedelta(minutes=minute)
        assert all(
            begin <= each.start < each.end <= end for each in due_ranges(POLICY, Sweep.DUE, begin, end - HOUR, end)
        )


def test_open_and_all_read_the_whole_history_again_and_none_reads_nothing() -> None:
    assert due_ranges(POLICY, Sweep.OPEN, HISTORY, MIDNIGHT, MIDNIGHT) == [
        SweepRange(HISTORY, MIDNIGHT, with_final=False)
    ]
    assert due_ranges(POLICY, Sweep.ALL, HISTORY, MIDNIGHT, MIDNIGHT) == [
        SweepRange(HISTORY, MIDNIGHT, with_final=True)
    ]
    assert due_ranges(POLICY, Sweep.NONE, HISTORY, MIDNIGHT - DAY, MIDNIGHT) == []


def test_what_is_not_final_and_older_than_all_tiers_is_read_once_a_week() -> None:
    policy, begin = SweepPolicy(), datetime(2025, 1, 1, tzinfo=UTC)
    ends = [datetime(2026, 11, 1, 0, 0, 30, tzinfo=UTC) + timedelta(days=number) for number in range(28)]
    found = [due_ranges(policy, Sweep.DUE, begin, end - timedelta(minutes=1), end) for end in ends]
    weekly = [parts for parts in found if len(parts) > 1]
    assert len(weekly) == 4
    for older, younger in weekly:
        assert (older.start, older.end, older.with_final) == (begin, younger.start, False)
    young = ends[0] - timedelta(days=9)
    assert all(len(due_ranges(policy, Sweep.DUE, young, end - timedelta(minutes=1), end)) == 1 for end in ends)
