"""sweeps by status"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "windows",
        sa.Column(
            "status",
            sa.Text(),
            nullable=True,
            comment="only orders in this status were asked for: proves nothing of the range; NULL for all",
        ),
        schema="sync",
    )
    op.create_check_constraint("ck_windows_status", "windows", "status IS NULL OR kind = 'sweep'", schema="sync")


def downgrade() -> None:
    op.drop_constraint("ck_windows_status", "windows", schema="sync")
    op.drop_column("windows", "status", schema="sync")
