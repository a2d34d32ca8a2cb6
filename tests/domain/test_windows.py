"""Windows of platform time: cut without a gap and without an overlap (P1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.windows import MOST_PARTS, SECOND, Window, split, tile, whole_second

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
seconds = st.integers(1, 10**7).map(lambda count: timedelta(seconds=count))
counts = st.integers(0, 10**6)


def window(length: timedelta) -> Window:
    return Window(NOON, NOON + length)


def assert_exact(parts: list[Window], start: datetime, end: datetime) -> None:
    """Check that windows have no gap and no overlap, and neither begin earlier nor end later."""
    assert parts[0].start == start
    assert parts[-1].end == end
    assert [part.end for part in parts[:-1]] == [part.start for part in parts[1:]]


@given(length=seconds, pieces=st.integers(1, 300), more=st.integers(0, 5))
def test_tiles_cover_exactly_and_none_is_longer_than_allowed_P1(length: timedelta, pieces: int, more: int) -> None:
    longest = timedelta(seconds=length // SECOND // pieces + more + 1)
    tiles = list(tile(NOON, NOON + length, longest))
    assert_exact(tiles, NOON, NOON + length)
    assert all(each.end - each.start <= longest for each in tiles)
    assert all(each.end - each.start == longest for each in tiles[:-1])


@pytest.mark.parametrize("length", [0, -1, -1000])
def test_no_tile_where_there_is_nothing(length: int) -> None:
    assert list(tile(NOON, NOON + timedelta(seconds=length), SECOND)) == []


@given(length=seconds, total=counts, limit=st.integers(300, 10**4))
def test_parts_of_a_split_cover_the_window_exactly_on_whole_seconds_P1(
    length: timedelta, total: int, limit: int
) -> None:
    whole = window(length)
    parts = split(whole, total, limit)
    assert_exact(parts, whole.start, whole.end)
    assert sum(part.seconds for part in parts) == whole.seconds


@given(length=seconds, total=counts, limit=st.integers(300, 10**4))
def test_evenly_spread_rows_fit_into_every_part_of_a_split_P7(length: timedelta, total: int, limit: int) -> None:
    whole = window(length)
    longest = max(part.seconds for part in split(whole, total, limit))
    wanted = min(MOST_PARTS, max(1, -(-total // limit)))
    assert longest == 1 or longest <= -(-whole.seconds // wanted)


@given(length=st.integers(2, 10**6), total=counts)
def test_a_split_always_makes_smaller_windows_P7(length: int, total: int) -> None:
    whole = window(timedelta(seconds=length))
    assert all(part.seconds < length for part in split(whole, total, 2000))


@given(total=counts)
def test_one_second_is_returned_alone_however_full(total: int) -> None:
    second = window(SECOND)
    assert split(second, total, 1) == [second]


@given(length=st.integers(2, 10**6), total=st.integers(0, 2**31))
def test_a_wrong_total_makes_some_dozens_of_parts_at_most(length: int, total: int) -> None:
    assert len(split(window(timedelta(seconds=length)), total, 1)) <= MOST_PARTS


def test_a_window_knows_its_seconds() -> None:
    assert window(timedelta(minutes=1)).seconds == 60


def test_a_window_is_shown_in_utc() -> None:
    shanghai = timezone(timedelta(hours=8))
    shown = str(Window(NOON.astimezone(shanghai), NOON.astimezone(shanghai) + timedelta(hours=1)))
    assert shown == "2026-11-01 20:00:00 .. 2026-11-01 21:00:00 +08:00"


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        pytest.param(NOON, NOON, "empty", id="empty"),
        pytest.param(NOON, NOON - SECOND, "empty", id="backwards"),
        pytest.param(NOON.replace(tzinfo=None), NOON + SECOND, "aware", id="naive start"),
        pytest.param(NOON, (NOON + SECOND).replace(tzinfo=None), "aware", id="naive end"),
        pytest.param(NOON.replace(microsecond=1), NOON + SECOND, "whole seconds", id="start inside a second"),
        pytest.param(NOON, NOON + timedelta(milliseconds=1500), "whole seconds", id="end inside a second"),
    ],
)
def test_what_is_no_window_is_refused(start: datetime, end: datetime, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Window(start, end)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_lies_in_its_whole_second(moment: datetime) -> None:
    second = whole_second(moment)
    assert second.microsecond == 0
    assert timedelta(0) <= moment - second < SECOND
