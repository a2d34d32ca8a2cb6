"""Fields of forms and URLs that several pages have: days, accounts, states of orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from orders_sync.console.visit import Visit
from orders_sync.console.words import Words
from orders_sync.domain import local_times, typed_times
from orders_sync.domain.errors import UsageError
from orders_sync.domain.setting_types import FIRST_YEAR, PAST_YEARS
from orders_sync.domain.statuses import STATES
from orders_sync.domain.windows import SECOND

LONGEST_NUMBER = 18  # digits that a bigint always holds
DIRECTIONS = ("sale", "purchase")
SPANS = {"yesterday": (1, 1), "week": (6, 0)}  # buttons of forms: first and last day, in days before today


def days(
    written: Mapping[str, str], words: Words, first: str = "from", last: str = "to"
) -> tuple[datetime | None, datetime | None]:
    """Return the range of two days, both included, in the console's zone. Raises `UsageError`."""
    start, end = moment(written, words, first), moment(written, words, last, is_end=True)
    if start and end and start >= end:
        raise UsageError(words("The first day lies after the last one."), argument=first)
    return start, end


def with_days(visit: Visit) -> str | None:
    """Return the URL of this page with the days that a button of its form stands for; None where none was pressed."""
    if (span := SPANS.get(visit.request.query_params.get("days", ""))) is None:
        return None
    today = local_times.date_of(datetime.now(UTC))
    first, last = ((today - timedelta(days=ago)).isoformat() for ago in span)
    given = visit.request.query_params.multi_items()
    kept = [(name, value) for name, value in given if value and name not in ("days", "from", "to", "before")]
    return f"{visit.url(visit.path)}?{urlencode([*kept, ('from', first), ('to', last)])}"


def written(start: datetime, end: datetime) -> dict[str, str]:
    """Return a range as the fields `from` and `to` have it, so that `days` reads the same: days where it is of days."""
    first, last = local_times.date_of(start), local_times.date_of(end - SECOND)
    if (local_times.start_of(first), local_times.start_of(last + timedelta(days=1))) == (start, end):
        return {"from": first.isoformat(), "to": last.isoformat()}
    return {"from": local_times.shown(start), "to": local_times.shown(end)}


def moment(written: Mapping[str, str], words: Words, name: str, *, is_end: bool = False) -> datetime | None:
    """Return the day or time of a field in the console's zone, None where it is empty. Raises `UsageError`.

    `is_end`: a day means its end, not included.
    """
    text = written.get(name, "").strip()
    if not text:
        return None
    try:
        found = typed_times.parse(text)
    except ValueError as error:
        raise UsageError(error.args[0], argument=name) from None
    if not FIRST_YEAR <= found.year < PAST_YEARS:
        text = words("The year must lie between %(first)s and %(past)s.", first=FIRST_YEAR, past=PAST_YEARS)
        raise UsageError(text, argument=name)
    return typed_times.end_of(text, found) if is_end and typed_times.is_date(text) else found


def number(text: str | None) -> int | None:
    """Return the number of a row; None for what is none."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else None


def state(visit: Visit) -> str | None:
    """Return the one of `STATES` that is asked for, None for all. Raises `UsageError`."""
    asked = visit.query.get("state", "")
    if asked and asked not in STATES:
        raise UsageError(visit._("There is no such state of orders."), argument="state")
    return asked or None


def direction(visit: Visit) -> str | None:
    """Return "sale" or "purchase", None for both. Raises `UsageError`."""
    asked = visit.query.get("direction", "")
    if asked and asked not in DIRECTIONS:
        raise UsageError(visit._("There is no such direction of orders."), argument="direction")
    return asked or None
