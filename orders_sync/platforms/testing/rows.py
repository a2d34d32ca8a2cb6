"""Checks that every row must pass so that it can land."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from orders_sync.domain.rows import OrderRow, OrderRows, ParcelRow, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.domain.statuses import StatusGroup

LONGEST_KEY = 255  # a B-tree takes 2704 bytes of all key columns together
INDEXED = {
    OrderRow: ("order_id", "order_no", "purchase_id", "outer_purchase_id", "status"),
    SubOrderRow: ("sub_order_id", "status", "refund_status"),
    ProductItemRow: ("sub_order_id", "product_id", "sku_id"),
    ParcelRow: ("parcel_id", "tracking_no"),
    ReceiverRow: (),
}


def unnoted(rows: OrderRows) -> list[Any]:
    """Return all values of the rows but the notes."""
    return [msgspec.structs.replace(rows.order, notes=None), *rows.all()[1:]]


def all_texts(rows: OrderRows) -> Iterator[str]:
    for row in rows.all():
        for name in row.__struct_fields__:
            yield from _texts(getattr(row, name))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts([*value.keys(), *value.values()])


@dataclass(frozen=True, slots=True)
class Column:
    """The values that a field of a row may hold."""

    name: str
    where: str
    kinds: frozenset[type]  # with that of None where it may be absent


def columns_of(kind: type) -> list[Column]:
    """Return the columns of a row in the order of its fields. `list[str]` counts as list: items are checked anyway."""
    return [
        Column(name, f"{kind.__name__}.{name}", frozenset(get_origin(each) or each for each in alternatives(hint)))
        for name, hint in get_type_hints(kind).items()
    ]


def alternatives(hint: Any) -> tuple[Any, ...]:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return (*kinds, StatusGroup) if str in kinds else kinds


ROWS: tuple[type[msgspec.Struct], ...] = (OrderRow, SubOrderRow, ProductItemRow, ParcelRow, ReceiverRow)
COLUMNS = {kind: columns_of(kind) for kind in ROWS}
# Of an order with one odd value, all rows but one are as they were: those that passed are known by types and values,
# numbers with the digits that they are written with.
_exact = msgspec.json.Encoder(decimal_format="number")
_passed: set[int] = set()


def check_rows(rows: OrderRows) -> None:
    """Every row can land: declared types, unique keys, lines that belong together, nothing a database refuses."""
    order_id = rows.order.order_id
    for row in rows.all():
        values = msgspec.structs.astuple(row)
        known = hash((type(row), *map(type, values), _exact.encode(values)))
        if known not in _passed:
            check_row(row, values)
            _passed.add(known)
        assert row.order_id == order_id  # type: ignore[attr-defined]
    assert order_id
    assert rows.order.status_group in set(StatusGroup)
    lines = [line.sub_order_id for line in rows.sub_orders]
    items = [(item.sub_order_id, item.item_no) for item in rows.product_items]
    parcels = [parcel.parcel_id for parcel in rows.parcels]
    assert all(lines) and len(set(lines)) == len(lines) == rows.order.line_count  # noqa: PT018
    assert len(set(items)) == len(items)
    assert {line for line, _ in items} <= set(lines)
    assert all(parcels) and len(set(parcels)) == len(parcels)  # noqa: PT018


def check_row(row: msgspec.Struct, values: tuple[Any, ...]) -> None:
    for column, value in zip(COLUMNS[type(row)], values, strict=True):
        assert type(value) in column.kinds, f"{column.where} is {type(value).__name__}"
        if type(value) is str:
            check_text(value)
        elif value is not None:
            check_value(value, column)
    for name in INDEXED[type(row)]:
        assert len(getattr(row, name) or "") <= LONGEST_KEY, f"{name} is too long for an index"


@cache  # a check of every value at every place of an order meets the same texts a million times
def check_text(text: str) -> None:
    assert type(text) is str, f"{text!r} is no text"
    assert "\x00" not in text, f"{text!r} holds a NUL"
    text.encode()


def check_value(value: Any, column: Column) -> None:
    where = column.where
    match value:
        case Decimal():
            exponent = value.as_tuple().exponent
            assert isinstance(exponent, int), f"{where} is {value}"
            if column.name == "quantity":
                assert abs(value) < 10**30, where
                assert -30 <= exponent <= 30, where
            elif column.name == "unit_price":
                assert -14 <= exponent <= -2, f"{where} is {value}"
                assert abs(value) < 10**16, where
            else:
                assert exponent == -2, f"{where} is {value}"
                assert abs(value) < 10**16, where
        case datetime():
            assert value.utcoffset() is not None, where
            assert abs(value.utcoffset() or timedelta()) < timedelta(days=1), where
        case list():
            for item in value:
                check_text(item)
        case dict():
            for item in (*value, *value.values()):
                check_text(item)
