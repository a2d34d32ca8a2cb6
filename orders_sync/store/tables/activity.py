"""The record of what people did, in `sync`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from orders_sync.domain.activity import Origin
from orders_sync.store.states import sql_list
from orders_sync.store.tables.columns import SYNC_SCHEMA, TIME, column, metadata

activity = Table(
    "activity",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the row: pages go by it"),
    column("at", TIME, "when it was done", nullable=False, server_default=func.clock_timestamp()),
    column(
        "actor",
        Text,
        "who did it: the user of the console, or ORDERS_SYNC_USER or the user of the shell",
        nullable=False,
    ),
    column("origin", Text, "where it was asked for: cli or console", nullable=False),
    column("action", Text, "what was done: account.pause, backfill.start, rejects.replay, ...", nullable=False),
    column("account", Text, "sync.accounts.name; NULL for what concerns no single account"),
    column("subject", Text, "what it was done to: backfill 12, audit 7, ...; NULL where the action says it all"),
    column(
        "details",
        JSONB,
        "the rest: ranges, reasons, numbers of rejects, ...",
        nullable=False,
        server_default=text("'{}'"),
    ),
    column("role", Text, "the database role that wrote the row", nullable=False, server_default=text("session_user")),
    PrimaryKeyConstraint("id"),
    CheckConstraint(f"origin IN {sql_list(Origin)}", name="ck_activity_origin"),
    Index(None, "account", "id"),
    Index(None, "at"),
    schema=SYNC_SCHEMA,
    comment="what people did: one row for each action, and for each account it concerns",
)
