"""Health of the components of a process: which have been failing for long, so that it should be restarted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

FAILING_SECONDS = 120.0  # seconds of continued failing after which a component is reported
RECOVERY_SECONDS = 60.0  # seconds without a failure after which it counts as healthy


@dataclass(slots=True)
class _Failure:
    since: float
    last: float
    kind: str


class ComponentHealth:
    """`clock`: monotonic seconds. Components are registered with `watch`, so that healthy ones are listed too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._components: dict[str, _Failure | None] = {}

    def watch(self, component: str) -> None:
        """Add a component, which has not failed."""
        self._components.setdefault(component, None)

    def record_failure(self, component: str, error: BaseException) -> None:
        """Record a failure of a component."""
        now = self._clock()
        before = self._components.get(component)
        since = now if before is None or now - before.last > RECOVERY_SECONDS else before.since
        self._components[component] = _Failure(since, now, type(error).__name__)

    def lasting_failures(self) -> dict[str, str | None]:
        """Return by component: None, or a text for anyone if it has been failing for long. It holds no secrets."""
        now = self._clock()
        return {name: _describe(failure, now) for name, failure in self._components.items()}


def _describe(failure: _Failure | None, now: float) -> str | None:
    if failure is None or now - failure.last > RECOVERY_SECONDS or now - failure.since < FAILING_SECONDS:
        return None
    return f"failing for {(now - failure.since) / 60:.0f} minutes, last with {failure.kind}; the log says more"
