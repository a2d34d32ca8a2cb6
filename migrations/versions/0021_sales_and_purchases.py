"""direction: sales and purchases are told apart in every table of orders

The column is added with the direction of most orders as its default, which rewrites nothing: PostgreSQL keeps such a
value beside the table. Only rows of the other direction are written. A shop that only sells, or only buys, pays nothing.
"""

import sqlalchemy as sa
from alembic import op

from orders_sync.platforms import PLATFORMS

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = (
    "order_history", "order_parcels", "order_receivers", "order_statuses", "orders", "product_items", "raw_orders",
    "sub_orders",
)  # fmt: skip
COMMENT = (
    "sale: the account sells; purchase: it buys. By the platform; never add up amounts of both. NULL while the "
    "platform''s package is not installed"
)


def upgrade() -> None:
    bind = op.get_bind()
    installed = {platform.name: platform.direction.value for platform in PLATFORMS.values()}
    found = {row[0]: row[1] for row in bind.execute(sa.text("SELECT platform, count(*) FROM orders GROUP BY platform"))}
    named = bind.execute(sa.text("SELECT DISTINCT platform FROM order_statuses")).scalars()
    directions = {platform: installed.get(platform) for platform in {*installed, *found, *named}}
    orders = {
        direction: sum(found.get(platform, 0) for platform in directions if directions[platform] == direction)
        for direction in ("sale", "purchase")
    }
    usual = max(orders, key=lambda direction: orders[direction])
    for table in TABLES:
        op.add_column(table, sa.Column("direction", sa.Text(), server_default=usual))
        op.alter_column(table, "direction", server_default=None)
        op.execute(f"COMMENT ON COLUMN {table}.direction IS '{COMMENT}'")
        rows = sa.table(table, sa.column("platform"), sa.column("direction"))
        for platform, direction in directions.items():
            if direction != usual:
                bind.execute(sa.update(rows).where(rows.c.platform == platform).values(direction=direction))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "direction")
