"""One zone for what people type and see, whatever the zone of the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain import local_times, typed_times
from orders_sync.domain.errors import ClockSetBackError
from orders_sync.domain.windows import Window

DAY = timedelta(days=1)
BERLIN, TWICE, SKIPPED = "Europe/Berlin", "2026-10-25 02:30:00", "2026-03-29 02:30:00"
HALF_PAST_23, HALF_PAST_16 = datetime(2026, 12, 31, 23, 30, tzinfo=UTC), datetime(2026, 12, 31, 16, 30, tzinfo=UTC)


@pytest.fixture(autouse=True, params=["UTC", "America/New_York"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in another zone than its user; afterwards the zone is the default again."""
    of_machine = os.environ.get("TZ")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    local_times.use(local_times.DEFAULT)
    monkeypatch.undo()
    time.tzset()
    assert os.environ.get("TZ") == of_machine


@pytest.mark.parametrize(
    ("zone", "at", "shown", "stamp", "iso"),
    [
        ("Asia/Shanghai", HALF_PAST_23, "2027-01-01 07:30:00", "+08:00", "2027-01-01T07:30:00+08:00"),
        ("Asia/Shanghai", HALF_PAST_16, "2027-01-01 00:30:00", "+08:00", "2027-01-01T00:30:00+08:00"),
        ("UTC", HALF_PAST_23, "2026-12-31 23:30:00", "UTC", "2026-12-31T23:30:00Z"),
        ("Asia/Kathmandu", HALF_PAST_16, "2026-12-31 22:15:00", "+05:45", "2026-12-31T22:15:00+05:45"),
        (BERLIN, HALF_PAST_16, "2026-12-31 17:30:00", "+01:00", "2026-12-31T17:30:00+01:00"),
        (
            BERLIN,
            datetime(2026, 7, 1, 23, 30, tzinfo=UTC),
            "2026-07-02 01:30:00",
            "+02:00",
            "2026-07-02T01:30:00+02:00",
        ),
    ],
)
def test_a_moment_is_shown_in_the_zone_of_the_settings(
    zone: str, at: datetime, shown: str, stamp: str, iso: str
) -> None:
    local_times.use(zone)
    at += timedelta(microseconds=999_999)
    assert local_times.shown(at) == shown
    assert local_times.stamp(at) == f"{shown} {stamp}"
    assert local_times.iso(at) == iso
    assert local_times.day(at) == shown[:10]
    assert local_times.zone_name() == zone


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/New_York", BERLIN, "Asia/Kathmandu"])
@given(at=st.datetimes(datetime(1999, 1, 1), datetime(2199, 12, 30), timezones=st.just(UTC)))
def test_what_is_shown_can_be_typed(zone: str, at: datetime) -> None:
    local_times.use(zone)
    at = at.replace(microsecond=0)
    for text in (local_times.shown(at), local_times.stamp(at), local_times.iso(at)):
        assert typed_times.parse(text) == at


