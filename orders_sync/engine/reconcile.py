"""Find where two counts of the same orders differ, by halving until a range can be compared order by order.

    |------------- platform 4000, tables 3999 -------------|      a count of the platform is one call for one record
    |------ 1990 = 1990 ------|------ 2010, 2009 -----------|      what agrees is not halved further
                              |-- 1003, 1002 --|-- = -------|
                                       ...
                              |-| one page: its ids say which order is missing, and when it was created

Pure: the calls are functions of the caller.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orders_sync.domain.times import SHANGHAI
from orders_sync.domain.windows import Feed, Window

FINEST = timedelta(minutes=1)  # a difference found by ids is a range of whole minutes, as far as the window reaches
UNITS = (timedelta(days=1), timedelta(hours=1), FINEST, timedelta(seconds=1))  # see `halves`
MOST_IDS = 10_000  # ids that a difference names of each kind: missing, older, not listed
ROUNDS = 3  # times that a window and its halves are counted, at most, while the halves hold fewer than the whole


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """Orders of a range, by creation time or by update time."""

    platform: int
    tables: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A range that differs.

    `missing`: orders the tables lack, or hold in an older version; by the counts alone where the range was too large to
    be read order by order. `feed`: the list that was compared. At most `MOST_IDS` ids each, as in
    `sync.audit_differences`: of what is missing `missing_ids` (the tables lack them) and `older_ids`, as far as its
    records name an order, and `not_listed_ids`, which only the tables hold.
    """

    window: Window
    counts: OrderCounts
    missing: int = 0
    not_listed_ids: tuple[str, ...] = ()
    feed: Feed = Feed.CREATED
    missing_ids: tuple[str, ...] = ()
    older_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class Reconciliation:
    """The comparison of a range. `rejects`: open ones, which count as held. `awaited`: orders the next sync reads."""

    platform: int = 0
    tables: int = 0
    rejects: int = 0
    awaited: int = 0
    differences: list[Difference] = field(default_factory=list)

    def __iadd__(self, other: Reconciliation) -> Reconciliation:
        self.platform += other.platform
        self.tables += other.tables
        self.rejects += other.rejects
        self.awaited += other.awaited
        self.differences += other.differences
        return self


Count = Callable[[Window], Awaitable[OrderCounts]]
CompareOrders = Callable[[Window], Awaitable[Reconciliation]]


async def compare(
    window: Window,
    counts: OrderCounts,
    count: Count,
    compare_orders: CompareOrders,
    page_size: int,
    feed: Feed = Feed.CREATED,
) -> Reconciliation:
    """Find every range of the window whose orders differ in number.

    `compare_orders` is called with windows that fit on a page or are a second long, and with a window whose halves each
    count as many as the whole: halving that further would find nothing smaller. `feed`: the list that is counted.

    Where both halves agree with the tables, but the platform counts more in the whole than in both together even after
    `ROUNDS`, the whole window is a difference by its counts, without ids.
    """
    if counts.platform == counts.tables:
        return Reconciliation(counts.platform, counts.tables)
    if is_readable(window, counts, page_size):
        return await compare_orders(window)
    counts, parts = await _count_parts(window, counts, count)
    least = min(part.platform for _, part in parts)
    if page_size < counts.platform <= least and (await count(window)).platform <= least:
        return await compare_orders(window)
    found = Reconciliation()
    for part, part_counts in parts:
        found += await compare(part, part_counts, count, compare_orders, page_size, feed)
    all_agree = all(each.platform == each.tables for _, each in parts)
    if all_agree and counts.platform != counts.tables and _platform_sum(parts) < counts.platform:
        missing = max(0, counts.platform - counts.tables)
        found.differences.append(Difference(window, counts, missing, feed=feed))
    return found


def is_readable(window: Window, counts: OrderCounts, page_size: int) -> bool:
    """Return True if a range is small enough to be compared order by order."""
    return max(counts.platform, counts.tables) <= page_size or window.seconds == 1


async def _count_parts(
    window: Window, counts: OrderCounts, count: Count
) -> tuple[OrderCounts, list[tuple[Window, OrderCounts]]]:
    """Count the halves of a window, and return its own newest counts with theirs.

    Together the halves hold no fewer than the whole; more where an order on the border between them is listed in both.
    Where they hold fewer, all are counted again, at most `ROUNDS` times: a half whose count is too low by just what the
    tables lack would agree with them though it differs.
    """
    for _ in range(ROUNDS):
        parts = [(half, await count(half)) for half in halves(window)]
        if _platform_sum(parts) >= counts.platform:
            break
        counts = await count(window)
        if _platform_sum(parts) >= counts.platform:
            break
    return counts, parts


def _platform_sum(parts: Iterable[tuple[Window, OrderCounts]]) -> int:
    return sum(counts.platform for _, counts in parts)


def halves(window: Window) -> tuple[Window, Window]:
    """Cut a window near its middle: at midnight in China if one lies in it, else at a whole hour, minute or second."""
    middle = window.start + (window.end - window.start) / 2
    border = next(border for unit in UNITS if window.start < (border := _floor(middle, unit)) < window.end)
    return Window(window.start, border), Window(border, window.end)


def ranges(window: Window, differing: Iterable[datetime], agreeing: Iterable[datetime]) -> list[Window]:
    """Return ranges of whole minutes that hold every differing moment; one range until an agreeing one lies between."""
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
    """Return the beginning of the day, hour, minute or second (`unit`) a moment lies in, in China's time."""
    midnight = moment.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // unit * unit
