"""A 1688 record as rows: api-facts 4.2 and 4.3, seed 004. Pure functions of the record's bytes.

Amounts are yuan or fen as api-facts 4.2 says, field by field; what has no known unit stays text. Notes on an order say
what was odd about it and how it was read.
"""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec import Raw

from orders_sync.domain.errors import BadRecord
from orders_sync.domain.rows import OrderRow, OrderRows, ParcelRow, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.domain.statuses import StatusGroup, partly_shipped, status_group
from orders_sync.domain.text import storable
from orders_sync.platforms.alibaba_1688 import wire
from orders_sync.platforms.alibaba_1688.values import (
    LONGEST_KEY,
    code,
    codes,
    fen,
    key,
    moment,
    parts,
    quantity,
    yuan,
)
from orders_sync.platforms.records import UNREADABLE, decode_record, make_storable

PLATFORM = "1688"

NO_LOGISTICS = "不需要物流"  # stands where a tracking number would (api-facts 4.2)
NO_PAYMENT_YET = "UNCREATED"  # alipayTradeId before payment (api-facts 6)
LEFT_LOGISTICS = frozenset({"2", "3", "5"})  # shipped, received, partly shipped (api-facts 4.2)
LEFT_GROUPS = frozenset({StatusGroup.SHIPPED, StatusGroup.RECEIVED, StatusGroup.COMPLETED})
NOWHERE = wire.NativeLogistics()

_SIZED_IMAGE = re.compile(r"[._]\d{2,4}x\d{2,4}")  # ...cib.80x80.jpg
_SNAPSHOT_LINE = re.compile(r"[?&]order_entry_id=(\d+)")


def identify(record: bytes) -> str:
    """The order id of a record, decoding nothing else. Raises `BadRecord`."""
    return storable(_order_id(decode_record(wire.ORDER_HEAD, record).base_info))


def normalize(record: bytes) -> OrderRows:
    """A record as rows. Raises `BadRecord` with the field that cannot be represented."""
    order = wire.decode(record)
    base = order.base_info
    order_id = _order_id(base)
    assert base is not None  # or there were no id
    notes: list[str] = []
    parcels = _parcels(order_id, order.native_logistics)
    sub_orders, product_items = _lines(order_id, order.product_items or [], parcels, notes)
    rows = OrderRows(
        order=_order(order_id, base, order.native_logistics, sub_orders, parcels, notes),
        sub_orders=sub_orders,
        product_items=product_items,
        parcels=parcels,
        receiver=_receiver(order_id, order.native_logistics),
    )
    return make_storable(rows, record)


def _order_id(base: wire.BaseInfo | wire.OrderId | None) -> str:
    """Only the exact text form: the numeric id is damaged (api-facts 4.3)."""
    order_id = key(base.id_of_str, "baseInfo.idOfStr") if base else None
    if order_id is None:
        raise BadRecord("missing or empty", "baseInfo.idOfStr")
    return order_id


def _order(
    order_id: str,
    base: wire.BaseInfo,
    logistics: wire.NativeLogistics | None,
    lines: list[SubOrderRow],
    parcels: list[ParcelRow],
    notes: list[str],
) -> OrderRow:
    status = key(base.status, "baseInfo.status")
    if status is None:
        raise BadRecord("missing or empty", "baseInfo.status")
    place = logistics or NOWHERE
    if not lines:
        notes.append("the record lists no lines")
    return OrderRow(
        order_id=order_id,
        order_no=order_id,
        status=status,
        status_group=_status_group(status, lines),
        refund_status=base.refund_status or None,
        refund_id=code(base.refund_id),
        after_sale_refund_status=base.refund_status_for_as or None,
        after_sale_refund_id=code(base.refund_id_for_as),
        close_reason=base.close_reason or None,
        closed_by=base.close_operate_type or None,
        trade_type=base.trade_type_code or base.trade_type or None,
        business_type=base.business_type or None,
        total_amount=yuan(base.total_amount, "totalAmount"),
        product_amount=yuan(base.sum_product_payment, "sumProductPayment"),
        shipping_amount=yuan(base.shipping_fee, "shippingFee"),
        discount_amount=fen(base.discount, "discount"),
        coupon_amount=yuan(base.coupon_fee, "couponFee"),
        paid_amount=_paid(base.new_step_order_list or []),
        refund_amount=yuan(base.refund, "refund"),
        refund_payment_raw=code(base.refund_payment),
        created_at=moment(base.create_time, "createTime"),
        modified_at=moment(base.modify_time, "modifyTime"),
        pay_expires_at=moment(base.gmt_pay_expire_time, "gmtPayExpireTime"),
        paid_at=moment(base.pay_time, "payTime"),
        delivered_at=moment(base.all_delivered_time, "allDeliveredTime"),
        received_at=moment(base.receiving_time, "receivingTime"),
        confirmed_at=moment(base.confirmed_time, "confirmedTime"),
        completed_at=moment(base.complete_time, "completeTime"),
        buyer_id=base.buyer_open_uid or None,
        buyer_name=base.buyer_login_id or None,
        buyer_company=(base.buyer_contact.company_name or None) if base.buyer_contact else None,
        seller_name=base.seller_login_id or None,
        seller_company=(base.seller_contact.company_name or None) if base.seller_contact else None,
        buyer_message=_both(base.remark, base.buyer_feedback) or None,
        buyer_memo=base.buyer_memo or None,
        seller_memo=base.seller_memo or None,
        seller_flag=base.seller_remark_icon or None,
        country=place.country or None,
        province=place.province or None,
        city=place.city or None,
        pay_channels=codes(base.pay_channel_list),
        payment_no=None if base.alipay_trade_id == NO_PAYMENT_YET else base.alipay_trade_id or None,
        tracking_numbers=_tracking_numbers(parcels),
        line_count=len(lines),
        notes=notes or None,
    )


