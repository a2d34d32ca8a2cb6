"""A process of the service sends notices beside its work, and a messenger neither stops nor delays it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from orders_sync.domain.problems import ProblemKind
from orders_sync.domain.secret import Secret
from orders_sync.engine import notices
from orders_sync.service import notifier as module
from orders_sync.service.app import Service
from orders_sync.service.components import Components
from orders_sync.settings import NotifySettings, Settings
from tests.support.cable import cable
from tests.support.messenger import Messenger, messenger
from tests.support.story import Story, Tell

pytestmark = pytest.mark.waits
LONGEST = 300  # seconds: a guard, not a measure


@pytest.fixture
def shop() -> Iterator[Messenger]:
    with messenger() as made:
        yield made


@pytest.fixture(autouse=True)
def short_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.05)


@asynccontextmanager
async def scheduler(
    story: Story, url: str, notify: NotifySettings
) -> AsyncIterator[Callable[[Callable[[], object]], Awaitable[None]]]:
    """A scheduler in this event loop. Yield a function that returns once something holds."""
    parts = Components(schedules=True)
    settings = Settings(notify=notify)
    service = Service(url, settings, story.sources(), story.limits, httpx.AsyncClient(), parts, revive=lambda: None)
    task = asyncio.create_task(service.run())

    async def until(holds: Callable[[], object]) -> None:
        async with asyncio.timeout(LONGEST):
            while not holds():
                if task.done():
                    task.result()
                await asyncio.sleep(0.05)

    try:
        yield until
    finally:
        service._stop.set()
        async with asyncio.timeout(LONGEST):
            await task


def wanted(*urls: str, kinds: tuple[ProblemKind, ...]) -> NotifySettings:
    return NotifySettings(urls=tuple(map(Secret, urls)), kinds=kinds, delay=timedelta())


def planned(story: Story) -> bool:
    return bool(story.query("SELECT 1 FROM sync.windows LIMIT 1"))


async def test_an_outage_of_the_database_is_a_notice_and_its_end_another(tell: Tell, url: str, shop: Messenger) -> None:
    story, notify = tell(), wanted(shop.url(), kinds=(ProblemKind.DATABASE,))
    async with cable(url) as line, scheduler(story, line.url, notify) as until:
        await until(lambda: planned(story))
        line.cut()
        await until(lambda: any("\nDatabase\n" in each for each in shop.texts))
        line.mend()
        await until(lambda: any("Over: Database" in each for each in shop.texts))


async def test_without_a_worker_the_scheduler_says_so(tell: Tell, url: str, shop: Messenger) -> None:
    async with scheduler(tell(), url, wanted(shop.url(), kinds=(ProblemKind.SERVICE,))) as until:
        await until(lambda: shop.texts)
    assert "\nService\n  A scheduler or worker is missing" in shop.texts[0]


async def test_a_messenger_that_hangs_and_a_url_that_is_wrong_stop_nothing(
    tell: Tell, url: str, shop: Messenger
) -> None:
    shop.silent = {"/silent"}
    story = tell()
    notify = wanted("nosuch://x", shop.url("/silent"), shop.url("/ok"), kinds=(ProblemKind.SERVICE,))
    async with scheduler(story, url, notify) as until:
        await until(lambda: shop.at("/silent") and shop.at("/ok") and planned(story))


async def test_a_mistake_of_ours_in_a_pass_does_not_end_the_process(
    tell: Tell, url: str, shop: Messenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []

    def mistaken(*values: object) -> None:
        passes.append(values)
        raise RuntimeError("a mistake")

    monkeypatch.setattr(notices, "found", mistaken)
    async with scheduler(tell(), url, wanted(shop.url(), kinds=(ProblemKind.SERVICE,))) as until:
        await until(lambda: len(passes) > 2)
