"""A 1688 record as rows: api-facts 4.2 and 4.3, seed 004. Pure functions of the record's bytes.

The tables say for every column its field and unit (api-facts 4.2); what has no known unit stays text. Notes on an order
say what was odd about it and how it was read; only a missing or unusable id keeps an order out.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from msgspec import Struct

from orders_sync.domain.rows import OrderRow, OrderRows, ParcelRow, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.domain.sanitize import sanitize
from orders_sync.domain.statuses import StatusGroup, groups, partly_shipped
from orders_sync.platforms.alibaba_1688 import wire
from orders_sync.platforms.alibaba_1688.amounts import LineAmounts, line_amounts, order_amounts
from orders_sync.platforms.alibaba_1688.statuses import STATUSES
from orders_sync.platforms.columns import Columns, add_missing
from orders_sync.platforms.conversion import (
    Notes,
    attributes,
    exact_id,
    key,
    known_status,
    moment,
    text,
    texts,
    yuan,
)
from orders_sync.platforms.line_ids import distinct_lines, distinct_name
from orders_sync.platforms.records import decode_record, make_storable, order_id_of

GROUPS = groups(STATUSES)

NO_LOGISTICS = "不需要物流"  # stands where a tracking number would (api-facts 4.2)
NO_PAYMENT_YET = "UNCREATED"  # alipayTradeId before payment (api-facts 6)
LEFT_LOGISTICS = frozenset({"2", "3", "5"})  # shipped, received, partly shipped (api-facts 4.2)
LEFT_GROUPS = frozenset({StatusGroup.SHIPPED, StatusGroup.RECEIVED, StatusGroup.COMPLETED})
NOWHERE = wire.NativeLogistics()

_SIZED_IMAGE = re.compile(r"[._]\d{2,4}x\d{2,4}")  # ...cib.80x80.jpg
_SNAPSHOT_LINE = re.compile(r"[?&]order_entry_id=(\d{1,30})(?!\d)")


def _payment_no(value: Any) -> str | None:
    return None if value == NO_PAYMENT_YET else text(value)


def _tracking_no(value: Any) -> str | None:
    return None if value == NO_LOGISTICS else key(value)


def _image(value: Any) -> str | None:
    """The first image without a size in its name (the sample lists the 80x80 one first), else the first."""
    images = texts(value) if isinstance(value, list) else [found] if (found := text(value)) else None
    if images is None:
        return None
    for image in images:
        name = image[image.rfind("/") + 1 :]
        if "x" not in name or not _SIZED_IMAGE.search(name):
            return image
    return images[0]


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

# amount, paid_amount, discount_amount: see `amounts.line_amounts`
SUB_ORDER = Columns(
    wire.ProductItem,
    SubOrderRow,
    status=("status", key),
    refund_status=("refundStatus", key),
    refund_id=("refundId", text),
    after_sale_refund_status=("refundStatusForAs", text),
    after_sale_refund_id=("refundIdForAs", text),
    close_reason=("closeReason", text),
    shipping_amount=("sharePostage", yuan),
    refund_amount=("refund", yuan),
    shared_promotion_raw=("orderSharedPromotionFee", text),  # unit not documented
    item_discount_raw=("itemDiscountFee", text),  # unit not documented
    cross_promotion_raw=("crossPromotionFee", text),  # unit not documented
    logistics_status=("logisticsStatus", text),
    created_at=("gmtCreate", moment),
    modified_at=("gmtModified", moment),
)

# unit_price, quantity, amount: see `amounts.line_amounts`
PRODUCT = Columns(
    wire.ProductItem,
    ProductItemRow,
    product_id=("productID", key),
    sku_id=("skuID", key),
    spec_id=("specId", text),
    title=("name", text),
    image_url=("productImgUrl", _image),
    snapshot_url=("productSnapshotUrl", text),
    unit=("unit", text),
)

PARCEL = Columns(
    wire.LogisticsItem,
    ParcelRow,
    tracking_no=("logisticsBillNo", _tracking_no),
    carrier_name=("logisticsCompanyName", text),
    carrier_code=("logisticsCompanyNo", text),
    status=("status", text),
    delivery_type=("type", text),
    freight_amount=("carriage", yuan),
    delivered_at=("deliveredTime", moment),
    sub_order_ids=("subItemIds", texts),
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


def identify(record: bytes) -> str:
    """The order id of a record, decoding nothing else. Raises `InvalidRecordError`."""
    return sanitize(_order_id(decode_record(wire.ORDER_HEAD, record, Notes()).baseInfo))


def normalize(record: bytes) -> OrderRows:
    """A record as rows. Raises `InvalidRecordError` where it names no order."""
    notes = Notes()
    order = decode_record(wire.ORDER, record, notes)
    order_id = _order_id(order.baseInfo)
    base = order.baseInfo
    assert base is not None  # or there were no id
    logistics = order.nativeLogistics or NOWHERE
    parcels = _parcels(order_id, logistics, notes)
    receiver = _receiver(order_id, base, logistics, notes)
    listed = notes.present("productItems", order.productItems)
    lines = _lines(listed, notes)
    sub_orders = [_sub_order(order_id, line, parcels, notes) for line in lines]
    products = [_product(order_id, line, notes) for line in lines]
    rows = OrderRows(
        order=_order(order_id, base, receiver, lines, sub_orders, parcels, notes),
        sub_orders=sub_orders,
        product_items=products,
        parcels=parcels,
        has_all_lines=len(listed) == len(order.productItems or ()),
        receiver=None if receiver == ReceiverRow(order_id=order_id) else receiver,
    )
    return make_storable(rows, record)


def _order_id(base: wire.BaseInfo | wire.OrderId | None) -> str:
    """Only the exact text form: the numeric id is damaged (api-facts 4.3)."""
    return order_id_of(base.idOfStr if base else None, "baseInfo.idOfStr")


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
    trade_type = notes.read("tradeType", text, base.tradeType)
    trade_type_code = notes.read("tradeTypeCode", text, base.tradeTypeCode)
    row.trade_type = trade_type_code or trade_type
    row.status_group = _status_group(row.status, sub_orders)
    row.paid_amount = _paid(base, notes)
    row.buyer_company = _company("buyerContact", base.buyerContact, notes)
    row.seller_company = _company("sellerContact", base.sellerContact, notes)
    row.buyer_message = _both(
        notes.read("remark", text, base.remark), notes.read("buyerFeedback", text, base.buyerFeedback)
    )
    row.country, row.province, row.city = receiver.country, receiver.province, receiver.city
    row.tracking_numbers = _tracking_numbers(parcels)
    row.line_count = len(lines)
    row.notes = notes.shown()
    return row


class Line(Struct, gc=False):
    """A line that was listed, with the id and the position of its row."""

    sub_order_id: str
    line_no: int
    item: wire.ProductItem
    amounts: LineAmounts
    at: str  # for notes


def _lines(items: list[wire.ProductItem], notes: Notes) -> list[Line]:
    """Every line, each once."""
    ids = [_line_id(item, f"line {number}: ", notes) for number, item in enumerate(items, 1)]
    distinct = distinct_lines(items, ids, lambda item: (item.productID, item.skuID), "subItemIDString", notes)
    return [
        Line(line_id, number, item, line_amounts(item, at, notes), at)
        for number, (line_id, item) in enumerate(distinct, 1)
        for at in (f"line {number}: ",)
    ]


def _line_id(item: wire.ProductItem, at: str, notes: Notes) -> str | None:
    """The line's exact id, or the one in the address of its snapshot (api-facts 4.3)."""
    line_id = notes.read("subItemIDString", exact_id, item.subItemIDString, at)
    if line_id is None and isinstance(item.productSnapshotUrl, str):
        snapshot = _SNAPSHOT_LINE.search(item.productSnapshotUrl)
        line_id = snapshot[1] if snapshot else None
    return line_id


