"""statistics of the days of orders, so that reports by day are summed up in memory and not sorted on disk"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE STATISTICS orders_shop_days ON ((created_at AT TIME ZONE 'Asia/Shanghai')::date),
            ((paid_at AT TIME ZONE 'Asia/Shanghai')::date) FROM orders
        """
    )
    op.execute("COMMENT ON STATISTICS orders_shop_days IS 'of bi.daily_sales and bi.product_sales'")
    op.execute("ANALYZE orders")


def downgrade() -> None:
    op.execute("DROP STATISTICS orders_shop_days")
