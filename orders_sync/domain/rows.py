"""The rows of an order: one struct per table, fields in the order of its columns.

Amounts are yuan (`Decimal`, two places), times are aware datetimes, quantities are `Decimal`, ids are text. `None`: the
platform gave no value. The source of each value is in the platforms' `normalize.py`, its meaning in the comments of
`store/tables/orders.py` and `order_parts.py`. `platform`, `account` and `synced_at` are added when rows are stored.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct


class OrderRow(Struct, kw_only=True, gc=False):
    """A row of `orders`."""

    order_id: str
    order_no: str | None = None
    seller_order_no: str | None = None
    purchase_id: str | None = None
    outer_purchase_id: str | None = None
    status: str
    status_group: str
    upstream_status: str | None = None
    refund_status: str | None = None
    refund_id: str | None = None
    after_sale_refund_status: str | None = None
    after_sale_refund_id: str | None = None
    close_reason: str | None = None
    closed_by: str | None = None
    trade_type: str | None = None
    business_type: str | None = None
    source: str | None = None
    currency: str = "CNY"
    total_amount: Decimal | None = None
    product_amount: Decimal | None = None
    shipping_amount: Decimal | None = None
    discount_amount: Decimal | None = None
    coupon_amount: Decimal | None = None
    paid_amount: Decimal | None = None
    refund_amount: Decimal | None = None
    refund_payment_raw: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    pay_expires_at: datetime | None = None
    paid_at: datetime | None = None
    delivered_at: datetime | None = None
    received_at: datetime | None = None
    confirmed_at: datetime | None = None
    completed_at: datetime | None = None
    buyer_id: str | None = None
    buyer_name: str | None = None
    buyer_company: str | None = None
    seller_id: str | None = None
    seller_name: str | None = None
    seller_company: str | None = None
    buyer_message: str | None = None
    buyer_memo: str | None = None
    seller_memo: str | None = None
    seller_flag: str | None = None
    country: str | None = None
    province: str | None = None
    city: str | None = None
    pay_channels: list[str] | None = None
    payment_no: str | None = None
    tracking_numbers: list[str] | None = None
    line_count: int = 0
    notes: list[str] | None = None


class SubOrderRow(Struct, kw_only=True, gc=False):
    """A row of `sub_orders`: a line of an order."""

    order_id: str
    sub_order_id: str
    line_no: int
    order_no: str | None = None
    status: str | None = None
    upstream_status: str | None = None
    refund_status: str | None = None
    refund_id: str | None = None
    after_sale_refund_status: str | None = None
    after_sale_refund_id: str | None = None
    close_reason: str | None = None
    is_closed: bool | None = None
    currency: str = "CNY"
    amount: Decimal | None = None
    paid_amount: Decimal | None = None
    discount_amount: Decimal | None = None
    shipping_amount: Decimal | None = None
    refund_amount: Decimal | None = None
    estimated_amount: Decimal | None = None
    shared_promotion_raw: str | None = None
    item_discount_raw: str | None = None
    cross_promotion_raw: str | None = None
    purchase_id: str | None = None
    sub_purchase_id: str | None = None
    outer_purchase_id: str | None = None
    outer_line_id: str | None = None
    merchant_line_no: str | None = None
    payment_no: str | None = None
    logistics_status: str | None = None
    tracking_numbers: list[str] | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    pay_expires_at: datetime | None = None
    guarantees: list[str] | None = None
    error_code: str | None = None
    error_message: str | None = None


class ProductItemRow(Struct, kw_only=True, gc=False):
    """A row of `product_items`: the product of a line."""

    order_id: str
    sub_order_id: str
    item_no: int
    product_id: str | None = None
    sku_id: str | None = None
    spec_id: str | None = None
    cargo_no: str | None = None
    title: str | None = None
    image_url: str | None = None
    snapshot_url: str | None = None
    shop_id: str | None = None
    shop_name: str | None = None
    unit: str | None = None
    quantity: Decimal | None = None
    currency: str = "CNY"
    unit_price: Decimal | None = None
    amount: Decimal | None = None
    sku_attributes: dict[str, str] | None = None
    sku_text: str | None = None
    sku_attributes_en: dict[str, str] | None = None
    sku_text_en: str | None = None


class ParcelRow(Struct, kw_only=True, gc=False):
    """A row of `order_parcels`."""

    order_id: str
    parcel_id: str
    tracking_no: str | None = None
    carrier_name: str | None = None
    carrier_code: str | None = None
    status: str | None = None
    delivery_type: str | None = None
    freight_amount: Decimal | None = None
    delivered_at: datetime | None = None
    sub_order_ids: list[str] | None = None


class ReceiverRow(Struct, kw_only=True, gc=False):
    """A row of `order_receivers`."""

    order_id: str
    name: str | None = None
    phone: str | None = None
    mobile: str | None = None
    country: str | None = None
    province: str | None = None
    city: str | None = None
    district: str | None = None
    district_code: str | None = None
    town: str | None = None
    town_code: str | None = None
    address: str | None = None
    zip: str | None = None
    tax_id: str | None = None
    encrypted_id: str | None = None


class OrderRows(Struct, kw_only=True, gc=False):
    """All rows of one order.

    `receiver` is None if the platform's list has no address. `has_all_lines` is False if a listed line could not be
    read: then no stored line counts as removed.
    """

    order: OrderRow
    sub_orders: list[SubOrderRow]
    product_items: list[ProductItemRow]
    parcels: list[ParcelRow]
    receiver: ReceiverRow | None = None
    has_all_lines: bool = True

    def all(self) -> list[Struct]:
        """Return every row, the order first."""
        rows: list[Any] = [self.order, *self.sub_orders, *self.product_items, *self.parcels]
        return [*rows, self.receiver] if self.receiver else rows
