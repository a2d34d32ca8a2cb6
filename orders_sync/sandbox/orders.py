"""Orders before they are rendered for a platform. Times are epoch seconds (0: not yet), amounts are fen."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal

from orders_sync.sandbox.catalogue import Region, Sku
from orders_sync.sandbox.states import CLOSED_STATES, SHIPPED_STATES, Refund, State


@dataclass(slots=True)
class SandboxLine:
    """One line of an order."""

    sku: Sku
    quantity: int | Decimal
    price: int  # fen per unit
    amount: int  # fen for the line, after discounts
    line_id: int = 0  # not sent by xportcn_open
    purchase_id: int = 0  # xportcn_ka: Taobao's id of the line
    state: State = State.UNPAID
    refund: Refund | None = None
    refund_no: str = ""
    after_sale: bool = False  # the refund was requested after completion


@dataclass(slots=True, frozen=True)
class Parcel:
    """One shipment. `sent` is in epoch seconds."""

    parcel_id: int
    carrier: str
    tracking: str | None  # None: delivered without a carrier
    sent: int
    line_ids: tuple[int, ...]


@dataclass(slots=True)
class SandboxOrder:
    """One version of an order.

    `quirk`: the unusual record shape it is rendered in (order_factory.QUIRKS), "" for most. `random_bits`: 32 bits
    from which renderers derive values that carry no meaning.
    """

    platform: str
    order_id: str
    order_no: str
    created: int
    modified: int
    state: State
    lines: list[SandboxLine]
    region: Region
    random_bits: int
    quirk: str = ""
    version: int = 0
    purchase_id: int = 0  # xportcn_ka
    outer_id: str = ""  # both Xportcn platforms
    seller_no: str = ""  # xportcn_open
    shipping: int = 0
    discount: int = 0  # already included in the lines' amounts; negative when the seller lowered the price
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
    record: bytes = b""  # JSON as the platform sends it

    @property
    def total(self) -> int:
        """The amount of the order in fen, shipping included."""
        return sum(line.amount for line in self.lines) + self.shipping

    @property
    def unshipped(self) -> list[SandboxLine]:
        """The lines that are neither closed nor shipped."""
        return [line for line in self.lines if line.state not in CLOSED_STATES and line.state not in SHIPPED_STATES]

    def next_version(self) -> SandboxOrder:
        """Return a copy to be changed, with the version incremented."""
        other = copy(self)
        other.lines = [copy(line) for line in self.lines]
        other.parcels = list(self.parcels)
        other.version += 1
        return other
