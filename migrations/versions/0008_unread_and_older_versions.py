"""orders say that a newer version could not be read; modify times that go back are remembered

Orders with an open reject that is newer than what is stored are marked at once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)

MARK = """
UPDATE orders AS o SET unread_version_since = now(), synced_at = now()
WHERE EXISTS (
    SELECT FROM sync.rejects AS r JOIN raw_orders AS t USING (platform, order_id)
    WHERE r.platform = o.platform AND r.order_id = o.order_id AND r.resolved_at IS NULL
        AND r.read_at > t.read_at AND r.payload_hash <> t.payload_hash
)
"""


def upgrade() -> None:
    op.add_column(
        "orders",
        sa.Column(
            "unread_version_since",
            TIME,
            comment="since when a newer version is known that could not be read, see sync.rejects; NULL as a rule",
        ),
    )
    op.add_column(
        "raw_orders",
        sa.Column(
            "time_went_back_at",
            TIME,
            comment="when the last read began whose older modify time was believed: what was read before is older than "
            "it, whatever its modify time; NULL as a rule",
        ),
    )
    op.create_table(
        "older_versions",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column("order_id", sa.Text(), nullable=False, comment="orders.order_id"),
        sa.Column("account", sa.Text(), nullable=False, comment="sync.accounts.name, of the read that brought it"),
        sa.Column(
            "modified_at",
            TIME,
            nullable=False,
            comment="the modify time it brought, earlier than that of the stored version",
        ),
        sa.Column("read_at", TIME, nullable=False, comment="when that read began, by the database's clock"),
        sa.Column("window_id", sa.BigInteger(), comment="the window that brought it, sync.windows.id"),
        sa.Column("noted_at", TIME, nullable=False, server_default=sa.func.now(), comment="when it was noted"),
        sa.PrimaryKeyConstraint("platform", "order_id", name="pk_older_versions"),
        schema="sync",
        comment="orders last read with an earlier modify time than the stored version has; believed when read so again",
    )
    op.execute(MARK)


def downgrade() -> None:
    op.drop_table("older_versions", schema="sync")
    op.drop_column("raw_orders", "time_went_back_at")
    op.drop_column("orders", "unread_version_since")
