"""One value at a time: what the platform sent as what a column holds. None and "" are None.

`where` is the field as the platform spells it: `BadRecord` carries it for what cannot be represented.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeVar

from orders_sync.domain import money
from orders_sync.domain.errors import BadRecord
from orders_sync.domain.times import compact_time

T = TypeVar("T")

LONGEST_KEY = 255  # characters: three of them must fit the 2704 bytes an index entry may have
LARGEST_QUANTITY = Decimal(10) ** 15
MOST_PLACES = 12  # of a quantity, on either side of its point

# most amounts and times come again: "0" on every order, one moment on an order and all its lines
_yuan = lru_cache(maxsize=4096)(money.yuan)
_fen = lru_cache(maxsize=4096)(money.fen)
_moment = lru_cache(maxsize=4096)(compact_time)


def code(value: int | str | None) -> str | None:
    """A code or an id."""
    return None if value is None or value == "" else str(value)


def key(value: int | str | None, where: str) -> str | None:
    """A code or an id that is indexed, so that its length has a limit."""
    if value is None or value == "":
        return None
    found = str(value)
    if len(found) > LONGEST_KEY:
        raise BadRecord(f"longer than {LONGEST_KEY} characters", where)
    return found


def codes(values: list[str | None] | None) -> list[str] | None:
    """Those of a list that say something; None when none does."""
    return [value for value in values if value] or None if values else None


def parts(text: str | None) -> list[str] | None:
    """The parts of a comma list; None when it holds nothing."""
    return codes([part.strip() for part in text.split(",")]) if text else None


def yuan(value: int | str | None, where: str) -> Decimal | None:
    """An amount in yuan as yuan."""
    return None if value is None else _converted(_yuan, value, where)


def fen(value: int | str | None, where: str) -> Decimal | None:
    """An amount in fen as yuan."""
    return None if value is None else _converted(_fen, value, where)


def moment(value: str | None, where: str) -> datetime | None:
    """A time in either format of api-facts 4.2, whichever the field is documented with."""
    return None if value is None else _converted(_moment, value, where)


def quantity(value: int | str | None, where: str) -> Decimal | None:
    """A quantity exactly as sent, fractions included."""
    return None if value is None or value == "" else _converted(_quantity, value, where)


@lru_cache(maxsize=1024)
def _quantity(value: int | str) -> Decimal:
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"not a quantity: {value!r:.80}") from None
    places = found.as_tuple().exponent  # a letter when it is no number
    if isinstance(places, int) and abs(places) <= MOST_PLACES and found.copy_abs() < LARGEST_QUANTITY:
        return found
    raise ValueError(f"not a quantity a column should hold: {value!r:.80}")


def _converted(convert: Callable[..., T], value: int | str, where: str) -> T:
    try:
        return convert(value)
    except ValueError as error:
        raise BadRecord(f"{error!s:.120}", where) from None
