"""what a process says of its accounts, and how many orders an audit found to be awaited"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "processes",
        sa.Column(
            "accounts",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="accounts of its settings by name: none of them counts as removed while it runs",
        ),
        schema="sync",
    )
    op.add_column(
        "processes",
        sa.Column(
            "failing",
            postgresql.JSONB(),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="accounts that it cannot plan: the reason by name",
        ),
        schema="sync",
    )
    op.add_column(
        "audits",
        sa.Column(
            "awaited",
            sa.Integer(),
            comment="orders that the platform lists and the next sync reads anyway, which are no difference; NULL for audits "
            "of earlier versions",
        ),
        schema="sync",
    )


def downgrade() -> None:
    op.drop_column("audits", "awaited", schema="sync")
    op.drop_column("processes", "failing", schema="sync")
    op.drop_column("processes", "accounts", schema="sync")
