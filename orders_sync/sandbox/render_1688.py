"""An order as the 1688 gateway sends it: seed 1688 and api-facts 4.2, 4.3, 6. An empty field is left out."""

from __future__ import annotations

import msgspec

from orders_sync.sandbox.catalogue import NAMES
from orders_sync.sandbox.orders import Order, Parcel
from orders_sync.sandbox.render_1688_lines import Hand, Record, add_refund, hand_of, item
from orders_sync.sandbox.stamps import damaged
from orders_sync.sandbox.states import GONE, WORDS_1688
from orders_sync.sandbox.texts import encode, sendable

_EXTRA = [{"value": "0", "key": "b_i24h"}, {"value": "0", "key": "b_i48h"}]
_RATE = {"buyerRateStatus": 5, "sellerRateStatus": 5}
_ORDER_TERMS = {
    "assuranceInfo": "卖家承诺按时发货",
    "assuranceType": "shyps",
    "qualityAssuranceType": "深圳交易保障",
    "shortCode": "shyps",
}
EXTRA, RATE, ORDER_TERMS = (msgspec.Raw(encode(part)) for part in (_EXTRA, _RATE, _ORDER_TERMS))
_PAY = (("支付宝", "alipay"), ("账期支付", "account_period"), ("跨境宝", "kuajingbao"))


def record(order: Order) -> bytes:
    """The order's record, JSON."""
    hand = hand_of(order)
    quirk = order.quirk
    whole: Record = {
        "nativeLogistics": _logistics(order, hand),
        "productItems": [item(order, at, line, hand) for at, line in enumerate(order.lines)],
        "baseInfo": _base(order, hand),
    }
    if quirk != "bare":
        whole["extAttributes"] = [] if quirk == "empty_lists" else EXTRA
        whole["orderRateInfo"] = RATE
    if quirk == "empty_lists":
        whole["tradeTerms"] = []
    elif order.dice % 16 == 0:
        whole["tradeTerms"] = [_trade_terms(order, hand)]
    if quirk == "order_terms":
        whole["guaranteesTerms"] = ORDER_TERMS
    elif quirk == "null_fields":
        whole["guaranteesTerms"] = None
    return encode(whole)


def _logistics(order: Order, hand: Hand) -> Record:
    place, dice = order.place, order.dice
    logistics: Record = {
        "caid": f"DE3q8ISo6sQMaHHHMC6Q{dice:x}ZiicPCN53AXyN1v0iavJsBu7Hj5kia-{dice * 7919:x}",
        "address": f"某某路{dice % 997}弄*号*室",
        "area": place.area,
        "areaCode": place.code,
        "city": place.city,
        "contactPerson": NAMES[dice % len(NAMES)],
        "mobile": f"1{30 + dice % 60}****{dice % 10000:04d}",
        "province": place.province,
        "zip": "000000",
    }
    if order.parcels:
        logistics["logisticsItems"] = [_parcel(order, parcel, hand) for parcel in order.parcels]
    elif order.quirk == "null_fields":
        logistics["logisticsItems"] = None
    if order.quirk == "bare":
        del logistics["zip"], logistics["areaCode"]
    return logistics


def _parcel(order: Order, parcel: Parcel, hand: Hand) -> Record:
    carrier, _, code = parcel.carrier.partition("(")
    none = parcel.tracking is None
    return {
        "id": hand.long(parcel.parcel_id),
        "logisticsCode": f"LP{parcel.parcel_id:015d}",
        "logisticsBillNo": parcel.tracking or "不需要物流",
        "logisticsCompanyName": "其他" if none else carrier,
        "logisticsCompanyNo": "OTHER" if none else code.rstrip(")") or "OTHER",
        "status": "alreadysend",
        "type": "2" if none else "0",
        "deliveredTime": hand.when(parcel.sent),
        "subItemIds": ",".join(map(str, parcel.line_ids)),
        "carriage": hand.money(0),
    }


def _trade_terms(order: Order, hand: Hand) -> Record:
    paid = order.paid > 0
    return {
        "payStatus": "2" if paid else "1",
        "payWay": "13",
        "payWayDesc": "支付平台",
        "phasAmount": hand.money(order.total),
    }


