"""Where two counts of the same orders differ: halved until a range is small enough to be looked at order by order.

    |------------- platform 4000, tables 3999 -------------|      a count of the platform is one call for one row
    |------ 1990 = 1990 ------|------ 2010, 2009 -----------|      what agrees goes no further
                              |-- 1003, 1002 --|-- = -------|
                                       ...
                              |-| one page: its ids say which order is missing, and when it was created

Pure but for the questions, which the caller answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from orders_sync.domain.times import SHANGHAI
from orders_sync.domain.windows import Window

FINEST = timedelta(minutes=1)  # differences are told in whole minutes
UNITS = (timedelta(days=1), timedelta(hours=1), FINEST, timedelta(seconds=1))
SHOWN = 20  # ids of a difference


class Counts(NamedTuple):
    """Orders of a range by creation time."""

    platform: int
    tables: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A range that differs. `missing` from the tables; `surplus`: ids, at most `SHOWN`, the platform does not list."""

    window: Window
    counts: Counts
    missing: int = 0
    surplus: tuple[str, ...] = ()


@dataclass(slots=True)
class Finding:
    """What was found in a range. `rejects` are open ones and count as held; `awaited` come with the next sync."""

    platform: int = 0
    tables: int = 0
    rejects: int = 0
    awaited: int = 0
    differences: list[Difference] = field(default_factory=list)

    def __iadd__(self, other: Finding) -> Finding:
        self.platform += other.platform
        self.tables += other.tables
        self.rejects += other.rejects
        self.awaited += other.awaited
        self.differences += other.differences
        return self


Count = Callable[[Window], Awaitable[Counts]]
Look = Callable[[Window], Awaitable[Finding]]


async def compare(window: Window, counts: Counts, count: Count, look: Look, page_size: int) -> Finding:
    """Find every range of the window whose orders differ in number. `look` gets what fits on a page, or one second.

    Where both halves agree though the whole did not, the platform moved meanwhile or miscounted: it is asked once more,
    and what still differs then is told as it is, without the orders.
    """
    if counts.platform == counts.tables:
        return Finding(*counts)
    if max(counts) <= page_size or window.seconds == 1:
        return await look(window)
    found = Finding()
    agree = True
    for half in halves(window):
        told = await count(half)
        agree = agree and told.platform == told.tables
        found += await compare(half, told, count, look, page_size)
    if agree:
        counts = await count(window)
        if counts.platform != counts.tables:
            found.differences.append(Difference(window, counts))
    return found


def halves(window: Window) -> tuple[Window, Window]:
    """Two parts that meet near the middle, on a day's border in China where there is one, else on an hour's, ..."""
    middle = window.start + (window.end - window.start) / 2
    border = next(border for unit in UNITS if window.start < (border := _floor(middle, unit)) < window.end)
    return Window(window.start, border), Window(border, window.end)


def ranges(window: Window, differing: Iterable[datetime], agreeing: Iterable[datetime]) -> list[Window]:
    """Whole minutes of the window that hold all that differs; one range as long as nothing that agrees lies between."""
    moments = sorted([(moment, True) for moment in differing] + [(moment, False) for moment in agreeing])
    runs: list[tuple[datetime, datetime]] = []
    is_running = False
    for moment, differs in moments:
        if differs:
            start = max(window.start, _floor(moment, FINEST))
            end = min(window.end, _floor(moment, FINEST) + FINEST)
            if runs and (is_running or start < runs[-1][1]):
                start = runs.pop()[0]
            runs.append((start, end))
        is_running = differs
    return [Window(start, end) for start, end in runs]


def _floor(moment: datetime, unit: timedelta) -> datetime:
    """The beginning of the unit a moment lies in, by the clocks of China."""
    midnight = moment.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // unit * unit
