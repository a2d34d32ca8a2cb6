"""plans of backfills: what was shown before it is started"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backfill_plans",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="number of the plan"),
        sa.Column(
            "planned_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
            comment="when it was shown: it can be started for an hour",
        ),
        sa.Column(
            "plan",
            postgresql.JSONB(),
            nullable=False,
            comment="accounts and ranges, or orders, that are read when it is started",
        ),
        sa.Column(
            "fingerprint",
            postgresql.BYTEA(),
            nullable=False,
            comment="blake2b, 16 bytes, of what was to be read: another one is refused",
        ),
        sa.Column(
            "request_id",
            sa.BigInteger(),
            comment="the request it was started as, sync.backfills.id; NULL while it was not",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_backfill_plans"),
        schema="sync",
        comment="backfills that were shown to somebody before they are started",
    )
    op.create_index("ix_backfill_plans_planned_at", "backfill_plans", ["planned_at"], schema="sync")


def downgrade() -> None:
    op.drop_table("backfill_plans", schema="sync")
