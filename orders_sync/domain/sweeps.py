"""What is read again on a feed that lists by creation time: what can still change, the younger the more often. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orders_sync.domain.windows import Window

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Sweep(StrEnum):
    """How much of it a pass reads: what is due, everything not final, everything the policy would ever read."""

    NONE = "none"
    DUE = "due"
    OPEN = "open"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Tier:
    """Orders that are not final and younger than `age` are read every `every`."""

    age: timedelta
    every: timedelta


@dataclass(frozen=True, slots=True)
class Policy:
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


@dataclass(frozen=True, slots=True)
class Look:
    """A range of creation time to be looked over. `with_final`: the final orders that may see a refund as well."""

    start: datetime
    end: datetime
    with_final: bool


@dataclass(frozen=True, slots=True)
class Hour:
    """What the tables hold of one hour of creation time: all orders, and how many of them are to be read again."""

    start: datetime
    orders: int
    due: int


def is_due(before: datetime, now: datetime, every: timedelta) -> bool:
    """Whether a multiple of `every` lies between two moments: once a period, with nothing to be remembered."""
    seconds = every.total_seconds()
    return before.timestamp() // seconds < now.timestamp() // seconds


def looks(policy: Policy, sweep: Sweep, history_from: datetime, before: datetime, end: datetime) -> list[Look]:
    """The ranges a pass has to look over that ends at `end`, when the last one ended at `before`.

          90 d                30 d               3 d       end
    |------|-------------------|------------------|---------|       DUE: a tier whose period has passed since
           |    every day      |    every hour    | 10 min  |       `before`; once a day the final ones too
    |---------------------- OPEN, ALL ----------------------|
    """
    if sweep is Sweep.NONE:
        return []
    if sweep is not Sweep.DUE:
        return [Look(history_from, end, with_final=sweep is Sweep.ALL)]
    if is_due(before, end, DAY):
        return [Look(max(history_from, end - policy.finals_age), end, with_final=True)]
    found = []
    youngest = end
    for tier in policy.tiers:
        oldest = max(history_from, end - tier.age)
        if oldest < youngest and is_due(before, end, tier.every):
            found.append(Look(oldest, youngest, with_final=False))
        youngest = min(youngest, oldest)
    return found


def calls_for(orders: int, page_size: int) -> int:
    """What a window costs: one call where everything fits on a page, else a call for the count and one a page."""
    return 1 if orders <= page_size else 1 + -(-orders // page_size)


def cover(hours: Iterable[Hour], page_size: int) -> list[Window]:
    """The windows over all hours with something due that cost the fewest calls, to a greedy eye. `hours` in order.

    Two windows are joined when reading them as one, with all the orders between them, costs no more calls:

        orders an hour    40*  30   20*  |  500  500  500  |  10*       * something due      page_size 100
        joined            [    90 = 1  ]                      [1]       instead of 1 + 1, and of 1 + 16 for all

    An order number costs a call each, an hour with fewer orders than a page as well: so numbers are never cheaper.
    """
    found: list[tuple[datetime, datetime, int]] = []
    between = 0
    for hour in hours:
        if not hour.due:
            between += hour.orders
            continue
        end = hour.start + HOUR
        if found:
            start, _, orders = found[-1]
            joined = orders + between + hour.orders
            if calls_for(joined, page_size) <= calls_for(orders, page_size) + calls_for(hour.orders, page_size):
                found[-1] = (start, end, joined)
                between = 0
                continue
        found.append((hour.start, end, hour.orders))
        between = 0
    return [Window(start, end) for start, end, _ in found]
