"""Every row that belongs to an order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import sql
from psycopg.rows import dict_row

from orders_sync.store.database import Session
from orders_sync.store.order_numbers import OrderKey
from orders_sync.store.queries import select_dict, select_optional, select_rows, select_values
from orders_sync.store.unlisted import UNLISTED

_KEYS = "unnest(%(platforms)s::text[], %(ids)s::text[]) AS k (platform, order_id)"
_OF_ORDERS = f"JOIN {_KEYS} ON (t.platform, t.order_id) = (k.platform, k.order_id)"
_UNLISTED = f"""
SELECT o.platform || ' ' || o.order_id, m.missing_since
FROM {UNLISTED} JOIN {_KEYS} ON (o.platform, o.order_id) = (k.platform, k.order_id)
"""
_PARTS = {
    "sub_orders": f"SELECT t.* FROM sub_orders AS t {_OF_ORDERS} ORDER BY line_no",
    "product_items": f"SELECT t.* FROM product_items AS t {_OF_ORDERS} ORDER BY 3",
    "order_parcels": f"SELECT t.* FROM order_parcels AS t {_OF_ORDERS} ORDER BY 3",
    "history": f"SELECT t.* FROM order_history AS t {_OF_ORDERS} ORDER BY seen_at",
}


# roles that may not see personal data read the other columns
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
    query = f"SELECT platform, order_id, t.account FROM orders AS t JOIN {_KEYS} USING (platform, order_id)"
    rows = select_rows(session, query, _values(keys), _Keeper)
    return {OrderKey(row.platform, row.order_id): row.account for row in rows}


def payload(session: Session, key: OrderKey) -> str | None:
    """Return what was received, None where it was removed as the settings say."""
    query = "SELECT payload::text FROM raw_orders WHERE platform = %(platform)s AND order_id = %(order_id)s"
    return select_optional(session, query, msgspec.structs.asdict(key), str)


def everything(session: Session, keys: Sequence[OrderKey]) -> dict[OrderKey, dict[str, Any]]:
    """Return by order every column by name, without those that the role may not read; one statement for each table.

    The `order`, lists of rows for its parts and its `history`, and `missing_since`, which is None while the platform
    lists the order. An order that is not in `orders` is left out.
    """
    values = _values(keys)
    unlisted = select_dict(session, _UNLISTED, values, dict[str, datetime])
    found: dict[OrderKey, dict[str, Any]] = {}
    for row in _rows(session, _orders_query(session), values):
        key = _key(row)
        missing_since = unlisted.get(f"{key.platform} {key.order_id}")
        found[key] = {"order": row, **{part: [] for part in _PARTS}, "missing_since": missing_since}
    for part, query in _PARTS.items():
        for row in _rows(session, query, values):
            if rows := found.get(_key(row)):
                rows[part].append(row)
    return found


def _values(keys: Sequence[OrderKey]) -> dict[str, Any]:
    return {"platforms": [key.platform for key in keys], "ids": [key.order_id for key in keys]}


def _key(row: dict[str, Any]) -> OrderKey:
    return OrderKey(row["platform"], row["order_id"])


def _orders_query(session: Session) -> sql.Composed:
    columns = [sql.Identifier("t", name) for name in select_values(session, _READABLE, None, str)]
    return sql.SQL("SELECT {} FROM orders AS t " + _OF_ORDERS).format(
        sql.SQL(", ").join(columns) if columns else sql.SQL("t.*")
    )


def _rows(session: Session, query: str | sql.Composed, values: dict[str, Any]) -> list[dict[str, Any]]:
    with session.cursor(row_factory=dict_row) as cursor:
        statement = query.encode() if isinstance(query, str) else query
        return cursor.execute(statement, values).fetchall()
