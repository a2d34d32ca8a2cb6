"""Waiting without a deadline, and without leaving anyone in the dark."""

from __future__ import annotations

import time
from collections.abc import Callable

Tell = Callable[[str], None]

STEP = 0.005  # seconds between two looks
FIRST_WORD = 1.0  # seconds of silence before the first word
NEXT_WORD = 5.0


class Patience:
    """One wait: call it between two looks. It sleeps a step; what is waited for it says after 1 s, then every 5 s."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._began = time.monotonic()
        self._due = self._began + FIRST_WORD

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def __call__(self, what: Callable[[], str] | str) -> None:
        if time.monotonic() >= self._due:
            self._due += NEXT_WORD
            self._tell(f"{what if isinstance(what, str) else what()} ({self.seconds:.0f} s)")
        time.sleep(STEP)
