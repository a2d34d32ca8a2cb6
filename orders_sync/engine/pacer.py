"""Keeps one account's calls at its rate, and still when the platform says so (P6)."""

from __future__ import annotations

import asyncio
import time


class Pacer:
    """At most `per_second` turns a second, evenly spaced, for all who share this pacer."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0
        self._line = asyncio.Lock()

    async def turn(self) -> None:
        """Return when the next call may be sent; first come, first served."""
        async with self._line:
            # a loop: a hold may come during the pause
            while (pause := self._next - time.monotonic()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(pause)
            self._next = time.monotonic() + self._gap

    def hold(self, seconds: float) -> None:
        """No turn for so long, for those who wait already too."""
        self._next = max(self._next, time.monotonic() + seconds)
