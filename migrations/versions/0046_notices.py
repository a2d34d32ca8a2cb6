"""notices to people: the problems they were told of, and what waits to be sent"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="what the problem is about: suspended, behind, ...; backfill: no problem, one that ended",
        ),
        sa.Column(
            "subject",
            sa.Text(),
            nullable=False,
            comment="sync.accounts.name; # and the number of a backfill's request; empty for the service",
        ),
        sa.Column("began_at", TIME, nullable=False, comment="since when it is there"),
        sa.Column("gone_at", TIME, comment="since when it is gone; NULL while it is there"),
        sa.Column("noticed_at", TIME, comment="when people got a notice that it is there; NULL while they got none"),
        sa.Column(
            "amount",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="how many or how much that notice said",
        ),
        sa.Column(
            "times",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="how many notices of it there were in the last day",
        ),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_notices"),
        schema="sync",
        comment="problems that people get notices about ([notify]): each once, and once when it is over",
    )
    op.create_table(
        "outgoing_notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="number of the notice"),
        sa.Column(
            "made_at", TIME, nullable=False, server_default=sa.func.clock_timestamp(), comment="when it was made"
        ),
        sa.Column("level", sa.Text(), nullable=False, comment="info, success or warning: how messengers colour it"),
        sa.Column("title", sa.Text(), nullable=False, comment="its first line"),
        sa.Column(
            "body", sa.Text(), nullable=False, comment="the text: names of accounts, numbers, times and commands"
        ),
        sa.Column(
            "channels",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="the channels that have not accepted it yet",
        ),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0", comment="how often it was sent"),
        sa.Column(
            "try_at",
            TIME,
            nullable=False,
            server_default=sa.func.clock_timestamp(),
            comment="when it is to be sent, or sent again; later than now while a process sends it",
        ),
        sa.Column("sent_at", TIME, comment="when the last of its channels accepted it"),
        sa.Column("given_up_at", TIME, comment="when it was given up, a day after it was made"),
        sa.Column("error", sa.Text(), comment="why the last try failed, without secrets"),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_notices"),
        schema="sync",
        comment="notices to people, until every channel has accepted them, and for a while after",
    )
    op.create_index(
        "ix_outgoing_notices_waiting",
        "outgoing_notices",
        ["try_at"],
        schema="sync",
        postgresql_where=sa.text("sent_at IS NULL AND given_up_at IS NULL"),
    )
    op.create_index("ix_outgoing_notices_made_at", "outgoing_notices", ["made_at"], schema="sync")


def downgrade() -> None:
    op.drop_table("outgoing_notices", schema="sync")
    op.drop_table("notices", schema="sync")
