"""Rendering of orders as the 1688 gateway sends them. Empty fields are absent.

Sources: the sample response documented/1688.json and api-facts 4.2, 4.3, 6.
"""

from __future__ import annotations

import msgspec

from orders_sync.sandbox.catalogue import NAMES
from orders_sync.sandbox.formats import rounded_to_double
from orders_sync.sandbox.json_text import encodable, encode
from orders_sync.sandbox.orders import Parcel, SandboxOrder
from orders_sync.sandbox.render_1688_lines import FormatStyle, Record, add_refund, format_style, line_record
from orders_sync.sandbox.states import CLOSED_STATES, STATUS_1688

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


def record(order: SandboxOrder) -> bytes:
    """Render an order as JSON."""
    style = format_style(order)
    quirk = order.quirk
    rendered: Record = {
        "nativeLogistics": _logistics(order, style),
        "productItems": [line_record(order, position, line, style) for position, line in enumerate(order.lines)],
        "baseInfo": _base(order, style),
    }
    if quirk != "bare":
        rendered["extAttributes"] = [] if quirk == "empty_lists" else EXTRA
        rendered["orderRateInfo"] = RATE
    if quirk == "empty_lists":
        rendered["tradeTerms"] = []
    elif order.random_bits % 16 == 0:
        rendered["tradeTerms"] = [_trade_terms(order, style)]
    if quirk == "order_terms":
        rendered["guaranteesTerms"] = ORDER_TERMS
    elif quirk == "null_fields":
        rendered["guaranteesTerms"] = None
    return encode(rendered)


def _logistics(order: SandboxOrder, style: FormatStyle) -> Record:
    region, bits = order.region, order.random_bits
    logistics: Record = {
        "caid": f"DE3q8ISo6sQMaHHHMC6Q{bits:x}ZiicPCN53AXyN1v0iavJsBu7Hj5kia-{bits * 7919:x}",
        "address": f"某某路{bits % 997}弄*号*室",
        "area": region.area,
        "areaCode": region.code,
        "city": region.city,
        "contactPerson": NAMES[bits % len(NAMES)],
        "mobile": f"1{30 + bits % 60}****{bits % 10000:04d}",
        "province": region.province,
        "zip": "000000",
    }
    if order.parcels:
        logistics["logisticsItems"] = [_parcel(order, parcel, style) for parcel in order.parcels]
    elif order.quirk == "null_fields":
        logistics["logisticsItems"] = None
    if order.quirk == "bare":
        del logistics["zip"], logistics["areaCode"]
    return logistics


def _parcel(order: SandboxOrder, parcel: Parcel, style: FormatStyle) -> Record:
    carrier, _, code = parcel.carrier.partition("(")
    no_carrier = parcel.tracking is None
    return {
        "id": style.integer(parcel.parcel_id),
        "logisticsCode": f"LP{parcel.parcel_id:015d}",
        "logisticsBillNo": parcel.tracking or "不需要物流",
        "logisticsCompanyName": "其他" if no_carrier else carrier,
        "logisticsCompanyNo": "OTHER" if no_carrier else code.rstrip(")") or "OTHER",
        "status": "alreadysend",
        "type": "2" if no_carrier else "0",
        "deliveredTime": style.time(parcel.sent),
        "subItemIds": ",".join(map(str, parcel.line_ids)),
        "carriage": style.money(0),
    }


def _trade_terms(order: SandboxOrder, style: FormatStyle) -> Record:
    paid = order.paid > 0
    return {
        "payStatus": "2" if paid else "1",
        "payWay": "13",
        "payWayDesc": "支付平台",
        "phasAmount": style.money(order.total),
    }


def _steps(order: SandboxOrder, style: FormatStyle) -> list[Record]:
    total = style.money(order.total)
    paid = order.paid > 0
    return [
        {
            "gmtStart": style.time(order.created),
            "stepNo": 1,
            "lastStep": True,
            "stepName": "全款交易",
            "activeStatus": 1,
            "payStatus": 2 if paid else 8 if order.state in CLOSED_STATES else 1,
            "logisticsStatus": 2 if order.delivered else 1,
            "payFee": total,
            "paidFee": total if paid else style.money(0),
            "adjustFee": style.money(order.discount),
            "discountFee": "0",
            "postFee": style.money(order.shipping),
            "paidPostFee": style.money(order.shipping if paid else 0),
        }
    ]


def _base(order: SandboxOrder, style: FormatStyle) -> Record:
    bits, number, time, money, quirk = order.random_bits, int(order.order_id), style.time, style.money, order.quirk
    pay_name, pay_code = _PAY[bits % len(_PAY)]
    base: Record = {
        "businessType": "cn",
        "createTime": time(order.created),
        "id": style.integer(rounded_to_double(number)),
        "modifyTime": time(order.modified),
        "shippingFee": money(order.shipping),
        "status": STATUS_1688[order.state][0],
        "totalAmount": money(order.total),
        "discount": str(order.discount) if bits & 64 else style.integer(order.discount),
        "buyerContact": {"phone": f"86-********{bits % 1000:03d}", "imInPlatform": "a*", "name": NAMES[bits % 5]},
        "tradeType": "50060",
        "idOfStr": number if quirk == "id_number" else order.order_id,
        "buyerLoginId": "a*",
        "sellerLoginId": "a*",
        "buyerAlipayId": f"2088{bits:012d}",
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
        "newStepOrderList": None if quirk == "null_fields" else _steps(order, style),
        "couponFee": money(order.coupon),
        "tradeTypeDesc": "4.0担保交易",
        "tradeTypeCode": "assureTrade",
        "ccid": f"MDdZp3lhWD0ZM7+H18C1gUqTHL2PxBom{bits:x}wc=",
        "buyerOpenUid": f"BBBSfGKuvWKXzU1nn-{bits * 31:x}",
        "alipayTradeId": f"20{bits:026d}" if order.paid else "UNCREATED",
        "refund": money(order.refunded),
    }
    if order.paid:
        base["payTime"] = time(order.paid)
        base["payChannelList"] = [pay_name]
        base["payChannelCodeList"] = [pay_code]
    elif quirk == "null_fields":
        base["payTime"] = None
    if quirk == "bare":
        for name in ("newStepOrderList", "couponFee", "ccid", "alipayTradeId", "sellerContact", "buyerLevel"):
            del base[name]
    add_refund(base, order.refund, order.refund_no, order.after_sale, 0)
    if order.refunded:
        base["refundPayment"] = style.integer(order.refunded)
    for name, value in (
        ("allDeliveredTime", order.delivered),
        ("receivingTime", order.received),
        ("confirmedTime", order.confirmed),
        ("completeTime", order.completed),
    ):
        if value:
            base[name] = time(value)
    if order.close_reason:
        base["closeReason"] = order.close_reason
    if order.closed_by:
        base["closeOperateType"] = order.closed_by
    if order.message is not None:
        base["buyerFeedback"] = encodable(order.message)
    if order.memo is not None:
        base["sellerMemo"] = order.memo
        base["sellerRemarkIcon"] = str(order.flag)
    if quirk == "null_fields":
        base.setdefault("refundStatus", None)
        base.setdefault("sellerMemo", None)
    elif quirk == "empty_texts":
        for name in ("refundId", "closeOperateType", "sellerMemo", "closeReason"):
            base.setdefault(name, "")
    return base
