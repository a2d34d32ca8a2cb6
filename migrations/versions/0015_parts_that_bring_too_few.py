"""what the parts of a window brought, where that is less than was counted in the whole"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = [
    (
        "part_rows",
        sa.Integer(),
        "rows its parts brought, all together, when they were fewer than its total: it is counted again; else NULL",
    ),
    ("parts_again_at", sa.DateTime(timezone=True), "when its parts were planned once more for that"),
]


def upgrade() -> None:
    for name, kind, comment in COLUMNS:
        op.add_column("windows", sa.Column(name, kind, nullable=True, comment=comment), schema="sync")


def downgrade() -> None:
    for name, _, _ in COLUMNS:
        op.drop_column("windows", name, schema="sync")
