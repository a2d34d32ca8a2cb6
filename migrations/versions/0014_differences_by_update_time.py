"""audits compare by update time too: which list differs"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = "first moment of creation time that differs"
MOMENT_OF_FEED = "first moment that differs, of the time that feed names"
COUNTED = [  # of sync.audits, which keeps what it kept: the counts by creation time
    ("platform_orders", "orders the platform counts", "orders the platform counts by creation time"),
    (
        "table_orders",
        "orders and open rejects in the tables",
        "orders and open rejects in the tables, by creation time",
    ),
]
AUDITS = "the platform's own counts by creation time against the tables"
AUDITS_OF_BOTH = "the platform's own counts against the tables"


def set_key(*columns: str) -> None:
    op.drop_constraint("pk_audit_differences", "audit_differences", schema="sync")
    op.create_primary_key("pk_audit_differences", "audit_differences", columns, schema="sync")


def comment(table: str, name: str, kind: sa.types.TypeEngine, after: str, before: str, *, nullable: bool) -> None:
    op.alter_column(
        table,
        name,
        existing_type=kind,
        comment=after,
        existing_comment=before,
        existing_nullable=nullable,
        schema="sync",
    )


def upgrade() -> None:
    op.add_column(
        "audit_differences",
        sa.Column(
            "feed",
            sa.Text(),
            server_default="created",
            nullable=False,
            comment="created or updated: the time of the list that differs",
        ),
        schema="sync",
    )
    set_key("audit_id", "feed", "starts_at")
    time = sa.DateTime(timezone=True)
    comment("audit_differences", "starts_at", time, MOMENT_OF_FEED, MOMENT, nullable=False)
    for name, before, after in COUNTED:
        comment("audits", name, sa.Integer(), after, before, nullable=True)
    op.create_table_comment("audits", AUDITS_OF_BOTH, existing_comment=AUDITS, schema="sync")


def downgrade() -> None:
    op.execute("DELETE FROM sync.audit_differences WHERE feed <> 'created'")
    set_key("audit_id", "starts_at")
    op.drop_column("audit_differences", "feed", schema="sync")
    time = sa.DateTime(timezone=True)
    comment("audit_differences", "starts_at", time, MOMENT, MOMENT_OF_FEED, nullable=False)
    for name, before, after in COUNTED:
        comment("audits", name, sa.Integer(), before, after, nullable=True)
    op.create_table_comment("audits", AUDITS, existing_comment=AUDITS_OF_BOTH, schema="sync")
