"""Empty answers, and answers beyond a platform's reach, prove this much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.emptiness import at_reach, is_believed
from orders_sync.domain.windows import Window

NOON = datetime(2026, 11, 1, 12, 34, 56, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("length", "is_second", "is_believed_then"),
    [
        (SECOND, False, True),
        (DAY, False, True),
        (DAY + SECOND, False, False),
        (300 * DAY, False, False),
        (300 * DAY, True, True),
    ],
)
def test_one_empty_answer_closes_no_more_than_a_day_P1(
    length: timedelta, is_second: bool, is_believed_then: bool
) -> None:
    assert is_believed(Window(NOON, NOON + length), is_second_answer=is_second) is is_believed_then


def test_a_platform_that_documents_no_reach_has_none() -> None:
    window = Window(NOON - 4000 * DAY, NOON)
    assert at_reach(window, NOON, None) == (None, window)


@given(start=st.integers(1, 10_000_000), length=st.integers(1, 10_000_000), furthest=st.integers(1, 100))
def test_a_window_is_cut_where_the_reach_begins_without_a_gap(start: int, length: int, furthest: int) -> None:
    window = Window(NOON - start * SECOND, NOON - start * SECOND + length * SECOND)
    beyond, within = at_reach(window, NOON, furthest * DAY)
    parts = [part for part in (beyond, within) if part is not None]
    assert parts[0].start == window.start
    assert parts[-1].end == window.end
    assert len(parts) == 1 or parts[0].end == parts[1].start
    border = NOON - furthest * DAY
    assert within is None or within.start > border + timedelta(hours=1)
    assert beyond is None or beyond.end <= border + timedelta(hours=2)


def test_what_was_cut_is_not_cut_again_a_while_later() -> None:
    _, within = at_reach(Window(NOON - 60 * DAY, NOON), NOON, 31 * DAY)
    assert within is not None
    beyond, _ = at_reach(within, NOON + timedelta(hours=1, minutes=20), 31 * DAY)
    assert beyond is None or beyond.seconds >= 3600
