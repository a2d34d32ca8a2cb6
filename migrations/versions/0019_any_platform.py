"""comments of the columns that hold a platform's name: a platform may come from another package"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = (
    "order_history", "order_parcels", "order_receivers", "order_statuses", "orders", "product_items", "raw_orders",
    "sub_orders", "sync.accounts", "sync.missing_orders", "sync.older_versions", "sync.rejects", "sync.shared_orders",
)  # fmt: skip
BEFORE = "1688, xportcn_open or xportcn_ka"
AFTER = "the platform, by its name in the settings: 1688, xportcn_open, xportcn_ka or that of an installed package"


def upgrade() -> None:
    explain(AFTER)


def downgrade() -> None:
    explain(BEFORE)


def explain(comment: str) -> None:
    for table in TABLES:
        op.execute(f"COMMENT ON COLUMN {table}.platform IS '{comment}'")
