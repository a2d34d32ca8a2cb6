"""Actions on rejects. Each acts on the numbers it is given and on no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.errors import ChangedError
from orders_sync.domain.sentences import Sentence
from orders_sync.engine.replay import Replayed
from orders_sync.engine.replay import replay as replay_one
from orders_sync.store import activity, reject_lists
from orders_sync.store import rejects as store
from orders_sync.store.database import Connection
from orders_sync.store.reject_lists import Chosen


async def replay(
    connection: Connection, actor: Actor, numbers: Sequence[int], replayed: Callable[[], None] = lambda: None
) -> Replayed:
    """Replay rejects one by one, each in a transaction of its own; settled ones are passed over.

    Where `connection` is in a transaction, all are part of that, and what lands stays locked until its end: for few
    rejects only. `replayed` is called after each. Raises `DatabaseBusyError` and psycopg.Error; what landed before
    stays.
    """
    result = Replayed()
    await _record(connection, actor, Action.REJECTS_REPLAY, numbers)
    for number in numbers:
        await replay_one(connection, number, result)
        replayed()
    return result


async def replay_matching(
    connection: Connection, actor: Actor, chosen: Chosen, shown: int, replayed: Callable[[], None] = lambda: None
) -> Replayed:
    """Replay all rejects that match, as many as were shown at most; otherwise as `replay`.

    Raises `ChangedError` when more match by now: nothing was replayed then.
    """
    numbers = await reject_lists.numbers(connection, chosen, shown + 1)
    refuse_more(len(numbers), shown)
    return await replay(connection, actor, numbers, replayed)


def refuse_more(count: int, shown: int) -> None:
    """Raise `ChangedError` when more rejects match than a person has seen."""
    if count > shown:
        seen = f"{shown:,}"
        raise ChangedError(
            Sentence(
                "more rejects match by now than the %(shown)s that were seen: nothing was done, look again", shown=seen
            )
        )


async def ignore(connection: Connection, actor: Actor, numbers: Sequence[int]) -> int:
    """Ignore those of these rejects that are open; return their number."""
    act = partial(reject_lists.ignore, person=actor.name)
    return await _decide(connection, actor, Action.REJECTS_IGNORE, numbers, act)


async def unignore(connection: Connection, actor: Actor, numbers: Sequence[int]) -> int:
    """Open those of these rejects again that are ignored; return their number."""
    return await _decide(connection, actor, Action.REJECTS_UNIGNORE, numbers, reject_lists.unignore)


async def drop(connection: Connection, actor: Actor, numbers: Sequence[int]) -> int:
    """Delete rejects; return their number."""
    return await _decide(connection, actor, Action.REJECTS_DROP, numbers, store.drop)


async def _decide(
    connection: Connection,
    actor: Actor,
    action: Action,
    numbers: Sequence[int],
    act: Callable[[Connection, Sequence[int]], Awaitable[int]],
) -> int:
    async with connection.transaction():
        await _record(connection, actor, action, numbers)  # before it is done: afterwards nobody knows the accounts
        return await act(connection, numbers)


async def _record(connection: Connection, actor: Actor, action: Action, numbers: Sequence[int]) -> None:
    subject = f"reject {numbers[0]}" if len(numbers) == 1 else None
    for account, own in (await store.by_account(connection, numbers)).items():
        details = activity.some(own)
        await activity.record(connection, actor, action, account=account, subject=subject, details=details)
