"""How an order comes to be: random draws, the same for the same shop number and seed."""

from __future__ import annotations

from bisect import bisect
from decimal import Decimal
from itertools import accumulate
from random import Random

from orders_sync.sandbox.catalogue import MESSAGES, ODD_MESSAGES, PLACES, skus
from orders_sync.sandbox.chance import pick
from orders_sync.sandbox.orders import Line, Order
from orders_sync.sandbox.stamps import snowflake
from orders_sync.sandbox.states import State

# the odd shapes of api-facts 6 and how often an order is written in one of them
QUIRKS: dict[str, dict[str, float]] = {
    "1688": {
        "null_fields": 0.02,  # null where others leave the field out
        "bare": 0.02,  # left out whatever may be left out
        "empty_lists": 0.02,
        "empty_words": 0.02,  # "" for none
        "number_money": 0.03,
        "aggregated": 0.01,  # times as 2021-07-06 14:53:35, longs as strings
        "offset": 0.01,  # times with -0700
        "id_number": 0.005,  # idOfStr as a number, exact
        "order_terms": 0.05,  # guaranteesTerms as an object on the order
        "fraction": 0.012,  # 2.5 metres
        "mixed": 0.01,  # shipped in part, a refund asked for the rest, the header says shipped
        "odd_status": 0.008,
    },
    "xportcn_ka": {
        "absent": 0.02,
        "result_null": 0.02,
        "result_broken": 0.01,
        "create_null": 0.02,
        "nested_surrogate": 0.008,  # a lone surrogate inside the JSON inside the JSON
        "shared_no": 0.03,  # several purchases under one orderNo
        "odd_status": 0.008,
    },
    "xportcn_open": {
        "absent": 0.02,
        "result_other": 0.3,  # subOrderResult of another line (seed 000)
        "result_null": 0.08,
        "result_broken": 0.01,
        "twins": 0.04,  # the same item and sku twice
        "titled": 0.05,
        "title_nul": 0.008,
        "title_surrogate": 0.008,
        "odd_status": 0.008,
    },
}
_QUIRK_NAMES = {platform: list(rates) for platform, rates in QUIRKS.items()}
_QUIRK_STEPS = {platform: list(accumulate(rates.values())) for platform, rates in QUIRKS.items()}
_LINE_STEPS = (0.5, 0.75, 0.88, 0.96)
_QUANTITIES = (1, 1, 1, 1, 2, 2, 3, 5, 10, 50, 200)
_FRACTIONS = (Decimal("0.5"), Decimal("1.5"), Decimal("2.5"), Decimal("12.25"))
_ODD_MESSAGES = list(ODD_MESSAGES.values())


class Births:
    """One shop's newborn orders. Ids are unique over all shops of a world."""

    def __init__(self, platform: str, number: int, rng: Random) -> None:
        self.platform = platform
        self.number = number
        self.rng = rng
        self.serial = 0
        self.count = 0
        self.last_order_no = ""

    def order(self, created: int) -> Order:
        """An unpaid order (KA: one being created) of this second."""
        rng = self.rng
        self.count += 1
        quirk = self._quirk()
        order = Order(
            platform=self.platform,
            order_id="",
            order_no="",
            created=created,
            modified=created,
            state=State.UNPAID,
            lines=self._lines(quirk),
            place=pick(rng, PLACES),
            dice=rng.getrandbits(32),
            quirk=quirk,
            message=self._message(),
        )
        if self.platform == "1688":
            self._number_1688(order)
            order.shipping = pick(rng, (0, 0, 430, 600, 1000))
            order.coupon = pick(rng, (0, 0, 0, 500))
        else:
            self._number_xportcn(order)
        if rng.random() < 0.05:
            haggle(order, rng)
        return order

    def _quirk(self) -> str:
        at = bisect(_QUIRK_STEPS[self.platform], self.rng.random())
        names = _QUIRK_NAMES[self.platform]
        turn = self.count // 10
        if self.count % 10 == 0 and turn <= len(names):  # small worlds have every shape too
            return names[turn - 1]
        return names[at] if at < len(names) else ""

    def _lines(self, quirk: str) -> list[Line]:
        rng = self.rng
        count = 1 + bisect(_LINE_STEPS, rng.random())
        if quirk in ("twins", "mixed", "result_other"):
            count = max(2, count)
        lines = [self._line(quirk) for _ in range(count)]
        if quirk == "twins":
            lines[1].sku, lines[1].price = lines[0].sku, lines[0].price
            lines[1].amount = int(lines[1].price * lines[1].quantity)
        return lines

    def _line(self, quirk: str) -> Line:
        sku = pick(self.rng, skus())
        if quirk == "fraction":
            part = pick(self.rng, _FRACTIONS)
            price = sku.price // 4 * 4
            return Line(sku, part, price, int(price * part))
        quantity = pick(self.rng, _QUANTITIES)
        return Line(sku, quantity, sku.price, sku.price * quantity)

    def _message(self) -> str | None:
        dice = self.rng.random()
        if self.count % 10 == 5 and self.count // 10 < len(_ODD_MESSAGES):
            return _ODD_MESSAGES[self.count // 10]
        if dice < 0.7:
            return None
        return pick(self.rng, MESSAGES) if dice < 0.97 else pick(self.rng, _ODD_MESSAGES)

    def _next(self) -> int:
        self.serial += 1
        return self.serial

    def _number_1688(self, order: Order) -> None:
        """19 digits: a running number, then six of the buyer's; the lines run on, a single line may be the order."""
        base = 3_876_000_000_000 + self.number * 20_000_000_000
        buyer = self.rng.randrange(1, 9999) * 100 + self.rng.randrange(1, 100)
        number = (base + self._next()) * 10**6 + buyer
        order.order_id = order.order_no = str(number)
        for line in order.lines:
            line.line_id = (base + self._next()) * 10**6 + buyer
        if len(order.lines) == 1 and self.rng.random() < 0.6:
            order.lines[0].line_id = number

    def _number_xportcn(self, order: Order) -> None:
        rng = self.rng
        minted = order.created * 1000 - 500 - int(rng.random() * 2500)
        low = self.number << 14
        order.order_no = str(snowflake(minted, low | self._next() & 0x3FFF))
        order.outer_id = str(4_500_000_000_000_000_000 + self.number * 10**14 + self.serial)
        if self.platform == "xportcn_open":
            order.order_id = str(snowflake(minted + 15, low | self._next() & 0x3FFF))
            order.seller_no = str(self.serial // 2)
            return
        order.state = State.CREATING
        order.order_id = str(300_000 + self.number * 10_000_000 + self._next())
        order.purchase_id = 200_200_000_000 + self.number * 1_000_000_000 + self._next()
        if order.quirk == "shared_no" and self.last_order_no:
            order.order_no = self.last_order_no
        self.last_order_no = order.order_no
        for line in order.lines:
            line.state = State.CREATING
            line.purchase_id = 200_200_000_000 + self.number * 1_000_000_000 + self._next()
            line.line_id = snowflake(minted + 1600, low | self.serial & 0x3FFF)


def haggle(order: Order, rng: Random) -> None:
    """The seller makes it cheaper; the discount of one line is the order's. xportcn_open has a price a piece only."""
    line = order.lines[0]
    if order.platform == "xportcn_open":
        line.price = max(1, line.price - 10)
        line.amount = int(line.price * line.quantity)
        return
    off = min(line.amount - 1, 1 + int(rng.random() * line.amount * 0.6))
    line.amount -= off
    order.discount -= off