def _sub_order(order_id: str, line: Line, parcels: list[ParcelRow], notes: Notes) -> SubOrderRow:
    row = SubOrderRow(
        order_id=order_id,
        sub_order_id=line.sub_order_id,
        line_no=line.line_no,
        order_no=order_id,
        amount=line.amounts.amount,
        paid_amount=line.amounts.paid,
        discount_amount=line.amounts.discount,
        tracking_numbers=_tracking_numbers(parcels, line.sub_order_id) if parcels else None,
        guarantees=_guarantees(line, notes),
    )
    SUB_ORDER.fill(row, line.item, notes, line.at)
    return row


def _product(order_id: str, line: Line, notes: Notes) -> ProductItemRow:
    item, at = line.item, line.at
    names, readable = notes.read("skuInfos", attributes, item.skuInfos, at) or (None, None)
    row = ProductItemRow(
        order_id=order_id,
        sub_order_id=line.sub_order_id,
        item_no=1,
        cargo_no=notes.read("productCargoNumber", text, item.productCargoNumber, at)
        or notes.read("cargoNumber", text, item.cargoNumber, at),
        quantity=line.amounts.quantity,
        unit_price=line.amounts.unit_price,
        amount=line.amounts.amount,
        sku_attributes=names,
        sku_text=readable,
    )
    PRODUCT.fill(row, item, notes, at)
    return row


