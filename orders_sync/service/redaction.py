"""Redact the secrets of the settings from text (P8), in whatever encoding they occur."""

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

from orders_sync.domain.errors import SettingsError
from orders_sync.domain.secret import Secret
from orders_sync.settings import Settings
from orders_sync.settings.database_url import written_password

REDACTED = "***"
SHORTEST_TOKEN = 8  # characters: a shorter piece of a messenger's URL is no token
SHORT = 4  # characters: a shorter secret is redacted only where it is a word of its own
_ENCODINGS: tuple[Callable[[str], str], ...] = (
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: ascii(text)[1:-1],
    lambda text: repr(text.encode("utf-8", "surrogateescape"))[2:-1],
    lambda text: quote(text, errors="surrogateescape"),
    lambda text: quote(text, safe="", errors="surrogateescape"),
    lambda text: quote_plus(text, errors="surrogateescape"),
)


class Redactor:
    """Replaces secrets by `***`: as they are, escaped in JSON or a repr, or percent-encoded."""

    def __init__(self, secrets: Collection[str]) -> None:
        forms = sorted({form for secret in secrets for form in _encoded_forms(secret)}, key=len, reverse=True)
        long = [re.escape(form) for form in forms if len(form) >= SHORT]
        short = [rf"(?<!\w){re.escape(form)}(?!\w)" for form in forms if 0 < len(form) < SHORT]
        self._anywhere = _compile(long)
        self._in_text = _compile([*long, *short])

    def text(self, text: str) -> str:
        """Return a text with every secret replaced."""
        return self._in_text.sub(REDACTED, text)

    def value(self, value: object) -> object:
        """Redact a value of a log line. Return what JSON can hold: values of other types become text."""
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
                return _utc(value)
        return self.text(str(value))


def _utc(moment: datetime) -> str:
    """Format a moment for a log line: ISO 8601 in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def collect_secrets(settings: Settings, *urls: str) -> set[str]:
    """Return the text of every `Secret` in the settings that can be read, and the passwords of `urls`.

    Fields of the types `SecretText`, `AppId`, `HookToken` and `NotifyUrls` (`domain/setting_types.py`) hold secrets. Of
    the database's URL its passwords count, of a messenger's URL what `url_secrets` says.
    """
    found = {part for secret in _secrets_in(settings) for text in _readable(secret) for part in _secret_parts(text)}
    return found.union(*map(_passwords, urls))


def _readable(secret: Secret) -> list[str]:
    try:
        return [secret.reveal()]
    except SettingsError:  # nobody has it, so nobody can show it
        return []


def _secrets_in(value: object) -> Iterator[Secret]:
    """Yield secrets by their type, in any model and at any depth: no field is known here by its name."""
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


def _secret_parts(text: str) -> Collection[str]:
    if re.match(r"postgres\w*(\+\w+)?://", text):
        return _passwords(text)
    return url_secrets(text) if "://" in text else [text]


def url_secrets(url: str) -> set[str]:
    """Return the parts of a messenger's URL that may be secret, as written and decoded, and the URL itself.

    That is its password, and whatever is as long as a token and no name of a host.
    """
    rest = url.partition("://")[2]
    user_info = re.split(r"[/?]", rest)[0].rpartition("@")[0]
    pieces = {each for each in re.split(r"[:/@?&=#,;]+", rest) if len(each) >= SHORTEST_TOKEN and "." not in each}
    found = {url, user_info, user_info.partition(":")[2], *pieces}
    return {*found, *map(unquote, found)} - {"", "localhost"}


def _passwords(url: str) -> set[str]:
    """Return the passwords of a URL, as written and decoded; the whole URL if it cannot be parsed."""
    try:
        meant = conninfo_to_dict(url)
    except (ValueError, psycopg.ProgrammingError):
        return {url}
    written = written_password(url)
    found = {written, unquote(written), *(str(meant.get(key) or "") for key in ("password", "sslpassword"))}
    return found - {""}


def _encoded_forms(secret: str) -> set[str]:
    """Return a secret in all encodings, and in those of those: a repr inside a JSON string."""
    forms = {secret}
    for _ in range(2):
        forms |= {write(form) for form in forms for write in _ENCODINGS}
    return forms


def _compile(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)")
