"""Contents of a database, for a dump, a restore and a move: its schemas, tables, rows and other connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orders_sync.store.database import Session
from orders_sync.store.queries import select_row, select_value, select_values

# every row of a table as one number that does not depend on the order of rows, and how many there are
_SUM = """
SELECT count(*) AS rows,
    coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text AS digest FROM {} AS t
"""
_COUNT = "SELECT count(*) FROM {}"
_TABLES = """
SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY(%s) ORDER BY 1
"""
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_MAY_CREATE = """
SELECT has_database_privilege(current_database(), 'CREATE') AND has_schema_privilege('public', 'CREATE') AS may_create,
    current_user::text AS role, current_database()::text AS database
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """The number of rows of a table, and a digest of them that does not depend on their order."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class CreationRights:
    """The right of a role to create tables in a database."""

    may_create: bool
    role: str
    database: str


def major_version(session: Session) -> int:
    """Return the major version of the server."""
    return session.info.server_version // 10_000


def schemas(session: Session) -> list[str]:
    """Return the names of all schemas."""
    return select_values(session, "SELECT nspname::text FROM pg_namespace", None, str)


def tables(session: Session, names: Sequence[str]) -> list[str]:
    """Return the tables of these schemas, quoted for SQL, in order."""
    return select_values(session, _TABLES, [list(names)], str)


def contents(session: Session, table: str) -> Contents:
    """Read every row of a table, one that `tables` returned."""
    found = select_row(session, _SUM.format(table), None, Contents)
    assert found is not None
    return found


def row_counts(session: Session, names: Sequence[str]) -> dict[str, int]:
    """Count the rows of each table of these schemas."""
    return {table: select_value(session, _COUNT.format(table), None, int) for table in tables(session, names)}


def other_connections(session: Session) -> int:
    """Return how many other clients are connected to the database."""
    return select_value(session, _OTHERS, None, int)


def forget_processes(session: Session) -> None:
    """Delete every process of the service that the database lists."""
    session.execute("DELETE FROM sync.processes")


def creation_rights(session: Session) -> CreationRights:
    """Return the right of the session's role to create tables."""
    found = select_row(session, _MAY_CREATE, None, CreationRights)
    assert found is not None
    return found
