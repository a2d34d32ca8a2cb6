"""Distinguish errors of one account or request from errors of every account of a process."""

from __future__ import annotations

import psycopg

from orders_sync.domain.errors import ClockSetBackError, IdentityMismatchError, OrdersSyncError
from orders_sync.domain.sentences import Sentence

# errors of the values of one account; every other error of the database would meet the next account, too
_OF_ITS_VALUES = (psycopg.DataError, psycopg.IntegrityError)
_OF_ONE_ACCOUNT = (IdentityMismatchError, ClockSetBackError)  # their text says everything


def affects_all_accounts(error: Exception) -> bool:
    """Return whether the error would stop every account: the database is gone or refuses us, or a setting is wrong."""
    if isinstance(error, psycopg.Error):
        return not isinstance(error, _OF_ITS_VALUES)
    return isinstance(error, OrdersSyncError) and not isinstance(error, _OF_ONE_ACCOUNT)


def text(error: Exception) -> str:
    """Name an error in one line, without the rows a database quotes in its details."""
    message = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join(f"{type(error).__name__}: {message or error}".split())


def database_refusal(error: psycopg.Error) -> Sentence:
    """Say why an account is not read while the database refuses a statement, and what to do."""
    return Sentence(
        "the database refused a statement: %(error)s. Once that is mended the account is read again by itself",
        error=text(error),
    )


def report(account: str, error: Exception) -> str:
    """Say what became of an account that an error of its own stopped."""
    if isinstance(error, _OF_ONE_ACCOUNT):
        return str(error)
    return f"{account}: stopped by an error in orders-sync itself, please report it: {text(error)}"