@pytest.mark.parametrize("now", [HALF_PAST_23, HALF_PAST_16])
def test_a_date_begins_with_the_day_of_the_zone_at_any_hour(now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        assert typed_times.parse("2026-10-01") == datetime(2026, 9, 30, 16, tzinfo=UTC)
        assert typed_times.parse(" 2026-10-01 12:00:30.9 ") == datetime(2026, 10, 1, 4, 0, 30, tzinfo=UTC)
        assert typed_times.parse("2026-10-01T12:00Z") == datetime(2026, 10, 1, 12, tzinfo=UTC)
        local_times.use("UTC")
        assert typed_times.parse("2026-10-01") == datetime(2026, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
@pytest.mark.parametrize("text", ["0001-01-01", "0001-01-01 00:00", "9999-12-31 23:59:59"])
def test_the_ends_of_the_calendar_are_read(text: str, zone: str) -> None:
    local_times.use(zone)
    assert typed_times.parse(text).isoformat(" ").startswith(text)


def test_a_day_that_begins_when_clocks_are_changed_begins_with_its_first_moment() -> None:
    local_times.use("Africa/Cairo")
    assert local_times.shown(typed_times.parse("2026-04-24")) == "2026-04-24 01:00:00"


def test_an_hour_that_occurs_twice_is_shown_with_its_offset() -> None:
    local_times.use(BERLIN)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert local_times.shown(first) == f"{TWICE} +02:00"
    assert local_times.shown(first + timedelta(hours=1)) == f"{TWICE} +01:00"
    assert str(Window(first, first + timedelta(hours=1))) == f"{TWICE} +02:00 .. {TWICE} +01:00"


@pytest.mark.parametrize(("text", "why"), [(TWICE, "occurred twice"), (SKIPPED, "was skipped")])
def test_a_typed_time_that_is_none_or_two_is_refused_until_it_has_an_offset(text: str, why: str) -> None:
    local_times.use(BERLIN)
    with pytest.raises(ValueError, match=f"{text} {why} in Europe/Berlin") as refused:
        typed_times.parse(text)
    advised = str(refused.value).split('"')[1]
    assert typed_times.parse(advised).tzinfo is not None


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-10-01 25:00", "2026-10-01 12:00 CST", "1"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match='such as 2026-10-01 or "2026-10-01 12:00"'):
        typed_times.parse(text)


@pytest.mark.parametrize(
    "name", ["", "CST8", "Europe", "Asia/Beijing", "../../etc/passwd", "zone.tab", "+08:00", "\0", "x" * 300]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a time zone"):
        local_times.use(name)
    assert local_times.zone_name() == "Asia/Shanghai"


def test_the_default_needs_no_time_zone_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_times, "ZoneInfo", None)
    local_times.use("Asia/Shanghai")
    assert local_times.stamp(HALF_PAST_23) == "2027-01-01 07:30:00 +08:00"


def test_sentences_far_from_the_settings_name_the_zone() -> None:
    local_times.use("UTC")
    assert str(Window(HALF_PAST_16, HALF_PAST_23)) == "2026-12-31 16:30:00 .. 2026-12-31 23:30:00 UTC"
    assert "2026-12-31 23:30:00 UTC" in str(ClockSetBackError("shop", HALF_PAST_23))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Shanghai", "2026-03-29", 24),
        ("UTC", "2028-02-29", 24),
        ("Asia/Kathmandu", "2026-12-31", 24),
        (BERLIN, "2026-03-29", 23),
        (BERLIN, "2026-10-25", 25),
        ("America/Sao_Paulo", "2018-11-04", 23),  # midnight was skipped
        ("America/Havana", "2026-11-01", 25),  # midnight is shown twice
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
    ],
)
def test_the_hours_of_a_day_follow_each_other_from_its_beginning_to_that_of_the_next(
    zone: str, day: str, hours: float
) -> None:
    local_times.use(zone)
    the_day = date.fromisoformat(day)
    found = local_times.hours_of(the_day)
    assert found[0][1] == local_times.start_of(the_day)
    assert [end for _, _, end in found] == [*(start for _, start, _ in found[1:]), local_times.start_of(the_day + DAY)]
    assert found[-1][2] - found[0][1] == timedelta(hours=hours)
    for hour, start, end in found:
        assert local_times.date_of(start) == local_times.date_of(end - timedelta(seconds=1)) == the_day
        assert local_times.local(start).hour == hour or zone == "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("text", "past", "ahead"),
    [
        ("today", "2026-11-26", "2026-11-26"),
        (" Yesterday", "2026-11-25", "2026-11-25"),
        ("tomorrow", "2026-11-27", "2026-11-27"),
        ("thursday", "2026-11-26", "2026-12-03"),
        ("Wed", "2026-11-25", "2026-12-02"),
        ("fri", "2026-11-20", "2026-11-27"),
        ("30m", "2026-11-26 00:00:00 +08:00", "2026-11-26 01:00:00 +08:00"),
        ("2h", "2026-11-25 22:30:00 +08:00", "2026-11-26 02:30:00 +08:00"),
        ("1w", "2026-11-19 00:30:00 +08:00", "2026-12-03 00:30:00 +08:00"),
        ("whenever", "whenever", "whenever"),
        ("t", "t", "t"),
        ("0x3m", "0x3m", "0x3m"),
    ],
)
def test_words_stand_for_days_and_moments_in_the_zone(text: str, past: str, ahead: str) -> None:
    """A Thursday half an hour old in the zone, and still Wednesday in UTC."""
    with time_machine.travel(datetime(2026, 11, 25, 16, 30, tzinfo=UTC), tick=False):
        assert typed_times.written_out(text) == past
        assert typed_times.written_out(text, ahead=True) == ahead
