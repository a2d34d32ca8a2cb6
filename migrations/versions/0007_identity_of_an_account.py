"""an account is a seller on a host of a platform; its name is a label

`host` is filled when the account is next met in the settings.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OWNER = "the account that keeps it current"
OWNER_BEFORE = "the account it was first read by"
NAME = "as in the settings: a label, which may change"
NAME_BEFORE = "as in the settings"


def say(owner: str, owner_before: str, name: str, name_before: str) -> None:
    for schema, table, column, comment, before in (
        (None, "orders", "account", owner, owner_before),
        (None, "raw_orders", "account", owner, owner_before),
        ("sync", "accounts", "name", name, name_before),
    ):
        op.alter_column(
            table,
            column,
            existing_type=sa.Text(),
            comment=comment,
            existing_comment=before,
            existing_nullable=False,
            schema=schema,
        )


def upgrade() -> None:
    say(OWNER, OWNER_BEFORE, NAME, NAME_BEFORE)
    op.add_column(
        "accounts",
        sa.Column(
            "host",
            sa.Text(),
            nullable=True,
            comment="of base_url; with platform and seller who the account is. NULL until it is met in the settings",
        ),
        schema="sync",
    )
    op.add_column(
        "accounts",
        sa.Column(
            "removed_at",
            TIME,
            nullable=True,
            comment="when it was found missing in the settings: nobody refreshes its orders since",
        ),
        schema="sync",
    )
    op.add_column(
        "accounts",
        sa.Column(
            "retired_at",
            TIME,
            nullable=True,
            comment="when somebody said that its orders need not be refreshed any more",
        ),
        schema="sync",
    )
    op.create_unique_constraint("uq_accounts_identity", "accounts", ["platform", "host", "seller"], schema="sync")
    op.create_table(
        "shared_orders",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column("order_id", sa.Text(), nullable=False, comment="orders.order_id"),
        sa.Column(
            "account", sa.Text(), nullable=False, comment="an account that lists the order beside the one that keeps it"
        ),
        sa.Column(
            "payload_hash",
            postgresql.BYTEA(),
            nullable=False,
            comment="XXH3, 128 bits, of what it listed last: other bytes are a change",
        ),
        sa.Column("seen_at", TIME, nullable=False, comment="when the read that brought these bytes began"),
        sa.PrimaryKeyConstraint("platform", "order_id", "account", name=op.f("pk_shared_orders")),
        schema="sync",
        comment="orders that more than one account lists",
    )
    op.create_index("ix_shared_orders_account", "shared_orders", ["account"], schema="sync")


def downgrade() -> None:
    op.drop_table("shared_orders", schema="sync")
    op.drop_constraint("uq_accounts_identity", "accounts", schema="sync")
    op.drop_column("accounts", "retired_at", schema="sync")
    op.drop_column("accounts", "removed_at", schema="sync")
    op.drop_column("accounts", "host", schema="sync")
    say(OWNER_BEFORE, OWNER, NAME_BEFORE, NAME)
