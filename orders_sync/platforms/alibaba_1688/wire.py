"""What fw199 sends for a 1688 order, in its own spelling: seed 004, api-facts 4.2 and 6.

Only fields that become columns stand here; everything else stays in the raw payload. Any field may be null, absent or
something else than documented: the conversions in `normalize.py` judge values, a record that does not fit these structs
is fitted (`records.decode_record`).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Raw, Struct

from orders_sync.platforms.conversion import Number

Id: TypeAlias = Any  # text or number; aggregators turn longs into strings (api-facts 6)
Text: TypeAlias = Any
Yuan: TypeAlias = Any
Fen: TypeAlias = Any
Unknown: TypeAlias = Any  # an amount whose unit is not documented
Time: TypeAlias = Any  # yyyyMMddHHmmssSSS+0800, the offset is its own; aggregators: yyyy-MM-dd HH:mm:ss


class Listing(Struct, gc=False):
    """`total` counts the rows over all pages."""

    total: int | str | None = None
    items: list[Raw] | None = None

    @property
    def rows(self) -> list[Raw] | None:
        return self.items


class Success(Struct, gc=False):
    """An answer with orders: `code` is 0. Without any, `data` may be null, absent, "" or an empty list."""

    code: int | str
    data: Listing | list[Raw] | str | None = None


class Envelope(Struct, gc=False):
    """Any answer: a `code` other than 0 is a failure whose reason is in `message`."""

    code: int | str
    message: Any = None


class Guarantee(Struct, rename="camel", gc=False):
    short_code: Text = None


class ProductItem(Struct, rename="camel", gc=False):
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
    guarantees_terms: list[Guarantee | None] | None = None
    product_id: Id = msgspec.field(name="productID", default=None)
    sku_id: Id = msgspec.field(name="skuID", default=None)
    spec_id: Id = None
    product_cargo_number: Text = None  # of the product
    cargo_number: Text = None  # of the sku; 1688's own model has both
    name: Text = None
    product_img_url: Any = None  # a list, or one address
    unit: Text = None
    quantity: Any = None  # in `unit`, may be a fraction
    quantity_factor: Any = None  # a power of ten: the smallest part of a unit that can be bought is one of so many
    price: Yuan = None
    sku_infos: Any = None  # a list of name and value


class LogisticsItem(Struct, rename="camel", gc=False):
    """A parcel. `sub_item_ids` is a comma list of line ids; the bill number may be the words 不需要物流."""

    id: Id = None
    logistics_bill_no: Text = None
    logistics_company_name: Text = None
    logistics_company_no: Text = None
    status: Text = None
    type: Text = None
    carriage: Yuan = None
    delivered_time: Time = None
    sub_item_ids: Any = None


class NativeLogistics(Struct, rename="camel", gc=False):
    contact_person: Text = None
    telephone: Text = None
    mobile: Text = None
    country: Text = None  # not documented
    province: Text = None
    city: Text = None
    area: Text = None
    area_code: Text = None
    town: Text = None
    town_code: Text = None
    address: Text = None
    zip: Text = None
    caid: Text = None
    logistics_items: list[LogisticsItem | None] | None = None


class ReceiverInfo(Struct, rename="camel", gc=False):
    """The receiver in 1688's own model, whose lists carry no nativeLogistics."""

    to_full_name: Text = None
    to_phone: Text = None
    to_mobile: Text = None
    to_division_code: Text = None
    to_town: Text = None
    to_town_code: Text = None
    to_area: Text = None  # the whole address in one text
    to_post: Text = None


class Contact(Struct, rename="camel", gc=False):
    company_name: Text = None


class Step(Struct, rename="camel", gc=False):
    paid_fee: Yuan = None


class BaseInfo(Struct, rename="camel", gc=False):
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
    pay_channel_list: Any = None  # a list of texts
    alipay_trade_id: Text = None
    receiver_info: ReceiverInfo | None = None


class Order(Struct, rename="camel", gc=False):
    base_info: BaseInfo | None = None
    native_logistics: NativeLogistics | None = None
    product_items: list[ProductItem | None] | None = None


class OrderId(Struct, rename="camel", gc=False):
    id_of_str: Id = None


class OrderHead(Struct, rename="camel", gc=False):
    """As little of an order as tells which one it is."""

    base_info: OrderId | None = None


class OrderTimes(Struct, rename="camel", gc=False):
    """What an order is listed by."""

    create_time: Time = None
    modify_time: Time = None


class OrderListed(Struct, rename="camel", gc=False):
    base_info: OrderTimes | None = None


ENVELOPE = msgspec.json.Decoder(Envelope, float_hook=str)
SUCCESS = msgspec.json.Decoder(Success)
ORDER = msgspec.json.Decoder(Order, float_hook=Number)
ORDER_HEAD = msgspec.json.Decoder(OrderHead, float_hook=Number)
ORDER_TIMES = msgspec.json.Decoder(OrderListed, float_hook=Number)
