"""the time by which a rejected record was listed: a later read of that time settles it where it names no order"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

LISTED_AT = "the time it shows of those the list of its window goes by; NULL where it shows none, and before 0050"


def upgrade() -> None:
    op.add_column("rejects", sa.Column("listed_at", sa.DateTime(timezone=True), comment=LISTED_AT), schema="sync")


def downgrade() -> None:
    op.drop_column("rejects", "listed_at", schema="sync")
