"""Messages of Xportcn about orders of the sandbox, and reading what they speak of."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import msgspec

from orders_sync.engine import planner
from orders_sync.engine import sync as engine
from orders_sync.engine.results import AccountResult
from orders_sync.engine.run_context import RunContext
from orders_sync.sandbox import SandboxTransport
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.store import messages
from tests.support.story import Story

KA = "sandbox-ka"
# repeats that wait: their orders, their number, and after how many minutes they are due
WAITING = """
SELECT orders, repeats, round(extract(epoch FROM not_before - planned_at) / 60)::int FROM sync.windows
WHERE repeats > 0 AND state = 'planned' ORDER BY starts_at
"""


def body(order_no: str | None = None, platform: int = 0, **fields: object) -> bytes:
    packed = msgspec.json.encode({"orderNo": order_no, **fields}).decode()
    return msgspec.json.encode({"messageType": "ANY", "messageBody": packed, "messagePlatform": platform})


async def come(story: Story, *bodies: bytes, account: str = KA) -> None:
    async with story.pool.connection() as connection:
        for each in bodies:
            await messages.keep(connection, account, each)


async def tick(story: Story, account: str = KA) -> tuple[bool, AccountResult]:
    """Read what is due, as the service does; return whether there was something, and what was read."""
    [source] = story.sources(account)
    async with story.pool.connection() as connection, connection.transaction():
        is_there = await planner.plan_due(connection, source)
    return is_there, await drain(story, account)


async def drain(story: Story, account: str = KA) -> AccountResult:
    async with httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app)) as http:
        sources = story.sources(account)
        run_context = RunContext(story.pool, http, sources, story.limits, story.progress)
        [outcome] = await engine.drain_all(run_context, sources)
    return outcome


def some_order(story: Story, account: str = KA) -> SandboxOrder:
    """An old order that can still change: no list of changes brings it back."""
    listed = story.world.shop(account).index.orders.values()
    return next(order for order in listed if order.state == "unpaid" and not order.quirk)


def change(story: Story, order: SandboxOrder, account: str = KA) -> SandboxOrder:
    return story.world.change(account, order.order_id, "reprice", datetime.now(UTC))


async def asked(story: Story, *orders: SandboxOrder) -> None:
    """Messages came about these orders, and what they ask for was read."""
    await come(story, *(body(order.order_no, at=datetime.now(UTC).isoformat()) for order in orders))
    await tick(story)


async def when_due(story: Story) -> tuple[int, int]:
    """Repeats that wait are due now and read: the calls that took, and the orders that changed."""
    story.execute("UPDATE sync.windows SET not_before = now() WHERE repeats > 0 AND state = 'planned'")
    read = await drain(story)
    assert read.errors == []
    return read.calls, read.rows.changed


def outcomes(story: Story) -> list[str]:
    """Return the outcomes of closed messages, in the order they came."""
    rows = story.query("SELECT outcome FROM sync.messages WHERE handled_at IS NOT NULL ORDER BY id")
    return [str(outcome) for (outcome,) in rows]
