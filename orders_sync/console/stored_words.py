"""Sentences that the tables hold in English, such as the remark of a backfill, in the language of a person.

A `Sentence` loses its key when it is stored. It is found again by the English texts of the catalogue.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from orders_sync.console import words
from orders_sync.console.words import Words, later

REASONS = (  # why a record is no order: what `platforms/decoding.py` and `store/flat_orders.py` say of a field
    later("missing or empty"),
    later("null"),
    later("true or false"),
    later("a list"),
    later("an object"),
    later("a number"),
    later("a text"),
    later("a number with a fraction, which may be damaged"),
    later("%(kind)s, not an object"),
    later("%(kind)s, not text"),
    later("nested too deep"),
    later("not JSON"),
    later("not UTF-8: %(error)s"),
    later("longer than %(count)s characters"),
    later("holds characters that no key may hold"),
    later("refused by the database: %(error)s"),
    later("read as order %(read)s, known as order %(known)s"),
    later(
        "another order has the id %(id)s: %(owner)s read it from %(host)s. Two hosts give out ids of their own. If "
        "both are one shop, `%(command)s` gives its orders to %(shop)s; if not, sync one of them into a database of "
        "its own"
    ),
)
_END = re.escape(". ")  # between sentences that are stored as one text
_KINDS = frozenset({"state", "kind"})  # values that are words themselves
LEAST = 8  # letters of a sentence beside its values: a shorter one is found where it is not meant, but for `REASONS`
_VALUE = re.compile(r"%\(\w+\)s")
_FIELD = re.compile(r"(?:[\w.\[\]$-]+|order id): ")  # in the platform's spelling


@lru_cache(maxsize=4096)
def stored(said: Words, text: str) -> str:
    """Return a stored text in the language of a person, sentence by sentence; as it is where one of them is unknown."""
    if not text or said.language == "en":
        return text
    if (field := _FIELD.match(text)) and (reason := _sentence(said, text[field.end() :])) is not None:
        return field.group() + reason
    if (whole := _sentence(said, text)) is not None:
        return whole
    for cut in re.finditer(_END, text):
        rest = text[cut.end() :]
        first, others = _sentence(said, text[: cut.start()]), stored(said, rest)
        if first is not None and others != rest:
            return f"{first}。{others}"
    return text


def _sentence(said: Words, text: str) -> str | None:
    """Return a sentence in the language of a person, None where it is in no catalogue."""
    if (exact := said(text)) != text:
        return exact
    for key, pattern in _patterns():
        if found := pattern.fullmatch(text):
            values = {name: said(value) if name in _KINDS else value for name, value in found.groupdict().items()}
            return said(key, **values)
    return None


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Return the English texts with values, each with the pattern of what it can become; the longest first."""
    found = [key for key in words.stored_keys("zh") if sum(map(str.isalpha, _VALUE.sub("", key))) >= LEAST]
    keys = {key for key in (*found, *REASONS) if "%(" in key}
    return [(key, _pattern(key)) for key in sorted(keys, key=len, reverse=True)]


def _pattern(key: str) -> re.Pattern[str]:
    seen: set[str] = set()
    made = ""
    for literal, name in re.findall(r"(.*?)(?:%\((\w+)\)s|$)", key, re.DOTALL):
        made += re.escape(literal.replace("%%", "%"))
        if name:
            made += f"(?P={name})" if name in seen else rf"(?P<{name}>(?:(?!{_END}).)+?)"
            seen.add(name)
    return re.compile(made, re.DOTALL)
