"""Orders of the smallest platform there could be, and landing them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from orders_sync.domain.directions import Direction
from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.records import LoadCounts, Record
from orders_sync.domain.rows import OrderRow, OrderRows, ParcelRow, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.store import load
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import LandingSource

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def payload(order_id: str, status: str = "paid", modified: float | None = 0, **more: Any) -> bytes:
    lines = more.pop("lines", [f"{order_id}-1", f"{order_id}-2"])
    when = None if modified is None else at(modified).isoformat()
    return json.dumps({"id": order_id, "status": status, "modified": when, "lines": lines, **more}).encode()


def normalize(record: bytes) -> OrderRows:
    """The smallest platform there could be."""
    said = json.loads(record)
    if said.get("broken"):
        raise InvalidRecordError("is broken", "broken")
    order_id = said["id"]
    order = OrderRow(
        order_id=order_id,
        order_no=said.get("no"),
        status=said["status"],
        status_group="other",
        total_amount=Decimal(said.get("amount", "1.00")),
        modified_at=datetime.fromisoformat(said["modified"]) if said["modified"] else None,
        line_count=len(said["lines"]),
    )
    return OrderRows(
        order=order,
        sub_orders=[
            SubOrderRow(order_id=order_id, sub_order_id=line, line_no=number, status=said.get("line_status"))
            for number, line in enumerate(said["lines"], 1)
        ],
        product_items=[
            ProductItemRow(order_id=order_id, sub_order_id=line, item_no=1, sku_attributes={"颜色": "红\t\\\n"})
            for line in said["lines"]
        ],
        parcels=[ParcelRow(order_id=order_id, parcel_id=parcel) for parcel in said.get("parcels", [])],
        receiver=ReceiverRow(order_id=order_id, name=said.get("name", "张*")),
    )


SOURCE = LandingSource("1688", "shop", None, normalize, Direction.SALE)


async def land(connection: Connection, *payloads: bytes, read: float = 0) -> LoadCounts:
    records = [Record(json.loads(each)["id"], each, at(read)) for each in payloads]
    async with connection.transaction():
        return await load.land(connection, SOURCE, records)
