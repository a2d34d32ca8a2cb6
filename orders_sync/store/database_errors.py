"""Errors of the driver as one sentence with the remedy, without rows of orders and without passwords (P8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from orders_sync.domain.errors import DatabaseError, DatabaseStartingError
from orders_sync.store.conninfo import shown

# a session in which one of these came up goes on failing: it is closed, not used again
SPOILED = (
    errors.ReadOnlySqlTransaction,  # failed over to a standby
    errors.DuplicatePreparedStatement,  # a pooler gave the session another server process
    errors.InvalidSqlStatementName,
    errors.FeatureNotSupported,  # "cached plan must not change result type": the tables were migrated
)
COMING_UP = "The server is going down or coming up; run the command again"
_FULL = "All its connections are in use: raise max_connections, or run fewer workers"
_CHECK_URL = "Check its URL: DATABASE_URL, [database] url, or the argument of `db move`"
_UNREACHABLE = re.compile(
    r"^(?!.*(FATAL|ERROR):).*(Connection refused|timed out|timeout expired|No such file|Permission denied"
    r"|translate host name|resolve host|Name or service|No route to|(Network|Host) is (down|unreachable)|Cannot assign"
    r"|reset by peer)"
)
_LOST = re.compile(
    r"closed the connection|connection is (closed|lost)|could not (send|receive)|consuming input|EOF|reset by peer"
)
_REFUSED = re.compile(r"authentication failed|no pg_hba\.conf entry|role \".*\" does not exist|not permitted to log in")
_NO_DATABASE = re.compile(r"database \".*\" does not exist")
_FAILURE = re.compile(r"^(?!Multiple connection)(?=.*(?:failed|timeout|resolve|bad)).*$", re.MULTILINE)


@contextmanager
def plain_words(url: str) -> Iterator[None]:
    """Turn a driver error into a `DatabaseError`. Never shows a password (P8)."""
    try:
        yield
    except (psycopg.Error, PoolTimeout) as error:
        text = advice(strip(error))
        kind = DatabaseStartingError if text.endswith(COMING_UP) else DatabaseError
        raise kind(f"database {shown(url)}: {text}") from error


def strip(error: BaseException) -> BaseException:
    """Remove the database's DETAIL and CONTEXT, which quote rows of orders, from an error and its causes; return it."""
    seen: list[BaseException] = []  # an error may be a cause of itself, as SQLAlchemy chains them
    found: BaseException | None = error
    while found is not None and found not in seen:
        seen.append(found)
        if isinstance(found, psycopg.Error) and found.diag.message_primary:
            found.args = (found.diag.message_primary,)
        found = found.__cause__ or found.__context__
    return error


def advice(error: BaseException) -> str:
    """Return the message of an error, and the remedy."""
    text = " ".join(str(error).split())
    match error:
        case errors.DiskFull() | errors.OutOfMemory():
            return f"{text}. Nothing of the transaction was written; make room, then run the command again"
        case errors.InsufficientPrivilege():
            return f"{text}. The role needs CREATE on the database for migrations, and to own the tables"
        case errors.UndefinedTable() | errors.UndefinedColumn() | errors.InvalidSchemaName():
            return f"{text}. The tables are not there or not up to date: run `orders-sync migrate`"
        case errors.AdminShutdown() | errors.CrashShutdown() | errors.CannotConnectNow():
            return f"{text}. {COMING_UP}"
        case errors.ReadOnlySqlTransaction():
            return f"{text}. The server became read-only (a standby, a full disk); run the command again when it is not"
        case (
            errors.QueryCanceled()
            | errors.LockNotAvailable()
            | errors.IdleInTransactionSessionTimeout()
            | errors.IdleSessionTimeout()
            | errors.DeadlockDetected()
            | errors.SerializationFailure()
        ):
            return f"{text}. Nothing of the transaction was written; this passes: run the command again"
        case errors.TooManyConnections() | errors.ConfigurationLimitExceeded():
            return f"{text}. {_FULL}"
        case PoolTimeout():
            return f"{text}. Is the server running and does it take more connections?"
        case psycopg.OperationalError() if error.sqlstate is None:
            return _of_the_way(str(error))
        case _:
            return f"{type(error).__name__}: {text}"


def no_answer(error: BaseException) -> str:
    """Return in a few words, without names, why a server gave no connection."""
    if _NO_DATABASE.search(str(error)):
        return "the database does not exist"
    if _REFUSED.search(str(error)):
        return "the database refuses the login"
    return "the database does not answer"


def _of_the_way(message: str) -> str:
    """Return the message of a connection that was not made, or was lost, and the remedy.

    A server that answers is never called unreachable.
    """
    text = _sentences(message)
    failures = _FAILURE.findall(message) or [message]
    if all(_UNREACHABLE.match(each) for each in failures):
        return f"cannot be reached: {text} {_CHECK_URL}"
    if re.search(r"too many (clients|connections)|connection slots|connection limit", text):
        return f"takes no more connections: {text} {_FULL}"
    if re.search(r"shutting down|starting up|in recovery mode|not yet accepting", text):
        return f"{text} {COMING_UP}"
    if _LOST.search(text):
        return f"the connection was lost: {text} Run the command again"
    return f"does not accept the connection: {text} {_CHECK_URL}"


def _sentences(message: str) -> str:
    """Return a message of several lines in one, with a full stop between two that have no punctuation there."""
    lines = [" ".join(line.split()) for line in message.splitlines() if line.strip()]
    return " ".join(line if line.endswith((".", ":", ",", ";", "?", "!")) else f"{line}." for line in lines)
