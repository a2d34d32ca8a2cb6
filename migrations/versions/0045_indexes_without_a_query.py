"""indexes of orders that no query needs: they cost time, WAL and room whenever an order lands"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_orders_status_created_at", "orders")
    op.drop_index("ix_sub_orders_status", "sub_orders")
    op.drop_index("ix_sub_orders_refund_status", "sub_orders")


def downgrade() -> None:
    op.create_index("ix_orders_status_created_at", "orders", ["status", "created_at"])
    op.create_index("ix_sub_orders_status", "sub_orders", ["status"])
    is_set = sa.text("refund_status IS NOT NULL")
    op.create_index("ix_sub_orders_refund_status", "sub_orders", ["refund_status"], postgresql_where=is_set)
