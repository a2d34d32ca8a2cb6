"""A row of GET /open/order/page as rows of the tables: target column, source field, unit."""

from __future__ import annotations

from collections.abc import Sequence

from orders_sync.domain.rows import OrderRow, OrderRows, ProductItemRow, SubOrderRow
from orders_sync.platforms.columns import Columns
from orders_sync.platforms.conversion import Notes, fen, id_text, key, known_status, moment, quantity, text
from orders_sync.platforms.decoding import decode_record, order_id_of
from orders_sync.platforms.line_ids import product_ids
from orders_sync.platforms.xportcn.amounts import LineAmount, convert_amounts
from orders_sync.platforms.xportcn.ids import same
from orders_sync.platforms.xportcn.lines import Line, add_result, new_line, rows_of
from orders_sync.platforms.xportcn.open import wire
from orders_sync.platforms.xportcn.results import UNKNOWN, SubOrderResult, result_of

# amounts: see `convert_amounts`
ORDER = Columns(
    wire.Order,
    OrderRow,
    order_no=("orderNo", key),
    seller_order_no=("sellerOrderNumber", text),
    source=("orderSource", text),
    created_at=("createTime", moment),
    paid_at=("payTime", moment),
    buyer_name=("userName", text),
)
SUB_ORDER = Columns(
    wire.SubOrder,
    SubOrderRow,
    order_no=("orderNo", text),
    status=("status", key),
    close_reason=("closeReason", text),
    currency=("purchaseCurrency", text),
    shipping_amount=("domesticPostFee", fen),
    sub_purchase_id=("subOrderId", text),
    error_code=("errorCode", text),
    error_message=("errorMessage", text),
)
PRODUCT = Columns(
    wire.SubOrder,
    ProductItemRow,
    product_id=("itemId", key),
    sku_id=("skuId", key),
    title=("title", text),
    quantity=("quantity", quantity),
)


def normalize(record: bytes) -> OrderRows:
    """One order, flattened. There is no address in this list, so there is no receiver. Raises `InvalidRecordError`."""
    notes = Notes()
    order = decode_record(wire.ORDER, record, notes)
    order_id = order_id_of(order.id, "id")
    row = OrderRow(order_id=order_id, status="", status_group="")
    ORDER.fill(row, order, notes)
    row.status = known_status("status", order.status, notes)
    listed = notes.present("subOrderVOS", order.subOrderVOS)
    lines = [
        _line(new_line(order_id, line_id, number), line, notes)
        for number, (line_id, line) in enumerate(zip(_ids(listed), listed, strict=True), 1)
    ]
    amounts = convert_amounts(
        "purchaseAmount",
        order.purchaseAmount,
        [
            LineAmount(
                line.at,
                "purchaseAmount",
                sent.purchaseAmount,
                line.product.quantity,
                line.row.shipping_amount,
            )
            for line, sent in zip(lines, listed, strict=True)
        ],
        notes,
        is_piece=True,
    )
    for line, price, amount in zip(lines, amounts.prices, amounts.amounts, strict=True):
        line.row.amount = line.product.amount = amount
        line.product.unit_price = price
    row.total_amount = amounts.total
    rows = rows_of(row, lines, None, record, notes)
    rows.has_all_lines = len(listed) == len(order.subOrderVOS or ())
    return rows


def _ids(lines: Sequence[wire.SubOrder]) -> list[str]:
    """`itemId:skuId:n`, always built, even should `subOrderId` be filled one day.

    A key that changes with what the platform fills would make new lines of old ones. That id goes to `sub_purchase_id`.
    """
    fixed = [(str(x.subOrderId), str(x.quantity), str(x.purchaseAmount), str(x.title)) for x in lines]
    products = [(id_text(line.itemId), id_text(line.skuId)) for line in lines]
    return product_ids(products, list(zip(fixed, lines, strict=True)))


def _line(made: Line, line: wire.SubOrder, notes: Notes) -> Line:
    SUB_ORDER.fill(made.row, line, notes, made.at)
    PRODUCT.fill(made.product, line, notes, made.at)
    add_result(made, _own_result(made.at, line, notes), notes)
    return made


def _own_result(at: str, line: wire.SubOrder, notes: Notes) -> SubOrderResult:
    """The line's subOrderResult where it speaks of the line's item and sku; in the document it does not."""
    result = result_of(at, line.subOrderResult, notes)
    if result is UNKNOWN or (same(result.item_id, line.itemId) and same(result.sku_id, line.skuId) is not False):
        return result
    notes.append(
        f"{at}subOrderResult is of another item ({result.item_id!s:.40}, sku {result.sku_id!s:.40}); ignored, "
        "kept in the raw payload"
    )
    return UNKNOWN
