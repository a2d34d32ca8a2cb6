"""A record as rows of the tables: target column, source field, unit."""

from __future__ import annotations

from typing import Any

from example_shop import wire
from example_shop.statuses import STATUSES
from orders_sync.domain.rows import OrderRow, OrderRows, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.domain.statuses import StatusGroup, groups
from orders_sync.domain.windows import Feed
from orders_sync.platforms import Head
from orders_sync.platforms.columns import Columns
from orders_sync.platforms.conversion import (
    Notes,
    exact_id,
    id_text,
    key,
    known_status,
    moment,
    price,
    quantity,
    text,
    yuan,
)
from orders_sync.platforms.decoding import decode_head, decode_record, make_storable, order_id_of
from orders_sync.platforms.line_ids import distinct_lines

ORDER = Columns(
    wire.Order,
    OrderRow,
    created_at=("created_at", moment),
    modified_at=("updated_at", moment),
    paid_at=("paid_at", moment),
    total_amount=("total", yuan),
    shipping_amount=("shipping", yuan),
    buyer_name=("buyer", text),
)
SUB_ORDER = Columns(wire.Line, SubOrderRow, amount=("amount", yuan))
PRODUCT = Columns(
    wire.Line,
    ProductItemRow,
    product_id=("product_id", key),
    sku_id=("sku_id", key),
    title=("title", text),
    quantity=("quantity", quantity),
    unit_price=("price", price),
)
RECEIVER = Columns(
    wire.Receiver,
    ReceiverRow,
    name=("name", text),
    phone=("phone", text),
    province=("province", text),
    city=("city", text),
    address=("address", text),
)
_GROUPS = groups(STATUSES)


def identify(record: bytes, feed: Feed) -> Head:
    """Return the order id of a record and the time it is listed by, decoding nothing else. Raises nothing."""
    return decode_head(wire.HEAD, record, "id", _created if feed is Feed.CREATED else _updated)


def _created(head: wire.Head) -> tuple[Any, Any]:
    return head.id, head.created_at


def _updated(head: wire.Head) -> tuple[Any, Any]:
    return head.id, head.updated_at


def normalize(record: bytes) -> OrderRows:
    """Return the rows of a record, odd values as notes. Raises `InvalidRecordError` if it names no order."""
    notes = Notes()
    order = decode_record(wire.ORDER, record, notes)
    order_id = order_id_of(order.id, "id")
    columns = ORDER.convert(order, notes)
    status = known_status("state", order.state, notes)
    receiver = RECEIVER.convert(order.receiver, notes, "receiver.") if order.receiver else {}
    listed = notes.present("lines", order.lines)
    lines = _lines(listed, notes)
    sub_orders, products = [], []
    for number, (line_id, line) in enumerate(lines, 1):
        at = f"line {number}: "
        own = SUB_ORDER.convert(line, notes, at)
        sub_orders.append(SubOrderRow(order_id=order_id, sub_order_id=line_id, line_no=number, **own))
        product = {"amount": own.get("amount"), **PRODUCT.convert(line, notes, at)}
        products.append(ProductItemRow(order_id=order_id, sub_order_id=line_id, item_no=1, **product))
    row = OrderRow(
        order_id=order_id,
        order_no=order_id,
        status=status,
        status_group=_GROUPS.get(status, StatusGroup.OTHER),
        province=receiver.get("province"),
        city=receiver.get("city"),
        line_count=len(lines),
        **columns,
        notes=notes.shown(),
    )
    rows = OrderRows(
        order=row,
        sub_orders=sub_orders,
        product_items=products,
        parcels=[],
        receiver=ReceiverRow(order_id=order_id, **receiver) if receiver else None,
        has_all_lines=len(listed) == len(order.lines or ()),
    )
    return make_storable(rows, record)


def _lines(lines: list[wire.Line], notes: Notes) -> list[tuple[str, wire.Line]]:
    """Return every line once, with the id of its row."""
    ids = [notes.convert("line_id", exact_id, line.line_id, f"line {no}: ") for no, line in enumerate(lines, 1)]
    return distinct_lines(lines, ids, lambda line: (id_text(line.product_id), id_text(line.sku_id)), "line_id", notes)
