"""requests of people that the running service takes"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="number of the request"),
        sa.Column("account", sa.Text(), nullable=False, comment="sync.accounts.name"),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="sync: read it now; audit: compare it with its platform now"
        ),
        sa.Column(
            "starts_at", TIME, comment="of an audit: first moment of creation time to compare; NULL for all of it"
        ),
        sa.Column("ends_at", TIME, comment="of an audit: first moment after it; NULL for as far as it is read"),
        sa.Column(
            "repair", sa.Boolean(), nullable=False, server_default="false", comment="of an audit: read what is missing"
        ),
        sa.Column("requested_at", TIME, nullable=False, server_default=sa.func.now(), comment="when it was asked for"),
        sa.Column("requested_by", sa.Text(), nullable=False, comment="who asked"),
        sa.Column("taken_at", TIME, comment="when a process of the service took it last; NULL while it waits"),
        sa.Column("finished_at", TIME, comment="when it was planned (sync), or had ended (audit)"),
        sa.Column("error", sa.Text(), comment="why it failed"),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sa.CheckConstraint("kind IN ('sync', 'audit')", name="ck_requests_kind"),
        schema="sync",
        comment="what people asked the running service to do at once",
    )
    op.create_index(
        "ix_requests_open", "requests", ["account", "kind"], schema="sync",
        postgresql_where=sa.text("finished_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_requests_finished", "requests", ["finished_at"], schema="sync",
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("requests", schema="sync")
