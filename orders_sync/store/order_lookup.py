"""Lookup of one order by any of its numbers, with every row that belongs to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row

from orders_sync.store.database import Session
from orders_sync.store.missing import MISSING
from orders_sync.store.queries import select_optional, select_rows

_FIND = """
SELECT platform, order_id FROM orders
WHERE order_id = %(id)s OR order_no = %(id)s OR purchase_id = %(id)s OR outer_purchase_id = %(id)s
UNION
SELECT platform, order_id FROM sub_orders WHERE sub_order_id = %(id)s
UNION
SELECT platform, order_id FROM order_parcels WHERE tracking_no = %(id)s
ORDER BY platform, order_id LIMIT 20
"""

_MISSING = f"""
SELECT m.missing_since FROM {MISSING}
WHERE o.platform = %(platform)s AND o.order_id = %(order_id)s
"""

_OF_ORDER = "WHERE platform = %(platform)s AND order_id = %(order_id)s"
_PARTS = {
    "sub_orders": f"SELECT * FROM sub_orders {_OF_ORDER} ORDER BY line_no",
    "product_items": f"SELECT * FROM product_items {_OF_ORDER} ORDER BY 3",
    "order_parcels": f"SELECT * FROM order_parcels {_OF_ORDER} ORDER BY 3",
    "history": f"SELECT * FROM order_history {_OF_ORDER} ORDER BY seen_at",
}


class OrderKey(msgspec.Struct, frozen=True):
    """The key of an order in the tables."""

    platform: str
    order_id: str


def find(session: Session, number: str) -> list[OrderKey]:
    """Return the orders, 20 at most, that have a number: an order's, purchase's, line's or tracking number."""
    return select_rows(session, _FIND, {"id": number}, OrderKey)


def payload(session: Session, key: OrderKey) -> str | None:
    """Return what was received, None where it was removed as the settings say."""
    query = f"SELECT payload::text FROM raw_orders {_OF_ORDER}"
    return select_optional(session, query, msgspec.structs.asdict(key), str)


def everything(session: Session, key: OrderKey) -> dict[str, Any]:
    """Return every column of an order by name.

    The `order`, lists of rows for its parts and its `history`, and `missing_since`, which is None while the platform
    lists the order.
    """
    values = msgspec.structs.asdict(key)
    [order] = _rows(session, f"SELECT * FROM orders {_OF_ORDER}", values)
    return {
        "order": order,
        **{part: _rows(session, query, values) for part, query in _PARTS.items()},
        "missing_since": select_optional(session, _MISSING, values, datetime),
    }


def _rows(session: Session, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with session.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
