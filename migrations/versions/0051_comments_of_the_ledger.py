"""comments of columns that said what is not so: when a time is set, what a number counts, why an account rests"""

from collections.abc import Mapping

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

BEFORE = {
    "accounts.host": "of base_url; with platform and seller who the account is. NULL until it is met in the settings",
    "accounts.watermark": "everything the feed holds before it has landed, with proof",
    "accounts.last_error": "why the last run of the account stopped; NULL after one that did not",
    "accounts.rests_until": "its windows failed one after the other: the service makes no call for it before",
    "accounts.updated_at": "when this row last changed",
    "windows.kind": "incremental moves the watermark; hook, confirm, sweep, backfill and repair read again",
    "windows.attempts": "how often it was claimed",
    "windows.finished_at": "when it was done, split or failed",
    "windows.orders": "the order ids it is read for: a message, or a list they left, says they changed",
    "backfills.request_id": "the first backfill of the same request for several accounts; NULL for that one",
    "audit_differences.acknowledged_at": "when somebody said that it is known: it raises no alert since",
}
AFTER = {
    "accounts.host": "host of base_url: platform, host and seller are the identity of the account; NULL until the settings had it",
    "accounts.watermark": "where the proof ends: all that the feed lists of the history before this time has landed",
    "accounts.last_error": "the last error of its reads or its planning; NULL once a run met none and no failed window is left",
    "accounts.rests_until": "the service makes no call for it before: reads of it failed, or the platform asked for a long hold",
    "accounts.updated_at": "when this row last changed, but for what planning, probes, retention and an empty history write",
    "windows.kind": "incremental moves the watermark; hook, confirm, sweep and repair read again, backfill what was asked for",
    "windows.attempts": "how often it was claimed since it was planned, or was planned anew",
    "windows.finished_at": "when it was done, split, failed, or found to lie beyond the platform's reach",
    "windows.orders": "the order ids it is read for: a message or a list they left says they changed, or a person asked for them",
    "backfills.request_id": "the first backfill of its request, where that is of several accounts; NULL in the first one itself",
    "audit_differences.acknowledged_at": "when somebody said that it may stay so: it is no problem since",
}


def upgrade() -> None:
    _comment(AFTER)


def downgrade() -> None:
    _comment(BEFORE)


def _comment(comments: Mapping[str, str]) -> None:
    for column, comment in comments.items():
        quoted = comment.replace("'", "''")
        op.execute(f"COMMENT ON COLUMN sync.{column} IS '{quoted}'")
