"""Removal of old rows, a small batch per transaction, by one process at a time.

    settled rejects, older versions that were remembered, finished jobs and requests, handled messages, notices, rows of
    `order_history`, payloads (the rest of their row stays)
                   by their age alone
    backfills      finished, and none of their windows is still to be read
    audits         a later one of the account was finished
    activity       by its age alone: it is kept longer than what was acted on
    windows        done or split, unless something still follows from them:
                   incremental   what is planned and the watermark: one goes only where all before its end is proven,
                                 never the newest
                   backfill      the progress that is shown of it: they go after their backfill
                   any           an open reject, or an order without a creation time, names it: a sweep reads it again

Never removed here, however old: orders, their parts and receivers; accounts; a window that is still to be read, as one
that failed is; and one in state `beyond`, which says why the proof begins no earlier. Elsewhere numbers of windows are
plain numbers: they may name one that is gone. What is proven before the watermark stays so (`backfills.unproven`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from orders_sync.store import ledger, locks
from orders_sync.store.database import Connection
from orders_sync.store.states import OPEN_WINDOWS, READ_WINDOWS

BATCH = 1000  # rows a transaction

_BACKFILLS = f"""
DELETE FROM sync.backfills WHERE id = ANY (ARRAY(
    SELECT b.id FROM sync.backfills AS b
    WHERE b.state IN ('done', 'failed', 'cancelled') AND b.finished_at < now() - %(age)s AND NOT EXISTS (
        SELECT FROM sync.windows AS w WHERE w.backfill_id = b.id AND w.state IN {OPEN_WINDOWS})
    ORDER BY b.id LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
"""

# a sub-select, not a join: so the index by age is walked in order, and no further than the batch
_WINDOWS = f"""
WITH reaches AS MATERIALIZED (
    SELECT a.name, {ledger.PROVEN_TO} AS proven_to, {ledger.PLANNED_TO} AS planned_to FROM sync.accounts AS a
)
DELETE FROM sync.windows WHERE id = ANY (ARRAY(
    SELECT w.id FROM sync.windows AS w
    WHERE w.state IN {READ_WINDOWS} AND w.finished_at < now() - %(age)s
      AND (w.kind <> 'incremental' OR (
          SELECT w.ends_at <= r.proven_to AND w.ends_at < r.planned_to FROM reaches AS r WHERE r.name = w.account))
      AND NOT EXISTS (SELECT FROM sync.backfills AS b WHERE b.id = w.backfill_id)
      AND NOT EXISTS (SELECT FROM sync.rejects AS j WHERE j.window_id = w.id AND j.resolved_at IS NULL)
      AND NOT EXISTS (
          SELECT FROM orders AS o JOIN raw_orders AS p USING (platform, order_id)
          WHERE o.account = w.account AND o.created_at IS NULL AND p.window_id = w.id)
    ORDER BY w.finished_at LIMIT %(rows)s FOR UPDATE OF w SKIP LOCKED
))
"""

# the newest finished one says when the next is due; one that was cut off counts as ended a week after it began
_OLD_AUDITS = """
SELECT a.id FROM sync.audits AS a
WHERE coalesce(a.finished_at, a.started_at + interval '7 days') < now() - %(age)s AND EXISTS (
    SELECT FROM sync.audits AS l
    WHERE l.account = a.account AND l.started_at > a.started_at AND l.finished_at IS NOT NULL)
"""

_DIFFERENCES = f"""
DELETE FROM sync.audit_differences WHERE (audit_id, feed, starts_at) IN (
    SELECT audit_id, feed, starts_at FROM sync.audit_differences WHERE audit_id IN ({_OLD_AUDITS})
    ORDER BY audit_id, feed, starts_at LIMIT %(rows)s FOR UPDATE SKIP LOCKED
)
"""

_AUDITS = f"""
DELETE FROM sync.audits WHERE id = ANY (ARRAY({_OLD_AUDITS}
    AND NOT EXISTS (SELECT FROM sync.audit_differences AS d WHERE d.audit_id = a.id)
    ORDER BY a.id LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
"""

_REJECTS = """
DELETE FROM sync.rejects WHERE id = ANY (ARRAY(
    SELECT id FROM sync.rejects WHERE resolved_at < now() - %(age)s
    ORDER BY resolved_at LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
"""

_OLDER_VERSIONS = """
WITH old AS MATERIALIZED (
    SELECT platform, order_id FROM sync.older_versions WHERE noted_at < now() - %(age)s
    LIMIT %(rows)s FOR UPDATE SKIP LOCKED
)
DELETE FROM sync.older_versions AS v USING old WHERE (v.platform, v.order_id) = (old.platform, old.order_id)
"""

# procrastinate's own `delete_old_jobs` sorts every event there is and deletes all in one statement; events go with
# their job, by its foreign key
_JOBS = """
DELETE FROM sync_jobs.procrastinate_jobs WHERE id = ANY (ARRAY(
    SELECT j.id FROM sync_jobs.procrastinate_jobs AS j
    WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
      AND (SELECT max(e.at) FROM sync_jobs.procrastinate_events AS e WHERE e.job_id = j.id) < now() - %(age)s
    ORDER BY j.id LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
"""

_MESSAGES = """
DELETE FROM sync.messages WHERE id = ANY (ARRAY(
    SELECT id FROM sync.messages WHERE received_at < now() - %(age)s AND handled_at < now() - %(age)s
    ORDER BY received_at LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
"""

_REQUESTS = """
DELETE FROM sync.requests WHERE id = ANY (ARRAY(
    SELECT id FROM sync.requests WHERE finished_at < now() - %(age)s
    ORDER BY finished_at LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
"""

_ACTIVITY = """
DELETE FROM sync.activity WHERE id = ANY (ARRAY(
    SELECT id FROM sync.activity WHERE at < now() - %(age)s
    ORDER BY at LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
"""

_NOTICES = """
DELETE FROM sync.outgoing_notices WHERE id = ANY (ARRAY(
    SELECT id FROM sync.outgoing_notices WHERE made_at < now() - %(age)s
    ORDER BY made_at LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
"""

_HISTORY = """
WITH old AS MATERIALIZED (
    SELECT platform, order_id, seen_at FROM order_history WHERE seen_at < now() - %(age)s
    ORDER BY seen_at LIMIT %(rows)s FOR UPDATE SKIP LOCKED
)
DELETE FROM order_history AS h USING old
WHERE (h.platform, h.order_id, h.seen_at) = (old.platform, old.order_id, old.seen_at)
"""

# the hash stays, so an unchanged order still costs no write; one that changes brings its new payload. No index: it
# would cost every landing, for what is off unless asked for
_PAYLOADS = """
WITH old AS MATERIALIZED (
    SELECT platform, order_id FROM raw_orders WHERE payload IS NOT NULL AND synced_at < now() - %(age)s
    LIMIT %(rows)s FOR UPDATE SKIP LOCKED
)
UPDATE raw_orders AS r SET payload = NULL FROM old WHERE (r.platform, r.order_id) = (old.platform, old.order_id)
"""


@dataclass(frozen=True)
class Rule:
    """A kind of rows to remove. `age`: the key of [retention] that sets their age."""

    what: str
    age: str
    statement: str


RULES = (
    Rule("backfills", "windows", _BACKFILLS),  # before windows, which stay as long as their backfill
    Rule("windows", "windows", _WINDOWS),
    Rule("audit_differences", "windows", _DIFFERENCES),  # before audits, which stay as long as their differences
    Rule("audits", "windows", _AUDITS),
    Rule("rejects", "windows", _REJECTS),
    Rule("older_versions", "windows", _OLDER_VERSIONS),
    Rule("jobs", "jobs", _JOBS),
    Rule("messages", "messages", _MESSAGES),
    Rule("requests", "windows", _REQUESTS),
    Rule("activity", "activity", _ACTIVITY),
    Rule("notices", "windows", _NOTICES),
    Rule("history", "history", _HISTORY),
    Rule("payloads", "raw", _PAYLOADS),
)


async def remove(connection: Connection, rule: Rule, age: timedelta, rows: int = BATCH) -> int | None:
    """Remove at most `rows` that are older than `age` by the database's clock; return their number.

    None if another process is removing rows.
    """
    async with connection.transaction():
        cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [locks.RETENTION])
        if await cursor.fetchone() == (False,):
            return None
        cursor = await connection.execute(rule.statement.encode(), {"age": age, "rows": rows})
        return cursor.rowcount
