"""The amounts of an Xportcn order and of its lines, read in the way that adds up (api-facts 2.2).

    purchaseAmount of the order = sum of the lines, with or without domestic postage

The two samples are in fen, /open/order/page with the price of a piece on a line and KA with the amount of the line. No
page documents either, so other ways are tried when that does not add up: yuan, and the amount of the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product
from typing import Any

from msgspec import Struct

from orders_sync.domain import money
from orders_sync.platforms.conversion import Notes, fen, has_point, number

NOTHING = Decimal(0)
MOST_PLACES = Decimal("0.000001")  # of the price of a piece that is computed


class LineAmount(Struct, gc=False):
    """A line as sent: its amount, how many pieces it is, and its postage in yuan."""

    at: str  # for notes, such as "line 2: "
    name: str  # of the field
    sent: Any
    quantity: Decimal | None
    shipping: Decimal | None

    @property
    def where(self) -> str:
        """The path of the field, for notes."""
        return f"{self.at}{self.name}"


class Amounts(Struct, gc=False):
    """Yuan: of the order, and of each line the amount of all pieces; the price of a piece where `is_piece` asks."""

    total: Decimal | None
    amounts: list[Decimal | None]
    prices: list[Decimal | None]


class Way(Struct, frozen=True, gc=False):
    """One reading of the amounts of an order: their units, and whether a line has the price of a piece."""

    is_piece: bool
    is_fen: bool  # the lines
    order_is_fen: bool


def convert_amounts(where: str, sent: Any, lines: Sequence[LineAmount], notes: Notes, *, is_piece: bool) -> Amounts:
    """The amounts in the way that adds up, else as in the sample; noted whenever that is not one and the same.

    `where`: the field of the order. `is_piece`: in the sample a line has the price of a piece. What has a decimal point
    is left out where nothing shows its unit.
    """
    plain = _plain_amounts(sent, lines, is_piece=is_piece)
    return plain or _fitting_amounts(where, sent, lines, notes, is_piece=is_piece)


def _plain_amounts(sent: Any, lines: Sequence[LineAmount], *, is_piece: bool) -> Amounts | None:
    """The amounts in fen, as in the sample; None where they do not add up in this way or are spelled otherwise."""
    amounts: list[Decimal | None] = []
    prices: list[Decimal | None] = []
    goods = postage = NOTHING
    try:
        total = fen(sent)
        for line in lines:
            found = fen(line.sent)
            amount = _times(found, line.quantity) if is_piece else found
            if amount is None:
                return None
            goods += amount
            postage += line.shipping or NOTHING
            amounts.append(money.yuan(amount) if is_piece else amount)
            if is_piece:
                prices.append(found)
    except ValueError:
        return None
    return Amounts(total, amounts, prices) if lines and total in (goods, goods + postage) else None


def _fitting_amounts(where: str, sent: Any, lines: Sequence[LineAmount], notes: Notes, *, is_piece: bool) -> Amounts:
    order = notes.convert(where, number, sent)
    found = [notes.convert(line.where, number, line.sent) for line in lines]
    points = [bool(each) and has_point(line.sent) for each, line in zip(found, lines, strict=True)]
    usual = Way(is_piece, is_fen=True, order_is_fen=True)
    way: Way | None = None
    is_known = order is not None and bool(found) and None not in found
    if is_known:
        is_pointed = any(points) or bool(order and has_point(sent))
        way = next((each for each in _ways(usual, is_pointed) if _adds_up(each, order, found, lines)), None)
    is_one = all(line.quantity == 1 for line in lines)  # a piece is the line
    if way is not None:
        _explain(where, way, usual, is_one, notes)
        if (way.order_is_fen and order and has_point(sent)) or (way.is_fen and any(points)):
            notes.append(f"{where} has a decimal point and was read as fen: so it adds up")
    elif usual.is_piece and not is_known and not is_one:
        notes.append(f"{where} of the lines was read as the price of a piece, which nothing confirms")
    if way is None:  # a decimal point says that it is not fen, and nothing says what it is
        if order and has_point(sent):
            order = None
            notes.left_out(where, f"not whole fen: {str(sent)[:40]!r}")
        for place, line in enumerate(lines):
            if points[place]:
                found[place] = None
                notes.left_out(line.where, f"not whole fen: {str(line.sent)[:40]!r}")
    amounts = _convert(way or usual, where, order, found, lines, notes)
    if way is None and is_known and amounts.total is not None and None not in amounts.amounts:
        notes.append(f"{where} {amounts.total} is not the sum of its lines, {sum(filter(None, amounts.amounts))}")
    return amounts


def _convert(
    way: Way,
    where: str,
    order: Decimal | None,
    found: Sequence[Decimal | None],
    lines: Sequence[LineAmount],
    notes: Notes,
) -> Amounts:
    unit, order_unit = (money.fen if way.is_fen else money.yuan), (money.fen if way.order_is_fen else money.yuan)
    amounts = Amounts(notes.convert(where, order_unit, order), [], [])
    for each, line in zip(found, lines, strict=True):
        if way.is_piece:
            price = None if each is None else money.at_least_two_places(each / 100 if way.is_fen else each)
            amounts.prices.append(price)
            amounts.amounts.append(notes.convert(line.where, money.yuan, _times(price, line.quantity)))
        else:
            amounts.amounts.append(notes.convert(line.where, unit, each))
            amounts.prices.append(part(amounts.amounts[-1], line.quantity))
    return amounts


def _ways(usual: Way, is_pointed: bool) -> Iterator[Way]:
    """Yield the readings to try, likelier first; what has a decimal point is fen only if nothing else adds up."""
    if not is_pointed:
        yield usual
    ways = [Way(*each) for each in product({usual.is_piece: None, False: None}, (True, False), (True, False))]
    yield from sorted(ways, key=lambda each: (each.is_fen + each.order_is_fen) * (1 if is_pointed else -1))


def _adds_up(way: Way, order: Decimal | None, found: Sequence[Decimal | None], lines: Sequence[LineAmount]) -> bool:
    amounts = [_times(each, line.quantity) if way.is_piece else each for each, line in zip(found, lines, strict=True)]
    if order is None or None in amounts:
        return False
    fractions = (found if way.is_fen else []) + ([order] if way.order_is_fen else [])  # type: ignore[operator]
    if any(each % 1 for each in fractions):
        return False
    goods = sum(filter(None, amounts), Decimal(0)) / (100 if way.is_fen else 1)
    postage = sum((line.shipping for line in lines if line.shipping), Decimal(0))
    return order / (100 if way.order_is_fen else 1) in (goods, goods + postage)


def _explain(where: str, way: Way, usual: Way, is_one: bool, notes: Notes) -> None:
    if not way.order_is_fen:
        notes.append(f"{where} was read as yuan: so it adds up")
    if not way.is_fen:
        notes.append("the amounts of the lines were read as yuan: so they add up")
    if way.is_piece != usual.is_piece and not is_one:
        notes.append("the amounts of the lines were read as of all pieces: so they add up")


def part(amount: Decimal | None, quantity: Decimal | None) -> Decimal | None:
    """The price of one of so many pieces; None where that is no price, or none that a column holds."""
    if amount is None or quantity is None or quantity <= 0:
        return None
    if quantity == 1:
        return money.at_least_two_places(amount)
    try:
        price = (amount / quantity).quantize(MOST_PLACES)
    except ArithmeticError:
        return None
    if price * quantity != amount or abs(price) >= money.LARGEST:
        return None
    return money.at_least_two_places(price.normalize())


def _times(price: Decimal | None, quantity: Decimal | None) -> Decimal | None:
    return None if price is None or quantity is None else price * quantity
