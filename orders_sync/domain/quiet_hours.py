"""The hours of a day in which nobody is sent a notice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time

from orders_sync.domain import local_times

FORM = 'must be two different times of day, such as "22:00-08:00"'


@dataclass(frozen=True)
class QuietHours:
    """From `start`, inclusive, to `end`, exclusive, of every day, past midnight where `end` is the earlier one.

    Times of day are those of clocks in the zone of people (`local_times`).
    """

    start: time
    end: time

    def cover(self, moment: datetime) -> bool:
        """Tell whether an aware time lies in them."""
        clock = local_times.local(moment).time()
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def parse(value: object) -> QuietHours:
    """Parse `22:00-08:00`. Raises ValueError."""
    clock = r"([01]?\d|2[0-3]):([0-5]\d)"
    match = re.fullmatch(rf"{clock} ?- ?{clock}", str(value), re.ASCII)
    if match is None or match.group(1, 2) == match.group(3, 4):
        raise ValueError(FORM)
    first, second = (time(int(match[n]), int(match[n + 1])) for n in (1, 3))
    if first == second:
        raise ValueError(FORM)
    return QuietHours(first, second)
