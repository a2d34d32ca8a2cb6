"""what people did, and when"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="number of the row: pages go by it"),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.clock_timestamp(),
            comment="when it was done",
        ),
        sa.Column(
            "actor",
            sa.Text(),
            nullable=False,
            comment="who did it: the user of the console, or ORDERS_SYNC_USER or the user of the shell",
        ),
        sa.Column("origin", sa.Text(), nullable=False, comment="where it was asked for: cli or console"),
        sa.Column(
            "action",
            sa.Text(),
            nullable=False,
            comment="what was done: account.pause, backfill.start, rejects.replay, ...",
        ),
        sa.Column("account", sa.Text(), comment="sync.accounts.name; NULL for what concerns no single account"),
        sa.Column(
            "subject",
            sa.Text(),
            comment="what it was done to: backfill 12, audit 7, ...; NULL where the action says it all",
        ),
        sa.Column(
            "details",
            postgresql.JSONB(),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="the rest: ranges, reasons, numbers of rejects, ...",
        ),
        sa.Column(
            "role",
            sa.Text(),
            nullable=False,
            server_default=sa.text("session_user"),
            comment="the database role that wrote the row",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_activity"),
        sa.CheckConstraint("origin IN ('cli', 'console')", name="ck_activity_origin"),
        schema="sync",
        comment="what people did: one row for each action, and for each account it concerns",
    )
    op.create_index("ix_activity_account_id", "activity", ["account", "id"], schema="sync")
    op.create_index("ix_activity_at", "activity", ["at"], schema="sync")


def downgrade() -> None:
    op.drop_table("activity", schema="sync")
