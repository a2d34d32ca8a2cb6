"""What every row must be so that it can land."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, get_type_hints

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
    """All that landed but the notes."""
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


HINTS: dict[type, dict[str, Any]] = {
    kind: get_type_hints(kind) for kind in (OrderRow, SubOrderRow, ProductItemRow, ParcelRow, ReceiverRow)
}  # fmt: skip


def check_rows(rows: OrderRows) -> None:
    """Every row can land: declared types, unique keys, lines that belong together, nothing a database refuses."""
    order_id = rows.order.order_id
    for row in rows.all():
        for name, hint in HINTS[type(row)].items():
            check_value(getattr(row, name), hint, f"{type(row).__name__}.{name}")
        for name in INDEXED[type(row)]:
            assert len(getattr(row, name) or "") <= LONGEST_KEY, f"{name} is too long for an index"
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
    for text in all_texts(rows):
        assert "\x00" not in text
        text.encode()


def check_value(value: Any, hint: Any, where: str) -> None:
    if value is None:
        assert type(None) in getattr(hint, "__args__", ()), f"{where} is None"
        return
    kinds = [kind for kind in getattr(hint, "__args__", (hint,)) if kind is not type(None)]
    names = {kind.__name__ for kind in kinds}
    if isinstance(value, StatusGroup):
        value = value.value
    assert type(value).__name__ in names, f"{where} is {type(value).__name__}, not {hint}"
    match value:
        case Decimal():
            assert value.is_finite(), where
            if where.endswith(".quantity"):
                assert abs(value) < 10**30, where
                assert -30 <= value.as_tuple().exponent <= 30, where  # type: ignore[operator]
            elif where.endswith(".unit_price"):
                assert -14 <= value.as_tuple().exponent <= -2, f"{where} is {value}"  # type: ignore[operator]
                assert abs(value) < 10**16, where
            else:
                assert value.as_tuple().exponent == -2, f"{where} is {value}"
                assert abs(value) < 10**16, where
        case datetime():
            assert value.utcoffset() is not None, where
            assert abs(value.utcoffset() or timedelta()) < timedelta(days=1), where
        case list():
            assert all(type(item) is str for item in value), where
        case dict():
            assert all(type(item) is str for item in [*value, *value.values()]), where
