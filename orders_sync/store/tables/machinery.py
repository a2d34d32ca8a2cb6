"""The tables of `sync`: accounts, the ledger, what came of every look."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Interval,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, ExcludeConstraint

from orders_sync.store.tables.columns import PLATFORM, TIME, column, key, metadata

MACHINERY = "sync"  # the schema
# account and feed as a range of one number: ranges need no extension to be told apart in an exclusion constraint
ONE_FEED = "int8range(hashtextextended(account || ' ' || feed, 0), hashtextextended(account || ' ' || feed, 0), '[]')"

fences = Sequence("fences", schema=MACHINERY, metadata=metadata)

accounts = Table(
    "accounts",
    metadata,
    key("name", Text, "as in the settings: a label, which may change"),
    column("platform", Text, PLATFORM, nullable=False),
    column(
        "host", Text, "of base_url; with platform and seller who the account is. NULL until it is met in the settings"
    ),
    column("seller", Text, "1688 seller_nick, Xportcn user_id", nullable=False),
    column("feed", Text, "what incremental runs list by: updated or created", nullable=False),
    column("history_from", TIME, "the earliest moment planned so far"),
    column(
        "proven_from",
        TIME,
        "the proof begins here: what is older lies beyond the platform's reach; NULL when it begins at history_from",
    ),
    column("watermark", TIME, "everything the feed holds before it has landed, with proof"),
    column("last_error", Text, "why the last run of the account stopped; NULL after one that did not"),
    column("suspended_at", TIME, "when the platform refused its credentials; no call is made since"),
    column("suspended_because", Text, "what the platform said then"),
    column("credentials", Text, "a fingerprint of what was refused: other credentials lift the suspension"),
    column("rests_until", TIME, "its windows failed one after the other: the service makes no call for it before"),
    column("removed_at", TIME, "when it was found missing in the settings: nobody refreshes its orders since"),
    column("retired_at", TIME, "when somebody said that its orders need not be refreshed any more"),
    column("updated_at", TIME, "when this row last changed", nullable=False, server_default=func.now()),
    column(
        "empty_since", TIME, "when all of its history was first found to list no order; NULL once anything was listed"
    ),
    column("empty_read_at", TIME, "when that history was last read again, in case it was not listed yet"),
    column("observed", JSONB, "what the platform was seen to do where no document says it: page_size, ..."),
    PrimaryKeyConstraint("name"),
    UniqueConstraint("platform", "host", "seller", name="uq_accounts_identity"),
    schema=MACHINERY,
    comment="one row an account",
)

windows = Table(
    "windows",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the window"),
    column("account", Text, "sync.accounts.name", nullable=False),
    column(
        "kind",
        Text,
        "incremental moves the watermark; hook, confirm, sweep, backfill and repair read again",
        nullable=False,
    ),
    column("feed", Text, "updated or created: the time the list is filtered by", nullable=False),
    column("status", Text, "only orders in this status were asked for: proves nothing of the range; NULL for all"),
    column("starts_at", TIME, "first moment of the window", nullable=False),
    column("ends_at", TIME, "first moment after the window", nullable=False),
    column(
        "state",
        Text,
        "planned, running, done, failed, or split into smaller ones; beyond the platform's reach: proves nothing",
        nullable=False,
        server_default="planned",
    ),
    column("parent_id", BigInteger, "the window this one was split from"),
    column("backfill_id", BigInteger, "the backfill it belongs to, sync.backfills.id"),
    column("attempts", Integer, "how often it was claimed", nullable=False, server_default="0"),
    column("fence", BigInteger, "number of the claim: only its holder may commit", nullable=False, server_default="0"),
    column("owner", Text, "host and process that claimed it"),
    column("lease_until", TIME, "after this anyone may claim it again"),
    column("total", Integer, "rows the platform counted, newest word"),
    column("seen", Integer, "distinct rows read"),
    column("calls", Integer, "calls spent, retries included", nullable=False, server_default="0"),
    column(
        "part_rows",
        Integer,
        "rows its parts brought, all together, when they were fewer than its total: it is counted again; else NULL",
    ),
    column("parts_again_at", TIME, "when its parts were planned once more for that"),
    column("rows_new", Integer, "orders landed for the first time"),
    column("rows_changed", Integer, "orders landed again, changed"),
    column("rows_unchanged", Integer, "orders that needed no write"),
    column("rows_stale", Integer, "orders older than what is stored: dropped"),
    column("rows_rejected", Integer, "records that went to sync.rejects"),
    column("error", Text, "why it failed, or what was odd"),
    column("planned_at", TIME, "when it was planned", nullable=False, server_default=func.now()),
    column(
        "not_before",
        TIME,
        "it is read no earlier: an empty range, or a list that may lag, is asked once more; NULL for at once",
    ),
    column("started_at", TIME, "when it was last claimed"),
    column("finished_at", TIME, "when it was done, split or failed"),
    column("orders", ARRAY(Text), "the order ids it is read for: a message, or a list they left, says they changed"),
    column(
        "repeats",
        Integer,
        "how often a read for the same orders ended before without a change of them",
        nullable=False,
        server_default="0",
    ),
    column(
        "late_by",
        Interval,
        "by how much at least the latest order it landed was listed after its own time; NULL for none late",
    ),
    PrimaryKeyConstraint("id"),
    CheckConstraint("starts_at < ends_at", name="ck_windows_not_empty"),
    CheckConstraint("status IS NULL OR kind = 'sweep'", name="ck_windows_status"),
    CheckConstraint("state IN ('planned', 'running', 'done', 'failed', 'split', 'beyond')", name="ck_windows_state"),
    ExcludeConstraint(
        (text(ONE_FEED), "&&"),
        (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
        where=text("state = 'running'"),
        using="gist",
        name="ex_windows_one_reader",
    ),
    Index(
        "ix_windows_open",
        "account",
        "kind",
        "starts_at",
        postgresql_where=text("state IN ('planned', 'running', 'failed')"),
    ),
    Index(None, "account", "kind", "ends_at"),
    Index("ix_windows_claimed", "account", "fence", postgresql_where=text("fence > 0")),
    Index("ix_windows_backfill", "backfill_id", postgresql_where=text("backfill_id IS NOT NULL")),
    Index("ix_windows_finished", "finished_at", postgresql_where=text("state IN ('done', 'split')")),
    Index("ix_windows_late", "account", "finished_at", postgresql_where=text("late_by IS NOT NULL")),
    schema=MACHINERY,
    comment="the ledger: every window planned, what happened to it",
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
    schema=MACHINERY,
    comment="orders that more than one account lists",
)

rejects = Table(
    "rejects",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the reject"),
    column("account", Text, "sync.accounts.name", nullable=False),
    column("platform", Text, PLATFORM, nullable=False),
    column("order_id", Text, "when it could be read"),
    column("payload", BYTEA, "the record exactly as received; bytes, it may not even be text", nullable=False),
    column("payload_hash", BYTEA, "XXH3, 128 bits, of the payload", nullable=False),
    column("reason", Text, "what could not be normalised, with the field", nullable=False),
    column("window_id", BigInteger, "the window that brought it first, sync.windows.id"),
    column("read_at", TIME, "when the read that brought it began, by the database's clock", nullable=False),
    column("rejected_at", TIME, "when it was first seen", nullable=False, server_default=func.now()),
    column("resolved_at", TIME, "when the order landed after all"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("account", "payload_hash"),
    Index("ix_rejects_open", "platform", "order_id", postgresql_where=text("resolved_at IS NULL")),
    Index("ix_rejects_window", "window_id", postgresql_where=text("resolved_at IS NULL")),
    Index("ix_rejects_settled", "resolved_at", postgresql_where=text("resolved_at IS NOT NULL")),
    schema=MACHINERY,
    comment="records that could not be normalised, whole",
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
    schema=MACHINERY,
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
    schema=MACHINERY,
    comment="orders that complete reads of the time they were created in did not bring, three times in a row",
)

backfills = Table(
    "backfills",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the backfill"),
    column("account", Text, "sync.accounts.name", nullable=False),
    column("feed", Text, "updated or created: the time its windows are filtered by", nullable=False),
    column("starts_at", TIME, "first moment asked for", nullable=False),
    column("ends_at", TIME, "first moment after what is asked for", nullable=False),
    column("everything", Boolean, "read windows again that are complete", nullable=False, server_default="false"),
    column("state", Text, "requested, planned, done, failed or cancelled", nullable=False, server_default="requested"),
    column("requested_by", Text, "the database role that asked", nullable=False, server_default=text("session_user")),
    column("requested_at", TIME, "when it was asked for", nullable=False, server_default=func.now()),
    column("finished_at", TIME, "when it was done, failed or cancelled"),
    column("error", Text, "why it could not be planned or read"),
    PrimaryKeyConstraint("id"),
    CheckConstraint("starts_at < ends_at", name="ck_backfills_not_empty"),
    CheckConstraint(
        "starts_at >= timestamptz '1999-01-01 00:00:00+08' AND ends_at <= timestamptz '2200-01-01 00:00:00+08'"
        " AND date_trunc('second', starts_at AT TIME ZONE 'UTC') = starts_at AT TIME ZONE 'UTC'"
        " AND date_trunc('second', ends_at AT TIME ZONE 'UTC') = ends_at AT TIME ZONE 'UTC'",
        name="ck_backfills_range",
    ),
    CheckConstraint("state IN ('requested', 'planned', 'done', 'failed', 'cancelled')", name="ck_backfills_state"),
    Index("ix_backfills_open", "account", postgresql_where=text("state IN ('requested', 'planned')")),
    schema=MACHINERY,
    comment="ranges somebody asked to be read; sync.request_backfill() adds one",
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
    PrimaryKeyConstraint("id"),
    Index(None, "account", "started_at"),
    schema=MACHINERY,
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
    column("repaired_at", TIME, "when a read of the range ended the difference"),
    column(
        "feed",
        Text,
        "created or updated: the time of the list that differs",
        nullable=False,
        server_default="created",
    ),
    PrimaryKeyConstraint("audit_id", "feed", "starts_at"),
    schema=MACHINERY,
    comment="where an audit found another number, as narrow as it looked",
)

rates = Table(
    "rates",
    metadata,
    key("key", Text, "the account or app whose calls are counted together"),
    column("next_at", TIME, "when the next call may be made, by the database's clock", nullable=False),
    PrimaryKeyConstraint("key"),
    schema=MACHINERY,
    comment="the rate of an account or app, shared by all processes",
)

processes = Table(
    "processes",
    metadata,
    key("id", Text, "host:process number:random, unique for each start"),
    column("parts", ARRAY(Text), "what it runs: scheduler, worker, console", nullable=False),
    column("version", Text, "version of the program", nullable=False),
    column("tables", Text, "version of the tables that the program works on", nullable=False),
    column("host", Text, "name of its machine or container", nullable=False),
    column("pid", Integer, "process number there", nullable=False),
    column("started_at", TIME, "when it started", nullable=False, server_default=func.now()),
    column("seen_at", TIME, "last heartbeat, one every ten seconds", nullable=False),
    PrimaryKeyConstraint("id"),
    schema=MACHINERY,
    comment="processes of the service; a row is removed when its process stops",
)

messages = Table(
    "messages",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the message"),
    column("account", Text, "sync.accounts.name", nullable=False),
    column("digest", BYTEA, "XXH3, 128 bits, of the body: the same one once", nullable=False),
    column("message_type", Text, "messageType, once it was looked at and could be read"),
    column("order_no", Text, "orderNo of the order it speaks of, when it names one"),
    column("order_id", Text, "orderId of the order it speaks of, when it names one"),
    column("body", BYTEA, "exactly as received; bytes, it may not even be text", nullable=False),
    column("received_at", TIME, "when it came first", nullable=False, server_default=func.clock_timestamp()),
    column("handled_at", TIME, "when the read of its order was planned, or that there is none; NULL while it waits"),
    column("outcome", Text, "what was done about it, or what it waits for"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("account", "digest", name="uq_messages"),
    Index("ix_messages_waiting", "account", "id", postgresql_where=text("handled_at IS NULL")),
    Index(None, "received_at"),
    schema=MACHINERY,
    comment="what platforms told by themselves: hints on orders that are then read from the API",
)
