"""Log lines of what may happen a thousand times a minute: one a minute for each kind, with a count of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

EVERY = 60.0  # seconds


class Repeats:
    """`clock`: seconds, any beginning. Kinds are few: an account, a reason."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[Hashable, float] = {}
        self._unsaid: dict[Hashable, int] = {}

    def count(self, kind: Hashable) -> int | None:
        """Count one more. How many went unsaid since the last line of the kind when another one is due, else None."""
        now = self._clock()
        if kind in self._said and now - self._said[kind] < EVERY:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return None
        self._said[kind] = now
        return self._unsaid.pop(kind, 0)