def _lines(
    order_id: str, items: list[wire.ProductItem | None], parcels: list[ParcelRow], notes: list[str]
) -> tuple[list[SubOrderRow], list[ProductItemRow]]:
    """Every line, and the one product on it. A line listed twice is kept once; two lines of one id are a bad record."""
    lines: list[SubOrderRow] = []
    products: list[ProductItemRow] = []
    seen: dict[str, wire.ProductItem] = {}
    for item in items:
        if item is None:
            continue
        line_id = _line_id(item)
        earlier = seen.setdefault(storable(line_id), item)
        if earlier is item:
            lines.append(_line(order_id, line_id, len(lines) + 1, item, parcels, notes))
            products.append(_product(order_id, line_id, item))
        elif earlier == item:
            notes.append(f"line {line_id} is listed twice, kept once")
        else:
            raise BadRecord(f"two different lines have the id {line_id}", "subItemIDString")
    return lines, products


def _line_id(item: wire.ProductItem) -> str:
    """The line's exact id, or the one in the address of its snapshot (api-facts 4.3)."""
    line_id = key(item.sub_item_id_string, "subItemIDString")
    if line_id is None:
        snapshot = _SNAPSHOT_LINE.search(item.product_snapshot_url or "")
        line_id = key(snapshot[1], "productSnapshotUrl") if snapshot else None
    if line_id is None:
        raise BadRecord("missing or empty, and productSnapshotUrl names no line", "subItemIDString")
    return line_id


def _line(
    order_id: str, line_id: str, line_no: int, item: wire.ProductItem, parcels: list[ParcelRow], notes: list[str]
) -> SubOrderRow:
    return SubOrderRow(
        order_id=order_id,
        sub_order_id=line_id,
        line_no=line_no,
        order_no=order_id,
        status=key(item.status, "status"),
        refund_status=key(item.refund_status, "refundStatus"),
        refund_id=code(item.refund_id),
        after_sale_refund_status=item.refund_status_for_as or None,
        after_sale_refund_id=code(item.refund_id_for_as),
        close_reason=item.close_reason or None,
        amount=yuan(item.item_amount, "itemAmount"),
        paid_amount=fen(item.actual_paid_fee, "actualPaidFee"),
        discount_amount=fen(item.entry_discount, "entryDiscount"),
        shipping_amount=yuan(item.share_postage, "sharePostage"),
        refund_amount=yuan(item.refund, "refund"),
        shared_promotion_raw=code(item.order_shared_promotion_fee),
        item_discount_raw=code(item.item_discount_fee),
        cross_promotion_raw=code(item.cross_promotion_fee),
        logistics_status=code(item.logistics_status),
        tracking_numbers=_tracking_numbers(parcels, line_id) if parcels else None,
        created_at=moment(item.gmt_create, "gmtCreate"),
        modified_at=moment(item.gmt_modified, "gmtModified"),
        guarantees=_guarantees(item.guarantees_terms, line_id, notes),
    )


def _product(order_id: str, line_id: str, item: wire.ProductItem) -> ProductItemRow:
    attributes, readable = _attributes(item.sku_infos or [])
    return ProductItemRow(
        order_id=order_id,
        sub_order_id=line_id,
        item_no=1,
        product_id=key(item.product_id, "productID"),
        sku_id=key(item.sku_id, "skuID"),
        spec_id=code(item.spec_id),
        cargo_no=item.product_cargo_number or None,
        title=item.name or None,
        image_url=_image(item.product_img_url),
        snapshot_url=item.product_snapshot_url or None,
        unit=item.unit or None,
        quantity=quantity(item.quantity, "quantity"),
        unit_price=yuan(item.price, "price"),
        amount=yuan(item.item_amount, "itemAmount"),
        sku_attributes=attributes,
        sku_text=readable,
    )


