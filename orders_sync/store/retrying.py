"""Transactions that the database ended for a reason that passes, run again as a whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
from psycopg import errors

from orders_sync.domain.errors import DatabaseBusyError

T = TypeVar("T")

ATTEMPTS = 4
# said of the moment, never of the rows: a deadlock, a conflict, a time-out of locks, statements or idle transactions
PASSING = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.IdleInTransactionSessionTimeout,
)


async def retried(transaction: Callable[[], Awaitable[T]]) -> T:
    """Run what begins and ends a transaction of its own, again when the database ended it for a reason that passes.

    It must have no other effect. Raises `DatabaseBusyError` after `ATTEMPTS`, and any other psycopg.Error at once.
    """
    reasons: list[str] = []
    while len(reasons) < ATTEMPTS:
        try:
            return await transaction()
        except PASSING as error:
            reasons.append(_reason(error))
    raise DatabaseBusyError(
        f"the database ended the transaction {ATTEMPTS} times, last: {reasons[-1]}. Nothing of it was written"
    )


def _reason(error: psycopg.Error) -> str:
    """The first line alone: the context repeats rows of orders."""
    return error.diag.message_primary or type(error).__name__
