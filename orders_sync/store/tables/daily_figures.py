"""The tables behind `bi.daily_sales`: figures of each day, which triggers on `orders` keep."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Identity, Index, Numeric, PrimaryKeyConstraint, Table, Text

from orders_sync.store.tables.columns import PLATFORM, SYNC_SCHEMA, column, key, metadata

daily_figures = Table(
    "daily_figures",
    metadata,
    Column("id", BigInteger, Identity(), nullable=False, comment="number of the row"),
    key("platform", Text, PLATFORM),
    key("account", Text, "as in orders"),
    column("direction", Text, "as in orders"),
    key("currency", Text, "as in orders"),
    column("day", Date, "day in the zone of sync.daily_zone; NULL where the moment is not known"),
    key("ordered", BigInteger, "orders placed on the day"),
    key("valid", BigInteger, "of these, those that count"),
    key("valid_amount", Numeric, "total_amount of those"),
    key("valid_refund", Numeric, "refund_amount of those"),
    key(
        "net_amount",
        Numeric,
        "total_amount less refund_amount of those, without orders whose refund is not known",
    ),
    key("refund_of_ordered", Numeric, "refund_amount of all orders placed on the day"),
    key("cancelled", BigInteger, "orders placed on the day and cancelled"),
    key("paid", BigInteger, "orders first paid on the day"),
    key("paid_amount", Numeric, "total_amount of those"),
    key("refunded", BigInteger, "orders first seen refunded on the day"),
    key("refund", Numeric, "refund_amount of those"),
    PrimaryKeyConstraint("id"),
    Index(None, "account", "day"),  # bi.daily_sales of an account or a time, and sync.compact_daily_figures()
    schema=SYNC_SCHEMA,
    comment="figures of each day for bi.daily_sales, in rows to be summed up: what landings added and took away",
)

daily_zone = Table(
    "daily_zone",
    metadata,
    key("time_zone", Text, "bi.time_zone() when they were made"),
    PrimaryKeyConstraint("time_zone"),
    schema=SYNC_SCHEMA,
    comment="the zone of the days in sync.daily_figures, one row",
)
