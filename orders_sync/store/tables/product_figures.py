"""The tables behind `bi.product_weeks`: figures of products by week, and the weeks of which these are not valid."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Numeric, PrimaryKeyConstraint, Table, Text

from orders_sync.store.tables.columns import PLATFORM, SYNC_SCHEMA, TIME, column, key, metadata

_WEEK = "sync.product_week() of the orders"

product_figures = Table(
    "product_figures",
    metadata,
    Column("id", BigInteger, Identity(), nullable=False, comment="number of the row"),
    key("account", Text, "as in orders"),
    key("week", TIME, _WEEK),
    key("platform", Text, PLATFORM),
    column("direction", Text, "as in sub_orders"),
    key("currency", Text, "as in sub_orders"),
    column("product_id", Text, "as in product_items"),
    column("sku_id", Text, "as in product_items"),
    column("unit", Text, "as in product_items"),
    column("first_ordered_at", TIME, "its first order of the week"),
    column("last_ordered_at", TIME, "its newest order of the week"),
    column("titled_at", TIME, "the newest of these with a title of it"),
    column("described_at", TIME, "the newest of these with a sku_text of it"),
    key("orders", BigInteger, "orders with it that count"),
    key("quantity", Numeric, "of it, on these"),
    key("goods_amount", Numeric, "what that cost, without postage"),
    column("lowest_price", Numeric, "lowest unit_price on these"),
    column("highest_price", Numeric, "highest unit_price on these"),
    PrimaryKeyConstraint("id"),
    Index(None, "account", "week"),  # bi.product_weeks of an account, and store/product_figures.py
    schema=SYNC_SCHEMA,
    comment="figures of products by week for bi.product_weeks; invalid where sync.outdated_product_weeks has the week",
)

outdated_product_weeks = Table(
    "outdated_product_weeks",
    metadata,
    Column("id", BigInteger, Identity(), nullable=False, comment="number of the row"),
    key("account", Text, "as in orders"),
    key("week", TIME, _WEEK),
    PrimaryKeyConstraint("id"),
    schema=SYNC_SCHEMA,
    comment="weeks of which orders changed since sync.product_figures were made; a row for each statement and week",
)
