"""How a row of POST /open/purchase/page becomes rows. Reads as a table: our column left, the platform's field right."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from orders_sync.domain.money import FEN
from orders_sync.domain.rows import OrderRow, OrderRows, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.domain.times import epoch_ms, local_time
from orders_sync.platforms.records import decode_record
from orders_sync.platforms.xportcn_ka.wire import ADDRESS, CREATED, ORDER, Address, CreateSubOrderResult, SubOrder
from orders_sync.platforms.xportcn_results import (
    UNKNOWN,
    Notes,
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

PLATFORM = "xportcn_ka"
NO_REFUND = "0"

NO_ADDRESS, NOT_CREATED = Address(), CreateSubOrderResult()


def normalize(record: bytes) -> OrderRows:
    """One purchase, flattened. The receiver is None when the address is absent or says nothing. Raises `BadRecord`."""
    order = decode_record(ORDER, record)
    order_id = key(order.id, "id")
    status = key(order.status, "status")
    notes = Notes()
    address = notes.unpack("", "warehouseAddressInfoVO", ADDRESS, order.warehouseAddressInfoVO) or NO_ADDRESS
    sub_orders: list[SubOrderRow] = []
    products: list[ProductItemRow] = []
    for line_no, line in enumerate(order.subOrderVOS or (), 1):
        sub_order, product = _line(order_id, line_no, line, notes)
        sub_orders.append(sub_order)
        products.append(product)
    refund = _furthest_refund(sub_orders)
    row = OrderRow(
        order_id=order_id,
        order_no=text(order.orderNo),
        purchase_id=text(order.purchaseId) or first(line.purchase_id for line in sub_orders),
        outer_purchase_id=text(order.purchaseOrderOuterId) or first(line.outer_purchase_id for line in sub_orders),
        status=status,
        status_group=status_group(PLATFORM, status, sub_orders),
        upstream_status=text(order.orderStatusDesc),
        refund_status=refund.refund_status if refund else None,
        refund_id=refund.refund_id if refund else None,
        currency=currency(sub_orders),
        total_amount=field("purchaseAmount", fen, order.purchaseAmount),
        created_at=field("createTime", local_time, order.createTime),
        paid_at=field("payTime", local_time, order.payTime),
        buyer_id=text(order.userId),
        buyer_name=text(order.userName),
        seller_name=text(order.supplierNick),
        buyer_message=text(order.remark),
        country=text(address.country),
        province=text(address.state),
        city=text(address.city),
        payment_no=first(line.payment_no for line in sub_orders),
        line_count=len(sub_orders),
        notes=list(notes) or None,
    )
    return finished(
        OrderRows(
            order=row,
            sub_orders=sub_orders,
            product_items=products,
            parcels=[],
            receiver=_receiver(order_id, address),
        ),
        record,
    )


def _receiver(order_id: str, address: Address) -> ReceiverRow | None:
    receiver = ReceiverRow(
        order_id=order_id,
        name=text(address.name),
        phone=text(address.phone),
        mobile=text(address.mobilePhone) or text(address.mobile_phone),
        country=text(address.country),
        province=text(address.state),
        city=text(address.city),
        district=text(address.district),
        address=text(address.address),
        zip=text(address.zip),
        tax_id=text(address.taxId),
    )
    return None if receiver == ReceiverRow(order_id=order_id) else receiver


def _line(order_id: str, line_no: int, line: SubOrder, notes: Notes) -> tuple[SubOrderRow, ProductItemRow]:
    at = f"line {line_no}: "
    sub_order_id = key(line.id, "subOrderVOS[].id")
    created = notes.unpack(at, "createSubOrderResult", CREATED, line.createSubOrderResult) or NOT_CREATED
    if _is_foreign(f"{at}createSubOrderResult", line, created.sub_purchase_order_id, notes):
        created = NOT_CREATED
    result = result_of(at, line.subOrderResult, notes)
    if _is_foreign(f"{at}subOrderResult", line, result.sub_purchase_order_id, notes):
        result = UNKNOWN
    details = details_of(at, result, notes)
    traded_in = text(result.purchase_currency) or "CNY"
    paid = notes.read(at, "purchase_amount", fen, result.purchase_amount)
    shipping = notes.read(at, "domestic_post_fee", fen, result.domestic_post_fee)
    estimated = notes.read(at, "estimate_amount", fen, created.estimate_amount)
    closes = notes.read(at, "close_time_without_payment", epoch_ms, result.close_time_without_payment)
    quantity = notes.read(at, "quantity", pieces, created.quantity if result.quantity is None else result.quantity)
    goods = goods_of(notes.read(at, "product_amount", fen, result.product_amount), paid, shipping, quantity)
    sub_order = SubOrderRow(
        order_id=order_id,
        sub_order_id=sub_order_id,
        line_no=line_no,
        order_no=text(line.orderNo),
        status=text(line.subOrderStatus),
        upstream_status=text(result.status),
        refund_status=text(line.refundStatus),
        refund_id=text(line.refundId),
        is_closed=result.closed,
        currency=traded_in,
        amount=paid,
        shipping_amount=shipping,
        estimated_amount=estimated,
        purchase_id=text(line.taobaoPurchaseId),
        sub_purchase_id=text(line.taobaoSubPurchaseId)
        or text(result.sub_purchase_order_id)
        or text(created.sub_purchase_order_id),
        outer_purchase_id=text(result.purchase_order_outer_id),
        outer_line_id=text(result.purchase_order_line_outer_id),
        merchant_line_no=text(created.order_line_no),
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
        product_id=text(result.item_id) or text(created.item_id),
        sku_id=text(result.sku_id) or text(created.sku_id),
        title=text(result.title),
        image_url=text(line.itemImageUrl) or details.image_url,
        shop_id=details.shop_id,
        shop_name=details.shop_name,
        quantity=quantity,
        currency=traded_in,
        unit_price=goods.unit_price,
        amount=goods.amount,
        sku_attributes=details.attributes,
        sku_text=readable(details.attributes),
        sku_attributes_en=details.attributes_en,
        sku_text_en=readable(details.attributes_en),
    )
    return sub_order, product


def _is_foreign(where: str, line: SubOrder, sub_purchase_id: int | str | None, notes: Notes) -> bool:
    """Whether a result speaks of another line; not so when either side has no number to tell by."""
    own, its = text(line.taobaoSubPurchaseId), text(sub_purchase_id)
    if own is None or its is None or own == its:
        return False
    notes.append(f"{where} is of another line ({its}); ignored, kept in the raw payload")
    return True


class Goods(NamedTuple):
    """Yuan: all pieces of a line, and one piece."""

    amount: Decimal | None
    unit_price: Decimal | None


def goods_of(
    product: Decimal | None, paid: Decimal | None, shipping: Decimal | None, quantity: Decimal | None
) -> Goods:
    """What product_amount says. Nobody documents whether it is the line's or a piece's, so the arithmetic must.

    one piece                                it is both
    product_amount + shipping = paid         the line's; a piece costs its part when that is whole fen
    product_amount x pieces + shipping = paid   a piece's
    otherwise (a discount, a line unpaid)    neither is known, and nothing is guessed into a money column
    """
    if product is None or quantity == 1:
        return Goods(product, product)
    if paid is None:
        return Goods(None, None)
    goods = paid - (shipping or 0)
    if product == goods:
        return Goods(goods, _part(goods, quantity))
    if quantity is not None and product * quantity == goods:
        return Goods(goods, product)
    return Goods(None, None)


def _part(goods: Decimal, quantity: Decimal | None) -> Decimal | None:
    if quantity is None or quantity < 1:
        return None
    price = (goods / quantity).quantize(FEN)
    return price if price * quantity == goods else None


def _furthest_refund(lines: Iterable[SubOrderRow]) -> SubOrderRow | None:
    """The line whose refund has come furthest; None when no line has one.

    The codes count up as a refund goes on; a refused or closed one (-10, -20) is behind every open one (api-facts 2.3).
    A line keeps its code as the platform says it, 0 included; on the order "no refund" is None.
    """
    refunds = [line for line in lines if line.refund_status not in (None, NO_REFUND)]
    return max(refunds, key=lambda line: _progress(line.refund_status or ""), default=None)


def _progress(code: str) -> float:
    """An unknown word is behind every code."""
    return float(code) if code.removeprefix("-").isdecimal() else float("-inf")
