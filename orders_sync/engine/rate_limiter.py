"""Keep calls at the rate of their app over all processes, and make none while the platform asks for a hold (P6)."""

from __future__ import annotations

import asyncio
import time
from math import inf
from typing import Protocol

from orders_sync.domain.errors import RateLimitError
from orders_sync.domain.rate_limits import AHEAD, Reservation

LONGEST_WAIT = 30.0  # seconds that a call waits for the end of a hold; for a longer one its window is released
# seconds: the least span of permits that one query reserves, so that a fast app does not ask the database for each call
AT_ONCE = 0.05
ROUNDING = 1e-6  # seconds
# seconds for which a permit may still be used after its moment, at most half a gap: at a slow rate the next one is
# minutes away
LATE = 0.01


def is_long_hold(error: Exception) -> bool:
    """Return True if the platform asked for a hold that is too long to wait for with a claimed window."""
    return isinstance(error, RateLimitError) and error.retry_after is not None and error.retry_after > LONGEST_WAIT


class RateBackend(Protocol):
    """The source of permits for calls. Both methods raise what its storage does: psycopg.Error for a database."""

    async def take(self, permits: int, gap: float) -> Reservation:
        """Reserve `permits` that are `gap` seconds apart, or none yet: the reservation says which, and from when on."""

    async def hold(self, seconds: float) -> None:
        """Give no permit for `seconds`."""


class LocalRateBackend:
    """The rate of an app within this process alone, where there is no database to share it through."""

    def __init__(self) -> None:
        self._next = -inf

    async def take(self, permits: int, gap: float) -> Reservation:
        """Reserve permits that are `gap` seconds apart, as `SharedRateBackend.take`."""
        now = time.monotonic()
        if self._next > now + AHEAD:
            return Reservation(self._next - now - AHEAD, 0)
        first = max(self._next, now)
        self._next = first + permits * gap
        return Reservation(first - now, permits)

    async def hold(self, seconds: float) -> None:
        """Let no permit begin for `seconds`."""
        self._next = max(self._next, time.monotonic() + seconds)


class RateLimiter:
    """Allows at most `per_second` calls per second, evenly spaced, for all who share a backend.

    Permits are reserved together: one for each call that waits, or those of `AT_ONCE` seconds, at most a second of the
    rate. A permit whose moment passes unused is lost.
    """

    def __init__(self, per_second: float, backend: RateBackend) -> None:
        self._gap = 1 / per_second
        self._backend = backend
        self._queue = asyncio.Lock()
        self._waiting = 0
        self._reserving = asyncio.Lock()
        self._next = -inf  # no call before, by time.monotonic
        self._last = -inf  # the last permit that is reserved

    async def acquire(self) -> None:
        """Wait until the next call may be sent; first come, first served.

        Raises `RateLimitError` where a hold lasts longer than `LONGEST_WAIT`, psycopg.Error when the database is gone.
        """
        self._waiting += 1
        try:
            async with self._queue:
                while True:
                    now = time.monotonic()
                    permit = max(self._next, now)
                    self._refuse_long_waits(permit - now)
                    if permit > now:
                        await asyncio.sleep(permit - now)
                    if permit < self._next:  # a hold came during the sleep
                        continue
                    if permit <= self._last:
                        self._next = permit + self._gap
                        return
                    await self._reserve()
        finally:
            self._waiting -= 1

    async def hold(self, seconds: float) -> None:
        """Allow no call for `seconds` in any process, also none that waits already. Raises psycopg.Error."""
        self._next, self._last = max(self._next, time.monotonic() + seconds), -inf
        async with self._reserving:  # whoever reserves next finds the hold
            await self._backend.hold(seconds)

    async def _reserve(self) -> None:
        """Reserve permits, or wait until there may be some."""
        permits = max(1, int(min(max(self._waiting, AT_ONCE / self._gap), AHEAD / self._gap + ROUNDING)))
        async with self._reserving:
            reservation = await self._backend.take(permits, self._gap)
        if not reservation.permits:
            self._refuse_long_waits(reservation.delay)
            await asyncio.sleep(reservation.delay)
            return
        first = time.monotonic() + reservation.delay
        self._next = max(self._next, first)
        self._last = first + (reservation.permits - 1) * self._gap + min(LATE, self._gap / 2)

    def _refuse_long_waits(self, seconds: float) -> None:
        """Raise `RateLimitError` for a wait that comes from a hold: others are no longer than a gap and `AHEAD`."""
        if seconds > max(LONGEST_WAIT, self._gap + AHEAD):
            raise RateLimitError(
                f"the platform asked for no calls for a time, of which {seconds:.0f} s are left", retry_after=seconds
            )
