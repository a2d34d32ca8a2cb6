"""Actions on windows of the ledger: read failed ones again now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.errors import NotFoundError
from orders_sync.domain.sentences import Sentence
from orders_sync.store import activity, ledger
from orders_sync.store.database import Connection


async def retry(connection: Connection, actor: Actor, account: str, windows: Sequence[int] | None = None) -> int:
    """Have failed windows of an account read now, due or not, all of them or those with these ids.

    Return how many there were; the running service, or the next `sync`, reads them. Raises `NotFoundError` where none
    of them is failed.
    """
    async with connection.transaction():
        count = await _retry(connection, actor, account, windows)
        if not count:
            text = (
                Sentence("%(account)s: none of these windows is failed", account=account)
                if windows
                else Sentence("%(account)s: no window is failed", account=account)
            )
            raise NotFoundError(text)
    return count


async def retry_all(connection: Connection, actor: Actor, accounts: Iterable[str]) -> None:
    """Have all failed windows of these accounts read now. An account that has none is left alone."""
    async with connection.transaction():
        for account in accounts:
            await _retry(connection, actor, account)


async def _retry(connection: Connection, actor: Actor, account: str, windows: Sequence[int] | None = None) -> int:
    retried = await ledger.replan_as_asked(connection, account, windows)
    if retried:
        await activity.record(connection, actor, Action.WINDOWS_RETRY, account=account, details=activity.some(retried))
    return len(retried)
