"""which views and functions of schema bi are ours; they themselves are made after the migrations, from store/bi"""

import sqlalchemy as sa
from alembic import op

from orders_sync.store import bi

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "views",
        sa.Column("name", sa.Text(), nullable=False, comment="name of the view or function in schema bi"),
        sa.Column(
            "definition_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="blake2b, 16 bytes, of its definition: another one is made anew",
        ),
        sa.Column(
            "made_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
            comment="when it was made or changed",
        ),
        sa.PrimaryKeyConstraint("name", name="pk_views"),
        schema="sync",
        comment="views and functions of schema bi that orders-sync made; what is not here is somebody else's",
    )


def downgrade() -> None:
    bi.drop(op.get_bind().connection.driver_connection)
    op.drop_table("views", schema="sync")
