"""how many of the orders that an audit counts as held are rejects: records that are no orders here"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

REJECTS = "open rejects among table_orders: records that are no orders here; NULL for audits of earlier versions"


def upgrade() -> None:
    op.add_column("audits", sa.Column("rejects", sa.Integer(), comment=REJECTS), schema="sync")


def downgrade() -> None:
    op.drop_column("audits", "rejects", schema="sync")
