"""Whether a window was read completely (P1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.verdict import Reading, goes_on, last_page, promised, shortfall


@pytest.mark.parametrize(
    ("reading", "missing"),
    [
        pytest.param(Reading(total=0, seen=0), None, id="nothing there, nothing read"),
        pytest.param(Reading(total=250, seen=250), None, id="all that is counted was read"),
        pytest.param(Reading(total=240, seen=250), None, id="rows left while they were read"),
        pytest.param(Reading(total=251, seen=250), "counts 251 rows, 250 distinct", id="one row is missing"),
        pytest.param(Reading(total=1, seen=0), "counts 1 rows, 0 distinct", id="everything is missing"),
        pytest.param(Reading(total=250, seen=250, short_pages=(2,)), "page 2 held fewer", id="a page with a hole"),
        pytest.param(Reading(total=250, seen=260, short_pages=(3, 1)), "page 3, 1 held fewer", id="two holes"),
    ],
)
def test_a_reading_is_complete_or_it_says_what_is_missing_P1(reading: Reading, missing: str | None) -> None:
    found = shortfall(reading)
    assert found is None if missing is None else missing in str(found)


@pytest.mark.parametrize(("total", "page"), [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (201, 3)])
def test_the_last_page_is_the_first_one_when_there_is_nothing(total: int, page: int) -> None:
    assert last_page(total, 100) == page


@given(total=st.integers(0, 10**6), page_size=st.integers(1, 500))
def test_every_page_up_to_the_last_promises_rows_and_together_they_promise_all(total: int, page_size: int) -> None:
    last = last_page(total, page_size)
    some = {1, 2, last - 1, last} & set(range(1, last + 1))
    assert all(promised(total, page_no, page_size) == page_size for page_no in some - {last})
    assert promised(total, last, page_size) == total - (last - 1) * page_size
    assert promised(total, last + 1, page_size) == 0


@pytest.mark.parametrize(
    ("total", "rows", "page_no", "is_more"),
    [
        pytest.param(250, 100, 2, True, id="the total says so"),
        pytest.param(250, 0, 2, True, id="the total says so, though the page is empty"),
        pytest.param(250, 50, 3, False, id="the last page"),
        pytest.param(200, 100, 2, True, id="the last page, exactly full: the count may be capped"),
        pytest.param(120, 100, 2, True, id="fuller than the total allows: the total is wrong"),
        pytest.param(0, 100, 1, True, id="nothing is counted, yet the page is full"),
        pytest.param(0, 99, 1, True, id="nothing is counted, yet there are rows"),
        pytest.param(0, 0, 1, False, id="nothing at all"),
    ],
)
def test_a_page_may_stand_behind_this_one(total: int, rows: int, page_no: int, is_more: bool) -> None:
    assert goes_on(total, rows, page_no, 100) is is_more
