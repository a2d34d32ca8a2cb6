"""Results of audits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from orders_sync.engine.reconcile import Difference, Reconciliation


@dataclass(slots=True)
class Updates:
    """The comparison by update time of `[start, end)`."""

    start: datetime
    end: datetime
    found: Reconciliation = field(default_factory=Reconciliation)


@dataclass(slots=True)
class Audited:
    """The audit of one account in `[start, end)`, by creation time.

    `updates`: the comparison by update time, where the platform lists changes by it. `repaired`: differences that were
    gone after their ranges were read; `acknowledged`: those acknowledged when an earlier audit found them.
    """

    account: str
    start: datetime | None = None
    end: datetime | None = None
    found: Reconciliation = field(default_factory=Reconciliation)
    updates: Updates | None = None
    repaired: list[Difference] = field(default_factory=list)
    acknowledged: list[Difference] = field(default_factory=list)
    calls: int = 0
    beyond: str | None = None  # what lies beyond the platform's reach, in words
    error: str | None = None

    @property
    def differences(self) -> list[Difference]:
        """The differences of all lists that were compared, oldest first."""
        found = [*self.found.differences, *(self.updates.found.differences if self.updates else [])]
        return sorted(found, key=lambda difference: difference.window.start)

    @property
    def awaited(self) -> int:
        """The number of orders that the next sync reads anyway.

        An order may be awaited by both lists: the longer of the two is counted.
        """
        return max(self.found.awaited, self.updates.found.awaited if self.updates else 0)

    @property
    def remaining(self) -> list[Difference]:
        """The differences that no read has ended and nobody has acknowledged."""
        settled = [*self.repaired, *self.acknowledged]
        return [each for each in self.differences if each not in settled]
