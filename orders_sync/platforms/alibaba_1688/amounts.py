"""The amounts of a 1688 order, each compared with what it must add up to (api-facts 4.2).

    itemAmount = price x quantity + entryDiscount
    totalAmount = sum of itemAmount + shippingFee

Official samples hold both loosely, so a difference changes a unit where the other one adds up, and is noted else.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from orders_sync.platforms.alibaba_1688.wire import BaseInfo, ProductItem
from orders_sync.platforms.amounts import in_fitting_unit, note_difference, total
from orders_sync.platforms.conversion import Notes, fen, number, price, quantity, yuan

NOTHING = Decimal(0)
ONE = ("1", None, 1, "")
ZERO = (None, 0, "0", "")


class LineAmounts(Struct, gc=False):
    """Quantity and amounts of one line, in yuan. `goods`: all pieces at the price before discounts."""

    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    goods: Decimal | None = None
    amount: Decimal | None = None
    paid: Decimal | None = None
    discount: Decimal | None = None


def line_amounts(line: ProductItem, at: str, notes: Notes) -> LineAmounts:
    """Return the amounts of a line, each in the unit that adds up.

    price and itemAmount are documented in yuan, entryDiscount in fen; actualPaidFee is in fen in the sample.
    """
    return _plain_amounts(line) or _fitting_amounts(line, at, notes)


def _plain_amounts(line: ProductItem) -> LineAmounts | None:
    """Return the amounts of a line without discount that add up as documented; None if they do not."""
    if line.entryDiscount not in ZERO or line.quantityFactor not in ONE:
        return None
    try:
        pieces, unit_price = quantity(line.quantity), price(line.price)
        amount, paid = yuan(line.itemAmount), fen(line.actualPaidFee)
        discount = fen(line.entryDiscount)
    except ValueError:
        return None
    if pieces is None or unit_price is None or amount is None or (paid and paid != amount):
        return None
    goods = unit_price * pieces
    return LineAmounts(pieces, unit_price, goods, amount, paid, discount) if goods == amount else None


def _fitting_amounts(line: ProductItem, at: str, notes: Notes) -> LineAmounts:
    pieces, unit_price = (
        notes.convert("quantity", quantity, line.quantity, at),
        notes.convert("price", price, line.price, at),
    )
    sent = Notes().convert("", number, line.itemAmount)
    if line.quantityFactor not in ONE:
        pieces = _in_units(pieces, unit_price, sent, line, at, notes)
    goods = None if unit_price is None or pieces is None else unit_price * pieces
    difference = () if goods is None or sent is None else (sent - goods,)
    discount = in_fitting_unit("entryDiscount", line.entryDiscount, difference, notes, at, is_fen=True)
    expected = () if goods is None else (goods, goods + (discount or NOTHING))
    amount = in_fitting_unit("itemAmount", line.itemAmount, expected, notes, at, is_fen=False)
    if goods and amount and goods == amount * 100 and not discount:
        notes.append(f"{at}price and itemAmount differ by a factor of 100: one of them may be in fen")
    paid = in_fitting_unit("actualPaidFee", line.actualPaidFee, (amount,), notes, at, is_fen=True)
    return LineAmounts(pieces, unit_price, goods, amount, paid, discount)


def order_amounts(
    base: BaseInfo, shipping: Decimal | None, coupon: Decimal | None, lines: Sequence[LineAmounts], notes: Notes
) -> tuple[Decimal | None, Decimal | None]:
    """Return totalAmount (documented in yuan) and discount (documented in fen), each in the unit that adds up."""
    extra = shipping or NOTHING
    items = total(line.amount for line in lines)
    if items is not None and (not base.discount or base.discount == "0"):
        plain = items + extra
        if _is_plain(base.totalAmount, plain):
            return plain, in_fitting_unit("discount", base.discount, (), notes, is_fen=True)
    goods = total(line.goods for line in lines)
    sent = Notes().convert("", number, base.totalAmount)
    differences = [sent - extra - each for each in (items, goods) if each is not None and sent is not None]
    discount = in_fitting_unit("discount", base.discount, differences, notes, is_fen=True)
    sums = [each + extra for each in (items, goods) if each is not None]
    sums += [each + (discount or NOTHING) for each in sums] + [each - (coupon or NOTHING) for each in sums]
    amount = in_fitting_unit("totalAmount", base.totalAmount, sums, notes, is_fen=False)
    if items is not None:
        note_difference("totalAmount", amount, sums, len(lines), "the sum of itemAmount and shippingFee,", notes)
    return amount, discount


def _is_plain(sent: object, amount: Decimal) -> bool:
    """Return whether an amount is the expected one, as most are: then no other reading has to be tried."""
    try:
        return yuan(sent) == amount
    except ValueError:
        return False


def _in_units(
    pieces: Decimal | None, unit_price: Decimal | None, sent: Decimal | None, line: ProductItem, at: str, notes: Notes
) -> Decimal | None:
    """The quantity where quantityFactor is not 1: as sent, as documented, or the part of it that adds up."""
    factor = notes.convert("quantityFactor", number, line.quantityFactor, at)
    if not factor or not pieces or factor == 1:
        return pieces
    part = pieces / factor
    if unit_price is not None and sent is not None and unit_price * part == sent != unit_price * pieces:
        notes.append(f"{at}quantity {pieces} was divided by quantityFactor {factor}: so it adds up")
        return notes.convert("quantity", quantity, str(part), at)
    if unit_price is None or unit_price * pieces != sent:
        notes.append(f"{at}quantity {pieces} was kept as sent, though quantityFactor is {factor}")
    return pieces
