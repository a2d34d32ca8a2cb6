"""Every row that belongs to an order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import sql
from psycopg.rows import dict_row

from orders_sync.store.database import Session
from orders_sync.store.missing import MISSING
from orders_sync.store.order_numbers import OrderKey
from orders_sync.store.queries import select_optional, select_rows, select_values

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


# roles that may not see persons read the other columns
_READABLE = """
SELECT attname::text FROM pg_attribute
WHERE attrelid = 'public.orders'::regclass AND attnum > 0 AND NOT attisdropped
    AND has_column_privilege(attrelid, attnum, 'SELECT')
ORDER BY attnum
"""


class _Keeper(msgspec.Struct, frozen=True):
    platform: str
    order_id: str
    account: str


def accounts(session: Session, keys: Sequence[OrderKey]) -> dict[OrderKey, str]:
    """Return the account that keeps each of these orders."""
    query = """
        SELECT o.platform, o.order_id, o.account FROM orders AS o
        JOIN unnest(%(platforms)s::text[], %(ids)s::text[]) AS k (platform, order_id) USING (platform, order_id)
    """
    values = {"platforms": [key.platform for key in keys], "ids": [key.order_id for key in keys]}
    return {OrderKey(row.platform, row.order_id): row.account for row in select_rows(session, query, values, _Keeper)}


def payload(session: Session, key: OrderKey) -> str | None:
    """Return what was received, None where it was removed as the settings say."""
    query = f"SELECT payload::text FROM raw_orders {_OF_ORDER}"
    return select_optional(session, query, msgspec.structs.asdict(key), str)


def everything(session: Session, key: OrderKey) -> dict[str, Any]:
    """Return every column of an order by name, without those that the role may not read.

    The `order`, lists of rows for its parts and its `history`, and `missing_since`, which is None while the platform
    lists the order.
    """
    values = msgspec.structs.asdict(key)
    [order] = _rows(session, _order_query(session), values)
    return {
        "order": order,
        **{part: _rows(session, query, values) for part, query in _PARTS.items()},
        "missing_since": select_optional(session, _MISSING, values, datetime),
    }


def _order_query(session: Session) -> sql.Composed:
    columns = [sql.Identifier(name) for name in select_values(session, _READABLE, None, str)]
    return sql.SQL("SELECT {} FROM orders " + _OF_ORDER).format(
        sql.SQL(", ").join(columns) if columns else sql.SQL("*")
    )


def _rows(session: Session, query: str | sql.Composed, values: dict[str, Any]) -> list[dict[str, Any]]:
    with session.cursor(row_factory=dict_row) as cursor:
        statement = query.encode() if isinstance(query, str) else query
        return cursor.execute(statement, values).fetchall()
