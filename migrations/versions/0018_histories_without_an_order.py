"""since when an account's history is known to hold no order, and when it was read again for that"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS = [
    (
        "empty_since",
        "when all of its history was first found to list no order; NULL once anything was listed",
    ),
    ("empty_read_at", "when that history was last read again, in case it was not listed yet"),
]


def upgrade() -> None:
    for name, comment in COLUMNS:
        column = sa.Column(name, sa.DateTime(timezone=True), nullable=True, comment=comment)
        op.add_column("accounts", column, schema="sync")


def downgrade() -> None:
    for name, _ in COLUMNS:
        op.drop_column("accounts", name, schema="sync")
