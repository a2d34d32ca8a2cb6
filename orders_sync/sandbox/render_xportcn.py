"""An order as the two Xportcn lists send it: their seeds and api-facts 2.1. What is not known is sent as null."""

from __future__ import annotations

from typing import Any

from orders_sync.sandbox.catalogue import SOURCES, Sku, skus
from orders_sync.sandbox.orders import Line, Order
from orders_sync.sandbox.stamps import local
from orders_sync.sandbox.states import GONE, WORDS_REFUND, WORDS_XPORTCN, State
from orders_sync.sandbox.texts import encode, json_text, sendable

Record = dict[str, Any]

_SERVICES = json_text([{"code": "7d", "desc": "七天无理由退货", "name": "七天无理由退货"}])


def record_open(order: Order) -> bytes:
    """A row of GET /open/order/page, JSON."""
    whole: Record = {
        "id": order.order_id,
        "orderNo": order.order_no,
        "sellerOrderNumber": order.seller_no,
        "userName": "N*** T***",
        "orderSource": SOURCES[order.dice % len(SOURCES)],
        "createTime": local(order.created),
        "payTime": local(order.paid) if order.paid else None,
        "purchaseAmount": order.total,
        "status": WORDS_XPORTCN[order.state][0],
        "subOrderVOS": [_open_line(order, at, line) for at, line in enumerate(order.lines)],
    }
    if order.quirk == "absent":
        for name in ("payTime", "sellerOrderNumber") if not order.paid else ("sellerOrderNumber",):
            del whole[name]
    return encode(whole)


def _open_line(order: Order, at: int, line: Line) -> Record:
    sub: Record = {
        "subOrderId": None,
        "orderNo": order.order_no,
        "quantity": line.quantity,
        "title": sendable(open_title(order, line)),
        "purchaseCurrency": "CNY",
        "purchaseAmount": str(line.price),
        "itemId": str(line.sku.item),
        "domesticPostFee": None,
        "closeReason": order.close_reason or None,
        "skuId": str(line.sku.sku),
        "subOrderResult": _open_result(order, line),
        "status": open_line_status(order, line),
        "errorCode": None,
        "errorMessage": None,
    }
    if order.state is State.FINANCE_NO and at == 0:
        sub["errorCode"], sub["errorMessage"] = "FINANCE_REFUSED", "财务确认不通过"
    if order.quirk == "absent":
        for name in ("subOrderId", "title", "domesticPostFee", "errorCode", "errorMessage"):
            del sub[name]
    return sub


def open_title(order: Order, line: Line) -> str | None:
    """The title field of a line: null for most."""
    if order.quirk == "titled":
        return line.sku.title
    if order.quirk == "title_nul":
        return line.sku.title + "\0B款"
    if order.quirk == "title_surrogate":
        return line.sku.title + "\udc8d"
    return None


def open_line_status(order: Order, line: Line) -> str | None:
    """The status field of a line: null for most."""
    return WORDS_XPORTCN[line.state][1] if order.dice % 8 == 0 and order.quirk != "absent" else None