def _parcels(order_id: str, logistics: wire.NativeLogistics, notes: Notes) -> list[ParcelRow]:
    """One row a parcel. Its id is the platform's, else its bill number, else its position; a second one gets `#2`."""
    parcels: list[ParcelRow] = []
    used: set[str] = set()
    for number, item in enumerate(notes.present("logisticsItems", logistics.logisticsItems), 1):
        at = f"parcel {number}: "
        parcel = ParcelRow(order_id=order_id, parcel_id="")
        PARCEL.fill(parcel, item, notes, at)
        wanted = notes.read("id", key, item.id, at) or parcel.tracking_no or str(number)
        parcel.parcel_id = distinct_name(wanted, used)
        parcels.append(parcel)
    return parcels


def _receiver(order_id: str, base: wire.BaseInfo, logistics: wire.NativeLogistics, notes: Notes) -> ReceiverRow:
    """Whatever is known of the receiver, nativeLogistics first."""
    other = RECEIVER_INFO.read(base.receiverInfo, notes, "receiverInfo.") if base.receiverInfo else {}
    row = ReceiverRow(order_id=order_id)
    RECEIVER.fill(row, logistics, notes, "nativeLogistics.")
    add_missing(row, other)
    return row


def _status_group(status: str, lines: list[SubOrderRow]) -> StatusGroup:
    group = GROUPS.get(status, StatusGroup.OTHER)
    if group is not StatusGroup.AWAITING_SHIPMENT:
        return group
    return partly_shipped(group, [_has_left(line) for line in lines])


def _has_left(line: SubOrderRow) -> bool:
    return line.logistics_status in LEFT_LOGISTICS or GROUPS.get(line.status or "") in LEFT_GROUPS


def _paid(base: wire.BaseInfo, notes: Notes) -> Decimal | None:
    """What was paid over all steps; None when no step says."""
    steps = notes.present("newStepOrderList", base.newStepOrderList)
    paid = [fee for step in steps if (fee := notes.read("newStepOrderList.paidFee", yuan, step.paidFee)) is not None]
    if len(paid) < 2:
        return paid[0] if paid else None
    return notes.read("newStepOrderList.paidFee", yuan, str(sum(paid)))


def _company(name: str, contact: wire.Contact | None, notes: Notes) -> str | None:
    return notes.read(f"{name}.companyName", text, contact.companyName) if contact else None


def _both(note: str | None, message: str | None) -> str | None:
    """What the buyer wrote: the note at ordering, the message, or both on lines of their own when they differ."""
    return f"{note}\n{message}" if note and message and note != message else note or message


def _tracking_numbers(parcels: list[ParcelRow], line_id: str | None = None) -> list[str] | None:
    """Of all parcels, or of those that say they carry a line; in the order listed, each once."""
    numbers: list[str] = []
    for parcel in parcels:
        number = parcel.tracking_no
        is_of_line = line_id is None or line_id in (parcel.sub_order_ids or ())
        if number and is_of_line and number not in numbers:
            numbers.append(number)
    return numbers or None


def _guarantees(line: Line, notes: Notes) -> list[str] | None:
    found = []
    for term in line.item.guaranteesTerms or ():
        code = term and notes.read("guaranteesTerms.shortCode", text, term.shortCode, line.at)
        if code:
            found.append(code)
    return found or None
