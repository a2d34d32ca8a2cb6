"""comments that called a message by another word, and left out a reason why an account rests"""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

BEFORE = {
    "TABLE sync.messages": "notifications that platforms sent: their orders are then read from the API",
    "COLUMN sync.accounts.rests_until": (
        "the service makes no call for it before: reads of it failed, or the platform asked for a long hold"
    ),
    "COLUMN sync.audits.seen_at": "last sign of life while it runs, two a minute; long past: its process was killed",
}
AFTER = {
    "TABLE sync.messages": "messages that platforms sent: their orders are then read from the API",
    "COLUMN sync.accounts.rests_until": (
        "the service makes no call for it before: last_error says why, such as failed reads or a long hold"
    ),
    "COLUMN sync.audits.seen_at": "last heartbeat while it runs, two a minute; long past: its process was killed",
}


def upgrade() -> None:
    for what, comment in AFTER.items():
        op.execute(f"COMMENT ON {what} IS '{comment}'")


def downgrade() -> None:
    for what, comment in BEFORE.items():
        op.execute(f"COMMENT ON {what} IS '{comment}'")
