"""which versions made the views of schema bi: from here on a changed view needs no revision of the tables"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "view_sets",
        sa.Column(
            "fingerprint",
            sa.LargeBinary(),
            nullable=False,
            comment="blake2b, 16 bytes, of all definitions of a version",
        ),
        sa.Column(
            "number",
            sa.Integer(),
            sa.Identity(),
            nullable=False,
            comment="the last one is of the newest version",
        ),
        sa.Column(
            "made_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
            comment="when it made the views first",
        ),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_view_sets"),
        schema="sync",
        comment="versions of orders-sync that made the views of schema bi: an older one leaves those of a newer one",
    )


def downgrade() -> None:
    op.drop_table("view_sets", schema="sync")
