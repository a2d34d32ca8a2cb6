"""Types of the values in settings.

    Annotated[int, whole(1, 256)], Literal["s", "ms"], Rate      msgspec converts and checks
    Annotated[timedelta, span("1s", "1h")], Name, Text, ...      a reader function: notations that msgspec does not know

A reader takes the value as it is written and returns what it means, or raises ValueError with the words that follow the
value's place. Only what cannot be a secret is quoted: people paste secrets beside the key they belong to (P8).
"""

from __future__ import annotations

import difflib
import json
import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_network
from itertools import pairwise
from types import NoneType
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from orders_sync.domain import local_times, quiet_hours
from orders_sync.domain.problems import ProblemKind
from orders_sync.domain.quiet_hours import QuietHours
from orders_sync.domain.secret import Secret
from orders_sync.domain.sweeps import Tier
from orders_sync.domain.times import SHANGHAI

FORMS = 'must be text in quotes, { env = "NAME" } or { file = "/path" }'
FIRST_YEAR = 1999  # no platform had an order before
PAST_YEARS = 2200  # the first year that the tables do not take
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30}
_NETWORKS = 'must be a list of addresses and ranges, such as ["127.0.0.1", "10.0.0.0/8"]'
_TIERS = 'must be ages that grow and how often, such as "3d every 10m, 30d every 1h"'

Converter = Callable[[object], Any]


def convert(value: object, kind: Any) -> Any:
    """Convert a value as it is written to `kind`, a field's type. Raises ValueError (see above)."""
    kind = _without_none(kind)
    annotation = getattr(kind, "__metadata__", (None,))[0]
    if callable(annotation):
        return annotation(value)
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        if not isinstance(annotation, Meta):
            words = f"one of {', '.join(get_args(kind))}"
        elif "int` <=" in str(error) or "int` >=" in str(error):
            words = f"from {annotation.ge} to {annotation.le}"
        else:
            words = str(annotation.description)
    raise ValueError(f"must be {words} {_got(value)}")  # out here, for the error itself quotes the value


def is_secret(kind: Any) -> bool:
    """Return whether a field of this type holds a `Secret`."""
    kind = _without_none(kind)
    return getattr(kind, "__origin__", kind) is Secret


def each_secret(kind: Any) -> Any:
    """Return the type of each secret where a field holds several of them, else None."""
    kinds = get_args(kind)
    return kinds[0] if len(kinds) == 2 and kinds[1] is Ellipsis and is_secret(kinds[0]) else None


def _without_none(kind: Any) -> Any:
    kinds = get_args(kind)
    return kinds[0] if NoneType in kinds else kind


def _got(value: object) -> str:
    return f"(got {json.dumps(value, ensure_ascii=False, default=str)[:60]})"


def _match(pattern: str, value: object, words: str) -> re.Match[str]:
    match = None if value is None or isinstance(value, bool) else re.fullmatch(pattern, str(value))
    if match is None:
        raise ValueError(f"must be {words} {_got(value)}")
    return match


def whole(lowest: int, highest: int) -> Meta:
    """Limit a whole number, both ends included."""
    return Meta(ge=lowest, le=highest, description="a whole number")


def duration(value: object) -> timedelta:
    """Read seconds as a number, or text such as 90, 10s, 10m, 3h, 2d. Raises ValueError."""
    pattern = r"(-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?) ?([smhd]?)"
    match = _match(pattern, value, "a duration: seconds, or 10s, 10m, 3h, 2d")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if abs(seconds) > timedelta.max.total_seconds() / 10:
        raise ValueError(f"is absurdly long {_got(value)}")
    return timedelta(seconds=seconds)


def span(shortest: str, longest: str, *, whole: bool = False) -> Converter:
    """Convert a duration, both ends included. `whole`: without a fraction, as windows begin on whole seconds."""

    def convert_length(value: object) -> timedelta:
        length = duration(value)
        if not duration(shortest) <= length <= duration(longest):
            raise ValueError(f"must be from {shortest} to {longest} {_got(value)}")
        if whole and length.microseconds:
            raise ValueError(f"must be whole seconds {_got(value)}")
        return length

    return convert_length


def _tiers(value: object) -> tuple[Tier, ...]:
    """Parse `3d every 10m, 30d every 1h`: ages that grow, each with how often orders up to that age are read again."""
    parts = [re.fullmatch(r"\s*(\S+) every (\S+)\s*", part) for part in str(value).split(",")]
    tiers = tuple(Tier(duration(part[1]), duration(part[2])) for part in parts if part)
    grow = all(younger.age < older.age for younger, older in pairwise(tiers))
    if len(tiers) < len(parts) or not grow or not tiers[0].age:
        raise ValueError(f"{_TIERS} {_got(value)}")
    if any(tier.every < timedelta(minutes=1) for tier in tiers):
        raise ValueError(f"nothing is swept more often than every 1m {_got(value)}")
    return tiers


def _size(value: object) -> int:
    match = _match("(?i)([0-9]{1,12}) ?(|kB|MB|GB)", value, "a size: bytes, or 512kB, 64MB, 1GB")
    size = int(match[1]) * _BYTES[match[2].lower()]
    if not 2**16 <= size <= 2**30:
        raise ValueError(f"must be from 64kB to 1GB {_got(value)}")
    return size


