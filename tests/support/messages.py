"""Messages of Xportcn about orders of the sandbox, and reading what they speak of."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import msgspec

from orders_sync.engine import planner
from orders_sync.engine import sync as engine
from orders_sync.engine.draining import Means, Outcome
from orders_sync.sandbox import SandboxTransport
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.store import messages
from tests.support.story import Story

KA = "sandbox-ka"


def body(order_no: str | None = None, platform: int = 0, **told: object) -> bytes:
    packed = msgspec.json.encode({"orderNo": order_no, **told}).decode()
    return msgspec.json.encode({"messageType": "ANY", "messageBody": packed, "messagePlatform": platform})


async def come(story: Story, *bodies: bytes, account: str = KA) -> None:
    async with story.pool.connection() as connection:
        for each in bodies:
            await messages.keep(connection, account, each)


async def tick(story: Story, account: str = KA) -> tuple[bool, Outcome]:
    """What the service does when it comes by: whether there was something to read, and what was read."""
    [feeder] = story.feeders(account)
    async with story.pool.connection() as connection, connection.transaction():
        is_there = await planner.plan_due(connection, feeder)
    return is_there, await drain(story, account)


async def drain(story: Story, account: str = KA) -> Outcome:
    async with httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app)) as http:
        feeders = story.feeders(account)
        means = Means(story.pool, http, feeders, story.limits, story.progress)
        [outcome] = await engine.drain_all(means, feeders)
    return outcome


def some_order(story: Story, account: str = KA) -> SandboxOrder:
    """An old order that can still change: no list of changes brings it back."""
    listed = story.world.shop(account).index.orders.values()
    return next(order for order in listed if order.state == "unpaid" and not order.quirk)


def change(story: Story, order: SandboxOrder, account: str = KA) -> SandboxOrder:
    return story.world.change(account, order.order_id, "reprice", datetime.now(UTC))
