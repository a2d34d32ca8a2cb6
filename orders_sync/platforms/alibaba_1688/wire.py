"""What fw199 sends for a 1688 order, in its own spelling: seed 004, api-facts 4.2 and 6.

Only fields that become columns stand here; everything else stays in the raw payload. Any field may be null or absent.
No number ever passes through float: a record that spells numbers where the documents have text, or with a fraction, is
read a second time with every number as the text it was spelled in (`decode`).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Raw, Struct

from orders_sync.domain.errors import BadRecord
from orders_sync.platforms.records import decode_record

Id: TypeAlias = int | str | None  # aggregators turn longs into strings (api-facts 6)
Text: TypeAlias = str | None
Yuan: TypeAlias = int | str | None
Fen: TypeAlias = int | str | None
Unknown: TypeAlias = int | str | None  # an amount whose unit is not documented
Time: TypeAlias = str | None  # yyyyMMddHHmmssSSS+0800, the offset is its own; aggregators: yyyy-MM-dd HH:mm:ss

NULL = Raw(b"null")


class Listing(Struct):
    """`total` counts the rows over all pages."""

    total: int | str | None = None
    items: list[Raw] | None = None

    @property
    def rows(self) -> list[Raw] | None:
        return self.items


class Success(Struct):
    """An answer with orders: `code` is 0. Without any, `data` may be null, absent, "" or an empty list."""

    code: int | str
    data: Listing | list[Raw] | str | None = None


class Envelope(Struct):
    """Any answer: a `code` other than 0 is a failure whose reason is in `message`."""

    code: int | str
    message: Any = None


class SkuInfo(Struct):
    name: Text = None
    value: Text = None


class Guarantee(Struct, rename="camel"):
    short_code: Text = None


class ProductItem(Struct, rename="camel"):
    """A line. `subItemID` and `tbId` are left out: they are damaged (api-facts 4.3)."""

    sub_item_id_string: Id = msgspec.field(name="subItemIDString", default=None)
    product_snapshot_url: Text = None
    status: Text = None
    refund_status: Text = None
    refund_id: Id = None
    refund_id_for_as: Id = None
    refund_status_for_as: Text = None
    close_reason: Text = None
    logistics_status: Id = None
    gmt_create: Time = None
    gmt_modified: Time = None
    item_amount: Yuan = None
    actual_paid_fee: Fen = None
    entry_discount: Fen = None
    share_postage: Yuan = None
    refund: Yuan = None
    order_shared_promotion_fee: Unknown = None
    item_discount_fee: Unknown = None
    cross_promotion_fee: Unknown = None
    guarantees_terms: Raw = NULL  # a list, though an object has been seen elsewhere: read on its own
    product_id: Id = msgspec.field(name="productID", default=None)
    sku_id: Id = msgspec.field(name="skuID", default=None)
    spec_id: Id = None
    product_cargo_number: Text = None
    name: Text = None
    product_img_url: list[Text] | Text = None
    unit: Text = None
    quantity: int | str | None = None  # may be a fraction
    price: Yuan = None
    sku_infos: list[SkuInfo | None] | None = None


class LogisticsItem(Struct, rename="camel"):
    """A parcel. `sub_item_ids` is a comma list of line ids; the bill number may be the words 不需要物流."""

    id: Id = None
    logistics_bill_no: Text = None
    logistics_company_name: Text = None
    logistics_company_no: Text = None
    status: Text = None
    type: Text = None
    carriage: Yuan = None
    delivered_time: Time = None
    sub_item_ids: Text = None


class NativeLogistics(Struct, rename="camel"):
    contact_person: Text = None
    telephone: Text = None
    mobile: Text = None
    country: Text = None  # not documented
    province: Text = None
    city: Text = None
    area: Text = None
    area_code: Text = None
    address: Text = None
    zip: Text = None
    caid: Text = None
    logistics_items: list[LogisticsItem | None] | None = None


class Contact(Struct, rename="camel"):
    company_name: Text = None


class Step(Struct, rename="camel"):
    paid_fee: Yuan = None


class BaseInfo(Struct, rename="camel"):
    """`id` is left out: it is damaged (api-facts 4.3)."""

    id_of_str: Id = None
    status: Text = None
    refund_status: Text = None
    refund_id: Id = None
    refund_id_for_as: Id = None
    refund_status_for_as: Text = None
    close_reason: Text = None
    close_operate_type: Text = None
    trade_type: Text = None
    trade_type_code: Text = None
    business_type: Text = None
    total_amount: Yuan = None
    sum_product_payment: Yuan = None
    shipping_fee: Yuan = None
    discount: Fen = None
    coupon_fee: Yuan = None
    refund: Yuan = None
    refund_payment: Unknown = None
    new_step_order_list: list[Step | None] | None = None
    create_time: Time = None
    modify_time: Time = None
    gmt_pay_expire_time: Time = None  # yyyy-MM-dd HH:mm:ss, unlike the others
    pay_time: Time = None
    all_delivered_time: Time = None
    receiving_time: Time = None
    confirmed_time: Time = None
    complete_time: Time = None
    buyer_open_uid: Text = None
    buyer_login_id: Text = None
    buyer_contact: Contact | None = None
    seller_login_id: Text = None
    seller_contact: Contact | None = None
    remark: Text = None
    buyer_feedback: Text = None
    buyer_memo: Text = None
    seller_memo: Text = None
    seller_remark_icon: Text = None
    pay_channel_list: list[Text] | None = None
    alipay_trade_id: Text = None


class Order(Struct, rename="camel"):
    base_info: BaseInfo | None = None
    native_logistics: NativeLogistics | None = None
    product_items: list[ProductItem | None] | None = None


class OrderId(Struct, rename="camel"):
    id_of_str: Id = None


class OrderHead(Struct, rename="camel"):
    """As little of an order as tells which one it is."""

    base_info: OrderId | None = None


class LineId(Struct):
    sub_item_id_string: Id = msgspec.field(name="subItemIDString", default=None)


class OrderKeys(OrderHead, rename="camel"):
    """All of an order that may never be a fraction, however it is spelled."""

    product_items: list[LineId | None] | None = None


ENVELOPE = msgspec.json.Decoder(Envelope, float_hook=str)
SUCCESS = msgspec.json.Decoder(Success)
ORDER = msgspec.json.Decoder(Order)
ORDER_HEAD = msgspec.json.Decoder(OrderHead)
GUARANTEES = msgspec.json.Decoder(list[Guarantee | None])

_KEYS = msgspec.json.Decoder(OrderKeys)
_ANY = msgspec.json.Decoder(float_hook=str)


def decode(record: bytes) -> Order:
    """A record as documented, else with its numbers as text. Raises `BadRecord` with the field that does not fit."""
    try:
        return decode_record(ORDER, record)
    except BadRecord:
        decode_record(_KEYS, record)
        return decode_record(ORDER, _with_numbers_as_text(record))


def _with_numbers_as_text(record: bytes) -> bytes:
    try:
        return msgspec.json.encode(_spelled(decode_record(_ANY, record)))
    except RecursionError:
        raise BadRecord("nested too deep") from None


def _spelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _spelled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    return str(value) if type(value) is int else value
