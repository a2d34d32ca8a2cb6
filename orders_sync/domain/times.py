"""Parse the times of platforms into aware datetimes, in every documented or likely notation."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_FIRST_YEAR, _LAST_YEAR = 1970, 9998  # beyond the last one, UTC may know no such moment
# dates that systems write for "no time": epoch 0 in any zone, MySQL, .NET, spreadsheets, "for ever"
NO_DATES = frozenset(((1970, 1, 1), (1969, 12, 31), (0, 0, 0), (1, 1, 1), (1900, 1, 1), (9999, 12, 31)))

_WRITTEN = re.compile(
    r"(?:(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{4})(\d\d)(\d\d))"  # 2026-4-16, 2026/04/16, 20260416
    r"[T ]?(\d\d):?(\d\d):?(\d\d)(?:[.,]?(\d{1,9}))?"  # 18:10:12.345, 181012345
    r" ?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_SECONDS, _MILLISECONDS = range(10**9, 10**10), range(10**12, 10**13)  # since 1970: both begin in September 2001


def platform_time(value: int | str) -> datetime | None:
    """Parse a time of a platform, with its own offset, else in Asia/Shanghai (api-facts 1).

    `yyyyMMddHHmmssSSS+0800` (1688), `yyyy-MM-dd HH:mm:ss` (Xportcn), and likely other notations: ISO 8601,
    slashes, fractions of a second, seconds or milliseconds since 1970 as number or as text.
    None for "" and for what stands for "no time": 0, 1970-01-01, 0001-01-01, 0000-00-00, 9999-12-31.
    Raises ValueError for anything else.
    """
    text = str(value).strip()
    if text[:2] == "20" and text.isascii():  # this century, and no regular expression where the format is documented
        try:
            if len(text) == len("20260416181012345+0800") and text[:17].isdecimal() and text[18:].isdecimal():
                return datetime.fromisoformat(f"{text[:8]}T{text[8:14]}.{text[14:]}")
            if len(text) == len("2026-04-16 18:10:12") and text[4::3] == "-- ::":
                moment = datetime.fromisoformat(text)
                return datetime.combine(moment, moment.time(), SHANGHAI)  # 0.2 µs; `replace` takes 1.1 µs
        except ValueError:
            pass
    if not text.strip("0."):
        return None
    if text.isascii() and text.isdecimal() and len(text) not in (14, 17):
        return _since_1970(int(text[:20]), text)
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise _not_a_time(text)
    year, month, day = (int(part) for part in (found.group(1, 3, 4) if found[1] else found.group(5, 6, 7)))
    if (year, month, day) in NO_DATES:
        return None
    hour, minute, second, fraction, offset = found.group(8, 9, 10, 11, 12)
    microsecond = f"{fraction or '':0<6.6}"
    iso = f"{year:04}-{month:02}-{day:02}T{hour}:{minute}:{second}.{microsecond}{offset or '+08:00'}"
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        raise _not_a_time(text) from None
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise _not_a_time(text)
    return moment if offset else moment.replace(tzinfo=SHANGHAI)


def _since_1970(number: int, text: str) -> datetime | None:
    if number in _SECONDS:
        return EPOCH + timedelta(seconds=number)
    if number in _MILLISECONDS:
        return EPOCH + timedelta(milliseconds=number)
    raise _not_a_time(text)


def _not_a_time(text: str) -> ValueError:
    return ValueError(f"not a time: {text[:40]!r}")


def platform_text(moment: datetime) -> str:
    """Format a time as 1688 and Xportcn take it: `yyyy-MM-dd HH:mm:ss` in Asia/Shanghai. Reverse of `platform_time`."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: int) -> str:
    """Format seconds in the largest unit of which there are at least two: "90 min"."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
