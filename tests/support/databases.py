"""Databases of the tests' server, and what is in them."""

from __future__ import annotations

import os
import select
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from orders_sync.store.database import Connection, Session
from orders_sync.store.tables import BUSINESS

MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 4 * 2**30  # bytes
PREFIX = "orders-sync-tests-"
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


def _new_session(url: str) -> Session:
    """Open a session in UTC: Python calls a time in an hour that a zone repeats unequal to any time of another zone."""
    session = psycopg.connect(url, autocommit=True)
    session.execute("SET timezone TO 'UTC'")
    return session


class KeptSession:
    """The session that was used last, kept for the next statement on the same database: a new one costs 4 ms."""

    def __init__(self) -> None:
        self._idle: list[tuple[str, Session]] = []  # one at most

    @contextmanager
    def lent(self, url: str) -> Iterator[Session]:
        """Lend it, or a new one where it is in use, was cut or is of another database."""
        session = self._take(url) or _new_session(url)
        try:
            yield session
        except BaseException:
            session.close()
            raise
        if self._idle:
            session.close()
        else:
            self._idle.append((url, session))

    def close(self) -> None:
        """Close it if it is idle: before a copy of its database is made, or a command counts the connections to it."""
        with suppress(IndexError):
            self._idle.pop()[1].close()

    def _take(self, url: str) -> Session | None:
        with suppress(IndexError):
            kept, session = self._idle.pop()
            if kept == url and not select.select([session.fileno()], [], [], 0)[0]:  # readable: its server has gone
                return session
            session.close()
        return None


kept_session = KeptSession()


@dataclass(frozen=True)
class Tables:
    """The content of a database, seen from outside the product. `session`: of all its statements, if given."""

    url: str
    session: Session | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The name of the database."""
        return str(psycopg.conninfo.conninfo_to_dict(self.url)["dbname"])

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._session() as session:
            return session.execute(statement.encode(), values or None).fetchall()

    def execute(self, statement: str, *values: object) -> None:
        with self._session() as session:
            session.execute(statement.encode(), values or None)

    def tried(self, *statements: str) -> list[tuple[Any, ...]]:
        """Return what the last of these statements finds after the others, all of which are rolled back."""
        with self._session() as session, session.transaction(force_rollback=True):
            for statement in statements[:-1]:
                session.execute(statement.encode())
            return session.execute(statements[-1].encode()).fetchall()

    def _session(self) -> AbstractContextManager[Session]:
        return nullcontext(self.session) if self.session else kept_session.lent(self.url)

    @contextmanager
    def in_one_session(self) -> Iterator[Tables]:
        """The same for many statements, in a session that nobody else uses meanwhile."""
        if self.session:
            yield self
            return
        with _new_session(self.url) as session:
            session.prepare_threshold = None
            yield Tables(self.url, session)

    def names(self) -> list[str]:
        """Every table and view that is not Postgres's own, with its schema."""
        return [
            f"{schema}.{name}"
            for schema, name in self.query(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
            )
        ]

    def counts(self) -> dict[str, int]:
        """Rows of each table of the trade."""
        with self.in_one_session() as tables:
            return {table.name: tables.query(f"SELECT count(*) FROM {table.name}")[0][0] for table in BUSINESS}

    def row_versions(self) -> dict[str, object]:
        """Every row version of the tables of the trade: any write, and any lock of a row, changes it."""
        versions = "SELECT string_agg(concat(ctid, xmin, xmax), ' ' ORDER BY ctid) FROM"
        with self.in_one_session() as tables:
            return {table.name: tables.query(f"{versions} {table.name}") for table in BUSINESS}

    def everything(self) -> str:
        """Every row of every table, as text."""
        lines = []
        with psycopg.connect(self.url, autocommit=True) as connection:
            for name in self.names():
                query = sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(*name.split(".")))
                lines += [str(row[0]) for row in connection.execute(query)]
        return "\n".join(lines)


@contextmanager
def fast_folder() -> Iterator[Path | None]:
    """A folder in memory, removed at the end; None where there is too little of it.

    Every test copies a database of 400 files, which costs seven times less there than on a disk.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_NEEDED:
        yield None
        return
    for left in MEMORY.glob(f"{PREFIX}*"):  # by a run that was killed
        if not psutil.pid_exists(int(left.name.split("-")[-2])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def on(server: str, name: str) -> str:
    """The same server, another database."""
    parts = psycopg.conninfo.conninfo_to_dict(server)
    host, port = parts.get("host", ""), parts.get("port", "")
    user, password = parts.get("user", ""), parts.get("password", "")
    query = "&".join(f"{key}={value}" for key, value in (("host", host), ("port", port)) if value)
    return f"postgresql://{user}{f':{password}' if password else ''}@/{name}?{query}"


_NUMBERS = count()  # of databases of this process: modules may choose the same word


class Databases:
    """Temporary databases of a server, all made and dropped by one connection: each new one would cost 3 ms."""

    def __init__(self, server: str, connection: Session) -> None:
        self._server = server
        self._connection = connection
        self._ended: list[str] = []

    @contextmanager
    def new(self, word: str, template: str = "template1") -> Iterator[str]:
        """The URL of a copy of `template`. Its sessions end with the block; it is dropped when the next one ends.

        Dropped at once, it would cost 0.1 s: so long Postgres waits where it finds a session that is just ending.
        """
        name = f"orders_sync_{word}_{os.getpid()}_{next(_NUMBERS)}"
        kept_session.close()
        self._connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
        try:
            yield on(self._server, name)
        finally:
            self._connection.execute(END_SESSIONS, [name])
            self.drop_ended()
            self._ended.append(name)

    def drop_ended(self) -> None:
        while self._ended:
            self._connection.execute(f"DROP DATABASE {self._ended.pop()} WITH (FORCE)".encode())


@contextmanager
def temporary_databases(server: str) -> Iterator[Databases]:
    """Temporary databases of a server; none of them is left at the end."""
    with psycopg.connect(server, autocommit=True) as connection:
        databases = Databases(server, connection)
        try:
            yield databases
        finally:
            databases.drop_ended()


@contextmanager
def made_database(server: str, word: str, template: str = "template1") -> Iterator[Tables]:
    """A database for the tests of one module to share."""
    with temporary_databases(server) as databases, databases.new(word, template) as url:
        yield Tables(url)


async def rows(connection: Connection, query: str, *values: object) -> list[Any]:
    return list(await (await connection.execute(query, values)).fetchall())


async def one(connection: Connection, query: str, *values: object) -> Any:
    found = await rows(connection, query, *values)
    assert len(found) == 1, found
    return found[0] if len(found[0]) > 1 else found[0][0]
