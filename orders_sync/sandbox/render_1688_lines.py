"""Rendering of the lines of 1688 orders, and the formats used throughout one order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from orders_sync.sandbox.catalogue import Sku
from orders_sync.sandbox.formats import compact_time, local_time, rounded_to_double, yuan_number, yuan_text
from orders_sync.sandbox.json_text import encode
from orders_sync.sandbox.orders import SandboxLine, SandboxOrder
from orders_sync.sandbox.states import REFUND_STATUS, SHIPPED_STATES, STATUS_1688, Refund, State

Record = dict[str, Any]

_TERMS = [
    [{"shortCode": "qtwlybt_2"}, {"shortCode": "D_2"}],
    [{"assuranceType": "jstk_p", "qualityAssuranceType": "极速退款", "shortCode": "jstk_p"}, {"shortCode": "C_2"}],
    [
        {
            "assuranceInfo": "卖家承诺买家签收货物后7天内,在“商品完好”的情形下,向买家提供退货服务。",
            "assuranceType": "qtwlybt",
            "qualityAssuranceType": "7天无理由退货",
            "shortCode": "qtwlybt",
        },
        {"shortCode": "qtwlybt_2"},
        {"assuranceType": "ssbxsfh", "qualityAssuranceType": "48小时发货", "shortCode": "D"},
    ],
]
_TERMS_RAW = [msgspec.Raw(encode(terms)) for terms in _TERMS]


class FormatStyle:
    """Formats of times (epoch seconds), money (fen) and 64-bit integers in the record of one order."""

    __slots__ = ("integer", "money", "time")

    def __init__(self, quirk: str) -> None:
        self.time: Callable[[int], str] = compact_time
        self.money: Callable[[int], str | float] = yuan_text
        self.integer: Callable[[int], int | str] = int
        if quirk == "aggregated":
            self.time = local_time
            self.integer = str
        elif quirk == "offset":
            self.time = _pacific_time
        elif quirk == "number_money":
            self.money = yuan_number


def _pacific_time(second: int) -> str:
    return compact_time(second, -7 * 3600)


_DEFAULT_STYLE = FormatStyle("")
_STYLES = {quirk: FormatStyle(quirk) for quirk in ("aggregated", "offset", "number_money")}


def _logistics_status(line: SandboxLine) -> int:
    if line.state in (State.SHIPPED, State.ARRIVING):
        return 2
    return 3 if line.state in SHIPPED_STATES else 1


@lru_cache(maxsize=4096)
def _sku_fragments(sku: Sku) -> tuple[msgspec.Raw, msgspec.Raw]:
    """Return skuInfos and productImgUrl, which are the same in every line of a sku."""
    image = f"http://cbu01.alicdn.com/img/ibank/{sku.image}"
    infos = [{"name": name, "value": value} for name, value in sku.attributes]
    return msgspec.Raw(encode(infos)), msgspec.Raw(encode([f"{image}.80x80.jpg", f"{image}.jpg"]))


def _quantity(quantity: int | Decimal) -> int | float:
    return quantity if isinstance(quantity, int) else float(quantity)


def format_style(order: SandboxOrder) -> FormatStyle:
    """Return the formats for an order, which depend on its quirk."""
    return _STYLES.get(order.quirk, _DEFAULT_STYLE)


def line_record(order: SandboxOrder, position: int, line: SandboxLine, style: FormatStyle) -> Record:
    """Render a line. `position` counts from 0."""
    sku, quirk, line_id = line.sku, order.quirk, line.line_id
    status, text, _ = STATUS_1688[line.state]
    infos, images = _sku_fragments(sku)
    rounded = style.integer(rounded_to_double(line_id))
    entry: Record = {
        "productID": style.integer(sku.item),
        "type": "common",
        "orderSharedPromotionFee": "0",
        "price": style.money(line.price),
        "tbId": rounded,
        "specId": sku.spec,
        "subItemID": rounded,
        "skuInfos": infos,
        "itemDiscountFee": "0",
        "quantityFactor": "1",
        "unit": sku.unit,
        "name": sku.title,
        "status": status,
        "gmtModified": style.time(order.modified),
        "productImgUrl": [] if quirk == "empty_lists" else images,
        "statusStr": text,
        "actualPaidFee": style.integer(line.amount if order.paid else 0),
        "crossPromotionFee": "0",
        "productSnapshotUrl": f"https://trade.1688.com/order/offer_snapshot.htm?order_entry_id={line_id}",
        "itemAmount": style.money(line.amount),
        "quantity": _quantity(line.quantity),
        "subItemIDString": str(line_id),
        "gmtCreate": style.time(order.created),
        "productCargoNumber": sku.cargo,
        "logisticsStatus": _logistics_status(line),
        "skuID": style.integer(sku.sku),
    }
    if quirk == "empty_lists":
        entry["guaranteesTerms"] = []
    elif quirk != "bare":
        entry["guaranteesTerms"] = (
            None
            if quirk == "null_fields"
            else _TERMS_RAW[2 if (order.random_bits + position) % 8 == 0 else position % 2]
        )
    else:
        del entry["skuInfos"], entry["specId"], entry["productCargoNumber"], entry["quantityFactor"]
    discount = line.amount - int(line.price * line.quantity)
    if discount:
        entry["entryDiscount"] = style.integer(discount)
    add_refund(entry, line.refund, line.refund_no, line.after_sale, 1)
    if line.refund is None and quirk == "null_fields":
        entry["refundStatus"] = None
    return entry


def add_refund(target: Record, refund: Refund | None, number: str, after_sale: bool, level: int) -> None:
    """Add refund status and id to an order (level 0) or a line (level 1), if there is a refund."""
    if refund is not None:
        suffix = "ForAs" if after_sale else ""
        target[f"refundStatus{suffix}"] = REFUND_STATUS[refund][level]
        target[f"refundId{suffix}"] = number
