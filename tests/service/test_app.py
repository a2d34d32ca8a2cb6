"""A process ends as a whole, and never runs on with half of its parts."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import httpx
import pytest

from orders_sync.service import app as module
from orders_sync.service import queue
from orders_sync.service.app import Service
from orders_sync.service.components import Components
from orders_sync.service.web import listening_socket
from orders_sync.service.worker import Worker
from orders_sync.settings import Settings
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
