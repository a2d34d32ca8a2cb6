"""Words for what an order holds: names of columns, what changed from one version to the next, how it was on a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders_sync.console.words import later

LABELS: Mapping[str, str] = {
    # orders
    "order_id": later("Id at the platform"),
    "order_no": later("Order number"),
    "seller_order_no": later("The seller's own number"),
    "purchase_id": later("Purchase number"),
    "outer_purchase_id": later("Purchase number at the market behind"),
    "payment_no": later("Payment number"),
    "refund_id": later("Refund number"),
    "after_sale_refund_id": later("After-sale refund number"),
    "tracking_numbers": later("Tracking numbers"),
    "status": later("Status"),
    "status_group": later("Stage"),
    "upstream_status": later("Status at the market behind"),
    "refund_status": later("Refund status"),
    "after_sale_refund_status": later("After-sale refund status"),
    "total_amount": later("Amount"),
    "product_amount": later("Goods"),
    "shipping_amount": later("Postage"),
    "discount_amount": later("Discount"),
    "coupon_amount": later("Coupons"),
    "paid_amount": later("Paid amount"),
    "refund_amount": later("Refunded amount"),
    "created_at": later("Placed"),
    "modified_at": later("Changed at the platform"),
    "pay_expires_at": later("To be paid until"),
    "paid_at": later("Paid"),
    "delivered_at": later("Shipped"),
    "received_at": later("Received"),
    "confirmed_at": later("Confirmed"),
    "completed_at": later("Completed"),
    "refunded_at": later("Refunded"),
    "line_count": later("Lines"),
    "close_reason": later("Reason of closing"),
    "closed_by": later("Closed by"),
    "seller_flag": later("Flag"),
    "seller_memo": later("The shop's memo"),
    "buyer_memo": later("The customer's memo"),
    "buyer_message": later("Message"),
    "country": later("Country"),
    "province": later("Province"),
    "city": later("City"),
    # tables of an order
    "sub_orders": later("Lines"),
    "product_items": later("Products"),
    "order_parcels": later("Parcels"),
    "order_receivers": later("Receiver"),
    # lines, products, parcels
    "line_no": later("Line"),
    "sub_purchase_id": later("Purchase number of a line"),
    "outer_line_id": later("Line number at the market behind"),
    "sub_order_id": later("Line number"),
    "amount": later("Amount"),
    "removed_at": later("Removed"),
    "product_id": later("Product"),
    "sku_id": later("Variant number"),
    "title": later("Title"),
    "sku_text": later("Variant"),
    "quantity": later("Quantity"),
    "unit_price": later("Unit price"),
    "parcel_id": later("Parcel"),
    "tracking_no": later("Tracking number"),
    "carrier_name": later("Carrier"),
    # personal data
    "customer_login": later("Customer's login"),
    "customer_company": later("Customer's company"),
    "customer_message": later("Message"),
    "ordered_by": later("Ordered by"),
    "shop_memo": later("The shop's memo"),
    "customer_memo": later("The customer's memo"),
    "receiver_name": later("Receiver"),
    "receiver_phone": later("Phone"),
    "receiver_address": later("Address"),
    "receiver_district": later("District"),
    "receiver_zip": later("Postal code"),
    "ordered_at": later("Placed"),
}
NUMBERS: tuple[str, ...] = (
    "order_no",
    "order_id",
    "seller_order_no",
    "purchase_id",
    "outer_purchase_id",
    "payment_no",
    "refund_id",
)
NUMBERS += ("after_sale_refund_id", "tracking_numbers")
PARTS = {
    "sub_orders": ("line_no", "sub_order_id", "status", "refund_status", "amount", "removed_at"),
    "product_items": ("title", "sku_text", "product_id", "sku_id", "quantity", "unit_price", "amount"),
    "order_parcels": ("tracking_no", "carrier_name", "status", "delivered_at", "parcel_id"),
}
EVENTS = ("created_at", "paid_at", "delivered_at", "received_at", "completed_at")  # by the platform's own times
# of a version of an order, beside its status
VERSION_FIELDS = ("total_amount", "paid_amount", "refund_amount", "refund_status", "line_count")
INTERNAL = ("changed_xid",)


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version of an order. `changes`: columns with their former and their new value; `others`: what else changed."""

    row: dict[str, Any]
    is_first: bool
    changes: list[tuple[str, Any, Any]]
    others: list[str]

    @property
    def seen_at(self) -> datetime:
        """The time at which it landed."""
        found: datetime = self.row["seen_at"]
        return found


@dataclass(frozen=True, slots=True)
class OrderAt:
    """An order as it was known before a time, `until` not included.

    `version`: None where the order was first read later. `events`: what had happened by then by the platform's own
    times, oldest first. `is_over`: False where `until` lies in the future; then it is as known now.
    """

    until: datetime
    is_over: bool
    version: ShownVersion | None
    events: list[tuple[str, datetime]]


def versions(history: Sequence[dict[str, Any]]) -> list[ShownVersion]:
    """Return the versions of an order, newest first. `history`: rows of `order_history`, oldest first."""
    made = []
    before: dict[str, Any] = {}
    for row in history:
        changed = list(dict.fromkeys(row.get("changed") or []))
        # the group of a status says nothing beside it
        named = [name for name in changed if name in row and not (name == "status_group" and "status" in changed)]
        others = [name for name in changed if name not in row and name not in INTERNAL]
        is_first = row.get("changed") is None
        made.append(ShownVersion(row, is_first, [(name, before.get(name), row[name]) for name in named], others))
        before = row
    return made[::-1]


def at_end(order: Mapping[str, Any], found: Sequence[ShownVersion], until: datetime, now: datetime) -> OrderAt:
    """Return an order as it was known before a time. `found`: as `versions` returns them."""
    events = [(name, order[name]) for name in EVENTS if order.get(name) is not None and order[name] < until]
    version = next((each for each in found if each.seen_at < until), None)
    return OrderAt(until, until <= now, version, sorted(events, key=lambda event: event[1]))


def numbers(order: Mapping[str, Any], asked: str) -> list[tuple[str, str]]:
    """Return the numbers of an order but the one that was asked for, each once, with the columns that hold them."""
    made: dict[str, str] = {}
    for name in NUMBERS:
        value = order.get(name)
        for each in value if isinstance(value, list) else [value]:
            if each and each != asked:
                made.setdefault(each, name)
    return [(name, number) for number, name in made.items()]


def columns(part: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns of a part that are shown: those with a value in any row."""
    return [name for name in PARTS[part] if any(row.get(name) is not None for row in rows)]


def label(name: str) -> str:
    """Return the English word of a column, its own name where there is none."""
    return LABELS.get(name, name)
