"""State of the service by its tables, for metrics and health: a few cheap queries.

Each reads an index of open rows, however many closed ones there are. Only jobs are counted over a whole table, which
retention keeps to one day.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from orders_sync.store.database import Connection
from orders_sync.store.overview import ACCOUNTS
from orders_sync.store.queries import fetch_rows, fetch_value, fetch_values

STATEMENT_TIMEOUT_MS = 900


_ACCOUNTS = f"""
    SELECT name, platform, behind, history_share,
        extract(epoch FROM watermark)::float AS watermark,
        extract(epoch FROM coalesce(proven_from, history_from))::float AS proven_from,
        suspended_at IS NOT NULL AS is_suspended, paused_at IS NOT NULL AS is_paused,
        rests_until IS NOT NULL AS is_resting,
        planned, running, failed, rejects, ignored_rejects, messages,
        coalesce(extract(epoch FROM now - oldest_message_at), 0)::float AS oldest_message,
        extract(epoch FROM now - audited_at)::float AS audit_age,
        differences, extract(epoch FROM late_by)::float AS late_by
    FROM ({ACCOUNTS}) AS found WHERE name = ANY(%(names)s) ORDER BY name
"""

_JOBS = """
    SELECT queue_name AS queue, status::text, count(*) AS jobs
    FROM sync_jobs.procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed') GROUP BY queue_name, status
"""

# the wait of a scheduled job begins at its scheduled time
_OLDEST_JOB = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp() - greatest(e.at, j.scheduled_at))), 0)::float AS seconds
    FROM sync_jobs.procrastinate_jobs AS j
    CROSS JOIN LATERAL (
        SELECT max(at) AS at FROM sync_jobs.procrastinate_events
        WHERE job_id = j.id AND type IN ('deferred', 'deferred_for_retry', 'retried')
    ) AS e
    WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= clock_timestamp())
"""

# those nobody has retired, and that have orders
_REMOVED = """
    SELECT a.name FROM sync.accounts AS a WHERE a.removed_at IS NOT NULL AND a.retired_at IS NULL
      AND EXISTS (SELECT FROM public.orders AS o WHERE o.account = a.name) ORDER BY a.name
"""

_RATES = """
    SELECT key, greatest(extract(epoch FROM next_at - clock_timestamp()), 0)::float AS seconds
    FROM sync.rates ORDER BY key
"""


@dataclass(frozen=True, slots=True)
class AccountMetrics:
    """The state of an account.

    `behind`: seconds since the end of the newest stretch that was read without a gap; `history_share`: how much of its
    history is read, between 0 and 1. `oldest_message`, `audit_age`: seconds. `watermark`, and `proven_from`, where its
    proof begins: seconds since 1970.

    None: nothing is known yet (never planned, never landed, never audited). `differences`: ranges that audits found to
    differ, without those repaired, compared again or acknowledged. `late_by`: seconds by which the latest order of the
    last seven days was listed late at least; None for none.
    """

    name: str
    platform: str
    behind: float | None
    history_share: float | None
    watermark: float | None
    proven_from: float | None
    is_suspended: bool
    is_paused: bool
    is_resting: bool
    planned: int
    running: int
    failed: int
    rejects: int
    ignored_rejects: int
    messages: int
    oldest_message: float
    audit_age: float | None
    differences: int
    late_by: float | None = None


@dataclass(frozen=True, slots=True)
class Jobs:
    """The number of jobs of a queue in one state: todo, doing or failed."""

    queue: str
    status: str
    jobs: int


@dataclass(frozen=True, slots=True)
class ReservedRate:
    """The seconds from now for which the calls of an app are reserved or on hold. `key`: `Account.rate_key`."""

    key: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ServiceMetrics:
    """The state of the service. `oldest_job`: seconds that the longest waiting job has waited, 0 if none waits.

    `removed`: accounts with orders that are no longer in any settings, so that nobody refreshes them.
    """

    accounts: list[AccountMetrics]
    jobs: list[Jobs]
    oldest_job: float
    rates: list[ReservedRate]
    removed: list[str]


async def read(connection: Connection, accounts: Collection[str]) -> ServiceMetrics:
    """Return the state of these accounts, as far as they have a row, of the queue and of the rates.

    Raises psycopg.Error, also when a query takes longer than `STATEMENT_TIMEOUT_MS`.
    """
    async with connection.transaction():
        await connection.execute("SET TRANSACTION READ ONLY")
        await connection.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}")
        return ServiceMetrics(
            await fetch_rows(connection, _ACCOUNTS, {"names": list(accounts)}, AccountMetrics),
            await fetch_rows(connection, _JOBS, None, Jobs),
            await oldest_job(connection),
            await fetch_rows(connection, _RATES, None, ReservedRate),
            await fetch_values(connection, _REMOVED, None, str),
        )


async def oldest_job(connection: Connection) -> float:
    """Return the seconds that the job that has waited longest has waited, 0 if none waits."""
    return await fetch_value(connection, _OLDEST_JOB, None, float)
