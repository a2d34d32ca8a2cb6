"""Connections to Postgres, made here alone: each gets the session settings that all other code relies on.

connect     one connection, for commands, migrations and tools      blocking
session     the same, closed at the end, errors as `DatabaseError`  blocking
Sessions    the same, kept open for the next user                   blocking
connected   the pool of a process                                   asyncio
open_pool   another pool on a database that is known to work        asyncio
"""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from orders_sync.domain.errors import DatabaseError
from orders_sync.store import pooler
from orders_sync.store.conninfo import completed, shown
from orders_sync.store.database_errors import SPOILED, plain_words, strip
from orders_sync.store.session_settings import PUBLIC, STATE, WRITABLE, SessionState, statements

RECONNECT_SECONDS = 1.0  # between two connections while somebody waits; the pool's own back-off takes minutes
NAME = "orders-sync"  # of connections, in pg_stat_activity
SETTING_SECONDS = 30.0  # a statement_timeout of the role may end the statement that sets it to 0, on a busy machine

Connection = psycopg.AsyncConnection[tuple[object, ...]]
Session = psycopg.Connection[tuple[object, ...]]


class Pool(AsyncConnectionPool[Connection]):
    """A pool that closes a connection on which a session-wide error came up, instead of handing it out again.

    It is back as soon as its server is: while somebody waits, a connection is tried every `RECONNECT_SECONDS`, and
    where one turns out to be broken, all idle ones are checked. Errors that leave it hold no rows (DETAIL, CONTEXT).
    """

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[Connection]:  # noqa: ASYNC109 - as the base
        """Lend a connection; waiting longer than `timeout` seconds raises `PoolTimeout`."""
        async with super().connection(timeout) as connection:
            try:
                yield connection
            except psycopg.Error as error:
                strip(error)
                if isinstance(error, SPOILED):
                    await connection.close()
                raise

    async def reconnect_failed(self) -> None:
        """Try again: the pool alone would not before somebody else asks for a connection."""
        if self.get_stats().get("requests_waiting"):
            await self.check()


@asynccontextmanager
async def connected(url: str, size: int, wait: float = 30.0) -> AsyncIterator[Pool]:
    """Open a pool of at most `size` connections; waiting longer than `wait` seconds for one raises `PoolTimeout`.

    Raises `DatabaseError` when the first connection cannot be made, or cannot write.
    """
    with plain_words(url):
        first = await psycopg.AsyncConnection.connect(completed(url, application_name=NAME), autocommit=True)
        try:
            if first.info.backend_pid != (await _configure(first)).process:
                await first.close()  # a pooler may have no more than two, which are asked
                await pooler.refuse_shared_sessions(url)
            async with open_pool(url, size, wait, first=None if first.closed else first) as pool:
                await pool.wait()  # asked for a connection before its first is ready, it would make a second
                yield pool
        finally:
            await first.close()


@asynccontextmanager
async def open_pool(
    url: str,
    size: int,
    wait: float,
    *,
    search_path: str = PUBLIC,
    name: str = NAME,
    first: Connection | None = None,
) -> AsyncIterator[Pool]:
    """Open a pool. Its first connection is `first`, or made in the background. `name`: shown in pg_stat_activity."""
    made = [first] if first else []

    class NewConnection(psycopg.AsyncConnection[tuple[object, ...]]):
        """The maker of the connections of a pool."""

        @classmethod
        async def connect(cls, *target: Any, **options: Any) -> Connection:  # type: ignore[override]
            return made.pop() if made else await Connection.connect(*target, **options)

    async def check(connection: Connection) -> None:
        try:
            await _check(connection)
        except psycopg.Error:  # the others are likely to be broken too, and each costs a wait that doubles
            await pool.check()
            raise

    pool = Pool(
        completed(url, application_name=name),
        connection_class=NewConnection,
        kwargs={"autocommit": True},
        min_size=1,
        max_size=size,
        open=False,
        timeout=wait,
        reconnect_timeout=RECONNECT_SECONDS,
        configure=partial(_ready, search_path=search_path),
        check=check,
    )
    async with pool:
        yield pool


