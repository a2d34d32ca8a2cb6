"""A process ends as a whole, and never runs on with half of its parts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import httpx
import pytest

from orders_sync.service import app as module
from orders_sync.service import queue
from orders_sync.service.app import Service
from orders_sync.service.components import Components
from orders_sync.service.heartbeat import Heartbeat
from orders_sync.service.metrics import Metrics
from orders_sync.service.notifier import Notifier
from orders_sync.service.web import listening_socket
from orders_sync.service.worker import Worker
from orders_sync.settings import Settings
from orders_sync.store.database import Connection, Pool
from tests.support.story import Story, Tell


def service(story: Story, parts: Components) -> Service:
    return Service(
        story.url, Settings(), story.sources(), story.limits, httpx.AsyncClient(), parts, revive=lambda: None
    )


async def test_a_part_that_ends_by_a_mistake_of_ours_ends_the_process(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mistaken(self: Worker) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(Worker, "run", mistaken)
    async with asyncio.timeout(120):
        with pytest.raises(RuntimeError, match="a mistake"):
            await service(tell(), Components(works=True, web=listening_socket("127.0.0.1:0"))).run()


async def test_a_part_that_loses_the_database_is_tried_again(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    async def lost(self: Worker) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise queue.QueueError
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    monkeypatch.setattr(Worker, "run", lost)
    monkeypatch.setattr(module, "FIRST_DELAY", 0.0)
    async with asyncio.timeout(120):
        await service(tell(), Components(works=True)).run()
    assert tries == 3


async def test_a_part_that_does_not_end_does_not_hold_up_the_end_of_the_process(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = asyncio.Event()

    async def deaf(self: Worker) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while not over.is_set():
            with suppress(asyncio.CancelledError):
                await over.wait()

    monkeypatch.setattr(Worker, "run", deaf)
    monkeypatch.setattr(module, "STOP_SECONDS", 0.05)
    try:
        async with asyncio.timeout(120):
            await service(tell(), Components(works=True)).run()
    finally:
        over.set()


class LosingPool:
    """A pool where each use meets a cancellation that is lost, as by `asyncio.wait_for` of Python 3.11."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self._pool.connection() as connection:
            yield connection
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)


def watch(story: Story, pool: Pool, fits: asyncio.Event) -> Coroutine[Any, Any, None]:
    return service(story, Components())._watch(pool, asyncio.Event())


def beat(story: Story, pool: Pool, fits: asyncio.Event) -> Coroutine[Any, Any, None]:
    async def failed(error: Exception) -> None:
        raise error

    return Heartbeat(pool, ["worker"], fits, failed).run()


def notify(story: Story, pool: Pool, fits: asyncio.Event) -> Coroutine[Any, Any, None]:
    return Notifier(pool, Settings(), [], Metrics(), lambda: False, fits).run()


@pytest.mark.parametrize("part", [watch, beat, notify])
async def test_a_part_ends_though_its_cancellation_is_lost(
    tell: Tell, pool: Pool, part: Callable[[Story, Pool, asyncio.Event], Coroutine[Any, Any, None]]
) -> None:
    fits = asyncio.Event()
    fits.set()
    task = asyncio.create_task(part(tell(), cast(Pool, LosingPool(pool)), fits))
    await asyncio.wait([task], timeout=60)
    assert task.cancelled()
