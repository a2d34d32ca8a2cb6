"""orders that are no longer listed at the time they were created"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "missing_orders",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column("order_id", sa.Text(), nullable=False, comment="orders.order_id"),
        sa.Column(
            "missing_since",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the last of the reads that did not bring it began",
        ),
        sa.Column("window_id", sa.BigInteger(), nullable=False, comment="that read, sync.windows.id"),
        sa.PrimaryKeyConstraint("platform", "order_id", name=op.f("pk_missing_orders")),
        schema="sync",
        comment="orders that complete reads of the time they were created in did not bring, three times in a row",
    )


def downgrade() -> None:
    op.drop_table("missing_orders", schema="sync")
