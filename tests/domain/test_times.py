"""Platform times: aware, at the offset they carry, or Asia/Shanghai where they carry none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.times import SHANGHAI, platform_text, platform_time

moments = st.datetimes(min_value=datetime(1970, 1, 3), max_value=datetime(9998, 12, 30), timezones=st.just(UTC))
AT_TEN = datetime(2026, 4, 16, 10, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("20260416181012345+0800", AT_TEN.replace(microsecond=345000)),
        ("20260416181012000-0700", datetime(2026, 4, 17, 1, 10, 12, tzinfo=UTC)),
        ("20260416101012000+0000", AT_TEN),
        ("20260416101012000-0000", AT_TEN),
        ("20260416181012000+0545", datetime(2026, 4, 16, 12, 25, 12, tzinfo=UTC)),
        ("20240229000000000+0800", datetime(2024, 2, 28, 16, tzinfo=UTC)),
        ("20260416181012000+08:00", AT_TEN),
        ("20260416181012000", AT_TEN),
        ("20260416181012", AT_TEN),
        ("2026-04-16 18:10:12", AT_TEN),
        (" 2026-04-16 18:10:12 ", AT_TEN),
        ("2026-04-16 00:00:00", datetime(2026, 4, 15, 16, tzinfo=UTC)),
        ("2026-04-16T18:10:12.345678901", AT_TEN.replace(microsecond=345678)),
        ("2026-04-16 18:10:12,5", AT_TEN.replace(microsecond=500000)),
        ("2026-04-16T10:10:12Z", AT_TEN),
        ("2026-04-16T10:10:12.000+00:00", AT_TEN),
        ("2026-04-16 18:10:12 +0800", AT_TEN),
        ("2026/04/16 18:10:12", AT_TEN),
        ("2026/4/16 18:10:12", AT_TEN),
        ("2026.04.16 18:10:12", AT_TEN),
        (1_776_334_212, AT_TEN),
        ("1776334212", AT_TEN),
        (1_776_334_212_345, AT_TEN.replace(microsecond=345000)),
        ("1776334212345", AT_TEN.replace(microsecond=345000)),
    ],
)
def test_a_time_is_read_however_it_is_written(sent: int | str, meant: datetime) -> None:
    assert platform_time(sent) == meant


def test_a_time_keeps_the_offset_it_carries_and_is_in_china_where_it_carries_none() -> None:
    kept = platform_time("20260416181012000-0700")
    assert kept is not None
    assert kept.utcoffset() == timedelta(hours=-7)
    local = platform_time("2026-04-16 18:10:12")
    assert local is not None
    assert local.tzinfo is SHANGHAI


@given(moment=moments, minutes=st.integers(-12 * 60, 14 * 60))
def test_a_compact_time_keeps_the_moment_to_the_millisecond(moment: datetime, minutes: int) -> None:
    offset = timedelta(minutes=minutes)
    there = (moment + offset).replace(tzinfo=None)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    said = f"{there:%Y%m%d%H%M%S}{there.microsecond // 1000:03}{sign}{hours:02}{rest:02}"
    assert platform_time(said) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@given(moments)
def test_what_we_ask_is_what_we_read_back(moment: datetime) -> None:
    assert platform_time(platform_text(moment)) == moment.replace(microsecond=0)
    assert platform_time(moment.isoformat()) == moment


def test_times_are_asked_in_shanghai_whatever_zone_they_are_in() -> None:
    moment = datetime(2026, 4, 16, 18, 10, 12, tzinfo=UTC)
    assert platform_text(moment) == platform_text(moment.astimezone(SHANGHAI)) == "2026-04-17 02:10:12"


@pytest.mark.parametrize(
    "sent",
    [
        "", " ", "0", 0, "0.0", "0000", "1970-01-01 08:00:00", "1970-01-01T00:00:00Z", "19700101080000000+0800",
        "1969-12-31 16:00:00", "0001-01-01 00:00:00", "00010101000000000+0800", "0000-00-00 00:00:00",
        "1900-01-01 00:00:00", "9999-12-31 23:59:59", "99991231235959000-0700",
    ],
)  # fmt: skip
def test_what_stands_for_no_time_is_none(sent: int | str) -> None:
    assert platform_time(sent) is None


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("2026-04-16", id="a day"),
        pytest.param("2026-04-16 18:10", id="no seconds"),
        pytest.param("2026-04-16T18:10+09", id="an offset of hours alone"),
        pytest.param("2026-W16-4 18:10:00", id="a week date"),
        pytest.param("16/04/2026 18:10:00", id="the day first"),
        pytest.param("2026-04/16 18:10:00", id="two separators"),
        pytest.param("2026416181012000+0800", id="a month of one digit, nobody knows which"),
        pytest.param("2026-13-01 00:00:00", id="a month that is none"),
        pytest.param("2026-02-29 00:00:00", id="a day that is none"),
        pytest.param("2026-04-16 25:00:00", id="an hour that is none"),
        pytest.param("20260416181012000+2500", id="an offset beyond a day"),
        pytest.param("20260416181012000+08a0", id="an offset that is no number"),
        pytest.param("２０２６0416181012000+0800", id="digits of another alphabet"),
        pytest.param("１７７６３３４２１２", id="seconds in digits of another alphabet"),
        pytest.param("1776334212.5", id="seconds with a fraction"),
        pytest.param("9999-01-01 00:00:00", id="a year UTC may not know any more"),
        pytest.param("1066-10-14 09:00:00", id="a year before any order"),
        pytest.param(20_260_416, id="a day as a number, no second of 1970"),
        pytest.param(-1, id="before 1970"),
        pytest.param(1_776_334_212_345_678, id="microseconds"),
        pytest.param("9" * 5000, id="digits without end"),
        pytest.param("yesterday", id="words"),
        pytest.param("\x00" * 19, id="NULs"),
    ],
)
def test_what_is_no_time_is_refused(sent: int | str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        platform_time(sent)


@given(st.text(st.sampled_from("0123456789-: +TZW./"), min_size=8, max_size=28))
def test_whatever_is_taken_for_a_time_is_a_moment_in_utc(text: str) -> None:
    try:
        found = platform_time(text)
    except ValueError:
        return
    if found is not None:
        found.astimezone(UTC)
