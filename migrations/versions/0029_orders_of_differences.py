"""audits name the orders that differ, are acknowledged, and settle what earlier ones found"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
IDS = postgresql.ARRAY(sa.Text())
COLUMNS = [
    ("missing", sa.Integer(), "orders that the tables lack or hold in an older version; NULL before 0029"),
    ("missing_ids", IDS, "those the tables lack, as far as they were read one by one"),
    ("older_ids", IDS, "those the tables hold in an older version"),
    ("not_listed_ids", IDS, "those the platform does not list (any more) though the tables hold them"),
    ("settled_by", sa.BigInteger(), "the later audit that compared the range again, sync.audits.id"),
    ("acknowledged_at", TIME, "when somebody said that it is known: it raises no alert since"),
    ("acknowledged_by", sa.Text(), "the database role that said so"),
    ("acknowledged_because", sa.Text(), "why"),
]
SEEN = "last sign of life while it runs, two a minute; long past: its process was killed"
REPAIRED = "when a read of the range ended the difference"
REPAIRED_OR_LATER = "when a read of the range ended the difference, or a later audit compared it again"
# until now only the last audit's differences counted; those it compared again are settled, so that they raise no alert
SETTLE = """
    UPDATE sync.audit_differences AS d SET repaired_at = l.finished_at, settled_by = l.id
    FROM sync.audits AS a, sync.audits AS l
    WHERE a.id = d.audit_id AND d.repaired_at IS NULL AND l.id = (
        SELECT n.id FROM sync.audits AS n
        WHERE n.account = a.account AND n.started_at > a.started_at AND n.finished_at IS NOT NULL
          AND n.starts_at <= d.starts_at AND n.ends_at >= d.ends_at
        ORDER BY n.started_at LIMIT 1
    )
"""


def comment(after: str, before: str) -> None:
    op.alter_column(
        "audit_differences",
        "repaired_at",
        existing_type=TIME,
        comment=after,
        existing_comment=before,
        existing_nullable=True,
        schema="sync",
    )


def upgrade() -> None:
    for name, kind, about in COLUMNS:
        op.add_column("audit_differences", sa.Column(name, kind, comment=about), schema="sync")
    op.add_column("audits", sa.Column("seen_at", TIME, comment=SEEN), schema="sync")
    op.create_index(
        "ix_audit_differences_open",
        "audit_differences",
        ["audit_id"],
        schema="sync",
        postgresql_where=sa.text("repaired_at IS NULL"),
    )
    comment(REPAIRED_OR_LATER, REPAIRED)
    op.execute(SETTLE)


def downgrade() -> None:
    comment(REPAIRED, REPAIRED_OR_LATER)
    op.drop_index("ix_audit_differences_open", "audit_differences", schema="sync")
    op.drop_column("audits", "seen_at", schema="sync")
    for name, _, _ in reversed(COLUMNS):
        op.drop_column("audit_differences", name, schema="sync")
