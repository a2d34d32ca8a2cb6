"""People who use the console, their sessions and log-ins, in `sync`. No role that reads may read these tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA

from orders_sync.store.tables.columns import SYNC_SCHEMA, TIME, column, key, metadata

console_people = Table(
    "console_people",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the person"),
    key("name", Text, "the name to log in with"),
    column("password_hash", Text, "scrypt hash of the password or token; NULL: only a proxy logs this person in"),
    column("may_act", Boolean, "may start, pause, replay and repair", nullable=False, server_default=text("false")),
    column(
        "may_see_persons",
        Boolean,
        "may see buyers, receivers and payloads, which is recorded",
        nullable=False,
        server_default=text("false"),
    ),
    column("created_at", TIME, "when the person was added", nullable=False, server_default=func.clock_timestamp()),
    column("removed_at", TIME, "when the person was removed and may no longer log in"),
    PrimaryKeyConstraint("id"),
    Index("uq_console_people_name", "name", unique=True),
    schema=SYNC_SCHEMA,
    comment="people who may log in to the console",
)

console_sessions = Table(
    "console_sessions",
    metadata,
    key("key_hash", BYTEA, "SHA-256 of the key in the cookie"),
    key("person_id", BigInteger, "sync.console_people.id"),
    column("created_at", TIME, "when the person logged in", nullable=False, server_default=func.clock_timestamp()),
    column("seen_at", TIME, "last request, to the minute", nullable=False, server_default=func.clock_timestamp()),
    column("address", Text, "network address of the log-in"),
    column("browser", Text, "what the browser called itself at the log-in"),
    PrimaryKeyConstraint("key_hash"),
    Index(None, "person_id"),
    Index(None, "seen_at"),
    schema=SYNC_SCHEMA,
    comment="sessions of the console; a deleted row ends its session",
)

console_logins = Table(
    "console_logins",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the attempt"),
    column("at", TIME, "when it was made", nullable=False, server_default=func.clock_timestamp()),
    column("name", Text, "the name that was typed", nullable=False),
    column("address", Text, "network address", nullable=False),
    column("succeeded", Boolean, "whether name and password were right", nullable=False),
    PrimaryKeyConstraint("id"),
    Index(None, "at"),
    schema=SYNC_SCHEMA,
    comment="attempts to log in to the console, which limit how many may follow",
)
