"""A 1688 record as rows (api-facts 4.2 and 4.3). Pure functions of the record's bytes.

The tables say for every column its field and unit (api-facts 4.2); what has no known unit stays text. Notes on an order
say what was odd about it and how it was read; only a missing or unusable id makes it a reject.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orders_sync.domain.records import Head
from orders_sync.domain.rows import OrderRow, OrderRows, ParcelRow, ReceiverRow, SubOrderRow
from orders_sync.domain.statuses import StatusGroup, partly_shipped
from orders_sync.domain.windows import Feed
from orders_sync.platforms.alibaba_1688 import wire
from orders_sync.platforms.alibaba_1688.amounts import order_amounts
from orders_sync.platforms.alibaba_1688.lines import (
    GROUPS,
    Line,
    has_left,
    lines_of,
    parcels_of,
    product,
    sub_order,
    tracking_numbers,
)
from orders_sync.platforms.columns import Columns, add_missing
from orders_sync.platforms.conversion import (
    Notes,
    key,
    known_status,
    moment,
    text,
    texts,
    yuan,
)
from orders_sync.platforms.decoding import decode_head, decode_record, make_storable, order_id_of

NO_PAYMENT_YET = "UNCREATED"  # alipayTradeId before payment (api-facts 6)
ID_AT = "baseInfo.idOfStr"  # only the exact text form: the numeric id is damaged (api-facts 4.3)
NO_BASE, NO_HEAD = wire.BaseInfo(), wire.BaseHead()
NO_LOGISTICS = wire.NativeLogistics()


def _payment_no(value: Any) -> str | None:
    return None if value == NO_PAYMENT_YET else text(value)


# total_amount, discount_amount, paid_amount, the status, the buyer's message and the place: see `_order`
ORDER = Columns(
    wire.BaseInfo,
    OrderRow,
    refund_status=("refundStatus", key),
    refund_id=("refundId", text),
    after_sale_refund_status=("refundStatusForAs", text),
    after_sale_refund_id=("refundIdForAs", text),
    close_reason=("closeReason", text),
    closed_by=("closeOperateType", text),
    business_type=("businessType", text),
    product_amount=("sumProductPayment", yuan),
    shipping_amount=("shippingFee", yuan),
    coupon_amount=("couponFee", yuan),
    refund_amount=("refund", yuan),
    refund_payment_raw=("refundPayment", text),  # unit not documented
    created_at=("createTime", moment),
    modified_at=("modifyTime", moment),
    pay_expires_at=("gmtPayExpireTime", moment),
    paid_at=("payTime", moment),
    delivered_at=("allDeliveredTime", moment),
    received_at=("receivingTime", moment),
    confirmed_at=("confirmedTime", moment),
    completed_at=("completeTime", moment),
    buyer_id=("buyerOpenUid", text),
    buyer_name=("buyerLoginId", text),
    seller_name=("sellerLoginId", text),
    buyer_memo=("buyerMemo", text),
    seller_memo=("sellerMemo", text),
    seller_flag=("sellerRemarkIcon", text),
    pay_channels=("payChannelList", texts),
    payment_no=("alipayTradeId", _payment_no),
)

RECEIVER = Columns(
    wire.NativeLogistics,
    ReceiverRow,
    name=("contactPerson", text),
    phone=("telephone", text),
    mobile=("mobile", text),
    country=("country", text),
    province=("province", text),
    city=("city", text),
    district=("area", text),
    district_code=("areaCode", text),
    town=("town", text),
    town_code=("townCode", text),
    address=("address", text),
    zip=("zip", text),
    encrypted_id=("caid", text),
)

# 1688's own model, where nativeLogistics says nothing
RECEIVER_INFO = Columns(
    wire.ReceiverInfo,
    ReceiverRow,
    name=("toFullName", text),
    phone=("toPhone", text),
    mobile=("toMobile", text),
    district_code=("toDivisionCode", text),
    town=("toTown", text),
    town_code=("toTownCode", text),
    address=("toArea", text),
    zip=("toPost", text),
)


def identify(record: bytes, feed: Feed) -> Head:
    """Return the order id of a record and its time of creation or change, decoding nothing else. Raises nothing."""
    return decode_head(wire.ORDER_HEAD, record, ID_AT, _created if feed is Feed.CREATED else _modified)


def _created(order: wire.OrderHead) -> tuple[Any, Any]:
    base = order.baseInfo or NO_HEAD
    return base.idOfStr, base.createTime


def _modified(order: wire.OrderHead) -> tuple[Any, Any]:
    base = order.baseInfo or NO_HEAD
    return base.idOfStr, base.modifyTime


def normalize(record: bytes) -> OrderRows:
    """Return the rows of a record. Raises `InvalidRecordError` where it names no order."""
    notes = Notes()
    order = decode_record(wire.ORDER, record, notes)
    base = order.baseInfo or NO_BASE
    order_id = order_id_of(base.idOfStr, ID_AT)
    logistics = order.nativeLogistics or NO_LOGISTICS
    parcels = parcels_of(order_id, logistics, notes)
    receiver = _receiver(order_id, base, logistics, notes)
    listed = notes.present("productItems", order.productItems)
    lines = lines_of(listed, notes)
    sub_orders = [sub_order(order_id, line, parcels, notes) for line in lines]
    products = [product(order_id, line, notes) for line in lines]
    rows = OrderRows(
        order=_order(order_id, base, receiver, lines, sub_orders, parcels, notes),
        sub_orders=sub_orders,
        product_items=products,
        parcels=parcels,
        has_all_lines=len(listed) == len(order.productItems or ()),
        receiver=None if receiver == ReceiverRow(order_id=order_id) else receiver,
    )
    return make_storable(rows, record)


def _order(
    order_id: str,
    base: wire.BaseInfo,
    receiver: ReceiverRow,
    lines: list[Line],
    sub_orders: list[SubOrderRow],
    parcels: list[ParcelRow],
    notes: Notes,
) -> OrderRow:
    row = OrderRow(order_id=order_id, order_no=order_id, status="", status_group="")
    ORDER.fill(row, base, notes)
    row.status = known_status("status", base.status, notes)
    if not lines:
        notes.append("the record lists no lines")
    if row.created_at is None:
        notes.append("createTime is missing")
    row.total_amount, row.discount_amount = order_amounts(
        base, row.shipping_amount, row.coupon_amount, [line.amounts for line in lines], notes
    )
    trade_type = notes.convert("tradeType", text, base.tradeType)
    trade_type_code = notes.convert("tradeTypeCode", text, base.tradeTypeCode)
    row.trade_type = trade_type_code or trade_type
    row.status_group = _status_group(row.status, sub_orders)
    row.paid_amount = _paid(base, notes)
    row.buyer_company = _company("buyerContact", base.buyerContact, notes)
    row.seller_company = _company("sellerContact", base.sellerContact, notes)
    row.buyer_message = _both(
        notes.convert("remark", text, base.remark), notes.convert("buyerFeedback", text, base.buyerFeedback)
    )
    row.country, row.province, row.city = receiver.country, receiver.province, receiver.city
    row.tracking_numbers = tracking_numbers(parcels)
    row.line_count = len(lines)
    row.notes = notes.shown()
    return row


def _receiver(order_id: str, base: wire.BaseInfo, logistics: wire.NativeLogistics, notes: Notes) -> ReceiverRow:
    """Return what is known of the receiver; nativeLogistics wins."""
    other = RECEIVER_INFO.convert(base.receiverInfo, notes, "receiverInfo.") if base.receiverInfo else {}
    row = ReceiverRow(order_id=order_id)
    RECEIVER.fill(row, logistics, notes, "nativeLogistics.")
    add_missing(row, other)
    return row


def _status_group(status: str, lines: list[SubOrderRow]) -> StatusGroup:
    group = GROUPS.get(status, StatusGroup.OTHER)
    if group is not StatusGroup.AWAITING_SHIPMENT:
        return group
    return partly_shipped(group, [has_left(line) for line in lines])


def _paid(base: wire.BaseInfo, notes: Notes) -> Decimal | None:
    """Return the sum of what was paid over all steps, yuan; None when no step says."""
    steps = notes.present("newStepOrderList", base.newStepOrderList)
    paid = [fee for step in steps if (fee := notes.convert("newStepOrderList.paidFee", yuan, step.paidFee)) is not None]
    if len(paid) < 2:
        return paid[0] if paid else None
    return notes.convert("newStepOrderList.paidFee", yuan, str(sum(paid)))


def _company(name: str, contact: wire.Contact | None, notes: Notes) -> str | None:
    return notes.convert(f"{name}.companyName", text, contact.companyName) if contact else None


def _both(remark: str | None, feedback: str | None) -> str | None:
    """Return the buyer's remark and feedback: the one there is, or both on separate lines when they differ."""
    return f"{remark}\n{feedback}" if remark and feedback and remark != feedback else remark or feedback