def _history_from(value: object) -> datetime:
    """Read a date, a datetime or the text of one; without zone it is Asia/Shanghai. Whole seconds."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if not isinstance(moment, datetime):
        raise ValueError(f'must be a date or a time, such as "2026-08-01" or "2026-08-01T12:00:00+08:00" {_got(value)}')
    moment = moment.replace(microsecond=0, tzinfo=moment.tzinfo or SHANGHAI)
    if moment.year < FIRST_YEAR:
        raise ValueError(f"lies before {FIRST_YEAR} {_got(value)}")
    if moment > datetime.now(UTC):
        raise ValueError(f"lies in the future {_got(value)}")
    return moment


def matching(pattern: str, words: str, kind: Callable[[str], Any] = str) -> Converter:
    """Read what matches as a whole, text or a number, as `kind`."""
    return lambda value: kind(_match(pattern, value, words)[0])


def text(value: object) -> str:
    """Read names and keys of an account. A number stands for its digits. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("must be text in quotes")
    return _clean(str(value))


def _clean(written: str) -> str:
    if not written:
        raise ValueError("is empty")
    if written != written.strip() or any(ord(letter) < 32 or ord(letter) == 127 for letter in written):
        raise ValueError("has white space around it, or a line break or control character inside")
    return written


def _codes(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(code, str | int) for code in value):
        raise ValueError('must be a list of codes, such as [401, "invalid-sign"]')
    return tuple(text(code) for code in value)


def secret(value: object) -> Secret:
    """Read text in quotes. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(FORMS)
    return Secret(_clean(value))


def _hook_token(value: object) -> Secret:
    token = secret(value)
    if not re.fullmatch(r"[A-Za-z0-9._~-]{16,255}", token.reveal()):
        raise ValueError("must be 16 to 255 of letters, digits, - . _ ~: it is the end of a URL that nobody may guess")
    return token


def _notify_url(value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError(FORMS)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\x00-\x1f\x7f]+", value):
        raise ValueError("must be the URL of a messenger without spaces, such as dingtalk://TOKEN (docs/notices.md)")
    return Secret(value)


def _problem_kinds(value: object) -> tuple[ProblemKind, ...]:
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    known = [str(each) for each in ProblemKind]
    if not isinstance(words, list) or not words or not all(word in known for word in words):
        raise ValueError(f"must be a list of one or more of {', '.join(known)} {_got(value)}")
    return tuple(each for each in ProblemKind if each in words)


def _quiet_hours(value: object) -> QuietHours:
    try:
        return quiet_hours.parse(value)
    except ValueError as error:
        raise ValueError(f"{error} {_got(value)}") from None


def _base_url(value: object) -> str:
    pattern = r"https?://[A-Za-z0-9._\[\]:-]+(/[^\s?#@]*)?"
    if not isinstance(value, str) or not re.fullmatch(pattern, value) or not _has_host(value):
        raise ValueError("must be an http or https URL without user, query or spaces, such as https://kf.fw199.com")
    if value.endswith("/"):
        raise ValueError("must not end with /")
    return value


def _has_host(url: str) -> bool:
    """Return whether the host and the port of a URL can be one."""
    try:
        parts = urlsplit(url)
        return parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:  # UnicodeError included: a label of more than 63 letters
        return False


def _listen(value: object) -> str:
    words = 'address:port, such as "127.0.0.1:5433"'
    match = _match(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})", value, words)
    if not 1 <= int(match[2]) <= 65535:
        raise ValueError(f"must be {words} {_got(value)}")
    return match[0]


def _console_listen(value: object) -> str:
    return "off" if value == "off" else _listen(value)


def _base_path(value: object) -> str:
    if value == "":
        return ""
    return _match(r"(/[A-Za-z0-9._~-]+)+", value, 'a path such as "/console", without / at its end')[0]


def _networks(value: object) -> tuple[str, ...]:
    written = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(written, list):
        raise ValueError(_NETWORKS)
    for each in written:
        try:
            ip_network(each, strict=False)
        except (ValueError, TypeError):
            raise ValueError(f"{_NETWORKS} {_got(each)}") from None
    return tuple(written)


def _time_zone(value: object) -> str:
    try:
        local_times.find_zone(str(value))
    except ValueError:
        near = difflib.get_close_matches(str(value), zoneinfo.available_timezones(), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        words = "a time zone, such as Asia/Shanghai, Europe/Berlin or UTC"
        raise ValueError(f"must be {words} {_got(value)}{hint}") from None
    return str(value)


Name = Annotated[
    str,
    matching("[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", "1 to 64 letters, digits, - _ . and not begin with - or ."),
]
Text = Annotated[str, text]
SecretText = Annotated[Secret, secret]
AppId = Annotated[Secret, lambda value: Secret(text(value))]  # half of what a call is signed with
HookToken = Annotated[Secret, _hook_token]
Codes = Annotated[tuple[str, ...], _codes]
BaseUrl = Annotated[str, _base_url]
Listen = Annotated[str, _listen]
ConsoleListen = Annotated[str, _console_listen]
BasePath = Annotated[str, _base_path]
Networks = Annotated[tuple[str, ...], _networks]
HeaderName = Annotated[str, matching("[A-Za-z0-9-]{1,64}", "the name of a header, such as X-Forwarded-User")]
HistoryFrom = Annotated[datetime, _history_from]
Rate = Annotated[float, Meta(gt=0, le=1000, description="a number above 0, at most 1000")]
Size = Annotated[int, _size]
Interval = Annotated[timedelta, span("0.1s", "7d")]
Lag = Annotated[timedelta, span("0s", "1d", whole=True)]
Overlap = Annotated[timedelta, span("0s", "7d", whole=True)]
Confirm = Annotated[timedelta, span("0s", "30d", whole=True)]
Tiers = Annotated[tuple[Tier, ...], _tiers]
NotifyUrls = tuple[Annotated[Secret, _notify_url], ...]
ProblemKinds = Annotated[tuple[ProblemKind, ...], _problem_kinds]
QuietTime = Annotated[QuietHours, _quiet_hours]
TimeZone = Annotated[str, _time_zone]
Age = Annotated[timedelta, span("1h", "3650d")]
