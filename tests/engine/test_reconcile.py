"""Finding where two lists of moments differ by asking for counts: nothing is overlooked, few questions are asked."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.times import SHANGHAI
from orders_sync.domain.windows import Window
from orders_sync.engine.reconcile import ROUNDS, Difference, OrderCounts, Reconciliation, compare, halves, ranges

START = datetime(2026, 8, 1, tzinfo=SHANGHAI)
DAYS = 90
SPAN = DAYS * 86400
WHOLE = Window(START, START + timedelta(days=DAYS))
PAGE = 5

seconds = st.lists(st.integers(0, SPAN - 1), max_size=150)


def moments(numbers: Iterable[int]) -> list[datetime]:
    return sorted(START + timedelta(seconds=number) for number in numbers)


def within(listed: Sequence[datetime], window: Window) -> Sequence[datetime]:
    return listed[bisect_left(listed, window.start) : bisect_left(listed, window.end)]


@dataclass
class TwoLists:
    """A platform and the tables, of moments; `lies`: answers to the next counts of the platform, None for the truth."""

    platform: Sequence[datetime]
    tables: Sequence[datetime]
    lies: list[int | None] = field(default_factory=list)
    calls: int = 0

    async def count(self, window: Window) -> OrderCounts:
        self.calls += 1
        lie = self.lies.pop(0) if self.lies else None
        held = len(within(self.tables, window))
        return OrderCounts(len(within(self.platform, window)) if lie is None else held + lie, held)

    async def look(self, window: Window) -> Reconciliation:
        self.calls += 1
        platform, tables = Counter(within(self.platform, window)), Counter(within(self.tables, window))
        odd = (platform - tables) + (tables - platform)
        parts = ranges(window, odd.elements(), (platform & tables).elements())
        found = [
            Difference(part, OrderCounts(len(within(self.platform, part)), len(within(self.tables, part))))
            for part in parts
        ]
        return Reconciliation(platform.total(), tables.total(), differences=found)

    async def compare(self) -> Reconciliation:
        return await compare(WHOLE, await self.count(WHOLE), self.count, self.look, PAGE)


@given(common=seconds, missing=st.sets(st.integers(0, SPAN - 1), max_size=6))
async def test_every_missing_order_is_found_to_the_minute_for_k_log_n_calls(
    common: list[int], missing: set[int]
) -> None:
    lists = TwoLists(moments([*common, *missing]), moments(common))
    found = await lists.compare()
    lost = moments(missing)
    assert all(any(each.window.start <= moment < each.window.end for each in found.differences) for moment in lost)
    assert sum(each.counts.platform - each.counts.tables for each in found.differences) == len(lost)
    assert (found.platform, found.tables) == (len(lists.platform), len(lists.tables))
    if len(lost) == 1:  # a second with more orders than a page holds is reported as that second
        assert found.differences[0].window.seconds <= 60
    assert lists.calls <= 1 + 2 * len(lost) * ceil(log2(SPAN))


@given(common=seconds, surplus=st.sets(st.integers(0, SPAN - 1), min_size=1, max_size=6))
async def test_every_order_the_platform_does_not_list_is_found(common: list[int], surplus: set[int]) -> None:
    lists = TwoLists(moments(common), moments([*common, *surplus]))
    found = await lists.compare()
    assert sum(each.counts.tables - each.counts.platform for each in found.differences) == len(surplus)


@given(listed=seconds)
async def test_what_agrees_costs_one_call(listed: list[int]) -> None:
    lists = TwoLists(moments(listed), moments(listed))
    assert (await lists.compare()).differences == []
    assert lists.calls == 1


@pytest.mark.parametrize(("lie", "calls"), [(1, 4), (-1, 3)])
async def test_one_wrong_count_is_forgotten(lie: int, calls: int) -> None:
    listed = moments(range(0, SPAN, 10_000))
    lists = TwoLists(listed, listed, lies=[lie])
    assert (await lists.compare()).differences == []
    assert lists.calls == calls


@dataclass
class InclusiveLists(TwoLists):
    """Count as a platform that takes ends inclusive: an order on a border is in the counts of both halves."""

    async def count(self, window: Window) -> OrderCounts:
        return await super().count(Window(window.start, window.end + timedelta(seconds=1)))


async def test_an_order_on_the_border_of_two_halves_costs_no_more_calls() -> None:
    border = halves(WHOLE)[0].end
    listed = sorted([*moments(range(5_000, SPAN, 10_000)), border])
    lost = listed[400]
    held = [moment for moment in listed if moment != lost]
    lists = InclusiveLists(listed, held)
    assert [each.window.start <= lost < each.window.end for each in (await lists.compare()).differences] == [True]
    assert lists.calls <= 1 + 2 * ceil(log2(SPAN))


@pytest.mark.parametrize("call", range(2, 12))
async def test_a_half_counted_too_low_by_just_what_it_lacks_is_counted_again_P1(call: int) -> None:
    listed = moments(range(0, SPAN, 10_000))
    lost = listed[400]
    lists = TwoLists(listed, [moment for moment in listed if moment != lost], lies=[*[None] * (call - 1), 0])
    found = await lists.compare()
    assert [each.window.start <= lost < each.window.end for each in found.differences] == [True]
    assert found.differences[0].window.seconds <= 60


async def test_counts_that_contradict_each_other_to_the_end_are_a_difference_that_is_read() -> None:
    listed = moments(range(0, SPAN, 10_000))
    lists = TwoLists(listed, listed, lies=[1, *[None, None, 1] * ROUNDS])
    found = await lists.compare()
    assert found.differences == [Difference(WHOLE, OrderCounts(len(listed) + 1, len(listed)), missing=1)]
    assert lists.calls == 1 + 3 * ROUNDS


@pytest.mark.parametrize("lie", [None, 200])
async def test_halves_that_count_as_many_as_the_whole_are_not_halved_to_the_second(lie: int | None) -> None:
    """A platform that ignores the range, or orders that all stand on the border of the halves."""

    class Ignoring(TwoLists):
        async def count(self, window: Window) -> OrderCounts:
            assert self.calls <= 12
            return await super().count(WHOLE)

    listed = moments(range(0, SPAN, 10_000))
    lists = Ignoring(listed, listed[1:], lies=[lie])
    found = await lists.compare()
    assert sum(each.counts.platform - each.counts.tables for each in found.differences) == 1


async def test_a_whole_that_was_once_counted_too_low_is_not_read_as_a_whole() -> None:
    @dataclass
    class Paged(TwoLists):
        async def look(self, window: Window) -> Reconciliation:
            assert len(within(self.platform, window)) <= PAGE
            return await super().look(window)

    listed = moments(range(0, SPAN, 10_000))
    held = listed[:30] + listed[31:]
    lists = Paged(listed, held, lies=[PAGE + 1 - len(held)])
    assert len((await lists.compare()).differences) == 1


windows = st.builds(
    lambda start, length: Window(START + timedelta(seconds=start), START + timedelta(seconds=start + length)),
    st.integers(0, SPAN),
    st.integers(2, 40 * 86400),
)


@given(windows)
def test_halves_meet_within_the_window_on_the_largest_border_near_its_middle(window: Window) -> None:
    left, right = halves(window)
    assert (left.start, left.end, right.end) == (window.start, right.start, window.end)
    if window.seconds >= 2 * 86400:
        assert left.end.astimezone(SHANGHAI).hour == left.end.minute == left.end.second == 0


@given(differing=st.sets(st.integers(0, 9999)), agreeing=st.sets(st.integers(0, 9999)), start=st.integers(0, 59))
def test_ranges_hold_all_that_differs_and_never_touch_twice(
    differing: set[int], agreeing: set[int], start: int
) -> None:
    window = Window(START + timedelta(seconds=start), START + timedelta(seconds=10_100))
    odd = [moment for moment in moments(differing) if moment >= window.start]
    found = ranges(window, odd, moments(agreeing))
    assert all(sum(each.start <= moment < each.end for each in found) == 1 for moment in odd)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(window.start <= each.start and each.end <= window.end for each in found)
    assert all(any(each.start <= moment < each.end for moment in odd) for each in found)


def test_a_lost_day_is_one_range() -> None:
    hours = [START + timedelta(hours=hour) for hour in range(72)]
    lost = hours[24:48]
    assert ranges(WHOLE, lost, [*hours[:24], *hours[48:]]) == [
        Window(lost[0].astimezone(UTC), lost[-1] + timedelta(minutes=1))
    ]
