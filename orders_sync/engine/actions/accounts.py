"""Actions on one account: pause it, resume it, have it read now."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime

from orders_sync.domain.activity import Action, Actor, Origin
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.identities import ListedAccount
from orders_sync.domain.requests import RequestKind
from orders_sync.domain.sentences import Sentence
from orders_sync.platforms import PLATFORMS
from orders_sync.store import activity, pauses, requests, suspensions
from orders_sync.store.database import Connection
from orders_sync.store.pauses import Pause
from orders_sync.store.requests import Obstacle


async def pause(
    connection: Connection,
    actor: Actor,
    listed: Sequence[ListedAccount],
    name: str,
    because: str | None = None,
    until: datetime | None = None,
) -> Pause:
    """Pause an account; one that is paused already gets the new reason and end. `listed`: those of the settings.

    Windows in flight are finished. `until`: exclusive; None: until somebody resumes it. Raises `NotFoundError` for an
    account that is not in the settings, `UsageError` for an end in the past.
    """
    account = next((each for each in listed if each.name == name), None)
    if account is None or account.identity is None:
        raise NotFoundError(
            Sentence(
                "there is no account %(name)s in the settings: `orders-sync accounts list` shows every one", name=name
            )
        )
    if until is not None and until <= datetime.now(UTC):
        raise UsageError(Sentence("a pause until %(until)s lies in the past", until=until), argument="until")
    feed = PLATFORMS[account.identity.platform].feed
    details = {"reason": because, "until": until}
    async with connection.transaction():
        paused = await pauses.pause(connection, name, account.identity, feed, _signature(actor), because, until)
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
                Sentence(
                    "%(name)s is neither paused nor suspended: `orders-sync accounts list` shows every account",
                    name=name,
                )
            )
        details = {"was_paused": was_paused, "was_suspended": was_suspended}
        await activity.record(connection, actor, Action.ACCOUNT_RESUME, account=name, details=details)


async def sync_now(connection: Connection, actor: Actor, name: str) -> int:
    """Have the running service read an account now: changes, and failed windows, due or not.

    Return the number of the request in `sync.requests`. Raises `NotFoundError` for an unknown account, `UsageError` for
    one that is paused, suspended or no longer in the settings.
    """
    async with connection.transaction():
        await must_be_readable(connection, name)
        number = await requests.add(connection, name, RequestKind.SYNC, actor.name)
        await activity.record(connection, actor, Action.ACCOUNT_SYNC, account=name)
    return number


async def must_be_readable(connection: Connection, name: str) -> None:
    """Lock an account's row. Raises as `sync_now` does."""
    match await requests.obstacle(connection, name):
        case Obstacle.UNKNOWN:
            raise NotFoundError(
                Sentence("no account is known as %(name)s: `orders-sync accounts list` shows every account", name=name)
            )
        case Obstacle.REMOVED:
            raise UsageError(Sentence("%(name)s is not in the settings any more, so nothing is read of it", name=name))
        case Obstacle.PAUSED:
            raise UsageError(
                Sentence(
                    "%(name)s is paused, so nothing is read of it. To end that: `orders-sync accounts resume`, or "
                    "Resume in the console",
                    name=name,
                )
            )
        case Obstacle.SUSPENDED:
            raise UsageError(
                Sentence(
                    "%(name)s is suspended, so nothing is read of it. To end that: `orders-sync accounts resume`, or "
                    "Resume in the console",
                    name=name,
                )
            )


def _signature(actor: Actor) -> str:
    """Return who paused an account, as `status` shows it."""
    return actor.name + (f" on {socket.gethostname()}" if actor.origin is Origin.CLI else pauses.IN_CONSOLE)
