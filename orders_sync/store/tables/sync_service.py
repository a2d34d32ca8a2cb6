"""State that processes of the service share in `sync`: rate limits, heartbeats, received messages, notices."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from orders_sync.store.tables.columns import SYNC_SCHEMA, TIME, column, key, metadata

rates = Table(
    "rates",
    metadata,
    key("key", Text, "the account or app whose calls are counted together"),
    column("next_at", TIME, "when the next call may be made, by the database's clock", nullable=False),
    PrimaryKeyConstraint("key"),
    schema=SYNC_SCHEMA,
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
    column(
        "misconfigured",
        JSONB,
        "accounts that it cannot read for a mistake in its settings: the reason by name",
        nullable=False,
        server_default=text("'{}'"),
    ),
    column(
        "accounts",
        ARRAY(Text),
        "accounts of its settings by name: none of them counts as removed while it runs",
        nullable=False,
        server_default=text("'{}'"),
    ),
    column(
        "failing",
        JSONB,
        "accounts that it cannot plan: the reason by name",
        nullable=False,
        server_default=text("'{}'"),
    ),
    PrimaryKeyConstraint("id"),
    schema=SYNC_SCHEMA,
    comment="processes of the service; a row is removed when its process stops",
)

notices = Table(
    "notices",
    metadata,
    key("kind", Text, "what the problem is about: suspended, behind, ...; backfill: no problem, one that ended"),
    key(
        "subject",
        Text,
        "sync.accounts.name; # and the number of a backfill's request; empty for the service",
    ),
    column("began_at", TIME, "since when it is there", nullable=False),
    column("gone_at", TIME, "since when it is gone; NULL while it is there"),
    column("noticed_at", TIME, "when people got a notice that it is there; NULL while they got none"),
    column("amount", BigInteger, "how many or how much that notice said", nullable=False, server_default="0"),
    column("times", Integer, "how many notices of it there were in the last day", nullable=False, server_default="0"),
    PrimaryKeyConstraint("kind", "subject"),
    schema=SYNC_SCHEMA,
    comment="problems that people get notices about ([notify]): each once, and once when it is over",
)

outgoing_notices = Table(
    "outgoing_notices",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the notice"),
    column("made_at", TIME, "when it was made", nullable=False, server_default=func.clock_timestamp()),
    column("level", Text, "info, success or warning: how messengers colour it", nullable=False),
    column("title", Text, "its first line", nullable=False),
    column("body", Text, "the text: names of accounts, numbers, times and commands", nullable=False),
    column("channels", ARRAY(Text), "the channels that have not accepted it yet", nullable=False),
    column("tries", Integer, "how often it was sent", nullable=False, server_default="0"),
    column(
        "try_at",
        TIME,
        "when it is to be sent, or sent again; later than now while a process sends it",
        nullable=False,
        server_default=func.clock_timestamp(),
    ),
    column("sent_at", TIME, "when the last of its channels accepted it"),
    column("given_up_at", TIME, "when it was given up, a day after it was made"),
    column("error", Text, "why the last try failed, without secrets"),
    PrimaryKeyConstraint("id"),
    Index("ix_outgoing_notices_waiting", "try_at", postgresql_where=text("sent_at IS NULL AND given_up_at IS NULL")),
    Index(None, "made_at"),
    schema=SYNC_SCHEMA,
    comment="notices to people, until every channel has accepted them, and for a while after",
)

views = Table(
    "views",
    metadata,
    key("name", Text, "name of the view or function in schema bi"),
    column("definition_hash", BYTEA, "blake2b, 16 bytes, of its definition: another one is made anew", nullable=False),
    column("made_at", TIME, "when it was made or changed", nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("name"),
    schema=SYNC_SCHEMA,
    comment="views and functions of schema bi that orders-sync made; what is not here is somebody else's",
)

view_sets = Table(
    "view_sets",
    metadata,
    column("fingerprint", BYTEA, "blake2b, 16 bytes, of all definitions of a version", nullable=False),
    Column("number", Integer, Identity(), nullable=False, comment="the last one is of the newest version"),
    column("made_at", TIME, "when it made the views first", nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("fingerprint"),
    schema=SYNC_SCHEMA,
    comment="versions of orders-sync that made the views of schema bi: an older one leaves those of a newer one",
)

messages = Table(
    "messages",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the message"),
    column("account", Text, "sync.accounts.name", nullable=False),
    column("digest", BYTEA, "XXH3, 128 bits, of the body: the same one once", nullable=False),
    column("message_type", Text, "messageType, once it was decoded; NULL where it could not be"),
    column("order_no", Text, "orderNo of the order it speaks of, when it names one"),
    column("order_id", Text, "orderId of the order it speaks of, when it names one"),
    column("body", BYTEA, "exactly as received; bytes, it may not even be text", nullable=False),
    column("received_at", TIME, "when it came first", nullable=False, server_default=func.clock_timestamp()),
    column("handled_at", TIME, "when the read of its order was planned, or that there is none; NULL while it waits"),
    column("outcome", Text, "what was done about it, or what it waits for"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("account", "digest", name="uq_messages"),
    Index(None, "order_no", postgresql_where=text("order_no IS NOT NULL")),
    Index(None, "order_id", postgresql_where=text("order_id IS NOT NULL")),
    Index("ix_messages_waiting", "account", "id", postgresql_where=text("handled_at IS NULL")),
    Index(None, "received_at"),
    schema=SYNC_SCHEMA,
    comment="messages that platforms sent: their orders are then read from the API",
)
