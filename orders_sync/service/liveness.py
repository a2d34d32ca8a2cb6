"""Liveness of a process: when it last planned and finished something, and whether that is too long ago.

An outage of the database is no reason to restart a process: while it lasts, nothing counts as overdue.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PLANNING_LIMIT = 60.0  # seconds within which the scheduler must finish a tick
TAKE_LIMIT = 180.0  # seconds a job may wait while the worker has no job
FINISH_LIMIT = 900.0  # seconds a job may wait while the worker has jobs and finishes none


class Liveness:
    """`clock`: monotonic seconds. Time counts from `watch`, or from the last event since."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._planned_at: float | None = None
        self._taken_at: float | None = None
        self._finished_at = 0.0
        self._progressed_at = 0.0  # last progress: a finished window or job, or the first job after none
        self._running_jobs = 0
        self._longest_wait = 0.0
        self._attempted: set[str] = set()
        self._failing: dict[str, float] = {}
        self._reasons: dict[str, str] = {}
        self.reasons_changed = asyncio.Event()

    def watch(self, *, schedules: bool, works: bool) -> None:
        """Begin to watch the parts that this process runs."""
        now = self._clock()
        self._planned_at = now if schedules else None
        self._taken_at = now if works else None
        self._finished_at = now

    def tick_ended(self) -> None:
        """Record the end of a tick: every due account was tried."""
        self._planned_at = self._clock()

    def account_planned(self, account: str) -> None:
        """Record that planning an account succeeded."""
        self._attempted.add(account)
        self._failing.pop(account, None)
        if self._reasons.pop(account, None) is not None:
            self.reasons_changed.set()
        self.tick_ended()

    def planning_failed(self, account: str, reason: str) -> None:
        """Record that planning the account raised, and why."""
        self._attempted.add(account)
        self._failing.setdefault(account, self._clock())
        if self._reasons.get(account) != reason:
            self._reasons[account] = reason
            self.reasons_changed.set()

    def job_started(self) -> None:
        """Record that the worker took a job."""
        now = self._clock()
        self._taken_at = now
        if not self._running_jobs:
            self._progressed_at = now
        self._running_jobs += 1

    def job_ended(self) -> None:
        """Record that a job ended, whatever its outcome."""
        self.window_ended()
        self._running_jobs -= 1

    def window_ended(self) -> None:
        """Record that a window ended, whatever its outcome."""
        self._finished_at = self._progressed_at = self._clock()

    def set_longest_wait(self, seconds: float) -> None:
        """Set the age in seconds of the job that has waited longest; 0 if none waits."""
        self._longest_wait = seconds

    def restart_timers(self) -> None:
        """Restart all timers: nothing can be planned or finished now, for a reason outside this process."""
        now = self._clock()
        self._planned_at = None if self._planned_at is None else now
        self._taken_at = None if self._taken_at is None else now
        self._progressed_at, self._longest_wait = now, 0.0
        self._failing = dict.fromkeys(self._failing, now)

    @property
    def planning_errors(self) -> dict[str, str]:
        """By account, why its last planning raised. `reasons_changed` is set when this is other than before."""
        return dict(self._reasons)

    @property
    def failing_accounts(self) -> list[str]:
        """The accounts whose last planning raised."""
        return sorted(self._failing)

    @property
    def seconds_since(self) -> dict[str, float]:
        """Seconds since the last `planned` and `finished`, as far as this process does those."""
        now = self._clock()
        found = {} if self._planned_at is None else {"planned": now - self._planned_at}
        return found | ({} if self._taken_at is None else {"finished": now - self._finished_at})

    def overdue(self) -> dict[str, str | None]:
        """Return by component: None, or a text for anyone if it is overdue. It holds no secrets."""
        found: dict[str, str | None] = {}
        if self._planned_at is not None:
            found["scheduler"] = self._overdue_planning(self._clock())
        if self._taken_at is not None:
            found["worker"] = self._overdue_work(self._clock())
        return found

    def _overdue_planning(self, now: float) -> str | None:
        if self._planned_at is not None and now - self._planned_at > PLANNING_LIMIT:
            return f"nothing was planned for {_minutes(now - self._planned_at)}"
        if self._failing and self._failing.keys() >= self._attempted:
            longest = now - min(self._failing.values())
            if longest > PLANNING_LIMIT:
                return f"no account can be planned, for {_minutes(longest)}; the log says why"
        return None

    def _overdue_work(self, now: float) -> str | None:
        if self._taken_at is None or self._longest_wait <= TAKE_LIMIT:
            return None
        if not self._running_jobs and now - self._taken_at > TAKE_LIMIT:
            return f"no job was taken for {_minutes(now - self._taken_at)}, though one waits"
        if self._running_jobs and now - self._progressed_at > FINISH_LIMIT:
            return f"nothing was finished for {_minutes(now - self._progressed_at)}, though a job waits"
        return None


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes"
