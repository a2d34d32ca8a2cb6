"""the index of windows by their ends holds their beginnings: what overlaps a gap is found without a look at the rows"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

FORMER = "ix_windows_account_kind_ends_at"
NOW = "ix_windows_account_kind_ends_at_starts_at"


def upgrade() -> None:
    op.create_index(NOW, "windows", ["account", "kind", "ends_at", "starts_at"], schema="sync")
    op.drop_index(FORMER, "windows", schema="sync")


def downgrade() -> None:
    op.create_index(FORMER, "windows", ["account", "kind", "ends_at"], schema="sync")
    op.drop_index(NOW, "windows", schema="sync")
