"""backfills, audits, rates, suspended accounts"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


REQUEST_BACKFILL = """
CREATE FUNCTION sync.request_backfill(
    account text, from_time timestamp, to_time timestamp, by_time text DEFAULT NULL, everything boolean DEFAULT false
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known sync.accounts;
    number bigint;
BEGIN
    SELECT * INTO known FROM sync.accounts AS a WHERE a.name = request_backfill.account;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no account is named %', request_backfill.account
            USING HINT = 'SELECT name FROM sync.accounts; an account appears there with its first sync';
    END IF;
    IF from_time >= to_time THEN
        RAISE EXCEPTION 'nothing lies between % and %', from_time, to_time;
    END IF;
    IF coalesce(by_time, known.feed) NOT IN ('created', 'updated') THEN
        RAISE EXCEPTION 'by_time is created or updated, not %', by_time;
    END IF;
    INSERT INTO sync.backfills (account, feed, starts_at, ends_at, everything)
    VALUES (known.name, coalesce(by_time, known.feed), from_time AT TIME ZONE 'Asia/Shanghai',
        to_time AT TIME ZONE 'Asia/Shanghai', request_backfill.everything)
    RETURNING id INTO number;
    RETURN number;
END $$;
COMMENT ON FUNCTION sync.request_backfill IS
    'Ask for a range of an account to be read: times of China (UTC+8), the end not included. The number of the backfill.'
"""


def upgrade() -> None:
    op.create_table(
        "audit_differences",
        sa.Column("audit_id", sa.BigInteger(), nullable=False, comment="sync.audits.id"),
        sa.Column(
            "starts_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="first moment of creation time that differs",
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="first moment after it"),
        sa.Column("platform_orders", sa.Integer(), nullable=False, comment="orders the platform counts"),
        sa.Column("table_orders", sa.Integer(), nullable=False, comment="orders and open rejects in the tables"),
        sa.Column(
            "repaired_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a read of the range ended the difference",
        ),
        sa.PrimaryKeyConstraint("audit_id", "starts_at", name=op.f("pk_audit_differences")),
        schema="sync",
        comment="where an audit found another number, as narrow as it looked",
    )
    op.create_table(
        "audits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="number of the audit"),
        sa.Column("account", sa.Text(), nullable=False, comment="sync.accounts.name"),
        sa.Column(
            "starts_at", sa.DateTime(timezone=True), nullable=False, comment="first moment of creation time compared"
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="first moment after it"),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when it began",
        ),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it ended; NULL while it runs, or when it was cut off",
        ),
        sa.Column("platform_orders", sa.Integer(), nullable=True, comment="orders the platform counts"),
        sa.Column("table_orders", sa.Integer(), nullable=True, comment="orders and open rejects in the tables"),
        sa.Column("differences", sa.Integer(), nullable=True, comment="ranges that differ, sync.audit_differences"),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False, comment="calls spent on counting"),
        sa.Column("error", sa.Text(), nullable=True, comment="why it stopped"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
        schema="sync",
        comment="the platform's own counts by creation time against the tables",
    )
    op.create_index(
        op.f("ix_audits_account_started_at"), "audits", ["account", "started_at"], unique=False, schema="sync"
    )
    op.create_table(
        "backfills",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="number of the backfill"),
        sa.Column("account", sa.Text(), nullable=False, comment="sync.accounts.name"),
        sa.Column(
            "feed", sa.Text(), nullable=False, comment="updated or created: the time its windows are filtered by"
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False, comment="first moment asked for"),
        sa.Column(
            "ends_at", sa.DateTime(timezone=True), nullable=False, comment="first moment after what is asked for"
        ),
        sa.Column(
            "everything",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="read windows again that are complete",
        ),
        sa.Column(
            "state",
            sa.Text(),
            server_default="requested",
            nullable=False,
            comment="requested, planned, done, failed or cancelled",
        ),
        sa.Column(
            "requested_by",
            sa.Text(),
            server_default=sa.text("session_user"),
            nullable=False,
            comment="the database role that asked",
        ),
        sa.Column(
            "requested_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when it was asked for",
        ),
        sa.Column(
            "finished_at", sa.DateTime(timezone=True), nullable=True, comment="when it was done, failed or cancelled"
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="why it could not be planned or read"),
        sa.CheckConstraint(
            "state IN ('requested', 'planned', 'done', 'failed', 'cancelled')", name="ck_backfills_state"
        ),
        sa.CheckConstraint("starts_at < ends_at", name="ck_backfills_not_empty"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfills")),
        schema="sync",
        comment="ranges somebody asked to be read; sync.request_backfill() adds one",
    )
    op.create_index(
        "ix_backfills_open",
        "backfills",
        ["account"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("state IN ('requested', 'planned')"),
    )
    op.create_table(
        "rates",
        sa.Column("key", sa.Text(), nullable=False, comment="the account or app whose calls are counted together"),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the next call may be made, by the database's clock",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rates")),
        schema="sync",
        comment="the rate of an account or app, shared by all processes",
    )
    op.add_column(
        "accounts",
        sa.Column(
            "suspended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the platform refused its credentials; no call is made since",
        ),
        schema="sync",
    )
    op.add_column(
        "accounts",
        sa.Column("suspended_because", sa.Text(), nullable=True, comment="what the platform said then"),
        schema="sync",
    )
    op.add_column(
        "accounts",
        sa.Column(
            "credentials",
            sa.Text(),
            nullable=True,
            comment="a fingerprint of what was refused: other credentials lift the suspension",
        ),
        schema="sync",
    )
    op.add_column(
        "windows",
        sa.Column(
            "backfill_id", sa.BigInteger(), nullable=True, comment="the backfill it belongs to, sync.backfills.id"
        ),
        schema="sync",
    )
    op.alter_column(
        "windows",
        "kind",
        existing_type=sa.TEXT(),
        comment="incremental moves the watermark; confirm, sweep, backfill and repair read again",
        existing_comment="incremental moves the watermark; sweep re-reads",
        existing_nullable=False,
        schema="sync",
    )
    op.create_index(
        "ix_windows_backfill",
        "windows",
        ["backfill_id"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("backfill_id IS NOT NULL"),
    )

    op.execute(REQUEST_BACKFILL)


def downgrade() -> None:
    op.execute("DROP FUNCTION sync.request_backfill")
    op.drop_index(
        "ix_windows_backfill", table_name="windows", schema="sync", postgresql_where=sa.text("backfill_id IS NOT NULL")
    )
    op.alter_column(
        "windows",
        "kind",
        existing_type=sa.TEXT(),
        comment="incremental moves the watermark; sweep re-reads",
        existing_comment="incremental moves the watermark; confirm, sweep, backfill and repair read again",
        existing_nullable=False,
        schema="sync",
    )
    op.drop_column("windows", "backfill_id", schema="sync")
    op.drop_column("accounts", "credentials", schema="sync")
    op.drop_column("accounts", "suspended_because", schema="sync")
    op.drop_column("accounts", "suspended_at", schema="sync")
    op.drop_table("rates", schema="sync")
    op.drop_index(
        "ix_backfills_open",
        table_name="backfills",
        schema="sync",
        postgresql_where=sa.text("state IN ('requested', 'planned')"),
    )
    op.drop_table("backfills", schema="sync")
    op.drop_index(op.f("ix_audits_account_started_at"), table_name="audits", schema="sync")
    op.drop_table("audits", schema="sync")
    op.drop_table("audit_differences", schema="sync")
