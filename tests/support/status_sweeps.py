"""A shop most of whose orders are closed, and a sweep of the open ones by status."""

from __future__ import annotations

from datetime import UTC, datetime

from orders_sync.domain.sweeps import Sweep
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.sandbox.states import State
from tests.support.story import Story, Tell

SHOP = "sandbox-ka"
LISTS = "SELECT count(*) FROM sync.windows WHERE status IS NOT NULL"


def orders_in(story: Story, state: State) -> list[SandboxOrder]:
    """The shop's orders in a state, oldest first. The samples of the documents stay as they are."""
    found = [each for each in story.world.shop(SHOP).index.orders.values() if each.state is state]
    return sorted((each for each in found if each.quirk != "sample"), key=lambda each: each.created)


def happens(story: Story, order: SandboxOrder, event: str) -> None:
    story.world.change(SHOP, order.order_id, event, datetime.now(UTC))


async def mostly_closed(tell: Tell) -> Story:
    """A shop of 150 orders, synced, of which a quarter is open: pages of 5, so by status costs less."""
    story = tell(orders=450, page_size=5)
    for place, order in enumerate(orders_in(story, State.SHIPPED)):
        if place % 5:
            happens(story, order, "terminate")
    await story.sync(SHOP)
    return story


async def swept(story: Story) -> None:
    """A sweep of what is open, which must have gone by status and without a complaint."""
    lists = story.query(LISTS)
    outcome = (await story.sync(SHOP, sweep=Sweep.OPEN))[SHOP]
    assert (outcome.errors, outcome.failed_windows) == ([], [])
    assert story.query(LISTS) > lists
