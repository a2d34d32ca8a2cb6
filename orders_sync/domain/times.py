"""Platform times as aware datetimes. One place knows each platform's format and zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


FIRST_YEAR, LAST_YEAR = 1970, 9998  # beyond the last one, UTC may know no such moment
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", re.ASCII)


def compact_time(text: str | None) -> datetime | None:
    """A 1688 time, `yyyyMMddHHmmssSSS+0800`: the offset is its own (api-facts 4.2: `-0700` occurs).

    Also what aggregators make of it, `yyyy-MM-dd HH:mm:ss` (read as Asia/Shanghai). None and "" are None.
    Raises ValueError for anything else.
    """
    if not text:
        return None
    if len(text) != 22 or not text[:17].isdecimal() or not text[18:].isdecimal():
        return local_time(text)
    return _moment(f"{text[:8]}T{text[8:14]}.{text[14:]}", text)


def local_time(text: str | None) -> datetime | None:
    """`yyyy-MM-dd HH:mm:ss`, no zone, which is Asia/Shanghai (api-facts 1, three proofs). None and "" are None.

    Raises ValueError for anything else.
    """
    if not text:
        return None
    if not _LOCAL.fullmatch(text):
        raise ValueError(f"not a time: {text!r:.60}")
    return _moment(text, text).replace(tzinfo=SHANGHAI)


def _moment(iso: str, text: str) -> datetime:
    """Raises ValueError, with the text as it was sent, for what is no moment since 1970."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        raise ValueError(f"not a time: {text!r:.60}") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"not a time of an order: {text!r:.60}")
    return moment


def epoch_ms(value: int | str | None) -> datetime | None:
    """Milliseconds since 1970 UTC, as a number or as text. None and "" are None."""
    if value is None or value == "":
        return None
    try:
        return EPOCH + timedelta(milliseconds=int(value))
    except (ValueError, OverflowError):
        raise ValueError(f"not milliseconds since 1970: {value!r}") from None


def local_text(moment: datetime) -> str:
    """How both APIs want a time: `yyyy-MM-dd HH:mm:ss` in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
