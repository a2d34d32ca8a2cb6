"""the orders a window is read for, and how often it was read for them before"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column(
            "orders",
            ARRAY(sa.Text()),
            comment="the order ids it is read for: a message, or a list they left, says they changed",
        ),
        sa.Column(
            "repeats",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="how often a read for the same orders ended before without a change of them",
        ),
    ):
        op.add_column("windows", column, schema="sync")


def downgrade() -> None:
    for name in ("repeats", "orders"):
        op.drop_column("windows", name, schema="sync")
