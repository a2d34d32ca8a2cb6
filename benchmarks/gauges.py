"""What Postgres says of its own work: row versions, WAL, and whose it was; and the processor time of each side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import errors

from orders_sync.store import database

Connection = psycopg.Connection[tuple[object, ...]]

_ROW_VERSIONS = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_all_tables WHERE schemaname = 'public'
"""
_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_OTHERS = """
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


def connected(url: str) -> Connection:
    return database.connect(url)


def number(connection: Connection, query: str) -> int:
    """The one number a query answers."""
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def row_versions(connection: Connection) -> int:
    """Inserts, updates and deletes of the business tables so far. Waits for others to leave: they tell when they do."""
    while number(connection, _OTHERS):
        time.sleep(0.02)
    return number(connection, _ROW_VERSIONS)


def wal(connection: Connection) -> int:
    """Bytes of WAL the whole server has ever written."""
    return number(connection, _WAL)


def wal_by_schema(connection: Connection, since: int, until: int) -> dict[str, int] | None:
    """Bytes of WAL between two readings by the schema they were written for; None where the server does not tell."""
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        rows = connection.execute(_WAL_BY_SCHEMA.encode(), [_lsn(since), _lsn(until)]).fetchall()
    except (errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.UndefinedFile, errors.UndefinedFunction):
        return None
    return {str(schema): int(str(size)) for schema, size in rows}


def _lsn(position: int) -> str:
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def postgres_seconds(postmaster: int | None) -> float | None:
    """Seconds of processor time the whole server has used; None when it is not ours to look at."""
    return None if postmaster is None else processor_seconds(postmaster)


def processor_seconds(pid: int) -> float:
    """Seconds of processor time of a process, of its children that live, and of those that ended."""
    return sum(_used(pid))


def _used(pid: int) -> Iterator[float]:
    own = psutil.Process(pid)
    times = own.cpu_times()
    yield from (times.user, times.system, times.children_user, times.children_system)
    for child in own.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            used = child.cpu_times()
            yield used.user + used.system
