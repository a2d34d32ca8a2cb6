"""Taobao's result for a line, as both lists send it: JSON in a string, in a string again.

    subOrderResult -> "{... option_fields: {zh: "{...}", en: "{...}", serviceList: "[...]"}}"

It may be missing, broken or another line's. What cannot be read leaves its columns empty and becomes a note on the
order; the raw payload keeps it (P4). Source: api-facts 2.1, 6. `logistic_orders` and `skuPv` are of Taobao Global's own
model, which the results resemble: neither sample has them.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from orders_sync.domain.errors import InvalidRecordError
from orders_sync.platforms.conversion import Notes, Number
from orders_sync.platforms.decoding import decode_any, decode_record, fitted
from orders_sync.platforms.wire_types import Fen, Id, Json, Quantity, Text, Time

T = TypeVar("T")


class Logistics(Struct, gc=False):
    """A parcel inside China."""

    logistic_company_name: Text = None
    logistic_number: Text = None
    rts_time: Time = None  # milliseconds since 1970: when it was handed over


class SkuPv(Struct, gc=False):
    """The attributes of a SKU, by language."""

    zh: Json = None
    en: Json = None


class SkuInfo(Struct, gc=False):
    """A SKU with its attributes."""

    skuImgUrl: Text = None
    skuPv: SkuPv | None = None


class OptionFields(Struct, gc=False):
    """The options of a product, by language."""

    zh: Json = None  # "{\"颜色分类\":\"玫红色\"}"
    en: Json = None
    serviceList: Json = None  # "[{\"code\":\"7d\", \"name\": \"七天无理由退货\"}]"
    SKU_IMG_URL: Text = None
    shopId: Id = None
    shopName: Text = None


class SubOrderResult(Struct, gc=False):
    """Taobao's result for one line; amounts are fen in the samples, as number or as text (api-facts 2.1, 2.2)."""

    purchase_order_outer_id: Id = None
    purchase_order_line_outer_id: Id = None
    close_time_without_payment: Time = None  # milliseconds since 1970
    product_amount: Fen = None
    purchase_amount: Fen = None
    domestic_post_fee: Fen = None
    purchase_currency: Text = None
    quantity: Quantity = None
    title: Text = None
    item_id: Id = None
    sku_id: Id = None
    sub_purchase_order_id: Id = None
    status: Text = None  # WAIT_BUYER_P
    close_reason: Text = None
    alipay_pay_order_no: Id = None
    closed: Any = None
    sku_info: SkuInfo | None = None
    option_fields: OptionFields | None = None
    logistic_orders: list[Logistics | None] | None = None
    logistic_company_name: Text = None  # of one parcel, where there is no list
    logistic_number: Text = None
    rts_time: Time = None


_RESULT = msgspec.json.Decoder(SubOrderResult, float_hook=Number)
UNKNOWN = SubOrderResult()  # of a line without a result it can call its own


def result_of(at: str, packed: Json, notes: Notes) -> SubOrderResult:
    """A line's subOrderResult, whomever it belongs to; `UNKNOWN` when there is none to read."""
    return unpacked(_RESULT, f"{at}subOrderResult", packed, notes) or UNKNOWN


def unpacked(decoder: msgspec.json.Decoder[T], where: str, packed: Json, notes: Notes) -> T | None:
    """JSON in a string, or not in a string; None for what says nothing and, with a note, for what is neither."""
    if packed.__class__ is not str:
        return fitted(decoder.type, packed, where, notes)  # type: ignore[no-any-return]
    if not packed or packed.isspace() or packed in ("null", "{}", "[]"):
        return None
    try:
        return decode_record(decoder, packed, notes, where)
    except InvalidRecordError as error:
        notes.left_out(where, error.reason)
        return None


def opened(where: str, packed: Json, notes: Notes) -> Any:
    """JSON in a string as what it says; None and a note for what is no JSON."""
    if not isinstance(packed, str):
        return packed
    if not packed or packed.isspace():
        return None
    try:
        return decode_any(packed)
    except InvalidRecordError as error:
        notes.left_out(where, error.reason)
        return None
