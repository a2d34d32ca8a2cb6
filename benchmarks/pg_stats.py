"""Measurements of Postgres: row versions, WAL (also by schema); and processor time of process trees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from psycopg import errors

from orders_sync.store import database

Connection = psycopg.Connection[tuple[object, ...]]

_ROW_VERSIONS = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_all_tables WHERE schemaname = 'public'
"""
_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_OTHER_SESSIONS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
    AND pid <> pg_backend_pid()
"""
# a record that touches blocks of two relations counts half for each
_WAL_BY_SCHEMA = """
WITH blocks AS (
    SELECT start_lsn, reltablespace, reldatabase, relfilenode,
        record_length::numeric / count(*) OVER (PARTITION BY start_lsn) AS bytes
    FROM pg_get_wal_block_info(%s::pg_lsn, %s::pg_lsn, false)
), owners AS (
    SELECT pg_relation_filenode(c.oid) AS relfilenode, coalesce(owner.relnamespace, c.relnamespace) AS schema
    FROM pg_class AS c
    LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
    LEFT JOIN pg_class AS owner ON owner.reltoastrelid IN (c.oid, i.indrelid)
)
SELECT coalesce(n.nspname, 'other'), sum(bytes)::bigint
FROM blocks AS b
LEFT JOIN owners AS o ON b.reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND o.relfilenode = b.relfilenode
LEFT JOIN pg_namespace AS n ON n.oid = o.schema
GROUP BY 1
"""


def connect(url: str) -> Connection:
    """Open a connection in autocommit mode."""
    return database.connect(url)


def fetch_int(connection: Connection, query: str) -> int:
    """Run a query that returns one integer."""
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def row_versions(connection: Connection) -> int:
    """Return the number of inserts, updates and deletes in the business tables so far.

    Waits for other sessions to end, because they report their statistics then at the latest.
    """
    while fetch_int(connection, _OTHER_SESSIONS):
        time.sleep(0.02)
    return fetch_int(connection, _ROW_VERSIONS)


def wal(connection: Connection) -> int:
    """Return the WAL position of the whole server in bytes."""
    return fetch_int(connection, _WAL)


def wal_by_schema(connection: Connection, since: int, until: int) -> dict[str, int] | None:
    """Return the bytes of WAL between two positions by schema; None if pg_walinspect is not available."""
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        rows = connection.execute(_WAL_BY_SCHEMA.encode(), [_lsn(since), _lsn(until)]).fetchall()
    except (errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.UndefinedFile, errors.UndefinedFunction):
        return None
    return {str(schema): int(str(size)) for schema, size in rows}


def _lsn(position: int) -> str:
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def local_postmaster(url: str) -> int | None:
    """Return the process of a server on this machine, None for another or one whose processes cannot be seen."""
    with database.connect(url) as connection:
        try:
            process = psutil.Process(connection.info.backend_pid).parent()
        except psutil.NoSuchProcess:
            return None
        return process.pid if process and process.name().startswith("postgres") else None


def postgres_cpu_seconds(postmaster: int | None) -> float | None:
    """Return the processor seconds of the whole server so far; None for a server that is not a local process."""
    return None if postmaster is None else cpu_seconds(postmaster)


def process_cpu_seconds(pid: int) -> float:
    """Return the processor seconds of one process: by the nanosecond on Linux, elsewhere as finely as it counts."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds of a process and of its children, running and ended."""
    return sum(_cpu_times(pid))


def _cpu_times(pid: int) -> Iterator[float]:
    own = psutil.Process(pid)
    times = own.cpu_times()
    yield from (times.user, times.system, times.children_user, times.children_system)
    for child in own.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times_of_child = child.cpu_times()
            yield times_of_child.user + times_of_child.system
