"""an index of open rejects by their reason: lists and counts of them cost what they show"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_rejects_reason",
        "rejects",
        ["reason_key", "id"],
        schema="sync",
        postgresql_include=["account", "platform", "ignored_at"],
        postgresql_where=sa.text("resolved_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_rejects_reason", "rejects", schema="sync")
