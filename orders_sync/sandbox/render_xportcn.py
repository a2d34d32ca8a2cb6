"""Rendering of orders as the two Xportcn lists send them. Unknown values are null.

Sources: the sample responses documented/xportcn_open.json and documented/xportcn_ka.json, and api-facts 2.1.
"""

from __future__ import annotations

from typing import Any

from orders_sync.sandbox.catalogue import SOURCES, Sku, catalogue_skus
from orders_sync.sandbox.formats import local_time
from orders_sync.sandbox.json_text import encodable, encode, json_text
from orders_sync.sandbox.orders import SandboxLine, SandboxOrder
from orders_sync.sandbox.states import CLOSED_STATES, REFUND_STATUS, STATUS_XPORTCN, State

Record = dict[str, Any]

_SERVICES = json_text([{"code": "7d", "desc": "七天无理由退货", "name": "七天无理由退货"}])


def record_open(order: SandboxOrder) -> bytes:
    """Render an order as a row of GET /open/order/page, JSON."""
    record: Record = {
        "id": order.order_id,
        "orderNo": order.order_no,
        "sellerOrderNumber": order.seller_no,
        "userName": "N*** T***",
        "orderSource": SOURCES[order.random_bits % len(SOURCES)],
        "createTime": local_time(order.created),
        "payTime": local_time(order.paid) if order.paid else None,
        "purchaseAmount": order.total,
        "status": STATUS_XPORTCN[order.state][0],
        "subOrderVOS": [_open_line(order, position, line) for position, line in enumerate(order.lines)],
    }
    if order.quirk == "absent":
        for name in ("payTime", "sellerOrderNumber") if not order.paid else ("sellerOrderNumber",):
            del record[name]
    return encode(record)


