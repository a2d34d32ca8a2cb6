"""Platform times: aware, at the offset they carry, or Asia/Shanghai where they carry none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.times import SHANGHAI, compact_time, epoch_ms, local_text, local_time

TextTime = Callable[[str | None], datetime | None]
moments = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9998, 12, 30), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("20260416181012345+0800", datetime(2026, 4, 16, 10, 10, 12, 345000, UTC)),
        ("20260416181012000-0700", datetime(2026, 4, 17, 1, 10, 12, tzinfo=UTC)),
        ("20260416181012000+0000", datetime(2026, 4, 16, 18, 10, 12, tzinfo=UTC)),
        ("20260416181012000-0000", datetime(2026, 4, 16, 18, 10, 12, tzinfo=UTC)),
        ("20260416181012000+0545", datetime(2026, 4, 16, 12, 25, 12, tzinfo=UTC)),
        ("20260416181012000-0330", datetime(2026, 4, 16, 21, 40, 12, tzinfo=UTC)),
        ("20240229000000000+0800", datetime(2024, 2, 28, 16, tzinfo=UTC)),
        ("2026-04-16 18:10:12", datetime(2026, 4, 16, 10, 10, 12, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_compact_time_is_read_at_its_own_offset(said: str | None, meant: datetime | None) -> None:
    assert compact_time(said) == meant


@given(moment=moments, minutes=st.integers(-12 * 60, 14 * 60))
def test_compact_time_keeps_the_moment_to_the_millisecond(moment: datetime, minutes: int) -> None:
    offset = timedelta(minutes=minutes)
    there = (moment + offset).replace(tzinfo=None)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    said = f"{there:%Y%m%d%H%M%S}{there.microsecond // 1000:03}{sign}{hours:02}{rest:02}"
    assert compact_time(said) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_local_time_is_shanghai() -> None:
    assert local_time("2026-04-16 18:10:12") == datetime(2026, 4, 16, 10, 10, 12, tzinfo=UTC)
    assert local_time("2026-04-16 00:00:00") == datetime(2026, 4, 15, 16, tzinfo=UTC)
    assert local_time(None) is None
    assert local_time("") is None


@given(moments)
def test_what_we_ask_is_what_we_read_back(moment: datetime) -> None:
    assert local_time(local_text(moment)) == moment.replace(microsecond=0)


def test_times_are_asked_in_shanghai_whatever_zone_they_are_in() -> None:
    moment = datetime(2026, 4, 16, 18, 10, 12, tzinfo=UTC)
    assert local_text(moment) == local_text(moment.astimezone(SHANGHAI)) == "2026-04-17 02:10:12"


NEITHER = [
    pytest.param("2026-04-16T18:10+09", id="an offset we would drop"),
    pytest.param("2026-04-16T18:10Z", id="a zone we would drop"),
    pytest.param("20260416T181000.123", id="another ISO form of the same length"),
    pytest.param("2026-W16-4 18:10:00", id="a week date"),
    pytest.param("2026-04-16", id="a day"),
    pytest.param("2026-04-16 18:10", id="no seconds"),
    pytest.param("2026-13-01 00:00:00", id="a month that is none"),
    pytest.param("2026-02-29 00:00:00", id="a day that is none"),
    pytest.param("2026-04-16 25:00:00", id="an hour that is none"),
    pytest.param("0000-00-00 00:00:00", id="nothing but zeros"),
    pytest.param("0001-01-01 00:00:00", id="a year no UTC knows"),
    pytest.param("yesterday", id="words"),
    pytest.param(" ", id="a blank"),
    pytest.param("\x00" * 19, id="NULs"),
]
NO_COMPACT_TIME = [
    pytest.param("20260416181012000+08:00", id="an offset with a colon"),
    pytest.param("20260416181012000 0800", id="an offset without a sign"),
    pytest.param("20260416181012000+08a0", id="an offset that is no number"),
    pytest.param("20260416181012000+2500", id="an offset beyond a day"),
    pytest.param("20260416181012000", id="no offset"),
    pytest.param("20261316181012000+0800", id="month 13"),
    pytest.param("２０２６0416181012000+0800", id="digits of another alphabet"),
    pytest.param("2026041618101200²+0800", id="a digit that is no number"),
    pytest.param("00010101000000000+0800", id="a year no UTC knows"),
    pytest.param("99991231235959000-0700", id="a year UTC does not know any more"),
]


@pytest.mark.parametrize("text", NEITHER)
@pytest.mark.parametrize("read", [compact_time, local_time])
def test_what_is_no_time_is_refused(read: TextTime, text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        read(text)


@pytest.mark.parametrize("text", NO_COMPACT_TIME)
def test_what_is_no_compact_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        compact_time(text)


@given(st.text(st.sampled_from("0123456789-: +TZW."), min_size=17, max_size=23))
def test_whatever_is_taken_for_a_time_is_a_moment_in_utc(text: str) -> None:
    try:
        found = compact_time(text)
    except ValueError:
        return
    assert found is not None
    found.astimezone(UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_776_334_212_345, datetime(2026, 4, 16, 10, 10, 12, 345000, UTC)),
        ("1776334212345", datetime(2026, 4, 16, 10, 10, 12, 345000, UTC)),
        (None, None),
        ("", None),
    ],
)
def test_milliseconds_since_1970(said: int | str | None, meant: datetime | None) -> None:
    assert epoch_ms(said) == meant


@pytest.mark.parametrize("said", ["soon", "1.5", "1e3", 10**15, -(10**15), "9" * 5000])
def test_what_are_no_milliseconds_is_refused(said: int | str) -> None:
    with pytest.raises(ValueError, match="not milliseconds"):
        epoch_ms(said)
