"""Sweeps that take longer than their period, on the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest

from orders_sync.domain.sweeps import Sweep
from orders_sync.engine import planner
from orders_sync.engine import sync as engine
from orders_sync.engine.results import WindowResult
from orders_sync.engine.run_context import RunContext
from orders_sync.sandbox import SandboxTransport
from tests.support.story import Silent, Story, Tell

SHOP = "sandbox-ka"
STATUS = "SELECT status FROM orders WHERE order_id = %s"


@dataclass
class UpTo(Silent):
    """Lets so many windows be read, then ends the turn."""

    windows: int = 0
    run_context: list[RunContext] = field(default_factory=list)

    def closed(self, window: WindowResult) -> None:
        super().closed(window)
        if len(self.closed_windows) >= self.windows:
            self.run_context[0].stopping.set()


async def period(story: Story, windows: int) -> None:
    """A sweep comes due, and there is time to read so many windows until it is due again."""
    sources = story.sources(SHOP)
    async with httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app)) as http:
        progress = UpTo(windows=windows)
        run_context = RunContext(story.pool, http, sources, story.limits, progress)
        progress.run_context.append(run_context)
        async with story.pool.connection() as connection, connection.transaction():
            await planner.plan(connection, sources[0], Sweep.OPEN)
        (outcome,) = await engine.drain_all(run_context, sources)
        assert outcome.errors == []


@pytest.mark.parametrize("by_status", [False, True])
async def test_a_sweep_that_takes_longer_than_its_period_reaches_the_youngest_orders_P2(
    tell: Tell, monkeypatch: pytest.MonkeyPatch, by_status: bool
) -> None:
    story = tell(orders=450, page_size=5)
    story.with_limits(slots=1)
    if not by_status:
        monkeypatch.setattr(planner, "choose_cheaper", lambda creation, *_: creation)
    await story.sync(SHOP)
    shelf = story.world.shop(SHOP).index.orders.values()
    open_orders = [each for each in shelf if each.state.name == "SHIPPED" and each.quirk != "sample"]
    youngest = max(open_orders, key=lambda order: order.created)
    story.world.change(SHOP, youngest.order_id, "terminate", datetime.now(UTC))

    for _ in range(60):
        await period(story, 4)  # one of them is of the changes since the last plan
        if story.query(STATUS, youngest.order_id) == [("4",)]:
            break
    assert story.query(STATUS, youngest.order_id) == [("4",)]
    swept = "SELECT count(*) > 3 FROM sync.windows WHERE kind = 'sweep' AND state = 'done'"
    assert story.query(swept) == [(True,)], "the sweep was no longer than its period: the test shows nothing"
