"""Creation of random orders, repeatable for a shop number and a seed."""

from __future__ import annotations

from bisect import bisect
from copy import copy
from decimal import Decimal
from itertools import accumulate
from random import Random

from orders_sync.sandbox.catalogue import MESSAGES, REGIONS, UNUSUAL_MESSAGES, catalogue_skus
from orders_sync.sandbox.formats import snowflake_id
from orders_sync.sandbox.orders import SandboxLine, SandboxOrder
from orders_sync.sandbox.rng import pick
from orders_sync.sandbox.states import State

# unusual record shapes (api-facts 6): the share of orders that are rendered in each
QUIRKS: dict[str, dict[str, float]] = {
    "1688": {
        "null_fields": 0.02,  # null for fields that are usually absent
        "bare": 0.02,  # every optional field absent
        "empty_lists": 0.02,
        "empty_texts": 0.02,  # "" instead of an absent field
        "number_money": 0.03,
        "aggregated": 0.01,  # times as 2021-07-06 14:53:35, longs as strings
        "offset": 0.01,  # times with -0700
        "id_number": 0.005,  # idOfStr as an exact number
        "order_terms": 0.05,  # guaranteesTerms as an object on the order
        "fraction": 0.012,  # 2.5 metres
        "mixed": 0.01,  # some lines shipped, a refund requested for the others; the order says shipped
        "odd_status": 0.008,
    },
    "xportcn_ka": {
        "absent": 0.02,
        "result_null": 0.02,
        "result_broken": 0.01,
        "create_null": 0.02,
        "nested_surrogate": 0.008,  # a lone surrogate in JSON that is embedded in JSON
        "shared_no": 0.03,  # several purchases with one orderNo
        "odd_status": 0.008,
    },
    "xportcn_open": {
        "absent": 0.02,
        "result_other": 0.3,  # subOrderResult of another line, as in the sample response
        "result_null": 0.08,
        "result_broken": 0.01,
        "twins": 0.04,  # two lines with the same item and sku
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
_UNUSUAL_MESSAGES = list(UNUSUAL_MESSAGES.values())


class OrderFactory:
    """Creates the orders of one shop. Ids are unique across the shops of a world."""

    def __init__(self, platform: str, number: int, rng: Random) -> None:
        self.platform = platform
        self.number = number
        self.rng = rng
        self.serial = 0
        self.count = 0
        self.last_order_no = ""

    def copy(self, rng: Random) -> OrderFactory:
        """Return a factory that goes on where this one stands, with another generator."""
        other = copy(self)
        other.rng = rng
        return other

    def create(self, created: int) -> SandboxOrder:
        """Return an unpaid order (xportcn_ka: one being created) placed at this epoch second."""
        rng = self.rng
        self.count += 1
        quirk = self._quirk()
        order = SandboxOrder(
            platform=self.platform,
            order_id="",
            order_no="",
            created=created,
            modified=created,
            state=State.UNPAID,
            lines=self._lines(quirk),
            region=pick(rng, REGIONS),
            random_bits=rng.getrandbits(32),
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
            apply_discount(order, rng)
        return order

    def _quirk(self) -> str:
        at = bisect(_QUIRK_STEPS[self.platform], self.rng.random())
        names = _QUIRK_NAMES[self.platform]
        position = self.count // 10
        if self.count % 10 == 0 and position <= len(names):  # so that small worlds contain every shape too
            return names[position - 1]
        return names[at] if at < len(names) else ""

    def _lines(self, quirk: str) -> list[SandboxLine]:
        rng = self.rng
        count = 1 + bisect(_LINE_STEPS, rng.random())
        if quirk in ("twins", "mixed", "result_other"):
            count = max(2, count)
        lines = [self._line(quirk) for _ in range(count)]
        if quirk == "twins":
            lines[1].sku, lines[1].price = lines[0].sku, lines[0].price
            lines[1].amount = int(lines[1].price * lines[1].quantity)
        return lines

    def _line(self, quirk: str) -> SandboxLine:
        sku = pick(self.rng, catalogue_skus())
        if quirk == "fraction":
            part = pick(self.rng, _FRACTIONS)
            price = sku.price // 4 * 4
            return SandboxLine(sku, part, price, int(price * part))
        quantity = pick(self.rng, _QUANTITIES)
        return SandboxLine(sku, quantity, sku.price, sku.price * quantity)

    def _message(self) -> str | None:
        drawn = self.rng.random()
        if self.count % 10 == 5 and self.count // 10 < len(_UNUSUAL_MESSAGES):
            return _UNUSUAL_MESSAGES[self.count // 10]
        if drawn < 0.7:
            return None
        return pick(self.rng, MESSAGES) if drawn < 0.97 else pick(self.rng, _UNUSUAL_MESSAGES)

    def _next_serial(self) -> int:
        self.serial += 1
        return self.serial

    def _number_1688(self, order: SandboxOrder) -> None:
        """Assign 19-digit ids: a running number and six digits of the buyer.

        Lines continue the numbering; the only line of an order may share the order's id.
        """
        base = 3_876_000_000_000 + self.number * 20_000_000_000
        buyer = self.rng.randrange(1, 9999) * 100 + self.rng.randrange(1, 100)
        number = (base + self._next_serial()) * 10**6 + buyer
        order.order_id = order.order_no = str(number)
        for line in order.lines:
            line.line_id = (base + self._next_serial()) * 10**6 + buyer
        if len(order.lines) == 1 and self.rng.random() < 0.6:
            order.lines[0].line_id = number

    def _number_xportcn(self, order: SandboxOrder) -> None:
        rng = self.rng
        minted_ms = order.created * 1000 - 500 - int(rng.random() * 2500)
        low = self.number << 14
        order.order_no = str(snowflake_id(minted_ms, low | self._next_serial() & 0x3FFF))
        order.outer_id = str(4_500_000_000_000_000_000 + self.number * 10**14 + self.serial)
        if self.platform == "xportcn_open":
            order.order_id = str(snowflake_id(minted_ms + 15, low | self._next_serial() & 0x3FFF))
            order.seller_no = str(self.serial // 2)
            return
        order.state = State.CREATING
        order.order_id = str(300_000 + self.number * 10_000_000 + self._next_serial())
        order.purchase_id = 200_200_000_000 + self.number * 1_000_000_000 + self._next_serial()
        if order.quirk == "shared_no" and self.last_order_no:
            order.order_no = self.last_order_no
        self.last_order_no = order.order_no
        for line in order.lines:
            line.state = State.CREATING
            line.purchase_id = 200_200_000_000 + self.number * 1_000_000_000 + self._next_serial()
            line.line_id = snowflake_id(minted_ms + 1600, low | self.serial & 0x3FFF)


def apply_discount(order: SandboxOrder, rng: Random) -> None:
    """Lower the price of the first line, and for 1688 and xportcn_ka the order's discount by as much.

    xportcn_open has unit prices only, so there the unit price becomes lower.
    """
    line = order.lines[0]
    if order.platform == "xportcn_open":
        line.price = max(1, line.price - 10)
        line.amount = int(line.price * line.quantity)
        return
    off = min(line.amount - 1, 1 + int(rng.random() * line.amount * 0.6))
    line.amount -= off
    order.discount -= off
