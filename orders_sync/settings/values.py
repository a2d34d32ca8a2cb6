"""What a value may be: checks, and the types of the keys that have one, `Annotated[type, check]`.

A check is given the value as it is written and returns what it means, or raises ValueError with the words that follow
the value's place. Only what cannot be a secret is echoed: people paste secrets beside the key they belong to (P8).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Any
from urllib.parse import urlsplit

from orders_sync.domain.sweeps import Tier
from orders_sync.domain.times import SHANGHAI
from orders_sync.settings import database_url

FORMS = 'must be text in quotes, { env = "NAME" } or { file = "/path" }'
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
SIZES = {"": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30}
_HTTP_URL = r"https?://[A-Za-z0-9._\[\]:-]+(/[^\s?#@]*)?"
FIRST_YEAR = 1999  # neither platform had an order before

Check = Callable[[object], Any]


class Secret:
    """Text that no repr, no log line and no traceback shows (P8)."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def _got(value: object) -> str:
    return f"(got {json.dumps(value, ensure_ascii=False, default=str)[:60]})"


def _match(pattern: str, value: object, words: str) -> re.Match[str]:
    match = None if value is None or isinstance(value, bool) else re.fullmatch(pattern, str(value))
    if match is None:
        raise ValueError(f"must be {words} {_got(value)}")
    return match


def one_of(*choices: str) -> Check:
    return lambda value: _match("|".join(choices), value, f"one of {', '.join(choices)}")[0]


def count(lowest: int, highest: int) -> Check:
    def check(value: object) -> int:
        number = int(_match("-?[0-9]{1,18}", value, "a whole number")[0])
        if not lowest <= number <= highest:
            raise ValueError(f"must be from {lowest} to {highest} {_got(value)}")
        return number

    return check


def duration(value: object) -> timedelta:
    """Seconds as a number, or text such as 90, 10s, 10m, 3h, 2d. Raises ValueError."""
    pattern = r"(-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?) ?([smhd]?)"
    match = _match(pattern, value, "a duration: seconds, or 10s, 10m, 3h, 2d")
    seconds = float(match[1]) * UNITS[match[2]]
    if abs(seconds) > timedelta.max.total_seconds() / 10:
        raise ValueError(f"is absurdly long {_got(value)}")
    return timedelta(seconds=seconds)


def span(shortest: str, longest: str, *, whole: bool = False) -> Check:
    """A duration within bounds. `whole`: windows lie on whole seconds, so what moves their edges must too."""

    def check(value: object) -> timedelta:
        length = duration(value)
        if not duration(shortest) <= length <= duration(longest):
            raise ValueError(f"must be from {shortest} to {longest} {_got(value)}")
        if whole and length.microseconds:
            raise ValueError(f"must be whole seconds {_got(value)}")
        return length

    return check


def _tiers(value: object) -> tuple[Tier, ...]:
    """`3d every 10m, 30d every 1h`: ages that grow, each with how often orders up to that age are read again."""
    words = 'must be ages that grow and how often, such as "3d every 10m, 30d every 1h"'
    tiers = []
    for part in str(value).split(","):
        found = re.fullmatch(r"\s*(\S+) every (\S+)\s*", part)
        if found is None:
            raise ValueError(f"{words} {_got(value)}")
        tiers.append(Tier(duration(found[1]), duration(found[2])))
    if any(older.age <= younger.age for younger, older in pairwise(tiers)) or not tiers[0].age:
        raise ValueError(f"{words} {_got(value)}")
    if any(tier.every < timedelta(minutes=1) for tier in tiers):
        raise ValueError(f"nothing is swept more often than every 1m {_got(value)}")
    return tuple(tiers)


def _size(value: object) -> int:
    match = _match("(?i)([0-9]{1,12}) ?(|kB|MB|GB)", value, "a size: bytes, or 512kB, 64MB, 1GB")
    size = int(match[1]) * SIZES[match[2].lower()]
    if not 2**16 <= size <= 2**30:
        raise ValueError(f"must be from 64kB to 1GB {_got(value)}")
    return size


def _page_size_1688(value: object) -> int:
    return int(_match("[1-9][0-9]?|[1-5]00", value, "from 1 to 100, or 200, 300, 400 or 500 on 1688")[0])


def _rate(value: object) -> float:
    words = "a number above 0, at most 1000"
    rate = float(_match(r"[0-9]*\.?[0-9]+(e-?[0-9]+)?", value, words)[0])
    if not 0 < rate <= 1000:
        raise ValueError(f"must be {words} {_got(value)}")
    return rate


def _history_from(value: object) -> datetime:
    """A date, a datetime or the text of one; without zone it is Asia/Shanghai. Whole seconds."""
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


def _name(value: object) -> str:
    words = "1 to 64 letters, digits, - _ . and not begin with - or ."
    return _match("[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", value, words)[0]


def _text(value: object) -> str:
    """Names and keys of an account. A number stands for its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("must be text in quotes")
    return _clean(str(value))


def _clean(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    if text != text.strip() or any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ValueError("has white space around it, or a line break or control character inside")
    return text


def _header(value: object) -> str:
    text = _text(value)
    if not text.isascii():
        raise ValueError("must be ASCII: it travels in an HTTP header")
    return text


def _codes(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(code, str | int) for code in value):
        raise ValueError('must be a list of codes, such as [401, "invalid-sign"]')
    return tuple(_text(code) for code in value)


def _secret(value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError(FORMS)
    return Secret(_clean(value))


def _hook_token(value: object) -> Secret:
    secret = _secret(value)
    if not re.fullmatch(r"[A-Za-z0-9._~-]{16,255}", secret.reveal()):
        raise ValueError("must be 16 to 255 of letters, digits, - . _ ~: it is the end of a URL that nobody may guess")
    return secret


def _base_url(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_HTTP_URL, value) or not _has_host(value):
        raise ValueError("must be an http or https URL without user, query or spaces, such as https://kf.fw199.com")
    if value.endswith("/"):
        raise ValueError("must not end with /")
    return value


def _has_host(url: str) -> bool:
    """Whether the host and the port of a URL can be one."""
    try:
        parts = urlsplit(url)
        return parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:  # UnicodeError included: a label of more than 63 letters
        return False


def _database_url(value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError(database_url.FORM)
    return Secret(database_url.read(value))


def _listen(value: object) -> str:
    words = 'address:port, such as "127.0.0.1:5433"'
    match = _match(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})", value, words)
    if not 1 <= int(match[2]) <= 65535:
        raise ValueError(f"must be {words} {_got(value)}")
    return match[0]


Name = Annotated[str, _name]
Text = Annotated[str, _text]
Header = Annotated[str, _header]
SecretText = Annotated[Secret, _secret]
HookToken = Annotated[Secret, _hook_token]
Codes = Annotated[tuple[str, ...], _codes]
BaseUrl = Annotated[str, _base_url]
DatabaseUrl = Annotated[Secret, _database_url]
Listen = Annotated[str, _listen]
HistoryFrom = Annotated[datetime, _history_from]
Rate = Annotated[float, _rate]
PageSize1688 = Annotated[int, _page_size_1688]
Size = Annotated[int, _size]
Interval = Annotated[timedelta, span("0.1s", "7d")]
Lag = Annotated[timedelta, span("0s", "1d", whole=True)]
Overlap = Annotated[timedelta, span("0s", "7d", whole=True)]
Tiers = Annotated[tuple[Tier, ...], _tiers]
Confirm = Annotated[timedelta, span("0s", "30d", whole=True)]
Age = Annotated[timedelta, span("1h", "3650d")]
