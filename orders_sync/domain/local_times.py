"""The zone in which people type and see times: Asia/Shanghai, unless the settings name another ([display] time_zone).

One zone a process, as a locale: texts with times are made far from the settings. Stored times and logs in JSON are UTC.

    shown   2026-10-01 08:00:00           a cell of a table, whose title names the zone
    stamp   2026-10-01 08:00:00 +08:00    in a sentence
    iso     2026-10-01T08:00:00+08:00     in JSON

`typed_times.parse` reads all of these. Everything is to the second.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from orders_sync.domain.times import SHANGHAI

DEFAULT = "Asia/Shanghai"
_CLOCK = len("2026-10-01 12:00:00")  # what stands before an offset

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


def zone() -> tzinfo:
    """Return the zone."""
    return _zone


def zone_name() -> str:
    """Return the IANA name of the zone."""
    return _name


def shown(moment: datetime) -> str:
    """Format a time without naming the zone; with its offset only where clocks showed the same time twice."""
    local = moment.astimezone(_zone)
    text = _clock(local)
    return text if is_certain(local) else f"{text} {offset(local)}"


def stamp(moment: datetime) -> str:
    """Format a time with its offset."""
    local = moment.astimezone(_zone)
    return f"{_clock(local)} {offset(local)}"


def shown_range(start: datetime, end: datetime) -> str:
    """Format a range with its offset, or with both where they differ."""
    first, last = stamp(start), stamp(end)
    same = f" {offset(end.astimezone(_zone))}"
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


def is_certain(local: datetime) -> bool:
    """Tell whether clocks of its zone show a time once: not when they are put forward past it, or back over it."""
    return local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()


def _clock(local: datetime) -> str:
    return local.isoformat(" ", "seconds")[:_CLOCK]


def offset(local: datetime) -> str:
    """Return the offset of a time of the zone as `stamp` writes it, such as +08:00, or UTC."""
    return "UTC" if _zone is UTC else local.isoformat(" ", "seconds")[_CLOCK:]
