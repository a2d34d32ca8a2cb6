"""Actions on one account: pause it and resume it."""

from __future__ import annotations

import socket
from datetime import datetime

from orders_sync.domain.accounts import Identity
from orders_sync.domain.activity import Action, Actor, Origin
from orders_sync.domain.errors import NotFoundError
from orders_sync.store import activity, pauses, suspensions
from orders_sync.store.database import Connection
from orders_sync.store.pauses import Pause


async def pause(
    connection: Connection,
    actor: Actor,
    name: str,
    identity: Identity,
    feed: str,
    because: str | None = None,
    until: datetime | None = None,
) -> Pause:
    """Pause an account of the settings; one that is paused already gets the new reason and end.

    Windows in flight are finished. `until`: exclusive; None: until somebody resumes it.
    """
    async with connection.transaction():
        paused = await pauses.pause(connection, name, identity, feed, _signature(actor), because, until)
        details = {"reason": because, "until": until}
        await activity.record(
            connection,
            actor,
            Action.ACCOUNT_PAUSE,
            account=name,
            details={key: value for key, value in details.items() if value is not None},
        )
    return paused


async def resume(connection: Connection, actor: Actor, name: str) -> None:
    """End a pause, a suspension or both. Raises `NotFoundError` where there is neither."""
    async with connection.transaction():
        was_paused = await pauses.resume(connection, name)
        was_suspended = await suspensions.resume(connection, name)
        if not was_paused and not was_suspended:
            raise NotFoundError(
                f"{name} is neither paused nor suspended: `orders-sync accounts list` shows every account"
            )
        details = {"was_paused": was_paused, "was_suspended": was_suspended}
        await activity.record(connection, actor, Action.ACCOUNT_RESUME, account=name, details=details)


def _signature(actor: Actor) -> str:
    """Return who paused an account, as `status` shows it."""
    where = f"on {socket.gethostname()}" if actor.origin is Origin.CLI else "in the console"
    return f"{actor.name} {where}"
