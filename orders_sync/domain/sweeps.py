"""What is read again on a feed that lists by creation time: what can still change, the younger the more often. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RARELY = timedelta(days=7)  # what is not final and older than all tiers


class Sweep(StrEnum):
    """How much of it a pass reads: what is due, everything not final, everything the policy would ever read."""

    NONE = "none"
    DUE = "due"
    OPEN = "open"
    ALL = "all"


class Tier(msgspec.Struct, frozen=True):
    """Orders that are not final and younger than `age` are read every `every`."""

    age: timedelta
    every: timedelta


class Policy(msgspec.Struct, frozen=True):
    """`tiers` from the youngest on. Final orders are read once a day for `final_for` after they last changed."""

    tiers: tuple[Tier, ...] = (
        Tier(timedelta(days=3), timedelta(minutes=10)),
        Tier(timedelta(days=30), timedelta(hours=1)),
        Tier(timedelta(days=90), timedelta(days=1)),
    )
    final_for: timedelta = timedelta(days=15)

    @property
    def finals_age(self) -> timedelta:
        """Final orders older than this are never read again, however late they landed."""
        return self.tiers[-1].age + self.final_for


class Look(msgspec.Struct, frozen=True):
    """A range of creation time to be looked over. `with_final`: the final orders that may see a refund as well.
    `is_whole`: the account's history covers it, so the tables hold all orders of it; else only those of backfills."""

    start: datetime
    end: datetime
    with_final: bool
    is_whole: bool = True


def is_due(before: datetime, now: datetime, every: timedelta) -> bool:
    """Whether a multiple of `every` lies between two moments: once a period, with nothing to be remembered."""
    seconds = every.total_seconds()
    return before.timestamp() // seconds < now.timestamp() // seconds


def looks(policy: Policy, sweep: Sweep, history_from: datetime, before: datetime, end: datetime) -> list[Look]:
    """The ranges a pass has to look over that ends at `end`, when the last one ended at `before`.

          90 d                30 d               3 d       end
    |------|-------------------|------------------|---------|       DUE: a tier whose period has passed since
           |    every day      |    every hour    | 10 min  |       `before`; once a day the final ones too
    |---------------------- OPEN, ALL ----------------------|       and once a week what is older and not final
    """
    if sweep is Sweep.NONE:
        return []
    if sweep is not Sweep.DUE:
        return [Look(history_from, end, with_final=sweep is Sweep.ALL)]
    if is_due(before, end, DAY):
        border = max(history_from, end - policy.finals_age)
        is_rare_due = history_from < border and is_due(before, end, RARELY)
        older = [Look(history_from, border, with_final=False)] if is_rare_due else []
        return [*older, Look(border, end, with_final=True)]
    found = []
    youngest = end
    for tier in policy.tiers:
        oldest = max(history_from, end - tier.age)
        if oldest < youngest and is_due(before, end, tier.every):
            found.append(Look(oldest, youngest, with_final=False))
        youngest = min(youngest, oldest)
    return found


def cut(look: Look, history_from: datetime) -> list[Look]:
    """Split a look at the beginning of the account's history; what lies before it is not whole."""
    before = Look(look.start, min(look.end, history_from), look.with_final, is_whole=False)
    within = Look(max(look.start, history_from), look.end, look.with_final)
    return [part for part in (before, within) if part.start < part.end]
