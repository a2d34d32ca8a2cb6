"""The tables of `bi.changes_since()` beside `orders.changed_xid`: deletions, and the feed that cursors belong to."""

from __future__ import annotations

from sqlalchemy import BigInteger, PrimaryKeyConstraint, Table, Text, func
from sqlalchemy.dialects.postgresql import OID, UUID

from orders_sync.store.tables.columns import PLATFORM, SYNC_SCHEMA, TIME, changed_xid, column, key, metadata

deleted_orders = Table(
    "deleted_orders",
    metadata,
    changed_xid("transaction that deleted it"),
    key("platform", Text, PLATFORM),
    key("order_id", Text, "as in orders"),
    column("account", Text, "the account that had kept it current", nullable=False),
    column("deleted_at", TIME, "start of that transaction", nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("changed_xid", "platform", "order_id"),
    schema=SYNC_SCHEMA,
    comment="orders that were deleted, so that readers of the change feed learn of it",
)

change_feed = Table(
    "change_feed",
    metadata,
    column("id", UUID, "stands in every cursor", nullable=False, server_default=func.gen_random_uuid()),
    column("system_identifier", BigInteger, "the cluster that transaction numbers belong to", nullable=False),
    column("database_oid", OID, "the database in it", nullable=False),
    column("orders_oid", OID, "the table public.orders in it", nullable=False),
    column("started_at", TIME, "when this feed began", nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("id"),
    schema=SYNC_SCHEMA,
    comment="the change feed that cursors belong to, one row: tables that are restored or copied begin a new one",
)
