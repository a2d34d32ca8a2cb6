"""Amounts whose documented unit is missing or not kept to: the unit that adds up is taken, with a note."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from orders_sync.domain import money
from orders_sync.domain.money import FEN
from orders_sync.platforms.conversion import Notes, fen, has_point, number, yuan


def in_fitting_unit(
    name: str, value: Any, expected: Sequence[Decimal | None], notes: Notes, at: str = "", *, is_fen: bool
) -> Decimal | None:
    """Return an amount in yuan.

    `is_fen`: its documented unit. `expected`: the amounts, in yuan, at which the rest adds up.

    documented unit, no point where it is fen      taken, unless only the other unit adds up
    a point where it is fen                        taken in the unit that adds up, else left out

    Whatever is not plainly the documented unit is noted; so an amount is never off by a hundred in silence.
    """
    if value is None:
        return None
    try:
        usual = fen(value) if is_fen else yuan(value)
    except ValueError:
        pass  # a point where it is fen, a fraction of a fen, no amount
    else:  # most end here, in 0.6 µs at most; with what follows it is 2.3
        if not usual or not expected or usual in expected:
            return usual
        if (money.yuan(usual * 100) if is_fen else money.fen(usual)) not in expected:
            return usual
    where = f"{at}{name}"
    found = notes.convert(where, number, value)
    if found is None or not found:
        return None if found is None else money.yuan(found)
    try:
        as_yuan, as_fen = money.yuan(found), money.fen(found)
    except ValueError as error:
        notes.left_out(where, error)
        return None
    documented, other = (as_fen, as_yuan) if is_fen else (as_yuan, as_fen)
    checks = {each for each in expected if each}
    is_odd = is_fen and has_point(value)
    if other in checks and documented not in checks:
        notes.append(f"{where} {value} was read as {'yuan' if is_fen else 'fen'}: so it adds up")
        return other
    if is_odd and documented not in checks:
        notes.left_out(where, f"not whole fen: {str(value)[:40]!r}")
        return None
    if is_odd or documented != (found / 100 if is_fen else found):
        notes.append(f"{where} {str(value)[:40]} was read as {documented} yuan")
    return documented


def note_difference(
    where: str, amount: Decimal | None, sums: Iterable[Decimal], lines: int, what: str, notes: Notes
) -> None:
    """Note an amount that is none of these sums, but for a fen of rounding a line."""
    found = list(sums)
    if amount is not None and found and all(abs(amount - each) > FEN * lines for each in found):
        notes.append(f"{where} {amount} is not {what} {found[0]}")


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum; None if one amount is not known, or there is none."""
    found = None
    for amount in amounts:
        if amount is None:
            return None
        found = amount if found is None else found + amount
    return found
