"""Requests of people that the running service takes, in `sync`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from orders_sync.domain.requests import RequestKind
from orders_sync.store.states import sql_list
from orders_sync.store.tables.columns import SYNC_SCHEMA, TIME, column, metadata

requests = Table(
    "requests",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the request"),
    column("account", Text, "sync.accounts.name", nullable=False),
    column("kind", Text, "sync: read it now; audit: compare it with its platform now", nullable=False),
    column("starts_at", TIME, "of an audit: first moment of creation time to compare; NULL for all of it"),
    column("ends_at", TIME, "of an audit: first moment after it; NULL for as far as it is read"),
    column("repair", Boolean, "of an audit: read what is missing", nullable=False, server_default="false"),
    column("requested_at", TIME, "when it was asked for", nullable=False, server_default=func.now()),
    column("requested_by", Text, "who asked", nullable=False),
    column("taken_at", TIME, "when a process of the service took it last; NULL while it waits"),
    column("finished_at", TIME, "when it was planned (sync), or had ended (audit)"),
    column("error", Text, "why it failed"),
    PrimaryKeyConstraint("id"),
    CheckConstraint(f"kind IN {sql_list(RequestKind)}", name="ck_requests_kind"),
    Index("ix_requests_open", "account", "kind", postgresql_where=text("finished_at IS NULL")),
    Index("ix_requests_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    schema=SYNC_SCHEMA,
    comment="what people asked the running service to do at once",
)
