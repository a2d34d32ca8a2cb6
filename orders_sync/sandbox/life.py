"""The world living on by itself, in real time, beside the requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from orders_sync.sandbox.world import World

TICK = 0.1  # seconds


class Life:
    """Changes at a rate a second, as a task of the running loop. `rate` 0: nothing happens by itself."""

    def __init__(self, world: World, clock: Callable[[], datetime]) -> None:
        self.world = world
        self.clock = clock
        self.rate = 0.0
        self.happened = 0
        self._task: asyncio.Task[None] | None = None

    def start(self, rate: float) -> None:
        """So many changes a second from now on; 0 stops it. Needs a running loop."""
        self.rate = rate
        self.resume()

    def resume(self) -> None:
        """Live at the rate that is set, once there is a loop."""
        if self.rate > 0 and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._live())

    async def stop(self) -> None:
        """End the task and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        owed, before = 0.0, loop.time()
        while self.rate > 0:
            await asyncio.sleep(TICK)
            now = loop.time()
            owed = min(owed + (now - before) * self.rate, self.rate)  # at most a second's worth after a stall
            before = now
            self.happened += len(self.world.step(self.clock(), int(owed)))
            owed -= int(owed)
