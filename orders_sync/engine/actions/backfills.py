"""Actions on requested backfills: cancel them."""

from __future__ import annotations

from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.errors import NotFoundError
from orders_sync.store import activity, backfills
from orders_sync.store.database import Connection


async def cancel(connection: Connection, actor: Actor, number: int, *, whole_request: bool = False) -> int:
    """Cancel a backfill, or all that are open of a request, and return how many there were.

    Windows in flight are finished. Raises `NotFoundError` where none is open, or there is none of that number.
    """
    what = f"request {number}" if whole_request else f"backfill {number}"
    async with connection.transaction():
        if whole_request:
            count = await backfills.cancel_request(connection, number)
        else:
            count = await backfills.cancel(connection, number)
        if not count:
            known = await backfills.exists(connection, number, is_request=whole_request)
            problem = f"{what} is not open" if known else f"there is no {what}"
            raise NotFoundError(f"{problem}: see `orders-sync backfill list`")
        accounts = await backfills.accounts_cancelled_now(connection, number, is_request=whole_request)
        await activity.record(connection, actor, Action.BACKFILL_CANCEL, accounts=accounts, subject=what)
    return count
