"""a backfill's range lies on whole seconds, within what can be read; times with a zone, dates and texts are taken too"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

EARLIEST = "timestamptz '1999-01-01 00:00:00+08'"
LATEST = "timestamptz '2200-01-01 00:00:00+08'"
RANGE = f"""
    starts_at >= {EARLIEST} AND ends_at <= {LATEST}
    AND date_trunc('second', starts_at AT TIME ZONE 'UTC') = starts_at AT TIME ZONE 'UTC'
    AND date_trunc('second', ends_at AT TIME ZONE 'UTC') = ends_at AT TIME ZONE 'UTC'
"""
# a range out of bounds cannot be kept as it is: it moves to the nearest second within them, its own words go to `error`
MEND = f"""
UPDATE sync.backfills SET
    state = CASE WHEN state IN ('requested', 'planned') THEN 'failed' ELSE state END,
    finished_at = coalesce(finished_at, clock_timestamp()),
    error = concat_ws('; ', error, format('asked for %s .. %s: it must lie between 1999 and 2200', starts_at, ends_at)),
    starts_at = least(greatest(starts_at, {EARLIEST}), {LATEST} - interval '1 s'),
    ends_at = least(greatest(ends_at, {EARLIEST} + interval '1 s'), {LATEST})
WHERE starts_at < {EARLIEST} OR ends_at > {LATEST};
UPDATE sync.backfills SET
    starts_at = date_trunc('second', starts_at), ends_at = date_trunc('second', ends_at + interval '999999 us')
WHERE date_trunc('second', starts_at) <> starts_at OR date_trunc('second', ends_at) <> ends_at
"""  # noqa: S608
REQUEST = """
CREATE FUNCTION sync.request_backfill(
    account text, from_time timestamptz, to_time timestamptz, by_time text DEFAULT NULL, everything boolean DEFAULT false
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known sync.accounts;
    number bigint;
BEGIN
    SELECT * INTO known FROM sync.accounts AS a WHERE a.name = request_backfill.account;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no account is named %', request_backfill.account
            USING HINT = 'SELECT name FROM sync.accounts; an account appears there with its first sync';
    END IF;
    IF from_time >= to_time THEN
        RAISE EXCEPTION 'nothing lies between % and %', from_time, to_time;
    END IF;
    IF from_time < {EARLIEST} OR to_time > {LATEST} THEN
        RAISE EXCEPTION '% .. % cannot be read: a range lies between 1999 and 2200', from_time, to_time
            USING HINT = 'the end may lie in the future: what is there by then is read';
    END IF;
    IF coalesce(by_time, known.feed) NOT IN ('created', 'updated') THEN
        RAISE EXCEPTION 'by_time is created or updated, not %', by_time;
    END IF;
    INSERT INTO sync.backfills (account, feed, starts_at, ends_at, everything)
    VALUES (known.name, coalesce(by_time, known.feed), date_trunc('second', from_time),
        date_trunc('second', to_time + interval '999999 us'), request_backfill.everything)
    RETURNING id INTO number;
    RETURN number;
END $$
""".replace("{EARLIEST}", EARLIEST).replace("{LATEST}", LATEST)
# a literal is text for Postgres where some argument takes text, so '2026-10-01' stays a time of China
WITHOUT_ZONE = [("timestamp", "timestamp"), ("date", "date"), ("text", "text"), ("text", "timestamptz")]
IN_CHINA = """
CREATE OR REPLACE FUNCTION sync.request_backfill(
    account text, from_time {first}, to_time {last}, by_time text DEFAULT NULL, everything boolean DEFAULT false
) RETURNS bigint LANGUAGE plpgsql SET timezone = 'Asia/Shanghai' AS $$
BEGIN
    RETURN sync.request_backfill(account, from_time::timestamptz, to_time::timestamptz, by_time, everything);
END $$
"""
ABOUT = (
    "Ask for a range of an account to be read, the end not included: times without a zone are those of China (UTC+8). "
    "It is widened to whole seconds. The number of the backfill."
)


def signature(first: str, last: str) -> str:
    return f"sync.request_backfill(text, {first}, {last}, text, boolean)"


def upgrade() -> None:
    op.execute(MEND)
    op.create_check_constraint("ck_backfills_range", "backfills", RANGE, schema="sync")
    op.execute(REQUEST)
    for first, last in WITHOUT_ZONE:
        op.execute(IN_CHINA.format(first=first, last=last))
    for first, last in [("timestamptz", "timestamptz"), *WITHOUT_ZONE]:
        op.execute(f"COMMENT ON FUNCTION {signature(first, last)} IS '{ABOUT}'")


def downgrade() -> None:
    for first, last in [("timestamptz", "timestamptz"), *WITHOUT_ZONE]:
        op.execute(f"DROP FUNCTION {signature(first, last)}")
    op.drop_constraint("ck_backfills_range", "backfills", schema="sync")
    op.execute(REQUEST_BACKFILL_0002)


REQUEST_BACKFILL_0002 = """
CREATE FUNCTION sync.request_backfill(
    account text, from_time timestamp, to_time timestamp, by_time text DEFAULT NULL, everything boolean DEFAULT false
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known sync.accounts;
    number bigint;
BEGIN
    SELECT * INTO known FROM sync.accounts AS a WHERE a.name = request_backfill.account;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no account is named %', request_backfill.account
            USING HINT = 'SELECT name FROM sync.accounts; an account appears there with its first sync';
    END IF;
    IF from_time >= to_time THEN
        RAISE EXCEPTION 'nothing lies between % and %', from_time, to_time;
    END IF;
    IF coalesce(by_time, known.feed) NOT IN ('created', 'updated') THEN
        RAISE EXCEPTION 'by_time is created or updated, not %', by_time;
    END IF;
    INSERT INTO sync.backfills (account, feed, starts_at, ends_at, everything)
    VALUES (known.name, coalesce(by_time, known.feed), from_time AT TIME ZONE 'Asia/Shanghai',
        to_time AT TIME ZONE 'Asia/Shanghai', request_backfill.everything)
    RETURNING id INTO number;
    RETURN number;
END $$;
COMMENT ON FUNCTION sync.request_backfill IS
    'Ask for a range of an account to be read: times of China (UTC+8), the end not included. The number of the backfill.'
"""
