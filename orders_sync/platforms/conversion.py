"""Values of JSON to values of columns: one contract for every field of every platform.

A conversion returns None for what says nothing (null, "", an empty list or object) and raises ValueError for what the
column cannot represent; `Notes` turns that into a sentence on the order, the column stays NULL, the payload keeps the
value. So an odd value never keeps an order out of the tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any, TypeVar

from orders_sync.domain import money
from orders_sync.domain.times import platform_time

T = TypeVar("T")
Convert = Callable[[Any], Any]

LONGEST_KEY = 255  # characters: three of them must fit the 2704 bytes an index entry may have
LARGEST_QUANTITY = Decimal(10) ** 15
MOST_NOTES = 40
UNKNOWN_STATUS = "unknown"  # of an order whose record names none; in no group but `other`

CACHED: dict[Convert, Convert] = {}  # the cache behind a conversion, for short texts and whole numbers alone
LONGEST_SHORT = 64  # characters of an amount or a time: what is longer is neither, and is not cached
_KINDS = {type(None): "null", bool: "true or false", list: "a list", dict: "an object", int: "a number"}
_FLAGS = {1: True, 0: False, "true": True, "false": False, "1": True, "0": False}  # true is 1


class Number(str):
    """A JSON number with a point or an exponent, exactly as it was spelled: it never passes through a float."""

    __slots__ = ()


_KINDS[Number] = _KINDS[int]


class NotedValueError(ValueError):
    """A value that could be read, but not silently: `value` is what the column gets."""

    def __init__(self, reason: str, value: object) -> None:
        super().__init__(reason)
        self.value = value


def kind_of(value: object) -> str:
    """Return the kind of a JSON value in words; never the value itself, which may be personal."""
    return _KINDS.get(type(value), "a text")


def text(value: Any) -> str | None:
    """A word, a code or free text, as it was sent; a number as it was spelled."""
    if value.__class__ is str:
        return value or None
    if value is None or value == [] or value == {}:
        return None
    if value.__class__ is int or value.__class__ is Number:
        return str(value)
    raise ValueError(f"{kind_of(value)}, not text")


def key(value: Any) -> str | None:
    """A code or an id that is indexed, so that its length has a limit."""
    found = value or None if value.__class__ is str else text(value)
    if found is not None and len(found) > LONGEST_KEY:
        raise ValueError(f"longer than {LONGEST_KEY} characters")
    return found


def exact_id(value: Any) -> str | None:
    """The id of an order or a line. A number with a point or an exponent went through a float and may be damaged."""
    if value.__class__ is Number:
        raise ValueError("a number with a fraction, which may be damaged")
    found = key(value)
    return None if found is None or found.isspace() else found


def id_text(value: Any) -> str | None:
    """An id for comparing and naming; None for what is none."""
    if value.__class__ is str:
        return value or None
    return str(value) if value and isinstance(value, int | str) else None


def flag(value: Any) -> bool | None:
    """Convert to a bool: from true and false, 0 and 1, as number or text, and the words."""
    if value is True or value is False:
        return value
    found = value.lower() if isinstance(value, str) else value
    if found is None or found == "" or found == [] or found == {}:
        return None
    if isinstance(found, bool | int | str) and found in _FLAGS:
        return _FLAGS[found]
    raise ValueError("neither true nor false")


def texts(value: Any) -> list[str] | None:
    """A list of texts, or a comma list in one text; None when nothing in it says anything."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if "," in value else [value.strip()]
    items = value if isinstance(value, list) else [value]
    return [*filter(None, map(text, items))] or None


def remembered(what: str) -> Callable[[Callable[[int | str], T | None]], Callable[[Any], T | None]]:
    """Make a conversion of short texts and whole numbers one of any value, which remembers the last results.

    Most amounts and times come again: "0" on every order, one moment on an order and all its lines. `what`: what the
    value should be, for the error.
    """

    def decorate(convert: Callable[[int | str], T | None]) -> Callable[[Any], T | None]:
        cached = lru_cache(maxsize=4096)(convert)

        @wraps(convert)
        def converted(value: Any) -> T | None:
            kind = value.__class__
            if kind is int or ((kind is str or kind is Number) and len(value) <= LONGEST_SHORT):
                return cached(value)
            if value is None or value == [] or value == {}:
                return None
            if kind is str or kind is Number:
                raise ValueError(f"not {what}: {value[:40]!r}")
            raise ValueError(f"{kind_of(value)}, not {what}")

        CACHED[converted] = cached
        return converted

    return decorate


def _number(value: int | str) -> Decimal | None:
    """A number exactly as sent, without a unit."""
    return None if isinstance(value, str) and not value.strip() else money.number(value)


moment = remembered("a time")(platform_time)
number = remembered("a number")(_number)


