"""The lines of a 1688 order and its parcels: target column, source field, unit."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from orders_sync.domain.rows import ParcelRow, ProductItemRow, SubOrderRow
from orders_sync.domain.statuses import StatusGroup, groups
from orders_sync.platforms.alibaba_1688 import wire
from orders_sync.platforms.alibaba_1688.amounts import LineAmounts, line_amounts
from orders_sync.platforms.alibaba_1688.statuses import STATUSES
from orders_sync.platforms.columns import Columns
from orders_sync.platforms.conversion import Notes, attributes, exact_id, key, moment, text, texts, yuan
from orders_sync.platforms.line_ids import distinct_lines, distinct_name

GROUPS = groups(STATUSES)

NO_LOGISTICS = "不需要物流"  # stands where a tracking number would (api-facts 4.2)
LEFT_LOGISTICS = frozenset({"2", "3", "5"})  # shipped, received, partly shipped (api-facts 4.2)
LEFT_GROUPS = frozenset({StatusGroup.SHIPPED, StatusGroup.RECEIVED, StatusGroup.COMPLETED})

_SIZED_IMAGE = re.compile(r"[._]\d{2,4}x\d{2,4}")  # ...cib.80x80.jpg
_SNAPSHOT_LINE = re.compile(r"[?&]order_entry_id=(\d{1,30})(?!\d)")


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


class Line(Struct, gc=False):
    """A line that was listed, with the id and the position of its row."""

    sub_order_id: str
    line_no: int
    item: wire.ProductItem
    amounts: LineAmounts
    at: str  # for notes


def lines_of(items: list[wire.ProductItem], notes: Notes) -> list[Line]:
    """Return every line once."""
    ids = [_line_id(item, f"line {number}: ", notes) for number, item in enumerate(items, 1)]
    distinct = distinct_lines(items, ids, lambda item: (item.productID, item.skuID), "subItemIDString", notes)
    return [
        Line(line_id, number, item, line_amounts(item, at, notes), at)
        for number, (line_id, item) in enumerate(distinct, 1)
        for at in (f"line {number}: ",)
    ]


def _line_id(item: wire.ProductItem, at: str, notes: Notes) -> str | None:
    """The line's exact id, or the one in the address of its snapshot (api-facts 4.3)."""
    line_id = notes.convert("subItemIDString", exact_id, item.subItemIDString, at)
    if line_id is None and isinstance(item.productSnapshotUrl, str):
        snapshot = _SNAPSHOT_LINE.search(item.productSnapshotUrl)
        line_id = snapshot[1] if snapshot else None
    return line_id


def sub_order(order_id: str, line: Line, parcels: list[ParcelRow], notes: Notes) -> SubOrderRow:
    """Return the row of a line."""
    row = SubOrderRow(
        order_id=order_id,
        sub_order_id=line.sub_order_id,
        line_no=line.line_no,
        order_no=order_id,
        amount=line.amounts.amount,
        paid_amount=line.amounts.paid,
        discount_amount=line.amounts.discount,
        tracking_numbers=tracking_numbers(parcels, line.sub_order_id) if parcels else None,
        guarantees=_guarantees(line, notes),
    )
    SUB_ORDER.fill(row, line.item, notes, line.at)
    return row


def product(order_id: str, line: Line, notes: Notes) -> ProductItemRow:
    """Return the row of a line's product."""
    item, at = line.item, line.at
    names, readable = notes.convert("skuInfos", attributes, item.skuInfos, at) or (None, None)
    row = ProductItemRow(
        order_id=order_id,
        sub_order_id=line.sub_order_id,
        item_no=1,
        cargo_no=notes.convert("productCargoNumber", text, item.productCargoNumber, at)
        or notes.convert("cargoNumber", text, item.cargoNumber, at),
        quantity=line.amounts.quantity,
        unit_price=line.amounts.unit_price,
        amount=line.amounts.amount,
        sku_attributes=names,
        sku_text=readable,
    )
    PRODUCT.fill(row, item, notes, at)
    return row


def parcels_of(order_id: str, logistics: wire.NativeLogistics, notes: Notes) -> list[ParcelRow]:
    """Return one row per parcel. Its id is the platform's, else its bill number or its position; a twin gets `#2`."""
    parcels: list[ParcelRow] = []
    used: set[str] = set()
    for number, item in enumerate(notes.present("logisticsItems", logistics.logisticsItems), 1):
        at = f"parcel {number}: "
        parcel = ParcelRow(order_id=order_id, parcel_id="")
        PARCEL.fill(parcel, item, notes, at)
        wanted = notes.convert("id", key, item.id, at) or parcel.tracking_no or str(number)
        parcel.parcel_id = distinct_name(wanted, used)
        parcels.append(parcel)
    return parcels


def has_left(line: SubOrderRow) -> bool:
    """Return whether a line is shipped, by its logistics status or its status."""
    return line.logistics_status in LEFT_LOGISTICS or GROUPS.get(line.status or "") in LEFT_GROUPS


def tracking_numbers(parcels: list[ParcelRow], line_id: str | None = None) -> list[str] | None:
    """Return the numbers of all parcels, or of those that say they carry a line; in the order listed, each once."""
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
        code = term and notes.convert("guaranteesTerms.shortCode", text, term.shortCode, line.at)
        if code:
            found.append(code)
    return found or None
