"""orders are found by every number a person has of them: an index for each"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

OF_ORDERS = ("seller_order_no", "refund_id", "after_sale_refund_id", "payment_no")
OF_LINES = (
    "purchase_id",
    "sub_purchase_id",
    "outer_purchase_id",
    "outer_line_id",
    "refund_id",
    "after_sale_refund_id",
    "payment_no",
)
WHERE_SET = [  # schema, table, column
    *((None, "orders", column) for column in OF_ORDERS),
    *((None, "sub_orders", column) for column in OF_LINES),
    *(("sync", "messages", column) for column in ("order_no", "order_id")),
]


def upgrade() -> None:
    for schema, table, column in WHERE_SET:
        op.create_index(
            f"ix_{table}_{column}", table, [column], schema=schema, postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
    op.create_index("ix_order_parcels_parcel_id", "order_parcels", ["parcel_id"])


def downgrade() -> None:
    op.drop_index("ix_order_parcels_parcel_id", "order_parcels")
    for schema, table, column in reversed(WHERE_SET):
        op.drop_index(f"ix_{table}_{column}", table, schema=schema)
