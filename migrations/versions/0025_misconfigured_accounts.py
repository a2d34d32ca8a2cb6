"""accounts that a process cannot read for a mistake in its settings"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "processes",
        sa.Column(
            "misconfigured",
            postgresql.JSONB(),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="accounts that it cannot read for a mistake in its settings: the reason by name",
        ),
        schema="sync",
    )


def downgrade() -> None:
    op.drop_column("processes", "misconfigured", schema="sync")
