"""columns of views: the net amount of a day, the unit of a quantity

The views themselves are made after the migrations, from `orders_sync/store/bi`.
"""

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: a new revision makes every program install the views."""


def downgrade() -> None:
    """Nothing."""
