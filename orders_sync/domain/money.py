"""Money: everything past this module is yuan as `Decimal` with two places."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

FEN = Decimal("0.01")
ONE = Decimal(1)
NUMERIC_18_2 = Context(prec=18, rounding=ROUND_HALF_UP)  # more digits than it holds are an error, not rounded off


def yuan(amount: Decimal | int | str | None) -> Decimal | None:
    """An amount in yuan ("69", 69, "6.15", -3) as yuan; None and "" are None.

    More than two places are rounded half up, as numeric(18,2) would. Raises ValueError for what is no amount.
    """
    return _money(amount, FEN)


def fen(amount: Decimal | int | str | None) -> Decimal | None:
    """An amount in fen (6900, "4500", -3989) as yuan; None and "" are None. Raises ValueError for what is no amount."""
    whole = _money(amount, ONE)
    return None if whole is None else whole.scaleb(-2, NUMERIC_18_2)


def _money(amount: Decimal | int | str | None, smallest: Decimal) -> Decimal | None:
    if amount is None or amount == "":
        return None
    try:
        value = Decimal(amount).quantize(smallest, context=NUMERIC_18_2)
    except ArithmeticError:
        raise ValueError(f"not an amount a column can hold: {amount!r:.80}") from None
    if not value.is_finite():
        raise ValueError(f"not an amount: {amount!r:.80}")
    return value
