"""what a platform was seen to do, with its account"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "accounts",
        sa.Column(
            "observed",
            postgresql.JSONB(),
            comment="what the platform was seen to do where no document says it: page_size, ...",
        ),
        schema="sync",
    )


def downgrade() -> None:
    op.drop_column("accounts", "observed", schema="sync")
