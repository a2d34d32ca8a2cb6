"""The zone in which people type and see times: Asia/Shanghai, unless the settings name another ([display] time_zone).

One zone a process, as a locale: texts with times are made far from the settings. Stored times and logs in JSON are UTC.

    shown   2026-10-01 08:00:00           a cell of a table, whose title names the zone
    stamp   2026-10-01 08:00:00 +08:00    in a sentence
    iso     2026-10-01T08:00:00+08:00     in JSON

`parse` reads all of these. Everything is to the second.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from orders_sync.domain.times import SHANGHAI

DEFAULT = "Asia/Shanghai"
_CLOCK = len("2026-10-01 12:00:00")  # what stands before an offset

_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}  # days from today
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LENGTH = re.compile(r"(\d{1,4}) ?(min|[mhdw])", re.ASCII)

_name = DEFAULT
_zone: tzinfo = SHANGHAI


def find_zone(name: str) -> tzinfo:
    """Return a zone by its IANA name. Raises ValueError. The default needs no time zone database on this machine."""
    if name == DEFAULT:
        return SHANGHAI
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # no such name, no file of a zone, a folder
        raise ValueError(f"not a time zone: {name}") from None


def use(name: str) -> None:
    """Use this zone in all of the process. Raises ValueError as `find_zone`."""
    global _name, _zone
    _zone, _name = find_zone(name), name


def zone_name() -> str:
    """Return the IANA name of the zone."""
    return _name


def shown(moment: datetime) -> str:
    """Format a time without naming the zone; with its offset only where clocks showed the same time twice."""
    local = moment.astimezone(_zone)
    text = _clock(local)
    return text if _is_certain(local) else f"{text} {_offset(local)}"


def stamp(moment: datetime) -> str:
    """Format a time with its offset."""
    local = moment.astimezone(_zone)
    return f"{_clock(local)} {_offset(local)}"


def shown_range(start: datetime, end: datetime) -> str:
    """Format a range with its offset, or with both where they differ."""
    first, last = stamp(start), stamp(end)
    same = f" {_offset(end.astimezone(_zone))}"
    return f"{first.removesuffix(same)} .. {last}"


def local(moment: datetime) -> datetime:
    """Return what clocks in the zone show, without a zone and to the second."""
    return moment.astimezone(_zone).replace(tzinfo=None, microsecond=0)


def day(moment: datetime) -> str:
    """Format the day of a time."""
    return moment.astimezone(_zone).date().isoformat()


def day_or_time(moment: datetime) -> str:
    """Format a time as `shown`, and the first moment of a day as that day."""
    return day(moment) if start_of(date_of(moment)) == moment else shown(moment)


def date_of(moment: datetime) -> date:
    """Return the day of a time."""
    return moment.astimezone(_zone).date()


def start_of(day: date) -> datetime:
    """Return the moment at which a day begins, in UTC, also where clocks skipped midnight."""
    return datetime.combine(day, time(), _zone).astimezone(UTC)


def hours_of(day: date) -> list[tuple[int, datetime, datetime]]:
    """Return the hours of a day: what clocks show, first moment, first moment after it, in UTC.

    An hour that clocks skipped is left out, one that they showed twice is two hours long.
    """
    starts = [datetime.combine(day, time(hour), _zone).astimezone(UTC) for hour in range(24)]
    ends = [*starts[1:], start_of(day + timedelta(days=1))]
    return [(hour, start, end) for hour, (start, end) in enumerate(zip(starts, ends, strict=True)) if start < end]


def iso(moment: datetime) -> str:
    """Format a time for a machine: ISO 8601 with its offset, `Z` where the zone is UTC."""
    text = moment.astimezone(_zone).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if _zone is UTC else text


def parse(text: str) -> datetime:
    """Read a date or a time, fractions of a second dropped. Without an offset it is in the zone; a date is its start.

    Raises ValueError, with a `Sentence` for the user, also for a time that clocks skipped or showed twice.
    """
    from orders_sync.domain.sentences import Sentence  # here: it writes times by this module

    written = re.sub(r" ?(?:(UTC)|([+-]\d\d:?\d\d))$", lambda found: "Z" if found[1] else found[2], text.strip())
    try:
        moment = datetime.fromisoformat(written).replace(microsecond=0)
    except ValueError:
        raise ValueError(
            Sentence('must be a date or a time, such as 2026-10-01 or "2026-10-01 12:00" (got "%(text)s")', text=text)
        ) from None
    if moment.tzinfo is not None:
        return moment
    if not 1 < moment.year < 9999:
        return moment.replace(tzinfo=UTC)  # in another zone it may be no date
    local = moment.replace(tzinfo=_zone)
    if _is_date(written) or _is_certain(local):
        try:
            return local.astimezone(UTC)
        except OverflowError:  # the first or last day there is: the caller has narrower bounds
            return local
    first, second = local.utcoffset() or timedelta(), local.replace(fold=1).utcoffset() or timedelta()
    values = {"moment": str(moment), "zone": _name, "example": f"{moment.isoformat(' ')} {_offset(local)}"}
    if first < second:
        said = Sentence(
            '%(moment)s was skipped in %(zone)s when clocks changed: write it with its offset, such as "%(example)s"',
            **values,
        )
    else:
        said = Sentence(
            "%(moment)s occurred twice in %(zone)s when clocks changed: write it with its offset, such as "
            '"%(example)s"',
            **values,
        )
    raise ValueError(said)


def written_out(text: str, *, ahead: bool = False) -> str:
    """Return the date or time that a word stands for, as `parse` reads it; any other text as it is.

    `today`, `yesterday`, `tomorrow`; a weekday, such as `tuesday` or `tue`: the last one that has begun, or the next
    one after today with `ahead`; a length, such as `30m`, `2h`, `3d`: so long ago, or from now with `ahead`.
    """
    word, now = text.strip().lower(), datetime.now(UTC)
    today = date_of(now)
    if word in _DAYS:
        return (today + timedelta(days=_DAYS[word])).isoformat()
    if length := _LENGTH.fullmatch(word):
        span = timedelta(**{_UNITS[length[2]]: int(length[1])})
        return stamp(now + span if ahead else now - span)
    for number, name in enumerate(_WEEKDAYS):
        if word in (name, name[:3]):
            days = (number - today.weekday() - 1) % 7 + 1 if ahead else -((today.weekday() - number) % 7)
            return (today + timedelta(days=days)).isoformat()
    return text


def end_of(text: str, start: datetime) -> datetime:
    """Return the end, not included, of what `parse` read as `start`: that of the day, or of the second."""
    return start_of(date_of(start) + timedelta(days=1)) if _is_date(text.strip()) else start + timedelta(seconds=1)


def _is_date(text: str) -> bool:
    try:
        return datetime.combine(date.fromisoformat(text), time()) is not None
    except ValueError:
        return False


def _is_certain(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()


def _clock(local: datetime) -> str:
    return local.isoformat(" ", "seconds")[:_CLOCK]


def _offset(local: datetime) -> str:
    return "UTC" if _zone is UTC else local.isoformat(" ", "seconds")[_CLOCK:]
