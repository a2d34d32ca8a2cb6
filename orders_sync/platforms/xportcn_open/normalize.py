"""How a row of GET /open/order/page becomes rows: target column, source field, unit."""

from __future__ import annotations

from collections.abc import Sequence

from orders_sync.domain.rows import OrderRow, OrderRows, ProductItemRow, SubOrderRow
from orders_sync.platforms.columns import Columns
from orders_sync.platforms.conversion import Notes, fen, key, known_status, moment, quantity, text
from orders_sync.platforms.line_ids import product_ids
from orders_sync.platforms.records import decode_record
from orders_sync.platforms.xportcn_amounts import LineAmount, read_amounts
from orders_sync.platforms.xportcn_open import wire
from orders_sync.platforms.xportcn_results import (
    UNKNOWN,
    Line,
    SubOrderResult,
    id_text,
    line_of,
    order_id_of,
    result_of,
    rows_of,
    same,
)

# amounts: see `read_amounts`
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
    """One order, flattened. There is no address in this list, so there is no receiver. Raises `BadRecord`."""
    notes = Notes()
    order = decode_record(wire.ORDER, record, notes)
    order_id = order_id_of(order.id)
    columns = ORDER.read(order, notes)
    status = known_status("status", order.status, notes)
    listed = notes.present("subOrderVOS", order.subOrderVOS)
    lines = [_line(*each, line, notes) for each, line in zip(enumerate(_ids(listed), 1), listed, strict=True)]
    amounts = read_amounts(
        "purchaseAmount",
        order.purchaseAmount,
        [
            LineAmount(
                line.at,
                "purchaseAmount",
                sent.purchaseAmount,
                line.product.get("quantity"),
                line.columns["shipping_amount"],
            )
            for line, sent in zip(lines, listed, strict=True)
        ],
        notes,
        is_piece=True,
    )
    for line, price, amount in zip(lines, amounts.prices, amounts.amounts, strict=True):
        line.columns["amount"] = line.product["amount"] = amount
        line.product["unit_price"] = price
    row = OrderRow(order_id=order_id, status=status, status_group="", total_amount=amounts.total, **columns)
    rows = rows_of(row, lines, None, record, notes)
    rows.has_all_lines = len(listed) == len(order.subOrderVOS or ())
    return rows


def _ids(lines: Sequence[wire.SubOrder]) -> list[str]:
    """`itemId:skuId:n`, always built, even should `subOrderId` be filled one day: a key that changes with what the
    platform fills would make new lines of old ones. That id goes to `sub_purchase_id`."""
    fixed = [(str(x.subOrderId), str(x.quantity), str(x.purchaseAmount), str(x.title)) for x in lines]
    products = [(id_text(line.itemId), id_text(line.skuId)) for line in lines]
    return product_ids(products, list(zip(fixed, lines, strict=True)))


def _line(line_no: int, sub_order_id: str, line: wire.SubOrder, notes: Notes) -> Line:
    at = f"line {line_no}: "
    own, product = SUB_ORDER.read(line, notes, at), PRODUCT.read(line, notes, at)
    return line_of(sub_order_id, line_no, own, product, _own_result(at, line, notes), notes)


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
