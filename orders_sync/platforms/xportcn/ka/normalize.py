"""A row of POST /open/purchase/page as rows of the tables: target column, source field, unit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from orders_sync.domain.rows import OrderRow, OrderRows, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.platforms.amounts import in_fitting_unit
from orders_sync.platforms.columns import Columns, add_missing
from orders_sync.platforms.conversion import Notes, exact_id, id_text, key, known_status, moment, quantity, text
from orders_sync.platforms.decoding import decode_record, order_id_of
from orders_sync.platforms.line_ids import distinct_lines
from orders_sync.platforms.xportcn.amounts import LineAmount, convert_amounts, part
from orders_sync.platforms.xportcn.ids import same
from orders_sync.platforms.xportcn.ka import wire
from orders_sync.platforms.xportcn.lines import Line, add_result, new_line, rows_of
from orders_sync.platforms.xportcn.results import UNKNOWN, SubOrderResult, result_of, unpacked

NO_REFUND = "0"
NOT_CREATED = wire.CreateSubOrderResult()

# amounts and refund: see `normalize`
ORDER = Columns(
    wire.Order,
    OrderRow,
    order_no=("orderNo", key),
    purchase_id=("purchaseId", key),
    outer_purchase_id=("purchaseOrderOuterId", key),
    upstream_status=("orderStatusDesc", text),
    created_at=("createTime", moment),
    paid_at=("payTime", moment),
    buyer_id=("userId", text),
    buyer_name=("userName", text),
    seller_name=("supplierNick", text),
    buyer_message=("remark", text),
)
SUB_ORDER = Columns(
    wire.SubOrder,
    SubOrderRow,
    order_no=("orderNo", text),
    status=("subOrderStatus", key),
    refund_status=("refundStatus", key),
    refund_id=("refundId", text),
    purchase_id=("taobaoPurchaseId", key),
    sub_purchase_id=("taobaoSubPurchaseId", text),
    error_code=("errorCode", text),
    error_message=("errorMessage", text),
)
CREATED_LINE = Columns(
    wire.CreateSubOrderResult,
    SubOrderRow,
    merchant_line_no=("order_line_no", text),
    sub_purchase_id=("sub_purchase_order_id", text),
)
CREATED_PRODUCT = Columns(
    wire.CreateSubOrderResult,
    ProductItemRow,
    product_id=("item_id", key),
    sku_id=("sku_id", key),
    quantity=("quantity", quantity),
)
RECEIVER = Columns(
    wire.Address,
    ReceiverRow,
    name=("name", text),
    phone=("phone", text),
    country=("country", text),
    province=("state", text),
    city=("city", text),
    district=("district", text),
    address=("address", text),
    zip=("zip", text),
    tax_id=("taxId", text),
)


def normalize(record: bytes) -> OrderRows:
    """One purchase, flattened.

    The receiver is None when the address is absent or says nothing. Raises `InvalidRecordError`.
    """
    notes = Notes()
    order = decode_record(wire.ORDER, record, notes)
    order_id = order_id_of(order.id, "id")
    row = OrderRow(order_id=order_id, status="", status_group="")
    ORDER.fill(row, order, notes)
    row.status = known_status("status", order.status, notes)
    receiver = _receiver(order_id, order.warehouseAddressInfoVO, notes)
    if receiver:
        row.country, row.province, row.city = receiver.country, receiver.province, receiver.city
    listed = notes.present("subOrderVOS", order.subOrderVOS)
    ids = [notes.convert("id", exact_id, line.id, f"line {number}: ") for number, line in enumerate(listed, 1)]
    distinct = distinct_lines(listed, ids, _purchase, "id", notes)
    results = [_results(f"line {number}: ", line, notes) for number, (_, line) in enumerate(distinct, 1)]
    lines = [
        _line(new_line(order_id, line_id, number), line, *both, notes)
        for number, ((line_id, line), both) in enumerate(zip(distinct, results, strict=True), 1)
    ]
    row.total_amount = _add_amounts(order.purchaseAmount, lines, results, notes)
    rows = rows_of(row, lines, receiver, record, notes)
    rows.has_all_lines = len(listed) == len(order.subOrderVOS or ())
    refund = _furthest_refund(rows.sub_orders)
    if refund:
        row.refund_status, row.refund_id = refund.refund_status, refund.refund_id
    return rows


def _receiver(order_id: str, address: wire.Address | None, notes: Notes) -> ReceiverRow | None:
    if address is None:
        return None
    where = "warehouseAddressInfoVO."
    row = ReceiverRow(order_id=order_id)
    RECEIVER.fill(row, address, notes, where)
    row.mobile = notes.convert("mobilePhone", text, address.mobilePhone, where) or notes.convert(
        "mobile_phone", text, address.mobile_phone, where
    )
    return None if row == ReceiverRow(order_id=order_id) else row


def _purchase(line: wire.SubOrder) -> tuple[str | None, str | None]:
    """Return the numbers that stand for the id of a line without one."""
    return id_text(line.taobaoPurchaseId), id_text(line.taobaoSubPurchaseId)


def _results(at: str, line: wire.SubOrder, notes: Notes) -> tuple[wire.CreateSubOrderResult, SubOrderResult]:
    """Return the line's order as placed and Taobao's result; empty structs for what belongs to another line."""
    created = unpacked(wire.CREATED, f"{at}createSubOrderResult", line.createSubOrderResult, notes) or NOT_CREATED
    if _is_foreign(at, "createSubOrderResult", line, created.sub_purchase_order_id, notes):
        created = NOT_CREATED
    result = result_of(at, line.subOrderResult, notes)
    if _is_foreign(at, "subOrderResult", line, result.sub_purchase_order_id, notes):
        result = UNKNOWN
    return created, result


def _is_foreign(at: str, name: str, line: wire.SubOrder, sub_purchase_id: Any, notes: Notes) -> bool:
    """Return whether a result belongs to another line, and note it; False when either side has no number."""
    if same(line.taobaoSubPurchaseId, sub_purchase_id) is not False:
        return False
    notes.append(f"{at}{name} is of another line ({sub_purchase_id!s:.40}); ignored, kept in the raw payload")
    return True


def _line(
    made: Line, line: wire.SubOrder, created: wire.CreateSubOrderResult, result: SubOrderResult, notes: Notes
) -> Line:
    """A line: what the list says of it itself before what its result adds, before what was placed."""
    SUB_ORDER.fill(made.row, line, notes, made.at)
    made.product.image_url = notes.convert("itemImageUrl", text, line.itemImageUrl, made.at)
    placed = CREATED_LINE.convert(created, notes, made.at)
    placed_product = CREATED_PRODUCT.convert(created, notes, made.at)
    add_result(made, result, notes)
    add_missing(made.row, placed)
    add_missing(made.product, placed_product)
    return made


def _add_amounts(
    sent: Any, lines: list[Line], results: list[tuple[wire.CreateSubOrderResult, SubOrderResult]], notes: Notes
) -> Decimal | None:
    """Add the amounts of every line to its columns. Returns what the order costs, yuan."""
    amounts = convert_amounts(
        "purchaseAmount",
        sent,
        [
            LineAmount(
                line.at, "purchase_amount", result.purchase_amount, line.product.quantity, line.row.shipping_amount
            )
            for line, (_, result) in zip(lines, results, strict=True)
        ],
        notes,
        is_piece=False,
    )
    for line, (created, result), paid in zip(lines, results, amounts.amounts, strict=True):
        pieces = line.product.quantity
        goods = None if paid is None else paid - (line.row.shipping_amount or 0)
        price = part(goods, pieces)
        product = in_fitting_unit(
            "product_amount", result.product_amount, (paid, goods, price), notes, line.at, is_fen=True
        )
        line.product.amount, line.product.unit_price = goods_of(product, goods, pieces, price)
        line.row.amount = paid
        if line.currency and same(created.estimate_currency, line.currency) is False:
            notes.append(
                f"{line.at}estimate_currency is {created.estimate_currency!s:.40}; estimate_amount is left out"
            )
        else:
            line.row.estimated_amount = in_fitting_unit(
                "estimate_amount", created.estimate_amount, (paid,), notes, line.at, is_fen=True
            )
    return amounts.total


def goods_of(
    product: Decimal | None, goods: Decimal | None, pieces: Decimal | None, price: Decimal | None
) -> tuple[Decimal | None, Decimal | None]:
    """Return product_amount as yuan of all pieces of a line and of one piece.

    Nobody documents whether it is the line's or a piece's, so the arithmetic must.

    one piece                                it is both
    product_amount = goods                   the line's; a piece costs its part where that is a price
    product_amount x pieces = goods          a piece's
    otherwise (a discount, a line unpaid)    neither is known, and nothing is guessed into a money column

    `goods`: what is paid for the line without postage; `price`: its part for one piece.
    """
    if product is None or pieces == 1:
        return product, product
    if goods is not None and product == goods:
        return goods, price
    if goods is not None and pieces is not None and product * pieces == goods:
        return goods, product
    return None, None


def _furthest_refund(lines: Iterable[SubOrderRow]) -> SubOrderRow | None:
    """The line whose refund has come furthest; None when no line has one.

    The codes count up as a refund goes on; a refused or closed one (-10, -20) is behind every open one (api-facts 2.3).
    A line keeps its code as the platform says it, 0 included; on the order "no refund" is None.
    """
    refunds = [line for line in lines if line.refund_status not in (None, NO_REFUND)]
    return max(refunds, key=lambda line: _progress(line.refund_status or ""), default=None)


def _progress(code: str) -> float:
    """An unknown word is behind every code."""
    return float(code) if code.isascii() and code.removeprefix("-").isdecimal() else float("-inf")
