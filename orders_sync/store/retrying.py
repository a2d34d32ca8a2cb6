"""Retries of transactions that the database ended for a temporary reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
from psycopg import errors

from orders_sync.domain.errors import DatabaseBusyError

T = TypeVar("T")

MOST_RUNS = 4
# errors of the moment, not of the rows: a deadlock, a conflict, a time-out of locks, statements or idle transactions
PASSING = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.IdleInTransactionSessionTimeout,
)


async def retried(transaction: Callable[[], Awaitable[T]]) -> T:
    """Run a function that begins and ends a transaction, again when the database ended it for a temporary reason.

    It must have no other effect. Raises `DatabaseBusyError` after `MOST_RUNS`, and any other psycopg.Error at once.
    """
    reasons: list[str] = []
    while len(reasons) < MOST_RUNS:
        try:
            return await transaction()
        except PASSING as error:
            reasons.append(_reason(error))
    raise DatabaseBusyError(
        f"the database ended the transaction {MOST_RUNS} times, last: {reasons[-1]}. Nothing of it was written"
    )


def _reason(error: psycopg.Error) -> str:
    """Return the first line of an error: its context repeats rows of orders."""
    return error.diag.message_primary or type(error).__name__
