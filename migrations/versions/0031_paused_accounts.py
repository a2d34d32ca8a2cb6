"""accounts that a person has paused"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
COLUMNS = {
    "paused_at": (TIME, "when a person paused it: it is neither planned nor read since; NULL while it is not paused"),
    "paused_until": (TIME, "when the pause ends by itself; NULL: when somebody resumes it"),
    "paused_by": (sa.Text(), "who paused it: user, machine and database role"),
    "paused_because": (sa.Text(), "the reason given for the pause"),
}


def upgrade() -> None:
    for name, (kind, comment) in COLUMNS.items():
        op.add_column("accounts", sa.Column(name, kind, comment=comment), schema="sync")


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("accounts", name, schema="sync")
