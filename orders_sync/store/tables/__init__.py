"""Every table, column, key, index and comment, once. Migrations are held against this by `alembic check`.

business     `public`, for analysts
machinery    `sync`
"""

from __future__ import annotations

from orders_sync.store.tables.business import (
    BUSINESS,
    order_history,
    order_parcels,
    order_receivers,
    order_statuses,
    orders,
    product_items,
    raw_orders,
    sub_orders,
)
from orders_sync.store.tables.columns import metadata
from orders_sync.store.tables.machinery import MACHINERY

__all__ = [
    "BUSINESS",
    "MACHINERY",
    "TAKEN",
    "metadata",
    "order_history",
    "order_parcels",
    "order_receivers",
    "order_statuses",
    "orders",
    "product_items",
    "raw_orders",
    "sub_orders",
]

# which of our names stand in a database already: tables, types, schemas that hold anything
TAKEN = """
SELECT name FROM unnest(ARRAY[{}]) AS name WHERE to_regclass(name) IS NOT NULL OR to_regtype(name) IS NOT NULL
UNION
SELECT 'schema ' || nspname FROM pg_namespace AS n
WHERE nspname IN ('{}', 'sync_jobs') AND (
    EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid) OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid)
)
ORDER BY 1
""".format(", ".join(f"'{name}'" for name in sorted(metadata.tables)), MACHINERY)
