"""Expected column values of an order, derived from the model and not from the rendered record.

Keys are the columns of `domain/rows.py`; amounts are decimal strings in yuan, times ISO 8601 in UTC, ids text. Values
of absent keys are not checked. No tracking number is None.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from orders_sync.domain.statuses import StatusGroup, groups, partly_shipped
from orders_sync.platforms import PLATFORMS
from orders_sync.sandbox.formats import iso_time, yuan_decimal
from orders_sync.sandbox.json_text import stored_text
from orders_sync.sandbox.orders import SandboxLine, SandboxOrder
from orders_sync.sandbox.render_xportcn import has_created, has_result, ka_title, open_line_status, open_title
from orders_sync.sandbox.states import REFUND_STATUS, SHIPPED_STATES, STATUS_1688, STATUS_XPORTCN, State, stored_status

ExpectedValues = dict[str, Any]
_GROUPS = {name: groups(platform.statuses) for name, platform in PLATFORMS.items()}


def expected_order(order: SandboxOrder) -> ExpectedValues:
    """Return the expected values of an order, with those of its lines under `lines`."""
    platform = order.platform
    status = stored_status(platform, order.state)
    group = _GROUPS[platform].get(status, StatusGroup.OTHER)
    if platform != "xportcn_open":  # the status of its lines is not documented
        group = partly_shipped(group, [line.state in SHIPPED_STATES for line in order.lines])
    expected: ExpectedValues = {
        "order_id": order.order_id,
        "order_no": order.order_no,
        "status": status,
        "status_group": str(group),
        "total_amount": yuan_decimal(order.total),
        "currency": "CNY",
        "created_at": iso_time(order.created),
        "paid_at": _time(order.paid),
        "line_count": len(order.lines),
        "lines": _lines(order),
    }
    if platform == "1688":
        expected.update(_columns_1688(order))
    elif platform == "xportcn_ka":
        expected.update(
            modified_at=None,
            upstream_status=STATUS_XPORTCN[order.state][1],
            purchase_id=str(order.purchase_id),
            outer_purchase_id=order.outer_id,
            buyer_message=stored_text(order.message),
            city=order.region.city,
            province=order.region.province,
            tracking_numbers=None,
        )
    else:
        expected.update(modified_at=None, seller_order_no=order.seller_no, city=None, tracking_numbers=None)
        if order.quirk == "absent":
            expected["seller_order_no"] = None
    return expected


def _time(second: int) -> str | None:
    return iso_time(second) if second else None


def _columns_1688(order: SandboxOrder) -> ExpectedValues:
    refund_status = REFUND_STATUS[order.refund][0] if order.refund else None
    bare = order.quirk == "bare"
    return {
        "refund_status": None if order.after_sale else refund_status,
        "refund_id": None if order.after_sale else order.refund_no or None,
        "after_sale_refund_status": refund_status if order.after_sale else None,
        "after_sale_refund_id": order.refund_no if order.after_sale else None,
        "product_amount": yuan_decimal(order.total - order.shipping - order.discount),
        "shipping_amount": yuan_decimal(order.shipping),
        "discount_amount": yuan_decimal(order.discount),
        "coupon_amount": None if bare else yuan_decimal(order.coupon),
        "refund_amount": yuan_decimal(order.refunded),
        "modified_at": iso_time(order.modified),
        "delivered_at": _time(order.delivered),
        "received_at": _time(order.received),
        "confirmed_at": _time(order.confirmed),
        "completed_at": _time(order.completed),
        "close_reason": order.close_reason or None,
        "closed_by": order.closed_by or None,
        "buyer_message": stored_text(order.message),
        "seller_memo": stored_text(order.memo),
        "seller_flag": str(order.flag) if order.flag else None,
        "city": order.region.city,
        "province": order.region.province,
        "tracking_numbers": [parcel.tracking for parcel in order.parcels if parcel.tracking] or None,
    }


def _lines(order: SandboxOrder) -> list[ExpectedValues]:
    if order.platform == "1688":
        return [_line_1688(number, line) for number, line in enumerate(order.lines, 1)]
    if order.platform == "xportcn_ka":
        return [_line_ka(order, number, line) for number, line in enumerate(order.lines, 1)]
    same_goods = Counter((line.sku.item, line.sku.sku) for line in order.lines)
    return [
        _line_open(order, number, line, same_goods[line.sku.item, line.sku.sku])
        for number, line in enumerate(order.lines, 1)
    ]


def _line_1688(number: int, line: SandboxLine) -> ExpectedValues:
    refund_status = REFUND_STATUS[line.refund][1] if line.refund else None
    return {
        "sub_order_id": str(line.line_id),
        "line_no": number,
        "status": STATUS_1688[line.state][0],
        "refund_status": None if line.after_sale else refund_status,
        "after_sale_refund_status": refund_status if line.after_sale else None,
        "amount": yuan_decimal(line.amount),
        "product_id": str(line.sku.item),
        "sku_id": str(line.sku.sku),
        "quantity": str(line.quantity),
        "unit_price": yuan_decimal(line.price),
        "title": line.sku.title,
    }


def _line_ka(order: SandboxOrder, number: int, line: SandboxLine) -> ExpectedValues:
    """Without subOrderResult, createSubOrderResult still tells the goods, but nothing tells the amount."""
    readable = has_result(order)
    known = readable or has_created(order)
    return {
        "sub_order_id": str(line.line_id),
        "line_no": number,
        "status": STATUS_XPORTCN[line.state][1],
        "refund_status": str(REFUND_STATUS[line.refund][2] if line.refund else 0),
        "sub_purchase_id": str(line.purchase_id),
        "amount": yuan_decimal(line.amount) if readable else None,
        "product_id": str(line.sku.item) if known else None,
        "sku_id": str(line.sku.sku) if known else None,
        "quantity": str(line.quantity) if known else None,
        "title": stored_text(ka_title(order, line)) if readable else None,
    }


def _line_open(order: SandboxOrder, number: int, line: SandboxLine, same_goods: int) -> ExpectedValues:
    """Expected values of a line.

    `same_goods`: number of lines with this item and sku. If several, their ordinals are not checked.
    """
    expected: ExpectedValues = {
        "line_no": number,
        "status": open_line_status(order, line),
        "amount": yuan_decimal(line.amount),
        "product_id": str(line.sku.item),
        "sku_id": str(line.sku.sku),
        "quantity": str(line.quantity),
        "unit_price": yuan_decimal(line.price),
        "error_code": None,
    }
    if same_goods == 1:
        expected["sub_order_id"] = f"{line.sku.item}:{line.sku.sku}:1"
    if order.state is State.FINANCE_NO and number == 1 and order.quirk != "absent":
        expected["error_code"] = "FINANCE_REFUSED"
    title = stored_text(open_title(order, line))
    if title:
        expected["title"] = title
    return expected