def _open_line(order: SandboxOrder, position: int, line: SandboxLine) -> Record:
    sub: Record = {
        "subOrderId": None,
        "orderNo": order.order_no,
        "quantity": line.quantity,
        "title": encodable(open_title(order, line)),
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
    if order.state is State.FINANCE_NO and position == 0:
        sub["errorCode"], sub["errorMessage"] = "FINANCE_REFUSED", "财务确认不通过"
    if order.quirk == "absent":
        for name in ("subOrderId", "title", "domesticPostFee", "errorCode", "errorMessage"):
            del sub[name]
    return sub


def open_title(order: SandboxOrder, line: SandboxLine) -> str | None:
    """Return the title field of a line; null for most."""
    if order.quirk == "titled":
        return line.sku.title
    if order.quirk == "title_nul":
        return line.sku.title + "\0B款"
    if order.quirk == "title_surrogate":
        return line.sku.title + "\udc8d"
    return None


def open_line_status(order: SandboxOrder, line: SandboxLine) -> str | None:
    """Return the status field of a line; null for most."""
    return STATUS_XPORTCN[line.state][1] if order.random_bits % 8 == 0 and order.quirk != "absent" else None


def _open_result(order: SandboxOrder, line: SandboxLine) -> str | None:
    if order.quirk == "result_null" or (order.state is State.UNPAID and order.random_bits % 4 == 0):
        return None
    if order.quirk == "result_other":  # one text for all lines, about goods of no line, as in the sample response
        other = catalogue_skus()[order.random_bits % len(catalogue_skus())]
        return _result(order, other, 1, other.price, 200_000_000_000 + order.random_bits % 10**9, State.UNPAID)
    text = _result(order, line.sku, line.quantity, line.amount, 200_000_000_000 + order.random_bits % 10**9, line.state)
    return text[: len(text) // 2] if order.quirk == "result_broken" else text


def record_ka(order: SandboxOrder) -> bytes:
    """Render an order as a row of POST /open/purchase/page, JSON."""
    region = order.region
    record: Record = {
        "id": order.order_id,
        "purchaseId": order.purchase_id,
        "orderNo": order.order_no,
        "createTime": local_time(order.created),
        "payTime": local_time(order.paid) if order.paid else None,
        "purchaseAmount": order.total,
        "warehouseAddressInfoVO": {
            "state": region.province,
            "zip": None,
            "country": "中国",
            "address": f"{region.province}{region.city}{region.area}xxx",
            "phone": "13800138000",
            "city": region.city,
            "district": region.area if order.random_bits & 1 else None,
            "name": "张三",
            "mobilePhone": None,
            "mobile_phone": None,
            "taxId": None,
        },
        "remark": encodable(order.message),
        "subOrderVOS": [_ka_line(order, position, line) for position, line in enumerate(order.lines)],
        "orderLineList": None,
        "userName": "sandbox:ap1",
        "userId": "2100008388036",
        "status": STATUS_XPORTCN[order.state][0],
        "orderStatusDesc": STATUS_XPORTCN[order.state][1],
        "supplierNick": order.lines[0].sku.shop,
        "purchaseOrderOuterId": order.outer_id,
    }
    if order.quirk == "absent":
        del record["orderLineList"], record["supplierNick"]
        del record["warehouseAddressInfoVO"]["taxId"], record["warehouseAddressInfoVO"]["mobile_phone"]
        if not order.paid:
            del record["payTime"]
        if order.message is None:
            del record["remark"]
    return encode(record)


def _ka_line(order: SandboxOrder, position: int, line: SandboxLine) -> Record:
    sub: Record = {
        "id": str(line.line_id),
        "orderNo": order.order_no,
        "subOrderStatus": STATUS_XPORTCN[line.state][1],
        "taobaoRefundOrder": None,
        "createSubOrderResult": _creation_result(order, position, line),
        "subOrderResult": _ka_result(order, line),
        "taobaoPurchaseId": str(order.purchase_id),
        "taobaoSubPurchaseId": str(line.purchase_id),
        "errorCode": None,
        "errorMessage": None,
        "refundStatus": REFUND_STATUS[line.refund][2] if line.refund else 0,
        "refundId": line.refund_no,
        "itemImageUrl": _image(line.sku),
    }
    if order.quirk == "absent":
        del sub["taobaoRefundOrder"], sub["errorCode"], sub["errorMessage"]
    return sub


def _image(sku: Sku) -> str:
    return f"https://img.alicdn.com/bao/uploaded/i4/{sku.shop_id}/{sku.image}.jpg"


def has_created(order: SandboxOrder) -> bool:
    """Return whether the order's lines have a createSubOrderResult (xportcn_ka)."""
    return order.quirk != "create_null"


def has_result(order: SandboxOrder) -> bool:
    """Return whether the order's lines have a valid subOrderResult (xportcn_ka).

    It is null until Taobao accepts the order, and null or truncated JSON for two of the quirks.
    """
    return order.state is not State.CREATING and order.quirk not in ("result_null", "result_broken")


def _creation_result(order: SandboxOrder, position: int, line: SandboxLine) -> str | None:
    if not has_created(order):
        return None
    return json_text(
        {
            "quantity": line.quantity,
            "order_line_no": f"LINE{position + 1:03d}",
            "item_id": str(line.sku.item),
            "estimate_amount": line.amount + 720,
            "sku_id": str(line.sku.sku),
            "estimate_currency": "CNY",
            "sub_purchase_order_id": line.purchase_id,
        }
    )


def _ka_result(order: SandboxOrder, line: SandboxLine) -> str | None:
    if order.state is State.CREATING or order.quirk == "result_null":
        return None
    text = _result(order, line.sku, line.quantity, line.amount, line.purchase_id, line.state)
    return text[: len(text) // 2] if order.quirk == "result_broken" else text


def ka_title(order: SandboxOrder, line: SandboxLine) -> str:
    """Return the title in the subOrderResult of xportcn_ka."""
    return line.sku.title + ("\ud83d" if order.quirk == "nested_surrogate" else "")


def _result(order: SandboxOrder, sku: Sku, quantity: object, amount: int, purchase_id: int, state: State) -> str:
    """Return a subOrderResult: JSON as text, which itself contains JSON in strings."""
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
        "status": STATUS_XPORTCN[state][1],
        "alipay_pay_order_no": f"20260416230011{order.random_bits:014d}",
        "closed": state in CLOSED_STATES,
    }
    attributes = {"zh": sku.zh, "en": sku.en}
    if ka:
        result["close_time_without_payment"] = str((order.created + 72 * 3600) * 1000)
        result["sku_info"] = {"skuImgUrl": _image(sku)}
        result["option_fields"] = {
            "supplierNick": sku.shop,
            "serviceList": _SERVICES,
            "shopName": sku.shop,
            "shopId": sku.shop_id,
            **attributes,
        }
    else:
        result["option_fields"] = {"SKU_IMG_URL": _image(sku), **attributes}
    return json_text(result)