def _open_result(order: Order, line: Line) -> str | None:
    if order.quirk == "result_null" or (order.state is State.UNPAID and order.dice % 4 == 0):
        return None
    if order.quirk == "result_other":  # the same text for each line, of goods nobody ordered here: seed 000
        other = skus()[order.dice % len(skus())]
        return _result(order, other, 1, other.price, 200_000_000_000 + order.dice % 10**9, State.UNPAID)
    text = _result(order, line.sku, line.quantity, line.amount, 200_000_000_000 + order.dice % 10**9, line.state)
    return text[: len(text) // 2] if order.quirk == "result_broken" else text


def record_ka(order: Order) -> bytes:
    """A row of POST /open/purchase/page, JSON."""
    place = order.place
    whole: Record = {
        "id": order.order_id,
        "purchaseId": order.purchase_id,
        "orderNo": order.order_no,
        "createTime": local(order.created),
        "payTime": local(order.paid) if order.paid else None,
        "purchaseAmount": order.total,
        "warehouseAddressInfoVO": {
            "state": place.province,
            "zip": None,
            "country": "中国",
            "address": f"{place.province}{place.city}{place.area}xxx",
            "phone": "13800138000",
            "city": place.city,
            "district": place.area if order.dice & 1 else None,
            "name": "张三",
            "mobilePhone": None,
            "mobile_phone": None,
            "taxId": None,
        },
        "remark": sendable(order.message),
        "subOrderVOS": [_ka_line(order, at, line) for at, line in enumerate(order.lines)],
        "orderLineList": None,
        "userName": "sandbox:ap1",
        "userId": "2100008388036",
        "status": WORDS_XPORTCN[order.state][0],
        "orderStatusDesc": WORDS_XPORTCN[order.state][1],
        "supplierNick": order.lines[0].sku.shop,
        "purchaseOrderOuterId": order.outer_id,
    }
    if order.quirk == "absent":
        del whole["orderLineList"], whole["supplierNick"]
        del whole["warehouseAddressInfoVO"]["taxId"], whole["warehouseAddressInfoVO"]["mobile_phone"]
        if not order.paid:
            del whole["payTime"]
        if order.message is None:
            del whole["remark"]
    return encode(whole)


def _ka_line(order: Order, at: int, line: Line) -> Record:
    sub: Record = {
        "id": str(line.line_id),
        "orderNo": order.order_no,
        "subOrderStatus": WORDS_XPORTCN[line.state][1],
        "taobaoRefundOrder": None,
        "createSubOrderResult": _created(order, at, line),
        "subOrderResult": _ka_result(order, line),
        "taobaoPurchaseId": str(order.purchase_id),
        "taobaoSubPurchaseId": str(line.purchase_id),
        "errorCode": None,
        "errorMessage": None,
        "refundStatus": WORDS_REFUND[line.refund][2] if line.refund else 0,
        "refundId": line.refund_no,
        "itemImageUrl": _image(line.sku),
    }
    if order.quirk == "absent":
        del sub["taobaoRefundOrder"], sub["errorCode"], sub["errorMessage"]
    return sub


def _image(sku: Sku) -> str:
    return f"https://img.alicdn.com/bao/uploaded/i4/{sku.shop_id}/{sku.image}.jpg"


def has_created(order: Order) -> bool:
    """Whether KA's createSubOrderResult says anything."""
    return order.quirk != "create_null"


def has_result(order: Order) -> bool:
    """Whether KA's subOrderResult can be read: not before Taobao took the order, and not when it is null or broken."""
    return order.state is not State.CREATING and order.quirk not in ("result_null", "result_broken")


def _created(order: Order, at: int, line: Line) -> str | None:
    if not has_created(order):
        return None
    return json_text(
        {
            "quantity": line.quantity,
            "order_line_no": f"LINE{at + 1:03d}",
            "item_id": str(line.sku.item),
            "estimate_amount": line.amount + 720,
            "sku_id": str(line.sku.sku),
            "estimate_currency": "CNY",
            "sub_purchase_order_id": line.purchase_id,
        }
    )


def _ka_result(order: Order, line: Line) -> str | None:
    if order.state is State.CREATING or order.quirk == "result_null":
        return None
    text = _result(order, line.sku, line.quantity, line.amount, line.purchase_id, line.state)
    return text[: len(text) // 2] if order.quirk == "result_broken" else text


def ka_title(order: Order, line: Line) -> str:
    """The title inside KA's subOrderResult."""
    return line.sku.title + ("\ud83d" if order.quirk == "nested_surrogate" else "")


def _result(order: Order, sku: Sku, quantity: object, amount: int, purchase_id: int, state: State) -> str:
    """subOrderResult: JSON in a string, with JSON in strings in it."""
    ka = order.platform == "xportcn_ka"
    result: Record = {
        "purchase_order_outer_id": order.outer_id,
        "purchase_order_line_outer_id": order.outer_id,
        "product_amount": str(amount),
        "quantity": quantity,
        "title": sku.title + ("\ud83d" if order.quirk == "nested_surrogate" else ""),
        "purchase_currency": "CNY",
        "purchase_amount": amount,
        "item_id": str(sku.item),
        "domestic_post_fee": 0,
        "pay_currency": "CNY",
        "sub_purchase_order_id": str(purchase_id),
        "sku_id": str(sku.sku),
        "status": WORDS_XPORTCN[state][1],
        "alipay_pay_order_no": f"20260416230011{order.dice:014d}",
        "closed": state in GONE,
    }
    spoken = {"zh": sku.zh, "en": sku.en}
    if ka:
        result["close_time_without_payment"] = str((order.created + 72 * 3600) * 1000)
        result["sku_info"] = {"skuImgUrl": _image(sku)}
        result["option_fields"] = {
            "supplierNick": sku.shop,
            "serviceList": _SERVICES,
            "shopName": sku.shop,
            "shopId": sku.shop_id,
            **spoken,
        }
    else:
        result["option_fields"] = {"SKU_IMG_URL": _image(sku), **spoken}
    return json_text(result)
