"""The verdict on whether a window was read completely (P1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.completeness import (
    ReadSummary,
    expected_on_page,
    has_more,
    last_page,
    may_read_parts_again,
    shortfall,
    shortfall_of_parts,
)
from orders_sync.domain.windows import Window

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("reading", "lacking"),
    [
        pytest.param(ReadSummary(total=0, seen=0), None, id="nothing there, nothing read"),
        pytest.param(ReadSummary(total=250, seen=250), None, id="all that is counted was read"),
        pytest.param(ReadSummary(total=240, seen=250), None, id="records left while they were read"),
        pytest.param(ReadSummary(total=251, seen=250), "counts 251 records, 250 distinct", id="one record is lacking"),
        pytest.param(ReadSummary(total=1, seen=0), "counts 1 records, 0 distinct", id="everything is lacking"),
        pytest.param(ReadSummary(total=250, seen=250, short_pages=(2,)), "page 2 held fewer", id="a page with a hole"),
        pytest.param(ReadSummary(total=250, seen=260, short_pages=(3, 1)), "page 3, 1 held fewer", id="two holes"),
    ],
)
def test_a_reading_is_complete_or_it_says_what_is_lacking_P1(reading: ReadSummary, lacking: str | None) -> None:
    found = shortfall(reading)
    assert found is None if lacking is None else lacking in str(found)


@pytest.mark.parametrize(("total", "page"), [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (201, 3)])
def test_the_last_page_is_the_first_one_when_there_is_nothing(total: int, page: int) -> None:
    assert last_page(total, 100) == page


@given(total=st.integers(0, 10**6), page_size=st.integers(1, 500))
def test_every_page_up_to_the_last_promises_rows_and_together_they_promise_all(total: int, page_size: int) -> None:
    last = last_page(total, page_size)
    some = {1, 2, last - 1, last} & set(range(1, last + 1))
    assert all(expected_on_page(total, page_no, page_size) == page_size for page_no in some - {last})
    assert expected_on_page(total, last, page_size) == total - (last - 1) * page_size
    assert expected_on_page(total, last + 1, page_size) == 0


@pytest.mark.parametrize(
    ("total", "records", "page_no", "is_more"),
    [
        pytest.param(250, 100, 2, True, id="the total says so"),
        pytest.param(250, 0, 2, True, id="the total says so, though the page is empty"),
        pytest.param(250, 50, 3, False, id="the last page"),
        pytest.param(200, 100, 2, True, id="the last page, exactly full: the count may be capped"),
        pytest.param(120, 100, 2, True, id="fuller than the total allows: the total is wrong"),
        pytest.param(0, 100, 1, True, id="nothing is counted, yet the page is full"),
        pytest.param(0, 99, 1, True, id="nothing is counted, yet there are records"),
        pytest.param(0, 0, 1, False, id="nothing at all"),
    ],
)
def test_a_page_may_follow_this_one(total: int, records: int, page_no: int, is_more: bool) -> None:
    assert has_more(total, records, page_no, 100) is is_more


def test_parts_may_bring_more_than_the_whole_counts_and_never_less_P1() -> None:
    assert shortfall_of_parts(8005, 8005) is None
    assert shortfall_of_parts(8005, 8007) is None
    assert "counts 8006 records in this range, but its parts together brought 8005" in str(
        shortfall_of_parts(8006, 8005)
    )


@pytest.mark.parametrize(
    ("again_at", "now", "may"),
    [
        pytest.param(None, NOON + 90 * DAY, True, id="once, however old the range is"),
        pytest.param(NOON + HOUR, NOON + 2 * HOUR, True, id="young when it was read, an hour ago"),
        pytest.param(NOON + HOUR, NOON + 1.9 * HOUR, False, id="not twice an hour"),
        pytest.param(NOON + 0.9 * DAY, NOON + 9 * DAY, True, id="young when it was read, long ago"),
        pytest.param(NOON + DAY, NOON + 9 * DAY, False, id="a day old when it was read"),
    ],
)
def test_parts_that_brought_too_few_are_read_once_more_and_while_they_are_young(
    again_at: datetime | None, now: datetime, may: bool
) -> None:
    assert may_read_parts_again(Window(NOON - DAY, NOON), again_at, now) is may
