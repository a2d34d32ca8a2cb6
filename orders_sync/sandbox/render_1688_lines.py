"""The lines of a 1688 order as the gateway sends them, and the hand a whole order is written in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from orders_sync.sandbox.catalogue import Sku
from orders_sync.sandbox.orders import Line, Order
from orders_sync.sandbox.stamps import compact, damaged, local, yuan_number, yuan_text
from orders_sync.sandbox.states import LEFT, WORDS_1688, WORDS_REFUND, Refund, State
from orders_sync.sandbox.texts import encode

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


class Hand:
    """The hand an order is written in: how times, money and longs look."""

    __slots__ = ("long", "money", "when")

    def __init__(self, quirk: str) -> None:
        self.when: Callable[[int], str] = compact
        self.money: Callable[[int], str | float] = yuan_text
        self.long: Callable[[int], int | str] = int
        if quirk == "aggregated":
            self.when = local
            self.long = str
        elif quirk == "offset":
            self.when = _pacific
        elif quirk == "number_money":
            self.money = yuan_number


def _pacific(second: int) -> str:
    return compact(second, -7 * 3600)


_PLAIN, _HANDS = Hand(""), {quirk: Hand(quirk) for quirk in ("aggregated", "offset", "number_money")}


def _logistics_status(line: Line) -> int:
    if line.state in (State.SHIPPED, State.ARRIVING):
        return 2
    return 3 if line.state in LEFT else 1


@lru_cache(maxsize=4096)
def _goods(sku: Sku) -> tuple[msgspec.Raw, msgspec.Raw]:
    """What every line of a sku shows alike: skuInfos and productImgUrl."""
    image = f"http://cbu01.alicdn.com/img/ibank/{sku.image}"
    infos = [{"name": name, "value": value} for name, value in sku.attributes]
    return msgspec.Raw(encode(infos)), msgspec.Raw(encode([f"{image}.80x80.jpg", f"{image}.jpg"]))


def _quantity(quantity: int | Decimal) -> int | float:
    return quantity if isinstance(quantity, int) else float(quantity)


def hand_of(order: Order) -> Hand:
    """The hand an order is written in."""
    return _HANDS.get(order.quirk, _PLAIN)


def item(order: Order, at: int, line: Line, hand: Hand) -> Record:
    sku, quirk, line_id = line.sku, order.quirk, line.line_id
    word, text, _ = WORDS_1688[line.state]
    infos, images = _goods(sku)
    near = hand.long(damaged(line_id))
    entry: Record = {
        "productID": hand.long(sku.item),
        "type": "common",
        "orderSharedPromotionFee": "0",
        "price": hand.money(line.price),
        "tbId": near,
        "specId": sku.spec,
        "subItemID": near,
        "skuInfos": infos,
        "itemDiscountFee": "0",
        "quantityFactor": "1",
        "unit": sku.unit,
        "name": sku.title,
        "status": word,
        "gmtModified": hand.when(order.modified),
        "productImgUrl": [] if quirk == "empty_lists" else images,
        "statusStr": text,
        "actualPaidFee": hand.long(line.amount if order.paid else 0),
        "crossPromotionFee": "0",
        "productSnapshotUrl": f"https://trade.1688.com/order/offer_snapshot.htm?order_entry_id={line_id}",
        "itemAmount": hand.money(line.amount),
        "quantity": _quantity(line.quantity),
        "subItemIDString": str(line_id),
        "gmtCreate": hand.when(order.created),
        "productCargoNumber": sku.cargo,
        "logisticsStatus": _logistics_status(line),
        "skuID": hand.long(sku.sku),
    }
    if quirk == "empty_lists":
        entry["guaranteesTerms"] = []
    elif quirk != "bare":
        entry["guaranteesTerms"] = (
            None if quirk == "null_fields" else _TERMS_RAW[2 if (order.dice + at) % 8 == 0 else at % 2]
        )
    else:
        del entry["skuInfos"], entry["specId"], entry["productCargoNumber"], entry["quantityFactor"]
    gap = line.amount - int(line.price * line.quantity)
    if gap:
        entry["entryDiscount"] = hand.long(gap)
    add_refund(entry, line.refund, line.refund_no, line.after_sale, 1)
    if line.refund is None and quirk == "null_fields":
        entry["refundStatus"] = None
    return entry


def add_refund(target: Record, refund: Refund | None, number: str, after_sale: bool, word: int) -> None:
    if refund is not None:
        tail = "ForAs" if after_sale else ""
        target[f"refundStatus{tail}"] = WORDS_REFUND[refund][word]
        target[f"refundId{tail}"] = number
