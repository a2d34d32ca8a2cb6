"""An order as it is, before any platform writes it down: epoch seconds (0: not yet), fen, states in our own words."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal

from orders_sync.sandbox.catalogue import Place, Sku
from orders_sync.sandbox.states import Refund, State


@dataclass(slots=True)
class Line:
    sku: Sku
    quantity: int | Decimal
    price: int  # fen a piece
    amount: int  # fen for the line, after discounts
    line_id: int = 0  # xportcn_open shows none
    purchase_id: int = 0  # KA: Taobao's number of the line
    state: State = State.UNPAID
    refund: Refund | None = None
    refund_no: str = ""
    after_sale: bool = False  # the refund was asked for after completion


@dataclass(slots=True, frozen=True)
class Parcel:
    parcel_id: int
    carrier: str
    tracking: str | None  # None: goods that need no carrier
    sent: int
    line_ids: tuple[int, ...]


@dataclass(slots=True)
class Order:
    """`quirk`: the one odd shape it is written in, "" for most. `dice`: 32 random bits for what has no meaning."""

    platform: str
    order_id: str
    order_no: str
    created: int
    modified: int
    state: State
    lines: list[Line]
    place: Place
    dice: int
    quirk: str = ""
    version: int = 0
    purchase_id: int = 0  # KA
    outer_id: str = ""  # Xportcn
    seller_no: str = ""  # xportcn_open
    shipping: int = 0
    discount: int = 0  # already in the lines' amounts, negative: cheaper
    coupon: int = 0
    paid: int = 0
    delivered: int = 0
    received: int = 0
    confirmed: int = 0
    completed: int = 0
    refund: Refund | None = None
    refund_no: str = ""
    after_sale: bool = False
    refunded: int = 0
    close_reason: str = ""
    closed_by: str = ""
    message: str | None = None
    memo: str | None = None
    flag: int = 0
    parcels: list[Parcel] = field(default_factory=list)
    record: bytes = b""  # as the platform sends it now

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines) + self.shipping

    def draft(self) -> Order:
        """A copy to be changed, one version on."""
        other = copy(self)
        other.lines = [copy(line) for line in self.lines]
        other.parcels = list(self.parcels)
        other.version += 1
        return other
