"""How a row of GET /open/order/page becomes rows. Reads as a table: our column left, the platform's field right."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from orders_sync.domain.money import yuan
from orders_sync.domain.rows import OrderRow, OrderRows, ProductItemRow, SubOrderRow
from orders_sync.domain.times import epoch_ms, local_time
from orders_sync.platforms.records import decode_record
from orders_sync.platforms.xportcn_open.wire import ORDER, SubOrder
from orders_sync.platforms.xportcn_results import (
    UNKNOWN,
    Notes,
    SubOrderResult,
    currency,
    details_of,
    fen,
    field,
    finished,
    first,
    key,
    pieces,
    readable,
    result_of,
    status_group,
    text,
)

PLATFORM = "xportcn_open"


def normalize(record: bytes) -> OrderRows:
    """One order, flattened. There is no address in this list, so there is no receiver. Raises `BadRecord`."""
    order = decode_record(ORDER, record)
    order_id = key(order.id, "id")
    status = key(order.status, "status")
    notes = Notes()
    sub_orders: list[SubOrderRow] = []
    products: list[ProductItemRow] = []
    seen: Counter[str] = Counter()
    for line_no, line in enumerate(order.subOrderVOS or (), 1):
        sub_order, product = _line(order_id, line_no, _sub_order_id(line, seen), line, notes)
        sub_orders.append(sub_order)
        products.append(product)
    row = OrderRow(
        order_id=order_id,
        order_no=text(order.orderNo),
        seller_order_no=text(order.sellerOrderNumber),
        outer_purchase_id=first(line.outer_purchase_id for line in sub_orders),
        status=status,
        status_group=status_group(PLATFORM, status, sub_orders),
        source=text(order.orderSource),
        currency=currency(sub_orders),
        total_amount=field("purchaseAmount", fen, order.purchaseAmount),
        created_at=field("createTime", local_time, order.createTime),
        paid_at=field("payTime", local_time, order.payTime),
        buyer_name=text(order.userName),
        payment_no=first(line.payment_no for line in sub_orders),
        line_count=len(sub_orders),
        notes=list(notes) or None,
    )
    return finished(OrderRows(order=row, sub_orders=sub_orders, product_items=products, parcels=[]), record)


def _sub_order_id(line: SubOrder, seen: Counter[str]) -> str:
    """`itemId:skuId:n`, n counting equal lines from 1 as they are listed: two equal lines stay two rows.

    Always built, even should `subOrderId` be filled one day: a key that changes with the platform's mood would make
    new lines of old ones. That id goes to `sub_purchase_id`.
    """
    product = f"{text(line.itemId) or ''}:{text(line.skuId) or ''}"
    seen[product] += 1
    return key(f"{product}:{seen[product]}", "subOrderVOS[].itemId:skuId")


def _own_result(at: str, line: SubOrder, notes: Notes) -> SubOrderResult:
    """The line's subOrderResult where it speaks of the line's item and sku; in the document it does not."""
    result = result_of(at, line.subOrderResult, notes)
    if result is UNKNOWN:
        return UNKNOWN
    item, sku = text(result.item_id), text(result.sku_id)
    if item is not None and (item, sku) == (text(line.itemId), text(line.skuId)):
        return result
    notes.append(f"{at}subOrderResult is of another item ({item}, sku {sku}); ignored, kept in the raw payload")
    return UNKNOWN


def _line(
    order_id: str, line_no: int, sub_order_id: str, line: SubOrder, notes: Notes
) -> tuple[SubOrderRow, ProductItemRow]:
    at = f"line {line_no}: "
    result = _own_result(at, line, notes)
    details = details_of(at, result, notes)
    traded_in = text(line.purchaseCurrency) or "CNY"
    unit_price = field("subOrderVOS[].purchaseAmount", fen, line.purchaseAmount)  # of one piece: api-facts 2.2
    quantity = field("subOrderVOS[].quantity", pieces, line.quantity)
    amount = field("subOrderVOS[].purchaseAmount x quantity", yuan, _times(unit_price, quantity))
    shipping = field("subOrderVOS[].domesticPostFee", fen, line.domesticPostFee)
    if shipping is None:
        shipping = notes.read(at, "domestic_post_fee", fen, result.domestic_post_fee)
    closes = notes.read(at, "close_time_without_payment", epoch_ms, result.close_time_without_payment)
    sub_order = SubOrderRow(
        order_id=order_id,
        sub_order_id=sub_order_id,
        line_no=line_no,
        order_no=text(line.orderNo),
        status=text(line.status),
        upstream_status=text(result.status),
        close_reason=text(line.closeReason),
        is_closed=result.closed,
        currency=traded_in,
        amount=amount,
        shipping_amount=shipping,
        sub_purchase_id=text(line.subOrderId) or text(result.sub_purchase_order_id),
        outer_purchase_id=text(result.purchase_order_outer_id),
        outer_line_id=text(result.purchase_order_line_outer_id),
        payment_no=text(result.alipay_pay_order_no),
        pay_expires_at=closes,
        guarantees=details.guarantees,
        error_code=text(line.errorCode),
        error_message=text(line.errorMessage),
    )
    product = ProductItemRow(
        order_id=order_id,
        sub_order_id=sub_order_id,
        item_no=1,
        product_id=text(line.itemId),
        sku_id=text(line.skuId),
        title=text(line.title) or text(result.title),
        image_url=details.image_url,
        shop_id=details.shop_id,
        shop_name=details.shop_name,
        quantity=quantity,
        currency=traded_in,
        unit_price=unit_price,
        amount=amount,
        sku_attributes=details.attributes,
        sku_text=readable(details.attributes),
        sku_attributes_en=details.attributes_en,
        sku_text_en=readable(details.attributes_en),
    )
    return sub_order, product


def _times(unit_price: Decimal | None, quantity: Decimal | None) -> Decimal | None:
    return None if unit_price is None or quantity is None else unit_price * quantity
