"""an index on the window of an account that was claimed last: messages and all else take turns"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_windows_claimed", "windows", ["account", "fence"], schema="sync", postgresql_where=sa.text("fence > 0")
    )


def downgrade() -> None:
    op.drop_index("ix_windows_claimed", "windows", schema="sync")
