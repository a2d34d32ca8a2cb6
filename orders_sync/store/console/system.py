"""The service and its database for the system page: size, connections, queues, jobs that failed, calls that wait."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from orders_sync.store.console.capped import capped
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_optional, fetch_row, fetch_rows

MOST_TABLES = 10
MOST_FAILED = 20
MOST_WAITING = 50  # keys of rates
_NEWEST = 20_000  # jobs that are gone through for those that failed

# the kind of a backend of another role is hidden from a role without pg_read_all_stats; its database and user are not
_DATABASE = """
SELECT current_database()::text AS name, current_setting('server_version') AS version,
    pg_database_size(current_database()) AS bytes, current_setting('max_connections')::int AS most_connections,
    (SELECT count(*)::int FROM pg_stat_activity WHERE datid IS NOT NULL AND usesysid IS NOT NULL
        AND coalesce(backend_type, 'client backend') = 'client backend') AS connections,
    (SELECT count(*)::int FROM sync.accounts) AS accounts,
    pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS is_read_only
"""
# as of the last vacuum: it waits for no lock and asks no file
_TABLES = """
SELECT n.nspname || '.' || c.relname AS name, greatest(c.reltuples, 0)::bigint AS rows,
    current_setting('block_size')::bigint * (c.relpages
        + coalesce((SELECT sum(i.relpages) FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
                    WHERE x.indrelid = c.oid), 0)
        + coalesce((SELECT t.relpages FROM pg_class AS t WHERE t.oid = c.reltoastrelid), 0))::bigint AS bytes
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'sync', 'sync_jobs') AND c.relkind = 'r'
ORDER BY bytes DESC, name LIMIT %(most)s
"""
_HAS_JOBS = "SELECT to_regclass('sync_jobs.procrastinate_jobs')::text"
_OF_QUEUE = "FROM sync_jobs.procrastinate_jobs AS j WHERE j.queue_name = q.name AND j.status = "
_QUEUES = f"""
WITH failed AS (
    SELECT queue_name, count(*)::int AS jobs FROM (
        SELECT queue_name, status FROM sync_jobs.procrastinate_jobs ORDER BY id DESC LIMIT {_NEWEST}
    ) AS newest
    WHERE status = 'failed' GROUP BY queue_name
), names AS (
    SELECT queue_name AS name FROM failed
    UNION SELECT queue_name FROM sync_jobs.procrastinate_jobs WHERE status = 'todo'
    UNION SELECT queue_name FROM sync_jobs.procrastinate_jobs WHERE status = 'doing'
)
SELECT q.name, {capped(f"{_OF_QUEUE} 'todo'")} AS waiting, {capped(f"{_OF_QUEUE} 'doing'")} AS running,
    coalesce(f.jobs, 0) AS failed
FROM names AS q LEFT JOIN failed AS f ON f.queue_name = q.name ORDER BY q.name
"""
_FAILED = f"""
SELECT id, queue_name AS queue, task_name AS task, attempts, args ->> 'account' AS account FROM (
    SELECT * FROM sync_jobs.procrastinate_jobs ORDER BY id DESC LIMIT {_NEWEST}
) AS newest
WHERE status = 'failed' ORDER BY id DESC LIMIT %(most)s
"""
_WAITING = """
SELECT key, seconds FROM (
    SELECT key, extract(epoch FROM next_at - clock_timestamp())::float AS seconds FROM sync.rates
) AS rates
WHERE seconds > 0 ORDER BY seconds DESC, key LIMIT %(most)s
"""


class Database(msgspec.Struct, frozen=True):
    """The database of the service. `connections`: of clients to its server, of `most_connections`."""

    name: str
    version: str
    bytes: int
    connections: int
    most_connections: int
    accounts: int
    is_read_only: bool


class TableSize(msgspec.Struct, frozen=True):
    """A table with its schema. `rows` and `bytes`, with indexes and long values, as the last vacuum found them."""

    name: str
    rows: int
    bytes: int


class QueueLength(msgspec.Struct, frozen=True):
    """The jobs of a queue. `waiting` and `running` are counted up to `capped.MOST_COUNTED`.

    `failed`: among the newest jobs of all queues.
    """

    name: str
    waiting: int
    running: int
    failed: int


class FailedJob(msgspec.Struct, frozen=True):
    """A job that failed. Why, its process has logged. `account`: the one it was for, if any."""

    id: int
    queue: str
    task: str
    attempts: int
    account: str | None = None


class Waiting(msgspec.Struct, frozen=True):
    """The seconds for which the calls of an account or app (`Account.rate_key`) are reserved or on hold."""

    key: str
    seconds: float


class System(msgspec.Struct, frozen=True):
    """Everything of the system page that the database knows, beside processes (`overview`) and revision (`schema`)."""

    database: Database
    tables: list[TableSize]
    queues: list[QueueLength]
    failed_jobs: list[FailedJob]
    waiting: list[Waiting]


class Disk(msgspec.Struct, frozen=True):
    """The file system that holds a folder, in bytes. `free`: what this user may still write."""

    total: int
    free: int


async def read(connection: Connection) -> System:
    """Return the state of the database and of the queues; no queues where no worker has run yet."""
    database = await fetch_row(connection, _DATABASE, None, Database)
    assert database is not None
    has_jobs = await fetch_optional(connection, _HAS_JOBS, None, str) is not None
    return System(
        database,
        await fetch_rows(connection, _TABLES, {"most": MOST_TABLES}, TableSize),
        await fetch_rows(connection, _QUEUES, None, QueueLength) if has_jobs else [],
        await fetch_rows(connection, _FAILED, {"most": MOST_FAILED}, FailedJob) if has_jobs else [],
        await fetch_rows(connection, _WAITING, {"most": MOST_WAITING}, Waiting),
    )


def disk(folder: Path) -> Disk | None:
    """Return the room around the embedded server's folder; None where it cannot be asked."""
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return None
    return Disk(found.total, found.free)
