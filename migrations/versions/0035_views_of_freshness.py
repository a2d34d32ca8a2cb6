"""columns of views: from when orders are complete, and which orders of the funnel count

The views themselves are made after the migrations, from `orders_sync/store/bi`.
"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: a new revision makes every program install the views."""


def downgrade() -> None:
    """Drop the view that uses columns which older revisions lack: it is made again by the next migration."""
    op.execute("DROP VIEW IF EXISTS bi.sync_freshness")
