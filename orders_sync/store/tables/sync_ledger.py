"""The ledger in `sync`: the accounts, the windows of time that are planned and read, and requested backfills."""

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

from orders_sync.domain.ledger import BackfillState
from orders_sync.domain.windows import WindowState
from orders_sync.store.states import OPEN_BACKFILLS, OPEN_WINDOWS, READ_WINDOWS, sql_list
from orders_sync.store.tables.columns import PLATFORM, SYNC_SCHEMA, TIME, column, key, metadata

# account and feed as a range of one number: ranges need no extension to be told apart in an exclusion constraint
ONE_FEED = "int8range(hashtextextended(account || ' ' || feed, 0), hashtextextended(account || ' ' || feed, 0), '[]')"

fences = Sequence("fences", schema=SYNC_SCHEMA, metadata=metadata)

accounts = Table(
    "accounts",
    metadata,
    key("name", Text, "as in the settings: a label, which may change"),
    column("platform", Text, PLATFORM, nullable=False),
    column(
        "host",
        Text,
        "host of base_url: platform, host and seller are the identity of the account; NULL until the settings had it",
    ),
    column("seller", Text, "1688 seller_nick, Xportcn user_id", nullable=False),
    column("feed", Text, "what incremental runs list by: updated or created", nullable=False),
    column("history_from", TIME, "the earliest moment planned so far"),
    column(
        "proven_from",
        TIME,
        "the proof begins here: what is older lies beyond the platform's reach; NULL when it begins at history_from",
    ),
    column(
        "watermark", TIME, "where the proof ends: all that the feed lists of the history before this time has landed"
    ),
    column(
        "last_error",
        Text,
        "the last error of its reads or its planning; NULL once a run met none and no failed window is left",
    ),
    column("suspended_at", TIME, "when the platform refused its credentials; no call is made since"),
    column("suspended_because", Text, "the platform's refusal"),
    column("credentials", Text, "a fingerprint of what was refused: other credentials lift the suspension"),
    column(
        "rests_until",
        TIME,
        "the service makes no call for it before: last_error says why, such as failed reads or a long hold",
    ),
    column("removed_at", TIME, "when it was found missing in the settings: nobody refreshes its orders since"),
    column("retired_at", TIME, "when somebody said that its orders need not be refreshed any more"),
    column(
        "updated_at",
        TIME,
        "when this row last changed, but for what planning, probes, retention and an empty history write",
        nullable=False,
        server_default=func.now(),
    ),
    column(
        "empty_since", TIME, "when all of its history was first found to list no order; NULL once anything was listed"
    ),
    column("empty_read_at", TIME, "when that history was last read again, in case it was not listed yet"),
    column(
        "paused_at", TIME, "when a person paused it: it is neither planned nor read since; NULL while it is not paused"
    ),
    column("paused_until", TIME, "when the pause ends by itself; NULL: when somebody resumes it"),
    column("paused_by", Text, "who paused it: user, machine and database role"),
    column("paused_because", Text, "the reason given for the pause"),
    column("observed", JSONB, "what the platform was seen to do where no document says it: page_size, ..."),
    PrimaryKeyConstraint("name"),
    UniqueConstraint("platform", "host", "seller", name="uq_accounts_identity"),
    schema=SYNC_SCHEMA,
    comment="one row per account",
)

