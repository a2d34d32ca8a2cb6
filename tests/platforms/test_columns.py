"""A table of columns reads the same by the function compiled of it as field by field."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import msgspec
import pytest

from orders_sync.domain.rows import OrderRow
from orders_sync.platforms.columns import Columns
from orders_sync.platforms.conversion import Notes, Number
from orders_sync.platforms.testing.json_values import NO_TIMES, ODD_VALUES, TIMES, tried_of

MODULES = [
    import_module(f"orders_sync.platforms.{name}")
    for name in (
        "alibaba_1688.lines",
        "alibaba_1688.normalize",
        "xportcn.lines",
        "xportcn.open.normalize",
        "xportcn.ka.normalize",
    )
]
TABLES = {
    f"{module.__name__.removeprefix('orders_sync.platforms.')}.{name}": table
    for module in MODULES
    for name, table in vars(module).items()
    if isinstance(table, Columns)
}
ORDER = "alibaba_1688.normalize.ORDER"
AMOUNTS = ("12.34", 1234, "1.005", "１２", Number("1.50"), Number("1e3"), "0.00", 0, "-3", "1" * 300)
VALUES = (*ODD_VALUES, *TIMES, *NO_TIMES, *AMOUNTS)


@pytest.mark.parametrize("name", TABLES)
def test_every_value_in_every_field_is_read_as_field_by_field(name: str) -> None:
    table = TABLES[name]
    for value in tried_of(VALUES):
        for source in _sources(table, value):
            quick, slow = Notes(), Notes()
            found = table.convert(source, quick, "line 2: ")
            assert repr(found) == repr(table.convert_noting(source, slow, "line 2: "))
            assert quick == slow
            filled, row = Notes(), _empty(table)
            table.fill(row, source, filled, "line 2: ")
            assert repr(row) == repr(msgspec.structs.replace(_empty(table), **found))
            assert filled == slow


def test_a_column_that_has_a_value_keeps_it() -> None:
    row = OrderRow(order_id="1", status="success", status_group="", buyer_name="before")
    order = msgspec.convert({"buyerLoginId": "after", "payTime": "soon", "sellerLoginId": "new"}, TABLES[ORDER].source)
    TABLES[ORDER].fill(row, order, Notes())
    assert (row.buyer_name, row.seller_name) == ("before", "new")
    TABLES[ORDER].fill(row, msgspec.structs.replace(order, payTime=None), Notes())
    assert row.buyer_name == "before"


def test_one_odd_field_costs_neither_the_others_nor_their_order() -> None:
    table = TABLES[ORDER]
    order = {"createTime": "2026-10-01 10:00:00", "payTime": "soon", "refund": "1.005", "status": [], "couponFee": "2"}
    notes = Notes()
    found = table.convert(msgspec.convert(order, table.source), notes)
    assert {name: str(value) for name, value in found.items()} == {
        "created_at": "2026-10-01 10:00:00+08:00",
        "refund_amount": "1.01",
        "coupon_amount": "2.00",
    }
    assert [note.split()[0] for note in notes] == ["refund", "payTime"]


def _sources(table: Columns, value: Any) -> list[msgspec.Struct]:
    """The value in one field after the other, alone and beside the same value everywhere else."""
    fields = table.source.__struct_fields__
    return [table.source(**{name: value}) for name in fields] + [table.source(**dict.fromkeys(fields, value))]


def _empty(table: Columns) -> msgspec.Struct:
    return table.row(**dict.fromkeys(table.row.__struct_fields__))
