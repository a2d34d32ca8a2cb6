"""Throttle log lines of frequent events: one line per minute and kind, with the number of suppressed ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

PERIOD = 60.0  # seconds


class LogThrottle:
    """`clock`: monotonic seconds. Every kind is kept for ever, so there should be few: an account, a reason."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_logged: dict[Hashable, float] = {}
        self._suppressed: dict[Hashable, int] = {}

    def admit(self, kind: Hashable) -> int | None:
        """Count one event. Return the number suppressed since the last line if a line is due, else None."""
        now = self._clock()
        if kind in self._last_logged and now - self._last_logged[kind] < PERIOD:
            self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
            return None
        self._last_logged[kind] = now
        return self._suppressed.pop(kind, 0)
