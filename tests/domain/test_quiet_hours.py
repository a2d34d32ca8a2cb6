"""Quiet hours are those of clocks in the zone of people, past midnight too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

import pytest

from orders_sync.domain import local_times
from orders_sync.domain.quiet_hours import QuietHours, parse


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    before = local_times.zone_name()
    local_times.use("Asia/Shanghai")
    yield
    local_times.use(before)


def at(hour: int, minute: int) -> datetime:
    """A time of day in UTC; in Shanghai it is eight hours later."""
    return datetime(2026, 11, 26, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "quiet", "loud"),
    [
        ("22:00-08:00", [(14, 0), (15, 59), (16, 0), (23, 59)], [(13, 59), (0, 0), (4, 0)]),
        ("12:00 - 13:30", [(4, 0), (5, 29)], [(3, 59), (5, 30), (16, 0)]),
    ],
)
def test_the_beginning_is_quiet_and_the_end_is_not(
    written: str, quiet: list[tuple[int, int]], loud: list[tuple[int, int]]
) -> None:
    hours = parse(written)
    assert all(hours.cover(at(*each)) for each in quiet)
    assert not any(hours.cover(at(*each)) for each in loud)


def test_the_zone_of_people_counts_and_summer_time_with_it() -> None:
    local_times.use("Europe/Berlin")
    hours = parse("22:00-08:00")
    assert hours.cover(datetime(2026, 1, 5, 6, 59, tzinfo=UTC))
    assert not hours.cover(datetime(2026, 1, 5, 7, 0, tzinfo=UTC))
    assert hours.cover(datetime(2026, 7, 5, 5, 59, tzinfo=UTC))
    assert not hours.cover(datetime(2026, 7, 5, 6, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["", "22-8", "22:00", "25:00-08:00", "22:60-08:00", "08:00-08:00", "8:00-08:00", "٢٢:00-08:00", 5]
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="two different times of day"):
        parse(text)


def test_as_text_they_are_as_written() -> None:
    assert str(parse("22:00-8:00")) == "22:00-08:00"
    assert parse("22:00-8:00") == QuietHours(time(22), time(8))
