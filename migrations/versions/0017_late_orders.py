"""by how much the orders a window landed were listed late"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column(
        "late_by",
        sa.Interval(),
        comment="by how much at least the latest order it landed was listed after its own time; NULL for none late",
    )
    op.add_column("windows", column, schema="sync")
    op.create_index(
        "ix_windows_late",
        "windows",
        ["account", "finished_at"],
        schema="sync",
        postgresql_where=sa.text("late_by IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_windows_late", "windows", schema="sync")
    op.drop_column("windows", "late_by", schema="sync")