def _parcels(order_id: str, logistics: wire.NativeLogistics | None) -> list[ParcelRow]:
    """One row a parcel. Its id is the platform's, else its bill number, else its position; a second one gets `#2`."""
    parcels: list[ParcelRow] = []
    used: set[str] = set()
    for item in (logistics and logistics.logistics_items) or ():
        if item is None:
            continue
        tracking_no = key(item.logistics_bill_no, "logisticsBillNo")
        tracking_no = None if tracking_no == NO_LOGISTICS else tracking_no
        wanted = key(item.id, "logisticsItems.id") or tracking_no or str(len(parcels) + 1)
        parcel_id, count = wanted, 1
        while storable(parcel_id) in used:
            count += 1
            parcel_id = f"{wanted[: LONGEST_KEY - 6]}#{count}"
        used.add(storable(parcel_id))
        parcels.append(
            ParcelRow(
                order_id=order_id,
                parcel_id=parcel_id,
                tracking_no=tracking_no,
                carrier_name=item.logistics_company_name or None,
                carrier_code=item.logistics_company_no or None,
                status=item.status or None,
                delivery_type=item.type or None,
                freight_amount=yuan(item.carriage, "carriage"),
                delivered_at=moment(item.delivered_time, "deliveredTime"),
                sub_order_ids=parts(item.sub_item_ids),
            )
        )
    return parcels


def _receiver(order_id: str, logistics: wire.NativeLogistics | None) -> ReceiverRow | None:
    """The person, apart from the order; None when the record carries no address at all."""
    if logistics is None:
        return None
    receiver = ReceiverRow(
        order_id=order_id,
        name=logistics.contact_person or None,
        phone=logistics.telephone or None,
        mobile=logistics.mobile or None,
        country=logistics.country or None,
        province=logistics.province or None,
        city=logistics.city or None,
        district=logistics.area or None,
        district_code=logistics.area_code or None,
        address=logistics.address or None,
        zip=logistics.zip or None,
        encrypted_id=logistics.caid or None,
    )
    return None if receiver == ReceiverRow(order_id=order_id) else receiver


def _status_group(status: str, lines: list[SubOrderRow]) -> StatusGroup:
    group = status_group(PLATFORM, status)
    if group is not StatusGroup.AWAITING_SHIPMENT:
        return group
    return partly_shipped(group, [_has_left(line) for line in lines])


def _has_left(line: SubOrderRow) -> bool:
    return line.logistics_status in LEFT_LOGISTICS or status_group(PLATFORM, line.status or "") in LEFT_GROUPS


def _paid(steps: list[wire.Step | None]) -> Decimal | None:
    """What was paid over all steps; None when no step says."""
    paid = [fee for step in steps if step and (fee := yuan(step.paid_fee, "newStepOrderList.paidFee")) is not None]
    return yuan(str(sum(paid)), "newStepOrderList.paidFee") if paid else None


def _both(note: str | None, message: str | None) -> str | None:
    """What the buyer wrote: the note at ordering, the message, or both on lines of their own when they differ."""
    if note and message and note != message:
        return f"{note}\n{message}"
    return note or message or (note if message is None else message)


def _tracking_numbers(parcels: list[ParcelRow], line_id: str | None = None) -> list[str] | None:
    """Of all parcels, or of those that say they carry a line; in the order listed, each once."""
    numbers = {
        parcel.tracking_no: None
        for parcel in parcels
        if parcel.tracking_no and (line_id is None or line_id in (parcel.sub_order_ids or ()))
    }
    return list(numbers) or None


def _guarantees(terms: Raw, line_id: str, notes: list[str]) -> list[str] | None:
    """Short codes. Anything but a list of terms is noted and left to the raw payload (api-facts 6)."""
    if terms == wire.NULL:
        return None
    try:
        guarantees = wire.GUARANTEES.decode(terms)
    except UNREADABLE:
        notes.append(f"guaranteesTerms of line {line_id} is not the documented list and was not read")
        return None
    return codes([term.short_code for term in guarantees if term])


def _image(urls: list[str | None] | str | None) -> str | None:
    """The first image without a size in its name (the sample lists the 80x80 one first), else the first."""
    images = codes([urls] if isinstance(urls, str) else urls)
    if images is None:
        return None
    for image in images:
        if not _SIZED_IMAGE.search(image, image.rfind("/") + 1):
            return image
    return images[0]


def _attributes(infos: list[wire.SkuInfo | None]) -> tuple[dict[str, str] | None, str | None]:
    """`{"颜色": "黑白方格"}` and `颜色: 黑白方格`. Values of one name are joined by "/" in the dictionary."""
    attributes: dict[str, str] = {}
    pairs: list[str] = []
    for info in infos:
        if info is None or not (info.name or info.value):
            continue
        name, value = info.name or "", info.value or ""
        pairs.append(f"{name}: {value}" if name else value)
        if name:
            attributes[name] = f"{attributes[name]}/{value}" if name in attributes else value
    return attributes or None, "; ".join(pairs) or None
