"""Which parts of a process have been failing for long: what an orchestrator should know, and a short outage is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

LONG = 120.0  # seconds of failing
QUIET = 60.0  # seconds without a failure end it


@dataclass(slots=True)
class _Trouble:
    since: float
    last: float
    kind: str


class Troubles:
    """`clock`: seconds, any beginning. Parts are named when they start, so that one that is well is known, too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._parts: dict[str, _Trouble | None] = {}

    def watch(self, part: str) -> None:
        self._parts.setdefault(part, None)

    def note(self, part: str, error: BaseException) -> None:
        """A part failed."""
        now = self._clock()
        before = self._parts.get(part)
        since = now if before is None or now - before.last > QUIET else before.since
        self._parts[part] = _Trouble(since, now, type(error).__name__)

    def lasting(self) -> dict[str, str | None]:
        """By part: None while it is well or has not failed for long, else what to tell anybody who asks: no secrets."""
        now = self._clock()
        return {name: _told(trouble, now) for name, trouble in self._parts.items()}


def _told(trouble: _Trouble | None, now: float) -> str | None:
    if trouble is None or now - trouble.last > QUIET or now - trouble.since < LONG:
        return None
    return f"failing for {(now - trouble.since) / 60:.0f} minutes, last with {trouble.kind}; the log says more"
