"""Money: everything past this module is yuan as `Decimal`; amounts have two places."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

FEN = Decimal("0.01")
LARGEST = Decimal(10) ** 16  # numeric(18,2) holds less than this
MOST_PLACES = 12  # on either side of an exponent, and behind the point
_NUMERIC_18_2 = Context(prec=18, rounding=ROUND_HALF_UP)
_SPELLED = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)


def number(value: int | str) -> Decimal:
    """A number exactly as it is spelled, within what a column should hold. Raises ValueError for anything else."""
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
    """An amount of yuan with two places, rounded half up. Raises ValueError for more digits than numeric(18,2) has."""
    try:
        return amount.quantize(FEN, context=_NUMERIC_18_2)
    except ArithmeticError:
        raise ValueError(f"not an amount a column can hold: {str(amount)[:40]!r}") from None


def fen(amount: Decimal) -> Decimal:
    """An amount of fen as yuan, with two places, rounded half up. Raises ValueError like `yuan`."""
    return yuan(amount.scaleb(-2))


def at_least_two_places(amount: Decimal) -> Decimal:
    """The same amount with all its places, as `1.50`, never `1.5`."""
    if amount.same_quantum(FEN):  # most are; asked five times as fast as for the exponent
        return amount
    return amount if int(amount.as_tuple().exponent) <= -2 else yuan(amount)
