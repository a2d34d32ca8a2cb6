"""backfills of one request belong together, carry a notice, and are cancelled in SQL too"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

CANCEL = """
CREATE FUNCTION sync.cancel_backfill(number bigint) RETURNS integer
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
CANCEL_REQUEST = """
CREATE FUNCTION sync.cancel_backfill_request(request bigint) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT coalesce(sum(sync.cancel_backfill(id)), 0)::integer FROM sync.backfills
    WHERE coalesce(request_id, id) = request AND state IN ('requested', 'planned')
$$
"""
# one number for many accounts; what is wrong with a range or a name is said by the function for one account
REQUEST_MANY = """
CREATE FUNCTION sync.request_backfills(
    accounts text[], from_time {first}, to_time {last}, by_time text DEFAULT NULL, everything boolean DEFAULT false
) RETURNS bigint LANGUAGE plpgsql SET timezone = 'Asia/Shanghai' AS $$
DECLARE
    name text;
    number bigint;
    first bigint;
BEGIN
    IF from_time::timestamptz > now() THEN
        RAISE EXCEPTION 'the range begins in the future: %', from_time;
    END IF;
    FOREACH name IN ARRAY accounts LOOP
        number := sync.request_backfill(name, from_time, to_time, by_time, everything);
        IF first IS NOT NULL THEN
            PERFORM sync.join_backfill(number, first);
        END IF;
        first := coalesce(first, number);
    END LOOP;
    RETURN first;
END $$
"""
# the role that may ask for a backfill may not change one: this much it may, of those it has just asked for
JOIN = """
CREATE FUNCTION sync.join_backfill(number bigint, request bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE sync.backfills AS b SET request_id = request
    WHERE b.id = number AND b.state = 'requested' AND b.requested_at = now() AND b.requested_by = session_user
$$
"""
TIMES = [
    ("timestamptz", "timestamptz"), ("timestamp", "timestamp"), ("date", "date"), ("text", "text"),
    ("text", "timestamptz"),
]  # fmt: skip
COMMENTS = {
    "sync.cancel_backfill(bigint)": "Cancel a backfill: windows in flight are finished. 1, or 0 if it is not open.",
    "sync.cancel_backfill_request(bigint)": "Cancel every open backfill of a request. How many there were.",
    "sync.join_backfill(bigint, bigint)": "Used by request_backfills.",
    **{
        f"sync.request_backfills(text[], {first}, {last}, text, boolean)":
            "Ask for a range of several accounts as one request, else as request_backfill. The number of the request."
        for first, last in TIMES
    },
}  # fmt: skip


def upgrade() -> None:
    op.add_column(
        "backfills",
        sa.Column(
            "request_id",
            sa.BigInteger(),
            comment="the first backfill of the same request for several accounts; NULL for that one",
        ),
        schema="sync",
    )
    op.add_column(
        "backfills",
        sa.Column(
            "notice",
            sa.Text(),
            comment="what whoever asked should know: how far the platform lists, the same range before, ...",
        ),
        schema="sync",
    )
    op.create_index(
        "ix_backfills_request",
        "backfills",
        ["request_id"],
        schema="sync",
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    for statement in (CANCEL, CANCEL_REQUEST, JOIN):
        op.execute(statement)
    for first, last in TIMES:
        op.execute(REQUEST_MANY.format(first=first, last=last))
    for function, about in COMMENTS.items():
        op.execute(f"COMMENT ON FUNCTION {function} IS '{about}'")
    for function in ("cancel_backfill(bigint)", "cancel_backfill_request(bigint)", "join_backfill(bigint, bigint)"):
        op.execute(f"REVOKE ALL ON FUNCTION sync.{function} FROM PUBLIC")  # they act by the rights of the owner


def downgrade() -> None:
    for function in reversed(COMMENTS):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_index("ix_backfills_request", "backfills", schema="sync")
    op.drop_column("backfills", "notice", schema="sync")
    op.drop_column("backfills", "request_id", schema="sync")
