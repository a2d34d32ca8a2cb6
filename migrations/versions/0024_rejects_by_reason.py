"""rejects have a kind of reason that stays the same, and may be ignored"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def columns() -> list[sa.Column]:
    return [
        sa.Column(
            "reason_key",
            sa.Text(),
            server_default="other",
            nullable=False,
            comment="the kind of the reason, the same in every version: no_order_id, not_json, ...",
        ),
        sa.Column(
            "ignored_at",
            TIME,
            comment="when somebody said that it need not be looked at; NULL for open and settled ones",
        ),
        sa.Column("ignored_by", sa.Text(), comment="the database role that said so"),
    ]


RESOLVED = "when the order landed after all"
RESOLVED_OR_GONE = "when the order landed after all, or a later complete read did not bring the record"
KIND = """
    UPDATE sync.rejects SET reason_key = CASE
        WHEN reason ~ '(^|: )missing( or empty)?$' THEN 'no_order_id'
        WHEN reason ~ 'a number with a fraction' THEN 'damaged_order_id'
        WHEN reason ~ 'longer than \\d+ characters$|characters that no key may hold' THEN 'unusable_order_id'
        WHEN reason ~ '^read as order .* known as order ' THEN 'other_order_id'
        WHEN reason ~ 'not an object$|^Expected `object`' THEN 'not_an_object'
        WHEN reason ~ '^(not JSON|nested too deep)$' THEN 'not_json'
        WHEN reason ~ '^not UTF-8' THEN 'not_utf8'
        WHEN reason ~ '^another order has the id ' THEN 'other_host'
        WHEN reason ~ '^refused by the database' THEN 'database'
        ELSE 'other' END
"""


# whoever reads the other columns reads these, too: roles that may see no payload have grants by column
GRANTS = """
    DO $$
    DECLARE reader name;
    BEGIN
        FOR reader IN
            SELECT DISTINCT grantee FROM information_schema.column_privileges
            WHERE (table_schema, table_name, column_name, privilege_type) = ('sync', 'rejects', 'resolved_at', 'SELECT')
              AND grantee <> 'PUBLIC' AND grantee <> current_user
        LOOP
            EXECUTE format('GRANT SELECT (reason_key, ignored_at, ignored_by) ON sync.rejects TO %I', reader);
        END LOOP;
    END $$
"""


def comment(after: str, before: str) -> None:
    op.alter_column(
        "rejects",
        "resolved_at",
        existing_type=TIME,
        comment=after,
        existing_comment=before,
        existing_nullable=True,
        schema="sync",
    )


def upgrade() -> None:
    for column in columns():
        op.add_column("rejects", column, schema="sync")
    op.execute(KIND)
    op.execute(GRANTS)
    op.create_index(
        "ix_rejects_nameless",
        "rejects",
        ["account"],
        schema="sync",
        postgresql_where=sa.text("order_id IS NULL AND resolved_at IS NULL"),
    )
    comment(RESOLVED_OR_GONE, RESOLVED)


def downgrade() -> None:
    op.drop_index("ix_rejects_nameless", "rejects", schema="sync")
    for column in reversed(columns()):
        op.drop_column("rejects", column.name, schema="sync")
    comment(RESOLVED, RESOLVED_OR_GONE)
