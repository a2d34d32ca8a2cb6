"""views of schema `bi`: the change feed is nobody's unless granted

The views themselves are made after the migrations, from `orders_sync/store/bi`.
"""

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: a new revision makes every program install the views."""


def downgrade() -> None:
    """Nothing."""
