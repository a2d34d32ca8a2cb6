"""Every table, column, key, index and comment, once. `alembic check` compares migrations with it.

orders           `public`, for analysts: an order, its history, its payload, the names of statuses
order_parts      `public`: lines, products, parcels, receiver
sync_ledger      `sync`: accounts, windows, backfills
sync_findings    `sync`: rejects, orders with a peculiarity, audits
sync_service     `sync`: rate limits, processes, messages, notices
activity         `sync`: what people did
console          `sync`: people who use the console, their sessions and log-ins
requests         `sync`: what people asked the running service to do
change_feed      `sync`: deleted orders, and the feed that cursors of `bi.changes_since()` belong to
daily_figures    `sync`: figures of each day for `bi.daily_sales`
product_figures  `sync`: figures of products by week for `bi.product_weeks`
"""

from __future__ import annotations

from orders_sync.store.tables import (
    activity,
    change_feed,
    console,
    daily_figures,
    product_figures,
    requests,
    sync_findings,
    sync_ledger,
    sync_service,
)
from orders_sync.store.tables.columns import SYNC_SCHEMA, metadata
from orders_sync.store.tables.order_parts import order_parcels, order_receivers, product_items, sub_orders
from orders_sync.store.tables.orders import order_history, order_statuses, orders, raw_orders

__all__ = [
    "BUSINESS",
    "NAME_CLASHES",
    "SYNC_SCHEMA",
    "activity",
    "change_feed",
    "console",
    "daily_figures",
    "metadata",
    "order_history",
    "order_parcels",
    "order_receivers",
    "order_statuses",
    "orders",
    "product_figures",
    "product_items",
    "raw_orders",
    "requests",
    "sub_orders",
    "sync_findings",
    "sync_ledger",
    "sync_service",
]

BUSINESS = (
    orders,
    sub_orders,
    product_items,
    order_parcels,
    order_receivers,
    order_history,
    order_statuses,
    raw_orders,
)

# the names of our tables and schemas that a database holds already: tables, types, schemas with anything in them
NAME_CLASHES = """
SELECT name FROM unnest(ARRAY[{}]) AS name WHERE to_regclass(name) IS NOT NULL OR to_regtype(name) IS NOT NULL
UNION
SELECT 'schema ' || nspname FROM pg_namespace AS n
WHERE nspname IN ('{}', 'sync_jobs') AND (
    EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid) OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid)
)
ORDER BY 1
""".format(", ".join(f"'{name}'" for name in sorted(metadata.tables)), SYNC_SCHEMA)