async def _configure(connection: Connection, search_path: str = PUBLIC) -> SessionState:
    """Apply our settings to a new session. Raises `DatabaseError` when it cannot write."""
    settings = statements(connection.info.server_version // 10_000, search_path)
    for is_last in _setting_rounds():
        try:
            await connection.execute(settings)
            break
        except psycopg.errors.QueryCanceled:
            if is_last:
                raise
    async with connection.cursor(row_factory=class_row(SessionState)) as cursor:
        state = await (await cursor.execute(STATE)).fetchone()
        if state and state.is_read_only:
            await connection.execute(WRITABLE)
            state = await (await cursor.execute(STATE)).fetchone()
    assert state is not None
    if problem := state.unusable or state.unwritable:
        raise DatabaseError(f"database {state.database} {problem}")
    return state


def _setting_rounds() -> Iterator[bool]:
    """Yield each time our settings are to be applied whether it is the last time: the first after `SETTING_SECONDS`."""
    ends = time.monotonic() + SETTING_SECONDS
    while time.monotonic() < ends:
        yield False
    yield True


async def _ready(connection: Connection, search_path: str) -> None:
    try:
        await _configure(connection, search_path)
    except BaseException:
        await connection.close()
        raise


async def _check(connection: Connection) -> None:
    """Raise psycopg.Error if the server has gone while the connection lay in the pool.

    A readable idle socket means its end or a notice: only then a round trip is spent to check it.
    """
    if _is_readable(connection):
        await AsyncConnectionPool.check_connection(connection)


def _is_readable(connection: Connection | Session) -> bool:
    readable = select.poll()
    readable.register(connection.fileno(), select.POLLIN)
    return bool(readable.poll(0))


def connect(url: str, *, autocommit: bool = True, name: str = NAME) -> Session:
    """Return a connection, which may be read-only. `name`: shown in pg_stat_activity.

    Raises `DatabaseError` for a database that is not UTF8 and for a pooler that shares sessions, and psycopg.Error.
    """
    connection = psycopg.connect(completed(url, application_name=name), autocommit=True)
    try:
        settings = statements(connection.info.server_version // 10_000)
        for is_last in _setting_rounds():
            try:
                connection.execute(settings)
                break
            except psycopg.errors.QueryCanceled:
                if is_last:
                    raise
        state = state_of(connection)
        if state.is_read_only:
            connection.execute(WRITABLE)
        if state.unusable:
            raise DatabaseError(f"database {shown(url)} {state.unusable}")
        if state.process != connection.info.backend_pid:
            with ThreadPoolExecutor(1) as thread:  # the caller may be in an event loop
                thread.submit(asyncio.run, pooler.refuse_shared_sessions(url)).result()
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def session(url: str) -> Iterator[Session]:
    """Open an autocommit connection for a command that only queries. Raises `DatabaseError`."""
    with plain_words(url), connect(url) as connection:
        yield connection


class Sessions:
    """Connections for the threads of a process, made when all are in use. Up to `kept` stay open between two uses.

    A user finds the settings that the one before left (SET, SET ROLE). Errors that leave it hold no rows.
    """

    def __init__(self, url: str, kept: int, name: str) -> None:
        self._url = url
        self._kept = kept
        self._name = name
        self._idle: list[Session] = []

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Lend an autocommit connection. Raises as `connect`."""
        try:
            session = self._take()
            try:
                yield session
            except SPOILED:
                session.close()
                raise
            finally:
                self._put_back(session)
        except psycopg.Error as error:
            strip(error)
            raise

    def close(self) -> None:
        """Close the connections that are idle, and from now on each that is put back."""
        self._kept = 0
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Session:
        while self._idle:
            session = self._idle.pop()
            if not _is_readable(session):
                return session
            session.close()  # its server has gone
        return connect(self._url, name=self._name)

    def _put_back(self, session: Session) -> None:
        if session.info.transaction_status == TransactionStatus.IDLE and len(self._idle) < self._kept:
            self._idle.append(session)
        else:
            session.close()


def clock(connection: Session) -> datetime:
    """Return the time of the database's clock, in UTC."""
    [(now,)] = connection.execute("SELECT clock_timestamp()").fetchall()
    assert isinstance(now, datetime)
    return now


def state_of(connection: Session) -> SessionState:
    """Return the present state of the session."""
    with connection.cursor(row_factory=class_row(SessionState)) as cursor:
        state = cursor.execute(STATE).fetchone()
    assert state is not None
    return state
