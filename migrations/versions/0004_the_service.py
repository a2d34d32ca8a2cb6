"""messages of platforms, jobs of workers"""

from importlib import resources

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# by which retention finds what is old; name, table, column, rows it holds
INDEXES = [
    ("ix_windows_finished", "windows", "finished_at", "state IN ('done', 'split')"),
    ("ix_rejects_settled", "rejects", "resolved_at", "resolved_at IS NOT NULL"),
    ("ix_rejects_window", "rejects", "window_id", "resolved_at IS NULL"),
]
JOBS = "sync_jobs"  # a schema of its own: its tables are not ours
KINDS = "incremental moves the watermark; hook, confirm, sweep, backfill and repair read again"
KINDS_BEFORE = "incremental moves the watermark; confirm, sweep, backfill and repair read again"


def say_kinds(comment: str, before: str) -> None:
    op.alter_column(
        "windows",
        "kind",
        existing_type=sa.Text(),
        comment=comment,
        existing_comment=before,
        existing_nullable=False,
        schema="sync",
    )


# its triggers name its tables without the schema: they must find them whoever deletes a job
AT_HOME = f"""
DO $$ DECLARE each regprocedure;
BEGIN
    FOR each IN SELECT oid FROM pg_proc WHERE pronamespace = '{JOBS}'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = {JOBS}', each);
    END LOOP;
END $$
"""  # noqa: S608


def make_jobs() -> None:
    """Procrastinate's tables, as the installed release (pinned in pyproject.toml) has them.

    The comment says to which of its own migrations that goes: a later release's are applied from there on.
    """
    connection = op.get_bind().connection.driver_connection
    folder = resources.files("procrastinate") / "sql"
    newest = max(file.name for file in (folder / "migrations").iterdir() if file.name.endswith(".sql"))
    [before] = connection.execute("SELECT current_setting('search_path')").fetchone()
    connection.execute(f"CREATE SCHEMA {JOBS}")
    connection.execute(f"COMMENT ON SCHEMA {JOBS} IS 'procrastinate, up to its migration {newest}'")
    connection.execute(f"SET LOCAL search_path = {JOBS}")
    connection.execute((folder / "schema.sql").read_text(encoding="utf-8"))
    connection.execute(AT_HOME)
    connection.execute("SELECT set_config('search_path', %s, true)", [before])


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="number of the message"),
        sa.Column("account", sa.Text(), nullable=False, comment="sync.accounts.name"),
        sa.Column(
            "digest", postgresql.BYTEA(), nullable=False, comment="blake2b, 16 bytes, of the body: the same one once"
        ),
        sa.Column(
            "message_type", sa.Text(), nullable=True, comment="messageType, once it was looked at and could be read"
        ),
        sa.Column("order_no", sa.Text(), nullable=True, comment="orderNo of the order it speaks of, when it names one"),
        sa.Column("order_id", sa.Text(), nullable=True, comment="orderId of the order it speaks of, when it names one"),
        sa.Column(
            "body", postgresql.BYTEA(), nullable=False, comment="exactly as received; bytes, it may not even be text"
        ),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when it came first",
        ),
        sa.Column(
            "handled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the read of its order was planned, or that there is none; NULL while it waits",
        ),
        sa.Column("outcome", sa.Text(), nullable=True, comment="what was done about it, or what it waits for"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("account", "digest", name=op.f("uq_messages")),
        schema="sync",
        comment="what platforms told by themselves: hints on orders that are then read from the API",
    )
    op.create_index(
        "ix_messages_waiting",
        "messages",
        ["account", "id"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_index(op.f("ix_messages_received_at"), "messages", ["received_at"], unique=False, schema="sync")
    op.add_column(
        "accounts",
        sa.Column(
            "rests_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="its windows failed one after the other: the service makes no call for it before",
        ),
        schema="sync",
    )
    op.add_column(
        "audits",
        sa.Column(
            "is_routine",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="the service made it by itself, of everything",
        ),
        schema="sync",
    )
    say_kinds(KINDS, KINDS_BEFORE)
    for name, table, column, rows in INDEXES:
        op.create_index(name, table, [column], unique=False, schema="sync", postgresql_where=sa.text(rows))
    make_jobs()


def downgrade() -> None:
    op.execute(f"DROP SCHEMA {JOBS} CASCADE")
    op.drop_column("audits", "is_routine", schema="sync")
    say_kinds(KINDS_BEFORE, KINDS)
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table, schema="sync")
    op.drop_column("accounts", "rests_until", schema="sync")
    op.drop_table("messages", schema="sync")
