"""Decide which ranges of creation time are read again, and when. Pure.

Where a platform lists by creation time only, nothing else brings a change. Where it lists by update time, all that it
still lists is read again once a day (`schedule.daily_sweep`), for changes that were listed late.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RARE_INTERVAL = timedelta(days=7)  # for orders that are not final and older than all tiers


class Sweep(StrEnum):
    """The extent of a pass: nothing, what is due, everything not final, or everything that the policy ever reads."""

    NONE = "none"
    DUE = "due"
    OPEN = "open"
    ALL = "all"


class Tier(msgspec.Struct, frozen=True):
    """Orders that are not final and younger than `age` are re-read every `every`."""

    age: timedelta
    every: timedelta


class SweepPolicy(msgspec.Struct, frozen=True):
    """The intervals at which orders are re-read.

    `tiers`: the youngest first. Final orders are re-read once a day for `final_for` after their
    last change landed.
    """

    tiers: tuple[Tier, ...] = (
        Tier(timedelta(days=3), timedelta(minutes=10)),
        Tier(timedelta(days=30), timedelta(hours=1)),
        Tier(timedelta(days=90), timedelta(days=1)),
    )
    final_for: timedelta = timedelta(days=15)

    @property
    def finals_age(self) -> timedelta:
        """The age from which final orders are never re-read, however late they landed."""
        return self.tiers[-1].age + self.final_for


class SweepRange(msgspec.Struct, frozen=True):
    """A range of creation time to sweep, `[start, end)`.

    `with_final`: final orders that may still be refunded are due as well. `is_covered`: the account's history covers
    the range, so all its orders are stored; else only those of backfills.
    """

    start: datetime
    end: datetime
    with_final: bool
    is_covered: bool = True


def is_due(before: datetime, now: datetime, every: timedelta) -> bool:
    """Return whether a multiple of `every` lies between two moments: true once per period, without any state."""
    seconds = every.total_seconds()
    return before.timestamp() // seconds < now.timestamp() // seconds


def due_ranges(
    policy: SweepPolicy, sweep: Sweep, history_from: datetime, before: datetime, end: datetime
) -> list[SweepRange]:
    """Return the ranges to sweep in a pass that ends at `end`, if the last one ended at `before`.

          90 d                30 d               3 d       end
    |------|-------------------|------------------|---------|       DUE: a tier whose period has passed since
           |    every day      |    every hour    | 10 min  |       `before`; once a day the final ones too
    |---------------------- OPEN, ALL ----------------------|       and once a week what is older and not final
    """
    if sweep is Sweep.NONE:
        return []
    if sweep is not Sweep.DUE:
        return [SweepRange(history_from, end, with_final=sweep is Sweep.ALL)]
    if is_due(before, end, DAY):
        border = max(history_from, end - policy.finals_age)
        is_rare_due = history_from < border and is_due(before, end, RARE_INTERVAL)
        older = [SweepRange(history_from, border, with_final=False)] if is_rare_due else []
        return [*older, SweepRange(border, end, with_final=True)]
    found = []
    youngest = end
    for tier in policy.tiers:
        oldest = max(history_from, end - tier.age)
        if oldest < youngest and is_due(before, end, tier.every):
            found.append(SweepRange(oldest, youngest, with_final=False))
        youngest = min(youngest, oldest)
    return found


def split_at_history(sweep_range: SweepRange, history_from: datetime) -> list[SweepRange]:
    """Split a range at the beginning of the account's history; the part before it is not covered."""
    before = SweepRange(sweep_range.start, min(sweep_range.end, history_from), sweep_range.with_final, is_covered=False)
    within = SweepRange(max(sweep_range.start, history_from), sweep_range.end, sweep_range.with_final)
    return [part for part in (before, within) if part.start < part.end]
