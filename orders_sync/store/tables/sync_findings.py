"""Findings of reads in `sync`, beside the orders themselves: rejects, orders with a peculiarity, and audits."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from orders_sync.store.tables.columns import PLATFORM, SYNC_SCHEMA, TIME, column, key, metadata

rejects = Table(
    "rejects",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the reject"),
    column("account", Text, "sync.accounts.name", nullable=False),
    column("platform", Text, PLATFORM, nullable=False),
    column("order_id", Text, "when it could be read"),
    column("payload", BYTEA, "the record exactly as received; bytes, it may not even be text", nullable=False),
    column("payload_hash", BYTEA, "XXH3, 128 bits, of the payload", nullable=False),
    column("reason", Text, "what could not be normalized, with the field", nullable=False),
    column("window_id", BigInteger, "the window that brought it first, sync.windows.id"),
    column("read_at", TIME, "when the read that brought it began, by the database's clock", nullable=False),
    column("rejected_at", TIME, "when it was first seen", nullable=False, server_default=func.now()),
    column(
        "resolved_at",
        TIME,
        "when it was settled: the order landed after all, or a later complete read did not bring the record",
    ),
    column(
        "reason_key",
        Text,
        "the kind of the reason, the same in every version: no_order_id, not_json, ...",
        nullable=False,
        server_default="other",
    ),
    column("ignored_at", TIME, "when somebody said that it need not be looked at; NULL for open and settled ones"),
    column("ignored_by", Text, "who said so: sync.activity.actor"),
    column(
        "listed_at",
        TIME,
        "the time it shows of those the list of its window goes by; NULL where it shows none, and before 0050",
    ),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("account", "payload_hash"),
    Index("ix_rejects_open", "platform", "order_id", postgresql_where=text("resolved_at IS NULL")),
    Index("ix_rejects_nameless", "account", postgresql_where=text("order_id IS NULL AND resolved_at IS NULL")),
    Index("ix_rejects_window", "window_id", postgresql_where=text("resolved_at IS NULL")),
    Index(
        "ix_rejects_reason",
        "reason_key",
        "id",
        postgresql_include=["account", "platform", "ignored_at"],
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index("ix_rejects_settled", "resolved_at", postgresql_where=text("resolved_at IS NOT NULL")),
    schema=SYNC_SCHEMA,
    comment="records that could not be normalized, whole",
)

shared_orders = Table(
    "shared_orders",
    metadata,
    key("platform", Text, PLATFORM),
    key("order_id", Text, "orders.order_id"),
    key("account", Text, "an account that lists the order beside the one that keeps it"),
    column("payload_hash", BYTEA, "XXH3, 128 bits, of what it listed last: other bytes are a change", nullable=False),
    column("seen_at", TIME, "when the read that brought these bytes began", nullable=False),
    PrimaryKeyConstraint("platform", "order_id", "account"),
    Index("ix_shared_orders_account", "account"),
    schema=SYNC_SCHEMA,
    comment="orders that more than one account lists",
)

older_versions = Table(
    "older_versions",
    metadata,
    key("platform", Text, PLATFORM),
    key("order_id", Text, "orders.order_id"),
    column("account", Text, "sync.accounts.name, of the read that brought it", nullable=False),
    column("modified_at", TIME, "the modify time it brought, earlier than that of the stored version", nullable=False),
    column("read_at", TIME, "when that read began, by the database's clock", nullable=False),
    column("window_id", BigInteger, "the window that brought it, sync.windows.id"),
    column("noted_at", TIME, "when it was noted", nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("platform", "order_id"),
    schema=SYNC_SCHEMA,
    comment="orders last read with an earlier modify time than the stored version has; believed when read so again",
)

missing_orders = Table(
    "missing_orders",
    metadata,
    key("platform", Text, PLATFORM),
    key("order_id", Text, "orders.order_id"),
    column("missing_since", TIME, "when the last of the reads that did not bring it began", nullable=False),
    column("window_id", BigInteger, "that read, sync.windows.id", nullable=False),
    PrimaryKeyConstraint("platform", "order_id"),
    schema=SYNC_SCHEMA,
    comment="orders that complete reads of the time they were created in did not bring, three times in a row",
)

audits = Table(
    "audits",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the audit"),
    column("account", Text, "sync.accounts.name", nullable=False),
    column("starts_at", TIME, "first moment of creation time compared", nullable=False),
    column("ends_at", TIME, "first moment after it", nullable=False),
    column("started_at", TIME, "when it began", nullable=False, server_default=func.now()),
    column("finished_at", TIME, "when it ended; NULL while it runs, or when it was cut off"),
    column("platform_orders", Integer, "orders the platform counts by creation time"),
    column("table_orders", Integer, "orders and open rejects in the tables, by creation time"),
    column("differences", Integer, "ranges that differ, sync.audit_differences"),
    column("calls", Integer, "calls spent on counting", nullable=False, server_default="0"),
    column(
        "is_routine", Boolean, "the service made it by itself, of everything", nullable=False, server_default="false"
    ),
    column("error", Text, "why it stopped"),
    column("seen_at", TIME, "last heartbeat while it runs, two a minute; long past: its process was killed"),
    column(
        "awaited",
        Integer,
        "orders that the platform lists and the next sync reads anyway, which are no difference; NULL for audits of "
        "earlier versions",
    ),
    column(
        "rejects",
        Integer,
        "open rejects among table_orders: records that are no orders here; NULL for audits of earlier versions",
    ),
    PrimaryKeyConstraint("id"),
    Index(None, "account", "started_at"),
    schema=SYNC_SCHEMA,
    comment="the platform's own counts against the tables",
)

audit_differences = Table(
    "audit_differences",
    metadata,
    key("audit_id", BigInteger, "sync.audits.id"),
    key("starts_at", TIME, "first moment that differs, of the time that feed names"),
    column("ends_at", TIME, "first moment after it", nullable=False),
    column("platform_orders", Integer, "orders the platform counts", nullable=False),
    column("table_orders", Integer, "orders and open rejects in the tables", nullable=False),
    column("repaired_at", TIME, "when a read of the range ended the difference, or a later audit compared it again"),
    column(
        "feed",
        Text,
        "created or updated: the time of the list that differs",
        nullable=False,
        server_default="created",
    ),
    column("missing", Integer, "orders that the tables lack or hold in an older version; NULL before 0029"),
    column("missing_ids", ARRAY(Text), "those the tables lack, as far as they were read one by one"),
    column("older_ids", ARRAY(Text), "those the tables hold in an older version"),
    column("not_listed_ids", ARRAY(Text), "those the platform does not list (any more) though the tables hold them"),
    column("settled_by", BigInteger, "the later audit that compared the range again, sync.audits.id"),
    column("acknowledged_at", TIME, "when somebody said that it may stay so: it is no problem since"),
    column("acknowledged_by", Text, "who said so: sync.activity.actor"),
    column("acknowledged_because", Text, "why"),
    PrimaryKeyConstraint("audit_id", "feed", "starts_at"),
    Index("ix_audit_differences_open", "audit_id", postgresql_where=text("repaired_at IS NULL")),
    schema=SYNC_SCHEMA,
    comment="ranges of which platform and tables have other numbers of orders, as narrow as the audit compared",
)
