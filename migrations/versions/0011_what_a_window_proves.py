"""windows beyond a platform's reach, windows that are read no earlier than some moment, orders found late"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = "state IN ('planned', 'running', 'done', 'failed', 'split'%s)"
STATE = "planned, running, done, failed, or split into smaller ones"
COLUMNS = [
    (
        "windows",
        "not_before",
        sa.DateTime(timezone=True),
        "it is read no earlier: an empty range, or a list that may lag, is asked once more; NULL for at once",
    ),
    (
        "accounts",
        "proven_from",
        sa.DateTime(timezone=True),
        "the proof begins here: what is older lies beyond the platform's reach; NULL when it begins at history_from",
    ),
]


def say_states(comment: str, before: str) -> None:
    op.alter_column(
        "windows",
        "state",
        existing_type=sa.Text(),
        comment=comment,
        existing_comment=before,
        existing_nullable=False,
        existing_server_default="planned",
        schema="sync",
    )


def upgrade() -> None:
    for table, name, kind, comment in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True, comment=comment), schema="sync")
    op.drop_constraint("ck_windows_state", "windows", schema="sync")
    op.create_check_constraint("ck_windows_state", "windows", STATES % ", 'beyond'", schema="sync")
    say_states(f"{STATE}; beyond the platform's reach: proves nothing", STATE)


def downgrade() -> None:
    op.execute("UPDATE sync.windows SET state = 'failed' WHERE state = 'beyond'")
    op.drop_constraint("ck_windows_state", "windows", schema="sync")
    op.create_check_constraint("ck_windows_state", "windows", STATES % "", schema="sync")
    say_states(STATE, f"{STATE}; beyond the platform's reach: proves nothing")
    for table, name, _, _ in COLUMNS:
        op.drop_column(table, name, schema="sync")
