"""The one place that connects to Postgres, and says in one sentence why it cannot."""

from __future__ import annotations

import select
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import errors, pq
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from orders_sync.domain.errors import DatabaseError

OLDEST = 15
CONNECT_SECONDS = 10
RECONNECT_SECONDS = 5  # then the next who needs one tries at once; the pool's own back-off takes minutes

Connection = psycopg.AsyncConnection[tuple[object, ...]]
Pool = AsyncConnectionPool[Connection]


@asynccontextmanager
async def connected(url: str, size: int, wait: float = 30.0) -> AsyncIterator[Pool]:
    """A pool of at most `size` autocommit connections in UTC; who waits longer than `wait` seconds for one gives up.

    Raises `DatabaseError` when the first cannot be made.
    """
    with plain_words(url):
        await (await psycopg.AsyncConnection.connect(url, connect_timeout=CONNECT_SECONDS)).close()
        pool: Pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=size,
            open=False,
            timeout=wait,
            reconnect_timeout=RECONNECT_SECONDS,
            kwargs={"autocommit": True, "options": "-c timezone=UTC", "application_name": "orders-sync"},
            check=_check,
        )
        async with pool:
            yield pool


async def _check(connection: Connection) -> None:
    """Raises psycopg.Error when the server has gone while the connection lay in the pool. An idle one hears nothing:
    only one that has something to read (its end, a word from the server) is asked, the others cost no round trip."""
    hears = select.poll()
    hears.register(connection.fileno(), select.POLLIN)
    if hears.poll(0):
        await AsyncConnectionPool.check_connection(connection)


@contextmanager
def session(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """One synchronous autocommit connection in UTC, for commands that ask a question. Raises `DatabaseError`."""
    with (
        plain_words(url),
        psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options="-c timezone=UTC",
            application_name="orders-sync",
        ) as connection,
    ):
        yield connection


@contextmanager
def plain_words(url: str) -> Iterator[None]:
    """Turn a driver error into a `DatabaseError` that says what to do. Never shows a password (P8)."""
    try:
        yield
    except (psycopg.Error, PoolTimeout) as error:
        raise DatabaseError(f"database {shown(url)}: {_words(error)}") from error


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    match error:
        case errors.DiskFull() | errors.OutOfMemory():
            return f"{text}. Nothing of the transaction was written; make room, then run the command again"
        case errors.InsufficientPrivilege():
            return f"{text}. The role needs CREATE on the database for migrations, and to own the tables"
        case errors.UndefinedTable() | errors.UndefinedColumn() | errors.InvalidSchemaName():
            return f"{text}. The tables are not there or not up to date: run `orders-sync migrate`"
        case errors.AdminShutdown() | errors.CrashShutdown() | errors.CannotConnectNow():
            return f"{text}. The server is going down or coming up; run the command again"
        case errors.InvalidPassword() | errors.InvalidAuthorizationSpecification() | errors.InvalidCatalogName():
            return f"{text}. Check DATABASE_URL or [database] url"
        case PoolTimeout():
            return f"{text}. Is the server running and does it take more connections?"
        case psycopg.OperationalError():
            return f"cannot be reached: {text} Check DATABASE_URL or [database] url"
        case _:
            return f"{type(error).__name__}: {text}"


def shown(url: str) -> str:
    """A database URL without what must not be shown."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return urlsplit(url).hostname or "(unreadable URL)"
    host = parts.get("host") or "local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{parts.get('dbname') or parts.get('user') or '?'} on {host}{port}"


def libpq_environment(url: str) -> dict[str, str]:
    """The same connection as libpq's variables: a URL on a command line would show its password (P8)."""
    names = {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    return {names[key]: str(value) for key, value in conninfo_to_dict(url).items() if key in names}
