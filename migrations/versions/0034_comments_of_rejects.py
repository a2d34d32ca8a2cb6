"""comments of `sync.rejects` in the words of the documents, and one inside `bi.changes_since`

The functions themselves are made after the migrations, from `orders_sync/store/bi`.
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# object, comment before, comment after
COMMENTS = (
    (
        "TABLE sync.rejects",
        "records that could not be normalised, whole",
        "records that could not be normalized, whole",
    ),
    (
        "COLUMN sync.rejects.reason",
        "what could not be normalised, with the field",
        "what could not be normalized, with the field",
    ),
    (
        "COLUMN sync.rejects.resolved_at",
        "when the order landed after all, or a later complete read did not bring the record",
        "when it was settled: the order landed after all, or a later complete read did not bring the record",
    ),
)


def upgrade() -> None:
    for name, _, after in COMMENTS:
        op.execute(f"COMMENT ON {name} IS '{after}'")


def downgrade() -> None:
    for name, before, _ in COMMENTS:
        op.execute(f"COMMENT ON {name} IS '{before}'")
