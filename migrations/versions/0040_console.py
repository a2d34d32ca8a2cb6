"""people who use the console, their sessions and log-ins"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "console_people",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="number of the person"),
        sa.Column("name", sa.Text(), nullable=False, comment="the name to log in with"),
        sa.Column(
            "password_hash",
            sa.Text(),
            comment="scrypt hash of the password or token; NULL: only a proxy logs this person in",
        ),
        sa.Column(
            "may_act",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="may start, pause, replay and repair",
        ),
        sa.Column(
            "may_see_persons",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="may see buyers, receivers and payloads, which is recorded",
        ),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False, comment="when the person was added"),
        sa.Column("removed_at", TIME, comment="when the person was removed and may no longer log in"),
        sa.PrimaryKeyConstraint("id", name="pk_console_people"),
        schema="sync",
        comment="people who may log in to the console",
    )
    op.create_index("uq_console_people_name", "console_people", ["name"], unique=True, schema="sync")
    op.create_table(
        "console_sessions",
        sa.Column("key_hash", postgresql.BYTEA(), nullable=False, comment="SHA-256 of the key in the cookie"),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=False,
            comment="sync.console_people.id",
        ),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False, comment="when the person logged in"),
        sa.Column("seen_at", TIME, server_default=NOW, nullable=False, comment="last request, to the minute"),
        sa.Column("address", sa.Text(), comment="network address of the log-in"),
        sa.Column("browser", sa.Text(), comment="what the browser called itself at the log-in"),
        sa.PrimaryKeyConstraint("key_hash", name="pk_console_sessions"),
        schema="sync",
        comment="sessions of the console; a deleted row ends its session",
    )
    op.create_index("ix_console_sessions_person_id", "console_sessions", ["person_id"], schema="sync")
    op.create_index("ix_console_sessions_seen_at", "console_sessions", ["seen_at"], schema="sync")
    op.create_table(
        "console_logins",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="number of the attempt"),
        sa.Column("at", TIME, server_default=NOW, nullable=False, comment="when it was made"),
        sa.Column("name", sa.Text(), nullable=False, comment="the name that was typed"),
        sa.Column("address", sa.Text(), nullable=False, comment="network address"),
        sa.Column("succeeded", sa.Boolean(), nullable=False, comment="whether name and password were right"),
        sa.PrimaryKeyConstraint("id", name="pk_console_logins"),
        schema="sync",
        comment="attempts to log in to the console, which limit how many may follow",
    )
    op.create_index("ix_console_logins_at", "console_logins", ["at"], schema="sync")


def downgrade() -> None:
    for table in ("console_logins", "console_sessions", "console_people"):
        op.drop_table(table, schema="sync")
