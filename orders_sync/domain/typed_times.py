"""Dates and times as people type them, in the zone of `local_times`, and words for them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from orders_sync.domain import local_times
from orders_sync.domain.sentences import Sentence

_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}  # days from today
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LENGTH = re.compile(r"(\d{1,4}) ?(min|[mhdw])", re.ASCII)


def parse(text: str) -> datetime:
    """Read a date or a time, fractions of a second dropped. Without an offset it is in the zone; a date is its start.

    Raises ValueError, with a `Sentence` for the user, also for a time that clocks skipped or showed twice.
    """
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
    local = moment.replace(tzinfo=local_times.zone())
    if is_date(written) or local_times.is_certain(local):
        try:
            return local.astimezone(UTC)
        except OverflowError:  # the first or last day there is: the caller has narrower bounds
            return local
    first, second = local.utcoffset() or timedelta(), local.replace(fold=1).utcoffset() or timedelta()
    values = {
        "moment": str(moment),
        "zone": local_times.zone_name(),
        "example": f"{moment.isoformat(' ')} {local_times.offset(local)}",
    }
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
    one after today with `ahead`; a length, such as `30m`, `2h`, `3d`: that long ago, or from now with `ahead`.
    """
    word, now = text.strip().lower(), datetime.now(UTC)
    today = local_times.date_of(now)
    if word in _DAYS:
        return (today + timedelta(days=_DAYS[word])).isoformat()
    if length := _LENGTH.fullmatch(word):
        span = timedelta(**{_UNITS[length[2]]: int(length[1])})
        return local_times.stamp(now + span if ahead else now - span)
    for number, name in enumerate(_WEEKDAYS):
        if word in (name, name[:3]):
            days = (number - today.weekday() - 1) % 7 + 1 if ahead else -((today.weekday() - number) % 7)
            return (today + timedelta(days=days)).isoformat()
    return text


def end_of(text: str, start: datetime) -> datetime:
    """Return the end, not included, of what `parse` read as `start`: that of the day, or of the second."""
    if is_date(text.strip()):
        return local_times.start_of(local_times.date_of(start) + timedelta(days=1))
    return start + timedelta(seconds=1)


def is_date(text: str) -> bool:
    """Tell whether a text is a date without a time."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
