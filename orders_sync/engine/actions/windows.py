"""Actions on windows of the ledger: read failed ones again now."""

from __future__ import annotations

from collections.abc import Sequence

from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.errors import NotFoundError
from orders_sync.store import activity, ledger
from orders_sync.store.database import Connection


async def retry(connection: Connection, actor: Actor, account: str, windows: Sequence[int] | None = None) -> int:
    """Have failed windows of an account read without waiting for their pause, all of them or those with these ids.

    Return how many there were; the running service, or the next `sync`, reads them. Raises `NotFoundError` where none
    of them is failed.
    """
    async with connection.transaction():
        retried = await ledger.retry_failed(connection, account, windows)
        if not retried:
            raise NotFoundError(f"{account}: {'none of these windows is' if windows else 'no window is'} failed")
        await activity.record(connection, actor, Action.WINDOWS_RETRY, account=account, details=activity.some(retried))
    return len(retried)
