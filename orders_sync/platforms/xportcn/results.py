"""What Taobao answered for a line, as both lists send it: JSON in a string, in a string again.

    subOrderResult -> "{... option_fields: {zh: "{...}", en: "{...}", serviceList: "[...]"}}"

It may be missing, broken or another line's. What cannot be read leaves its columns empty and becomes a note on the
order; the raw payload keeps it (P4). Source: api-facts 2.1, 6. `logistic_orders` and `skuPv` are of Taobao Global's own
model, which the results look like a copy of: neither sample has them.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from orders_sync.domain.errors import InvalidRecordError
from orders_sync.platforms.conversion import Notes, Number
from orders_sync.platforms.records import decode_any, decode_record, fitted

T = TypeVar("T")
Json = Any  # JSON in a string, or not in a string


class Logistics(Struct, gc=False):
    """A parcel inside China."""

    logistic_company_name: Any = None
    logistic_number: Any = None
    rts_time: Any = None  # milliseconds since 1970: when it was handed over


class SkuPv(Struct, gc=False):
    zh: Json = None
    en: Json = None


class SkuInfo(Struct, gc=False):
    skuImgUrl: Any = None
    skuPv: SkuPv | None = None


class OptionFields(Struct, gc=False):
    zh: Json = None  # "{\"颜色分类\":\"玫红色\"}"
    en: Json = None
    serviceList: Json = None  # "[{\"code\":\"7d\", \"name\": \"七天无理由退货\"}]"
    SKU_IMG_URL: Any = None
    shopId: Any = None
    shopName: Any = None


class SubOrderResult(Struct, gc=False):
    """What Taobao answered for one line; amounts are fen in the samples, as number or as text (api-facts 2.1, 2.2)."""

    purchase_order_outer_id: Any = None
    purchase_order_line_outer_id: Any = None
    close_time_without_payment: Any = None  # milliseconds since 1970
    product_amount: Any = None
    purchase_amount: Any = None
    domestic_post_fee: Any = None
    purchase_currency: Any = None
    quantity: Any = None
    title: Any = None
    item_id: Any = None
    sku_id: Any = None
    sub_purchase_order_id: Any = None
    status: Any = None  # WAIT_BUYER_P
    close_reason: Any = None
    alipay_pay_order_no: Any = None
    closed: Any = None
    sku_info: SkuInfo | None = None
    option_fields: OptionFields | None = None
    logistic_orders: list[Logistics | None] | None = None
    logistic_company_name: Any = None  # of one parcel, where there is no list
    logistic_number: Any = None
    rts_time: Any = None


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
