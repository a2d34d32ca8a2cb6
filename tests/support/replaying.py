"""Code that reads no order, and replaying what it rejected."""

from __future__ import annotations

from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.rows import OrderRows
from orders_sync.engine.replay import Replayed, replay
from orders_sync.store import reject_lists
from orders_sync.store.reject_lists import Chosen
from tests.support.story import Story


def refuse_all(_: bytes) -> OrderRows:
    raise InvalidRecordError("is not known to this version", "status")


async def replay_all(story: Story) -> Replayed:
    result = Replayed()
    async with story.pool.connection() as connection:
        for number in await reject_lists.numbers(connection, Chosen()):
            await replay(connection, number, result)
    return result
