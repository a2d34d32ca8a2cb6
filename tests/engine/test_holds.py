"""A platform that asks for a long pause holds up its own account, and nothing waits while it holds a window (P6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from orders_sync.domain.errors import RateLimitError
from orders_sync.domain.sweeps import Sweep
from orders_sync.engine import rate_limiter
from orders_sync.engine.planner import plan
from orders_sync.engine.rate_limiter import RateLimiter
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.runner import drain
from orders_sync.engine.sources import AccountSource
from orders_sync.sandbox import SandboxTransport
from orders_sync.store.rate_limits import SharedRateBackend
from tests.support.story import Silent, Story, Tell

pytestmark = pytest.mark.waits
KA = "sandbox-ka"
STATES = "SELECT DISTINCT state FROM sync.windows WHERE account = %s"


@asynccontextmanager
async def planned(story: Story, name: str) -> AsyncIterator[tuple[RunContext, AccountSource]]:
    """A process that has planned the windows of an account and read none."""
    async with httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app)) as http:
        sources = story.sources()
        [source] = [each for each in sources if each.account.name == name]
        async with story.pool.connection() as connection, connection.transaction():
            await plan(connection, source, Sweep.NONE)
        yield RunContext(story.pool, http, sources, story.limits, story.progress), source


async def test_a_worker_leaves_an_account_that_is_to_pause_long_and_its_windows_stay_planned_P6(tell: Tell) -> None:
    story = tell(orders=60)
    story.faults.retry_after = 500
    story.faults.script("http_429")
    async with planned(story, KA) as (run_context, source):
        first = await drain(run_context, source, waits=False)
        assert "rests: the service reads it again after a minute" in first.errors[-1]
        second = await drain(run_context, source, waits=False)
        assert "asked for no calls for a time, of which" in second.errors[-1]
    assert (first.calls, second.calls) == (1, 0)
    assert story.query(STATES, KA) == [("planned",)]


async def test_another_process_learns_of_a_long_pause_with_its_first_call_P6(tell: Tell) -> None:
    story = tell(orders=60)
    await SharedRateBackend(story.pool, story.sources(KA)[0].account.rate_key).hold(500)
    async with planned(story, KA) as (run_context, source):
        outcome = await drain(run_context, source, waits=False)
    assert outcome.calls == 0
    assert "asked for no calls for a time, of which" in outcome.errors[-1]
    assert story.query(STATES, KA) == [("planned",)]


async def test_the_only_slot_is_free_for_others_while_an_account_is_held_P6(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sync` waits for the end of the pause, but holds no slot meanwhile."""
    story = tell(orders=60)
    story.with_limits(slots=1)
    held = asyncio.Event()

    class Watching(Silent):
        def show(self, account: str, text: str) -> None:
            super().show(account, text)
            held.set()

    story.progress = Watching()
    story.faults.retry_after = 500
    story.faults.script("http_429", account=KA)
    async with planned(story, KA) as (run_context, source):
        waiting = asyncio.create_task(drain(run_context, source))
        await asyncio.wait([waiting, asyncio.create_task(held.wait())], return_when=asyncio.FIRST_COMPLETED)
        assert await run_context.slots.acquire("anybody", 0)
        assert "sandbox-ka: the platform asked for no calls: waiting 500 s" in story.progress.shown
        run_context.stopping.set()  # and a process that is to stop does not wait for it either
        await waiting


async def test_a_sync_goes_on_after_a_long_pause_and_every_order_is_there_P6(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limiter, "LONGEST_WAIT", 0.5)
    story = tell(orders=60)
    story.faults.retry_after = 1
    story.faults.script("http_429", "ok", "http_429", account=KA)
    outcome = (await story.sync(KA))[KA]
    assert (outcome.errors, outcome.failed_windows) == ([], [])
    story.assert_equal(KA)


async def test_a_slow_rate_is_no_pause_that_the_platform_asked_for(tell: Tell) -> None:
    """Two callers of one call in two minutes: the second one waits for its turn."""
    story = tell(orders=60)
    gap = 120
    waiting = RateLimiter(1 / gap, SharedRateBackend(story.pool, "app:slow"))
    await waiting.acquire()
    with suppress(TimeoutError):
        await asyncio.wait_for(waiting.acquire(), 0.2)
    await waiting.hold(10 * gap)
    with pytest.raises(RateLimitError):
        await waiting.acquire()


async def test_a_window_of_more_calls_than_a_quota_allows_is_split_until_it_passes_P6(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limiter, "LONGEST_WAIT", 0.5)
    story = tell(orders=300, page_size=10)
    story.faults.retry_after = 1
    story.faults.script(*[*["ok"] * 8, "http_429"] * 200, account=KA)
    for _ in range(3):
        outcome = (await story.sync(KA))[KA]
    assert (outcome.errors, outcome.failed_windows) == ([], [])
    story.assert_equal(KA)
