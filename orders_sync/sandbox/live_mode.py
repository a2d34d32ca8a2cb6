"""Continuous changes of the world in real time, concurrent with requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from orders_sync.sandbox.world import World

TICK = 0.1  # seconds


class LiveMode:
    """Task that changes the world `rate` times per second; 0 for no changes.

    `happened` counts the changes so far.
    """

    def __init__(self, world: World, clock: Callable[[], datetime]) -> None:
        self.world = world
        self.clock = clock
        self.rate = 0.0
        self.happened = 0
        self._task: asyncio.Task[None] | None = None

    def start(self, rate: float) -> None:
        """Set the rate in changes per second; 0 stops. Needs a running event loop."""
        self.rate = rate
        self.resume()

    def resume(self) -> None:
        """Start the task if the rate is above 0 and it does not run. Needs a running event loop."""
        if self.rate > 0 and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Cancel the task and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due, before = 0.0, loop.time()
        while self.rate > 0:
            await asyncio.sleep(TICK)
            now = loop.time()
            due = min(due + (now - before) * self.rate, self.rate)  # after a stall at most the changes of one second
            before = now
            self.happened += len(self.world.step(self.clock(), int(due)))
            due -= int(due)
