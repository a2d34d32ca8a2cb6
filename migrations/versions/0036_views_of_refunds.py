"""columns of views: whether money went back

The views themselves are made after the migrations, from `orders_sync/store/bi`.
"""

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: a new revision makes every program install the views."""


def downgrade() -> None:
    """Nothing."""
