"""What should land for an order, told from the model and never from the rendered bytes.

Names are the columns of `domain/rows.py`; amounts are decimal strings in yuan, times ISO UTC, ids text. A key that is
absent is not claimed. None, and no tracking number at all, is None.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from orders_sync.domain.statuses import StatusGroup, groups, partly_shipped
from orders_sync.platforms import PLATFORMS
from orders_sync.sandbox.orders import Line, Order
from orders_sync.sandbox.render_xportcn import has_created, has_result, ka_title, open_line_status, open_title
from orders_sync.sandbox.stamps import iso, yuan_decimal
from orders_sync.sandbox.states import LEFT, WORDS_1688, WORDS_REFUND, WORDS_XPORTCN, State, status_of
from orders_sync.sandbox.texts import landed

Truth = dict[str, Any]
_GROUPS = {name: groups(platform.statuses) for name, platform in PLATFORMS.items()}


def truth_of(order: Order) -> Truth:
    """The canonical facts of one order."""
    platform = order.platform
    status = status_of(platform, order.state)
    group = _GROUPS[platform].get(status, StatusGroup.OTHER)
    if platform != "xportcn_open":  # its lines have no documented status of their own
        group = partly_shipped(group, [line.state in LEFT for line in order.lines])
    truth: Truth = {
        "order_id": order.order_id,
        "order_no": order.order_no,
        "status": status,
        "status_group": str(group),
        "total_amount": yuan_decimal(order.total),
        "currency": "CNY",
        "created_at": iso(order.created),
        "paid_at": _time(order.paid),
        "line_count": len(order.lines),
        "lines": _lines(order),
    }
    if platform == "1688":
        truth.update(_of_1688(order))
    elif platform == "xportcn_ka":
        truth.update(
            modified_at=None,
            upstream_status=WORDS_XPORTCN[order.state][1],
            purchase_id=str(order.purchase_id),
            outer_purchase_id=order.outer_id,
            buyer_message=landed(order.message),
            city=order.place.city,
            province=order.place.province,
            tracking_numbers=None,
        )
    else:
        truth.update(modified_at=None, seller_order_no=order.seller_no, city=None, tracking_numbers=None)
        if order.quirk == "absent":
            truth["seller_order_no"] = None
    return truth


def _time(second: int) -> str | None:
    return iso(second) if second else None


def _of_1688(order: Order) -> Truth:
    word = WORDS_REFUND[order.refund][0] if order.refund else None
    bare = order.quirk == "bare"
    return {
        "refund_status": None if order.after_sale else word,
        "refund_id": None if order.after_sale else order.refund_no or None,
        "after_sale_refund_status": word if order.after_sale else None,
        "after_sale_refund_id": order.refund_no if order.after_sale else None,
        "product_amount": yuan_decimal(order.total - order.shipping - order.discount),
        "shipping_amount": yuan_decimal(order.shipping),
        "discount_amount": yuan_decimal(order.discount),
        "coupon_amount": None if bare else yuan_decimal(order.coupon),
        "refund_amount": yuan_decimal(order.refunded),
        "modified_at": iso(order.modified),
        "delivered_at": _time(order.delivered),
        "received_at": _time(order.received),
        "confirmed_at": _time(order.confirmed),
        "completed_at": _time(order.completed),
        "close_reason": order.close_reason or None,
        "closed_by": order.closed_by or None,
        "buyer_message": landed(order.message),
        "seller_memo": landed(order.memo),
        "seller_flag": str(order.flag) if order.flag else None,
        "city": order.place.city,
        "province": order.place.province,
        "tracking_numbers": [parcel.tracking for parcel in order.parcels if parcel.tracking] or None,
    }


def _lines(order: Order) -> list[Truth]:
    if order.platform == "1688":
        return [_line_1688(number, line) for number, line in enumerate(order.lines, 1)]
    if order.platform == "xportcn_ka":
        return [_line_ka(order, number, line) for number, line in enumerate(order.lines, 1)]
    alike = Counter((line.sku.item, line.sku.sku) for line in order.lines)
    return [
        _line_open(order, number, line, alike[line.sku.item, line.sku.sku])
        for number, line in enumerate(order.lines, 1)
    ]


def _line_1688(number: int, line: Line) -> Truth:
    word = WORDS_REFUND[line.refund][1] if line.refund else None
    return {
        "sub_order_id": str(line.line_id),
        "line_no": number,
        "status": WORDS_1688[line.state][0],
        "refund_status": None if line.after_sale else word,
        "after_sale_refund_status": word if line.after_sale else None,
        "amount": yuan_decimal(line.amount),
        "product_id": str(line.sku.item),
        "sku_id": str(line.sku.sku),
        "quantity": str(line.quantity),
        "unit_price": yuan_decimal(line.price),
        "title": line.sku.title,
    }


def _line_ka(order: Order, number: int, line: Line) -> Truth:
    """Without subOrderResult the goods are known from createSubOrderResult, the amount is not known at all."""
    readable = has_result(order)
    known = readable or has_created(order)
    return {
        "sub_order_id": str(line.line_id),
        "line_no": number,
        "status": WORDS_XPORTCN[line.state][1],
        "refund_status": str(WORDS_REFUND[line.refund][2] if line.refund else 0),
        "sub_purchase_id": str(line.purchase_id),
        "amount": yuan_decimal(line.amount) if readable else None,
        "product_id": str(line.sku.item) if known else None,
        "sku_id": str(line.sku.sku) if known else None,
        "quantity": str(line.quantity) if known else None,
        "title": landed(ka_title(order, line)) if readable else None,
    }


def _line_open(order: Order, number: int, line: Line, alike: int) -> Truth:
    """`alike`: lines of the order with this item and sku; which of several has which ordinal is not claimed."""
    truth: Truth = {
        "line_no": number,
        "status": open_line_status(order, line),
        "amount": yuan_decimal(line.amount),
        "product_id": str(line.sku.item),
        "sku_id": str(line.sku.sku),
        "quantity": str(line.quantity),
        "unit_price": yuan_decimal(line.price),
        "error_code": None,
    }
    if alike == 1:
        truth["sub_order_id"] = f"{line.sku.item}:{line.sku.sku}:1"
    if order.state is State.FINANCE_NO and number == 1 and order.quirk != "absent":
        truth["error_code"] = "FINANCE_REFUSED"
    title = landed(open_title(order, line))
    if title:
        truth["title"] = title
    return truth
