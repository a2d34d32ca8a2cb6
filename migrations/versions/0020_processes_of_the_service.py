"""processes of the service that are alive: which of them plan and read, with which version"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "processes",
        sa.Column("id", sa.Text(), nullable=False, comment="host:process number:random, unique for each start"),
        sa.Column(
            "parts",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="what it runs: scheduler, worker, console",
        ),
        sa.Column("version", sa.Text(), nullable=False, comment="version of the program"),
        sa.Column("tables", sa.Text(), nullable=False, comment="version of the tables that the program works on"),
        sa.Column("host", sa.Text(), nullable=False, comment="name of its machine or container"),
        sa.Column("pid", sa.Integer(), nullable=False, comment="process number there"),
        sa.Column("started_at", TIME, nullable=False, server_default=sa.func.now(), comment="when it started"),
        sa.Column("seen_at", TIME, nullable=False, comment="last heartbeat, one every ten seconds"),
        sa.PrimaryKeyConstraint("id", name="pk_processes"),
        schema="sync",
        comment="processes of the service; a row is removed when its process stops",
    )


def downgrade() -> None:
    op.drop_table("processes", schema="sync")
