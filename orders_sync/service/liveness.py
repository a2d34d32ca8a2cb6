"""Signs of life of a process: what it planned and finished last, and whether that is too long ago.

An outage of the database is no reason to restart a process: while there is one, nothing counts as late.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PLANNED = 60.0  # seconds in which the clock must come to the end of a tick
TAKEN = 180.0  # seconds a job may wait beside a worker that has nothing in hand
FINISHED = 900.0  # seconds a job may wait beside one that does not come to an end of what it has in hand


class Liveness:
    """`clock`: seconds, any beginning. Parts are counted from the moment they are watched."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._planned: float | None = None
        self._taken: float | None = None
        self._finished = 0.0
        self._at_work = 0.0  # when it last finished something, or took the first job after it had none
        self._in_hand = 0
        self._job_waits = 0.0
        self._tried: set[str] = set()
        self._failing: dict[str, float] = {}

    def watch(self, *, schedules: bool, works: bool) -> None:
        now = self._clock()
        self._planned = now if schedules else None
        self._taken = now if works else None
        self._finished = now

    def ticked(self) -> None:
        """The clock asked what is due, and all of it was tried."""
        self._planned = self._clock()

    def planned(self, account: str) -> None:
        self._tried.add(account)
        self._failing.pop(account, None)
        self.ticked()

    def not_planned(self, account: str) -> None:
        """Planning the account raised."""
        self._tried.add(account)
        self._failing.setdefault(account, self._clock())

    def took(self) -> None:
        """A worker took a job."""
        now = self._clock()
        self._taken = now
        if not self._in_hand:
            self._at_work = now
        self._in_hand += 1

    def left(self) -> None:
        """A worker is done with a job, however it ended."""
        self.finished()
        self._in_hand -= 1

    def finished(self) -> None:
        """A window is done with."""
        self._finished = self._at_work = self._clock()

    def job_waits(self, seconds: float) -> None:
        """How long the job that has waited longest has waited, seen now; 0 when none does."""
        self._job_waits = seconds

    def excuse(self) -> None:
        """Nothing can be planned or finished now, and nobody here is to blame."""
        now = self._clock()
        self._planned = None if self._planned is None else now
        self._taken = None if self._taken is None else now
        self._at_work, self._job_waits = now, 0.0
        self._failing = dict.fromkeys(self._failing, now)

    @property
    def failing_accounts(self) -> list[str]:
        """Those whose planning raised the last time it was tried."""
        return sorted(self._failing)

    @property
    def seconds_since(self) -> dict[str, float]:
        """By what was done: how long ago it was done last."""
        now = self._clock()
        found = {} if self._planned is None else {"planned": now - self._planned}
        return found | ({} if self._taken is None else {"finished": now - self._finished})

    def late(self) -> dict[str, str | None]:
        """By part that is watched: None while it is well, else what to tell anybody who asks: no secrets."""
        found: dict[str, str | None] = {}
        if self._planned is not None:
            found["scheduler"] = self._late_planning(self._clock())
        if self._taken is not None:
            found["worker"] = self._late_working(self._clock())
        return found

    def _late_planning(self, now: float) -> str | None:
        if self._planned is not None and now - self._planned > PLANNED:
            return f"nothing was planned for {_minutes(now - self._planned)}"
        if self._failing and self._failing.keys() >= self._tried:
            longest = now - min(self._failing.values())
            if longest > PLANNED:
                return f"no account can be planned, for {_minutes(longest)}; the log says why"
        return None

    def _late_working(self, now: float) -> str | None:
        if self._taken is None or self._job_waits <= TAKEN:
            return None
        if not self._in_hand and now - self._taken > TAKEN:
            return f"no job was taken for {_minutes(now - self._taken)}, though one waits"
        if self._in_hand and now - self._at_work > FINISHED:
            return f"nothing was finished for {_minutes(now - self._at_work)}, though a job waits"
        return None


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes"
