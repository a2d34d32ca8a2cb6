"""a cancelled backfill keeps how many of its windows were taken out, so that its progress is of all that was asked for"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

ABOUT = "windows that were taken out when it was cancelled; 0 where that was before 0053"
CANCEL = """
CREATE OR REPLACE FUNCTION sync.cancel_backfill(number bigint) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH open AS (
        SELECT id FROM sync.backfills WHERE id = number AND state IN ('requested', 'planned') FOR UPDATE
    ), taken_out AS (
        DELETE FROM sync.windows
        WHERE backfill_id IN (SELECT id FROM open) AND state IN ('planned', 'failed') RETURNING id
    ), cancelled AS (
        UPDATE sync.backfills AS b SET state = 'cancelled', finished_at = clock_timestamp(),
            cancelled_windows = (SELECT count(*) FROM taken_out)
        FROM open WHERE b.id = open.id RETURNING b.id
    )
    SELECT count(*)::integer FROM cancelled
$$
"""
FORMER = """
CREATE OR REPLACE FUNCTION sync.cancel_backfill(number bigint) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH cancelled AS (
        UPDATE sync.backfills SET state = 'cancelled', finished_at = clock_timestamp()
        WHERE id = number AND state IN ('requested', 'planned') RETURNING id
    ), taken_out AS (
        DELETE FROM sync.windows
        WHERE backfill_id IN (SELECT id FROM cancelled) AND state IN ('planned', 'failed')
    )
    SELECT count(*)::integer FROM cancelled
$$
"""


def upgrade() -> None:
    op.add_column(
        "backfills",
        sa.Column("cancelled_windows", sa.Integer(), nullable=False, server_default="0", comment=ABOUT),
        schema="sync",
    )
    op.execute(CANCEL)


def downgrade() -> None:
    op.execute(FORMER)
    op.drop_column("backfills", "cancelled_windows", schema="sync")
