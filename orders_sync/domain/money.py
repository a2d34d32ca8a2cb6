"""Parse amounts of money into yuan as `Decimal` with two places."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

FEN = Decimal("0.01")
LARGEST = Decimal(10) ** 16  # numeric(18,2) holds less than this
MOST_PLACES = 12  # the largest exponent, and the most digits after the point
_NUMERIC_18_2 = Context(prec=18, rounding=ROUND_HALF_UP)
_SPELLED = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)


def number(value: int | str) -> Decimal:
    """Parse a number without rounding. Raises ValueError for anything that is no number, or too large for a column."""
    text = str(value).strip()
    if len(text) > 60 or not _SPELLED.fullmatch(text):
        raise ValueError(f"not a number: {text[:40]!r}")
    found = Decimal(text)
    if len(text) <= MOST_PLACES and "e" not in text and "E" not in text:  # within both limits as it is spelled
        return found or Decimal(0)
    if found and not (-MOST_PLACES <= int(found.as_tuple().exponent) <= MOST_PLACES and abs(found) < LARGEST):
        raise ValueError(f"not a number a column can hold: {text[:40]!r}")
    return found if found else Decimal(0)


def yuan(amount: Decimal) -> Decimal:
    """Round an amount of yuan half up to two places. Raises ValueError if it does not fit numeric(18,2)."""
    try:
        return amount.quantize(FEN, context=_NUMERIC_18_2)
    except ArithmeticError:
        raise ValueError(f"not an amount a column can hold: {str(amount)[:40]!r}") from None


def fen(amount: Decimal) -> Decimal:
    """Convert fen to yuan with two places, rounded half up. Raises ValueError like `yuan`."""
    return yuan(amount.scaleb(-2))


def at_least_two_places(amount: Decimal) -> Decimal:
    """Return the same amount with all its places, at least two: `1.50`, never `1.5`."""
    if amount.same_quantum(FEN):  # most are; five times as fast as reading the exponent
        return amount
    return amount if int(amount.as_tuple().exponent) <= -2 else yuan(amount)