windows = Table(
    "windows",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the window"),
    column("account", Text, "sync.accounts.name", nullable=False),
    column(
        "kind",
        Text,
        "incremental moves the watermark; hook, confirm, sweep and repair read again, backfill what was asked for",
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
        server_default=WindowState.PLANNED,
    ),
    column("parent_id", BigInteger, "the window this one was split from"),
    column("backfill_id", BigInteger, "the backfill it belongs to, sync.backfills.id"),
    column(
        "attempts",
        Integer,
        "how often it was claimed since it was planned, or was planned anew",
        nullable=False,
        server_default="0",
    ),
    column("fence", BigInteger, "number of the claim: only its holder may commit", nullable=False, server_default="0"),
    column("owner", Text, "host and process that claimed it"),
    column("lease_until", TIME, "after this anyone may claim it again"),
    column("total", Integer, "rows the platform counted, by its newest answer"),
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
    column("finished_at", TIME, "when it was done, split, failed, or found to lie beyond the platform's reach"),
    column(
        "orders",
        ARRAY(Text),
        "the order ids it is read for: a message or a list they left says they changed, or a person asked for them",
    ),
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
    CheckConstraint(f"state IN {sql_list(WindowState)}", name="ck_windows_state"),
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
        postgresql_where=text(f"state IN {OPEN_WINDOWS}"),
    ),
    Index(None, "account", "kind", "ends_at", "starts_at"),
    Index("ix_windows_claimed", "account", "fence", postgresql_where=text("fence > 0")),
    Index("ix_windows_backfill", "backfill_id", postgresql_where=text("backfill_id IS NOT NULL")),
    Index("ix_windows_finished", "finished_at", postgresql_where=text(f"state IN {READ_WINDOWS}")),
    Index("ix_windows_late", "account", "finished_at", postgresql_where=text("late_by IS NOT NULL")),
    schema=SYNC_SCHEMA,
    comment="the ledger: every window planned, what happened to it",
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
    column(
        "state",
        Text,
        "requested, planned, done, failed or cancelled",
        nullable=False,
        server_default=BackfillState.REQUESTED,
    ),
    column("requested_by", Text, "the database role that asked", nullable=False, server_default=text("session_user")),
    column("requested_at", TIME, "when it was asked for", nullable=False, server_default=func.now()),
    column("finished_at", TIME, "when it was done, failed or cancelled"),
    column("error", Text, "why it could not be planned or read"),
    column(
        "request_id",
        BigInteger,
        "the first backfill of its request, where that is of several accounts; NULL in the first one itself",
    ),
    column("notice", Text, "what whoever asked should know: how far the platform lists, the same range before, ..."),
    column(
        "cancelled_windows",
        Integer,
        "windows that were taken out when it was cancelled; 0 where that was before 0053",
        nullable=False,
        server_default="0",
    ),
    PrimaryKeyConstraint("id"),
    CheckConstraint("starts_at < ends_at", name="ck_backfills_not_empty"),
    CheckConstraint(
        "starts_at >= timestamptz '1999-01-01 00:00:00+08' AND ends_at <= timestamptz '2200-01-01 00:00:00+08'"
        " AND date_trunc('second', starts_at AT TIME ZONE 'UTC') = starts_at AT TIME ZONE 'UTC'"
        " AND date_trunc('second', ends_at AT TIME ZONE 'UTC') = ends_at AT TIME ZONE 'UTC'",
        name="ck_backfills_range",
    ),
    CheckConstraint(f"state IN {sql_list(BackfillState)}", name="ck_backfills_state"),
    Index("ix_backfills_request", "request_id", postgresql_where=text("request_id IS NOT NULL")),
    Index("ix_backfills_open", "account", postgresql_where=text(f"state IN {OPEN_BACKFILLS}")),
    schema=SYNC_SCHEMA,
    comment="ranges that were requested to be read; sync.request_backfill() adds one",
)

backfill_plans = Table(
    "backfill_plans",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the plan"),
    column(
        "planned_at",
        TIME,
        "when it was shown: it can be started for an hour",
        nullable=False,
        server_default=func.now(),
    ),
    column("plan", JSONB, "accounts and ranges, or orders, that are read when it is started", nullable=False),
    column("fingerprint", BYTEA, "blake2b, 16 bytes, of what was to be read: another one is refused", nullable=False),
    column("request_id", BigInteger, "the request it was started as, sync.backfills.id; NULL while it was not"),
    PrimaryKeyConstraint("id"),
    Index(None, "planned_at"),
    schema=SYNC_SCHEMA,
    comment="backfills that were shown to somebody before they are started",
)