def _steps(order: Order, hand: Hand) -> list[Record]:
    total = hand.money(order.total)
    paid = order.paid > 0
    return [
        {
            "gmtStart": hand.when(order.created),
            "stepNo": 1,
            "lastStep": True,
            "stepName": "全款交易",
            "activeStatus": 1,
            "payStatus": 2 if paid else 8 if order.state in GONE else 1,
            "logisticsStatus": 2 if order.delivered else 1,
            "payFee": total,
            "paidFee": total if paid else hand.money(0),
            "adjustFee": hand.money(order.discount),
            "discountFee": "0",
            "postFee": hand.money(order.shipping),
            "paidPostFee": hand.money(order.shipping if paid else 0),
        }
    ]


def _base(order: Order, hand: Hand) -> Record:
    dice, number, when, money, quirk = order.dice, int(order.order_id), hand.when, hand.money, order.quirk
    pay_name, pay_code = _PAY[dice % len(_PAY)]
    base: Record = {
        "businessType": "cn",
        "createTime": when(order.created),
        "id": hand.long(damaged(number)),
        "modifyTime": when(order.modified),
        "shippingFee": money(order.shipping),
        "status": WORDS_1688[order.state][0],
        "totalAmount": money(order.total),
        "discount": str(order.discount) if dice & 64 else hand.long(order.discount),
        "buyerContact": {"phone": f"86-********{dice % 1000:03d}", "imInPlatform": "a*", "name": NAMES[dice % 5]},
        "tradeType": "50060",
        "idOfStr": number if quirk == "id_number" else order.order_id,
        "buyerLoginId": "a*",
        "sellerLoginId": "a*",
        "buyerAlipayId": f"2088{dice:012d}",
        "sellerAlipayId": "2088522185245811",
        "sumProductPayment": money(order.total - order.shipping - order.discount),
        "flowTemplateCode": "assureTrade",
        "buyerLevel": "L6",
        "sellerContact": {
            "phone": "8-888-5676544",
            "imInPlatform": "a*",
            "name": "测试xxxx",
            "companyName": "xxxxxxxx",
        },
        "newStepOrderList": None if quirk == "null_fields" else _steps(order, hand),
        "couponFee": money(order.coupon),
        "tradeTypeDesc": "4.0担保交易",
        "tradeTypeCode": "assureTrade",
        "ccid": f"MDdZp3lhWD0ZM7+H18C1gUqTHL2PxBom{dice:x}wc=",
        "buyerOpenUid": f"BBBSfGKuvWKXzU1nn-{dice * 31:x}",
        "alipayTradeId": f"20{dice:026d}" if order.paid else "UNCREATED",
        "refund": money(order.refunded),
    }
    if order.paid:
        base["payTime"] = when(order.paid)
        base["payChannelList"] = [pay_name]
        base["payChannelCodeList"] = [pay_code]
    elif quirk == "null_fields":
        base["payTime"] = None
    if quirk == "bare":
        for name in ("newStepOrderList", "couponFee", "ccid", "alipayTradeId", "sellerContact", "buyerLevel"):
            del base[name]
    add_refund(base, order.refund, order.refund_no, order.after_sale, 0)
    if order.refunded:
        base["refundPayment"] = hand.long(order.refunded)
    for name, value in (
        ("allDeliveredTime", order.delivered),
        ("receivingTime", order.received),
        ("confirmedTime", order.confirmed),
        ("completeTime", order.completed),
    ):
        if value:
            base[name] = when(value)
    if order.close_reason:
        base["closeReason"] = order.close_reason
    if order.closed_by:
        base["closeOperateType"] = order.closed_by
    if order.message is not None:
        base["buyerFeedback"] = sendable(order.message)
    if order.memo is not None:
        base["sellerMemo"] = order.memo
        base["sellerRemarkIcon"] = str(order.flag)
    if quirk == "null_fields":
        base.setdefault("refundStatus", None)
        base.setdefault("sellerMemo", None)
    elif quirk == "empty_words":
        for name in ("refundId", "closeOperateType", "sellerMemo", "closeReason"):
            base.setdefault(name, "")
    return base
