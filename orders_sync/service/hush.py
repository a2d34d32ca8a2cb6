"""Text without the secrets of the settings (P8), in whatever writing they come."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus, unquote

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from orders_sync.domain.secret import Secret
from orders_sync.settings import Settings
from orders_sync.settings.database_url import written_password

HUSHED = "***"
SHORT = (
    4  # characters: what is shorter occurs in every other word, and is taken for a secret only where it stands alone
)
_WRITINGS: tuple[Callable[[str], str], ...] = (
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: ascii(text)[1:-1],
    lambda text: repr(text.encode("utf-8", "surrogateescape"))[2:-1],
    lambda text: quote(text, errors="surrogateescape"),
    lambda text: quote(text, safe="", errors="surrogateescape"),
    lambda text: quote_plus(text, errors="surrogateescape"),
)


class Hush:
    """Puts `***` where one of these secrets stands: as it is, escaped in JSON or a repr, or quoted in a URL."""

    def __init__(self, secrets: Collection[str]) -> None:
        forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
        long = [re.escape(form) for form in forms if len(form) >= SHORT]
        short = [rf"(?<!\w){re.escape(form)}(?!\w)" for form in forms if 0 < len(form) < SHORT]
        self._anywhere = _any_of(long)
        self._in_text = _any_of([*long, *short])

    def text(self, text: str) -> str:
        return self._in_text.sub(HUSHED, text)

    def value(self, value: object) -> object:
        """The same of a value of a log line, as JSON can hold it: what JSON does not know becomes text."""
        match value:
            case None | bool():
                return value
            case int() | float():
                is_plain = math.isfinite(value) and not self._anywhere.search(str(value))
                return value if is_plain else self.text(str(value))
            case dict():
                return {self.text(str(key)): self.value(each) for key, each in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(each) for each in value]
            case datetime():
                return utc(value)
        return self.text(str(value))


def utc(moment: datetime) -> str:
    """A moment as a log line spells it: ISO 8601 in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def secrets_of(settings: Settings, *urls: str) -> set[str]:
    """Return the text of every `Secret` in the settings, of URLs their passwords; and those of these further URLs."""
    found = {text for secret in _secrets_in(settings) for text in _redacted_parts(secret.reveal())}
    return found.union(*map(_passwords, urls))


def _secrets_in(value: object) -> Iterator[Secret]:
    """Find them by their type, in whatever model and however deep: no field is known here by its name."""
    match value:
        case Secret():
            yield value
        case msgspec.Struct():
            for key in value.__struct_fields__:
                yield from _secrets_in(getattr(value, key))
        case dict():
            yield from _secrets_in([*value.items()])
        case list() | tuple() | set() | frozenset():
            for each in value:
                yield from _secrets_in(each)


def _redacted_parts(text: str) -> Collection[str]:
    return _passwords(text) if re.match(r"\w+://", text) else [text]


def _passwords(url: str) -> set[str]:
    """As they are written in the URL and as they are meant; the whole of one that cannot be read."""
    try:
        meant = conninfo_to_dict(url)
    except (ValueError, psycopg.ProgrammingError):
        return {url}
    written = written_password(url)
    found = {written, unquote(written), *(str(meant.get(key) or "") for key in ("password", "sslpassword"))}
    return found - {""}


def _forms(secret: str) -> set[str]:
    """Also a writing within a writing: a repr in a JSON string."""
    forms = {secret}
    for _ in range(2):
        forms |= {write(form) for form in forms for write in _WRITINGS}
    return forms


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)")
