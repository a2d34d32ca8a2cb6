"""Polling without a deadline that reports what it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

Report = Callable[[str], None]
"""Receives one line of text per notice, meant for the user."""

POLL_INTERVAL = 0.005  # seconds
FIRST_NOTICE = 1.0  # seconds until the first notice
NOTICE_INTERVAL = 5.0  # seconds between later ones


class Wait:
    """One wait, which begins when the object is made."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._started = time.monotonic()
        self._next_notice = self._started + FIRST_NOTICE

    @property
    def elapsed(self) -> float:
        """Seconds since the wait began."""
        return time.monotonic() - self._started

    def sleep(self, reason: Callable[[], str] | str) -> None:
        """Sleep for one poll interval; send `reason` and the elapsed seconds when a notice is due.

        A callable `reason` is called only then.
        """
        if time.monotonic() >= self._next_notice:
            self._next_notice += NOTICE_INTERVAL
            self._report(f"{reason if isinstance(reason, str) else reason()} ({self.elapsed:.0f} s)")
        time.sleep(POLL_INTERVAL)