@remembered("a number")
def quantity(value: int | str) -> Decimal | None:
    """A quantity exactly as sent, fractions included."""
    found = _number(value)
    if found is not None and abs(found) >= LARGEST_QUANTITY:
        raise ValueError(f"not a quantity a column should hold: {str(value)[:40]!r}")
    return found


@remembered("an amount")
def yuan(value: int | str) -> Decimal | None:
    """An amount in yuan as yuan."""
    found = _number(value)
    if found is None:
        return None
    rounded = money.yuan(found)
    if rounded != found:
        raise NotedValueError(f"{value}, rounded to {rounded}", rounded)
    return rounded


@remembered("an amount")
def price(value: int | str) -> Decimal | None:
    """A price of one piece in yuan, with every place that was sent and at least two."""
    found = _number(value)
    return None if found is None else money.at_least_two_places(found)


@remembered("an amount")
def fen(value: int | str) -> Decimal | None:
    """An amount in fen as yuan. What has a decimal point is not fen: `amounts.in_fitting_unit` finds out what it is."""
    found = _number(value)
    if found and has_point(value):
        raise ValueError(f"not whole fen: {value!r}")
    return None if found is None else money.fen(found)


def has_point(value: object) -> bool:
    """Return whether an amount is spelled with a point or an exponent, as no whole number is."""
    return isinstance(value, str) and not value.strip().lstrip("+-").isdecimal()


class Notes(list[str]):
    """Sentences for the `notes` of one order: what was odd about it and how it was read."""

    def convert(self, name: str, conversion: Callable[[Any], T | None], value: Any, at: str = "") -> T | None:
        """Convert a field; None, or what `NotedValueError` carries, and a note where `conversion` raises ValueError.

        `at`: where the field stands, such as "line 2: ".
        """
        if value is None:
            return None
        try:
            return conversion(value)
        except NotedValueError as odd:
            self.append(f"{at}{name} is {odd}")
            return odd.value  # type: ignore[return-value]
        except ValueError as error:
            self.left_out(f"{at}{name}", error)
            return None

    def left_out(self, where: str, reason: object) -> None:
        """Note a field that is not read, and why it is not."""
        self.append(f"{where} is {str(reason)[:200]}; kept in the raw payload")

    def present(self, where: str, items: Sequence[T | None] | None) -> list[T]:
        """The items of a list that are not null."""
        if not items:
            return []
        found = [item for item in items if item is not None]
        if len(found) < len(items):
            self.append(f"{where} holds {len(items) - len(found)} null, skipped")
        return found

    def shown(self) -> list[str] | None:
        """The notes for the column: each once, and no more than anyone reads."""
        if not self:
            return None
        notes = list(dict.fromkeys(self))
        more = len(notes) - MOST_NOTES
        return [*notes[:MOST_NOTES], f"{more} more of the kind"] if more > 0 else notes


def attributes(value: Any) -> tuple[dict[str, str] | None, str | None]:
    """`{"颜色": "黑白"}` and `颜色: 黑白`, of an object, a list of `name` and `value`, or a text.

    Values of one name are joined by "/" in the dictionary; what is no text is written as JSON.
    """
    if isinstance(value, str):
        return None, str(value) or None
    if isinstance(value, dict):
        pairs: Iterable[tuple[str, Any]] = ((name, each) for name, each in value.items() if each is not None)
    elif isinstance(value, list):
        pairs = map(_pair, filter(None, value))
    elif value is None:
        return None, None
    else:
        raise ValueError(f"{kind_of(value)}, not attributes")
    found: dict[str, str] = {}
    words: list[str] = []
    for name, each in pairs:
        word = each if each.__class__ is str else _word(each)
        if name:
            words.append(f"{name}: {word}")
            found[name] = f"{found[name]}/{word}" if name in found else word
        elif word:
            words.append(word)
    return found or None, "; ".join(words) or None


def readable(names: dict[str, str]) -> str | None:
    """Format attributes as text: `颜色: 黑白; 尺码: 均码`."""
    return "; ".join([f"{name}: {value}" for name, value in names.items()]) or None


def _pair(info: Any) -> tuple[str, Any]:
    if info.__class__ is dict:
        name = info.get("name")
        return (name if name.__class__ is str else text(name) or ""), info.get("value")
    if isinstance(info, str):
        return "", info
    raise ValueError(f"a list that holds {kind_of(info)}, not attributes")


def _word(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def known_status(where: str, value: Any, notes: Notes) -> str:
    """The status of an order as the platform says it; `UNKNOWN_STATUS` and a note when it says none."""
    found = notes.convert(where, key, value)
    if found is None:
        notes.append(f"{where} is missing")
    return found or UNKNOWN_STATUS


def first(values: Iterable[T | None]) -> T | None:
    """The first that is known."""
    return next((value for value in values if value is not None), None)
