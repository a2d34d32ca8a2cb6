"""Choose the cheapest way, in API calls, to re-read due orders: by creation window, single order or status. Pure.

    by creation   every window that holds a due order, with all its orders; an hour of several pages order by order
                  if fewer are due than it has pages                                              `merge_hours`
    by status     a list of each status over the whole range, and by creation what no such list brings:
                  final orders, undocumented statuses, open rejects                               `status_reads`
    an audit      by update time: days that fit on one page together as one window                `merge_small_windows`
    the planner   takes the cheaper of the two for each range, by creation if they cost the same  `choose_cheaper`

The calls that a window really took are in the ledger, `sync.windows.calls`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

import msgspec

from orders_sync.domain.windows import SECOND, Window

HOUR = timedelta(hours=1)
ORDERS_PER_MOVE = 200  # one order in 200 is assumed to have left the status that is listed
MIN_STATUS_CALLS = 2  # one list, and one order that left it


class HourBucket(msgspec.Struct, frozen=True):
    """Stored orders of one hour of creation time: their number, and how many of them are due.

    `seconds`: those in which the due ones were created, if they are few enough to be read one by one; else empty.
    """

    start: datetime
    orders: int
    due: int
    seconds: Sequence[datetime] = ()


class StatusCount(msgspec.Struct, frozen=True):
    """The number of stored orders in one status, in a part of a sweep range."""

    window: Window
    status: str
    orders: int


class PlannedRead(msgspec.Struct, frozen=True):
    """A list to read, of all orders of a window or of those in one status, and its expected number of calls."""

    window: Window
    calls: int
    status: str | None = None


def calls_for(orders: int, page_size: int) -> int:
    """Return the calls of a window: one if everything fits on a page, else one for the count and one per page."""
    return 1 if orders <= page_size else 1 + -(-orders // page_size)


def total_calls(parts: Iterable[PlannedRead]) -> int:
    """Return the sum of the calls."""
    return sum(part.calls for part in parts)


def merge_hours(hours: Iterable[HourBucket], page_size: int) -> list[PlannedRead]:
    """Return windows that cover all hours with due orders, at few calls (greedy). `hours` are in order of time.

    Two windows are merged if reading them as one, with all orders between them, costs no more calls:

        orders per hour   40*  30   20*  |  500  500  500  |  10*       * has due orders     page_size 100
        merged            [    90 = 1  ]                      [1]       instead of 1 + 1, and of 1 + 16 for all

    An hour of more than a page is read order by order if that costs fewer calls: as windows of one second, the stored
    creation time. Such a window costs the same single call as a read by order number (unless a second holds more than
    a page), and orders of the same second share it. For an hour that fits on a page it is never cheaper.

        orders per hour   500, of which 3 are due, created in 2 seconds     2 calls instead of 1 + 5
    """
    found: list[PlannedRead] = []
    group: PlannedRead | None = None  # the last window, if it may still grow
    orders = between = 0  # in that window, and since its end
    for hour in hours:
        if not hour.due:
            between += hour.orders
            continue
        alone = PlannedRead(Window(hour.start, hour.start + HOUR), calls_for(hour.orders, page_size))
        more = alone.calls
        if group is not None:
            together = orders + between + hour.orders
            merged = PlannedRead(Window(group.window.start, alone.window.end), calls_for(together, page_size))
            more = min(more, merged.calls - group.calls)
        if hour.seconds and len(hour.seconds) < more:
            found += [PlannedRead(Window(second, second + SECOND), 1) for second in hour.seconds]
            group = None
        elif group is not None and merged.calls - group.calls <= alone.calls:
            found[-1] = group = merged
            orders = together
        else:
            found.append(alone)
            group, orders = alone, hour.orders
        between = 0
    return found


def merge_hours_by_day(hours: Iterable[HourBucket], page_size: int) -> list[PlannedRead]:
    """Do the same as `merge_hours` for each day (UTC), for a range of which only parts are stored.

    So a sweep of two backfilled days does not read the years between them.
    """
    days = groupby(hours, key=lambda hour: hour.start.astimezone(UTC).date())
    return [part for _, day in days for part in merge_hours(day, page_size)]


def merge_small_windows(counted: Iterable[tuple[Window, int]], page_size: int, longest: timedelta) -> list[Window]:
    """Merge neighbouring windows that fit on one page together into windows of at most `longest`.

    `counted`: the windows in order, with their numbers of orders.

        orders per day    40    30    20    500    10    20          page_size 100
        merged            [   90 = 1   ]   [500]   [ 30 ]            3 calls instead of 6
    """
    found: list[Window] = []
    orders = 0  # in the last window
    for window, more in counted:
        if found and orders + more <= page_size and window.end - found[-1].start <= longest:
            found[-1] = Window(found[-1].start, window.end)
            orders += more
        else:
            found.append(window)
            orders = more
    return found


def status_reads(stored: Iterable[StatusCount], page_size: int) -> list[PlannedRead]:
    """Return the lists by status over a sweep range: one per status and part with due orders."""
    return [PlannedRead(each.window, calls_for(each.orders, page_size), each.status) for each in stored]


def choose_cheaper(
    creation: list[PlannedRead], stored: Sequence[StatusCount], rest: list[PlannedRead], page_size: int
) -> list[PlannedRead]:
    """Return the cheaper of two plans for a sweep range: `creation`, or lists of the statuses `stored` plus `rest`.

    A list by status brings only orders that are still in that status. A due order that no list brings was closed, or
    moved while the lists were read: it is read by creation window afterwards, for at most one call per order. An order
    that merely moved on is brought by the list of its new status (for the order of reading see `claims.claim`). How
    many are missing is not known in advance: one in `ORDERS_PER_MOVE` is assumed (0.5 %). That is not measured but
    ample: if one order in eight were cancelled in its first three days, 0.03 % would be in each ten minutes. If more
    are missing, the sweep costs more calls than expected, at most as many again as by creation.

        by creation   10,000 orders of a month, 400 of them due in every part of it     1 + 100 calls, or more
        by status     5 lists of 80 each, and 400 / 200 that left                           5 + 2 calls      <- read
        by creation   60 orders of three days, 40 due, one page                               1 call         <- read
        by status     4 lists                                                               4 + 1 calls
    """
    lists = status_reads(stored, page_size)
    left = -(-sum(each.orders for each in stored) // ORDERS_PER_MOVE)
    return [*lists, *rest] if total_calls(lists) + total_calls(rest) + left < total_calls(creation) else creation
