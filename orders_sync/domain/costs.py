"""By which lists what is due is read again for the fewest calls: by creation window, by order, by status. Pure.

    by creation   every window that holds something due, with all its orders; an hour of more than a page order by order
                  where fewer are due than it has pages                                                    `cover`
    by status     a list of each status over the whole range, and by creation what no such list brings:
                  final orders, statuses nobody documents, open rejects                                    `by_status`
    an audit      by update time, days that fit on a page together as one window                            `joined`
    the planner   takes the cheaper of the two for each look, by creation where they cost the same         `cheaper`

The calls a window really took are in the ledger, `sync.windows.calls`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

import msgspec

from orders_sync.domain.windows import SECOND, Window

HOUR = timedelta(hours=1)
LEFT = 200  # of so many orders a list is asked for, one is expected to have left it
CHEAPEST_BY_STATUS = 2  # calls: one list, and one order that left it


class Hour(msgspec.Struct, frozen=True):
    """What the tables hold of one hour of creation time: all orders, and how many of them are to be read again.

    `seconds`: those in which the due ones were created, where they are few; else empty.
    """

    start: datetime
    orders: int
    due: int
    seconds: Sequence[datetime] = ()


class Held(msgspec.Struct, frozen=True):
    """What the tables hold in one status of a part of a look."""

    window: Window
    status: str
    orders: int


class Part(msgspec.Struct, frozen=True):
    """A list that is to be read, of all orders of a window or of those in one status, and the calls it should cost."""

    window: Window
    calls: int
    status: str | None = None


def calls_for(orders: int, page_size: int) -> int:
    """What a window costs: one call where everything fits on a page, else a call for the count and one a page."""
    return 1 if orders <= page_size else 1 + -(-orders // page_size)


def cost(parts: Iterable[Part]) -> int:
    """Calls, all of them together."""
    return sum(part.calls for part in parts)


def cover(hours: Iterable[Hour], page_size: int) -> list[Part]:
    """The windows over all hours with something due that cost the fewest calls, to a greedy eye. `hours` in order.

    Two windows are joined when reading them as one, with all the orders between them, costs no more calls:

        orders an hour    40*  30   20*  |  500  500  500  |  10*       * something due      page_size 100
        joined            [    90 = 1  ]                      [1]       instead of 1 + 1, and of 1 + 16 for all

    An hour of more than a page is read order by order where that costs fewer calls: as windows of one second, for the
    tables know an order's. Such a window is the read by order number, by the same list and at the same price of a call
    (unless a second holds more than a page), and two orders of a second share it. An hour that fits on a page costs one
    call as well, so there it is never cheaper.

        orders an hour    500, due are 3 of them, created in 2 seconds       2 calls instead of 1 + 5
    """
    found: list[Part] = []
    group: Part | None = None  # the last of them, if it may still grow
    orders = between = 0  # in it, and since
    for hour in hours:
        if not hour.due:
            between += hour.orders
            continue
        alone = Part(Window(hour.start, hour.start + HOUR), calls_for(hour.orders, page_size))
        more = alone.calls
        if group is not None:
            together = orders + between + hour.orders
            joined = Part(Window(group.window.start, alone.window.end), calls_for(together, page_size))
            more = min(more, joined.calls - group.calls)
        if hour.seconds and len(hour.seconds) < more:
            found += [Part(Window(second, second + SECOND), 1) for second in hour.seconds]
            group = None
        elif group is not None and joined.calls - group.calls <= alone.calls:
            found[-1] = group = joined
            orders = together
        else:
            found.append(alone)
            group, orders = alone, hour.orders
        between = 0
    return found


def cover_by_day(hours: Iterable[Hour], page_size: int) -> list[Part]:
    """As `cover`, of a range the tables hold only parts of: no window reaches from one day (UTC) into another, so that
    the sweep of two backfilled days does not read the years between them."""
    days = groupby(hours, key=lambda hour: hour.start.astimezone(UTC).date())
    return [part for _, day in days for part in cover(day, page_size)]


def joined(counted: Iterable[tuple[Window, int]], page_size: int, longest: timedelta) -> list[Window]:
    """Join neighbours that fit on a page together, orders of each given, into windows of at most `longest`.

    orders a day      40    30    20    500    10    20          page_size 100
    joined            [   90 = 1   ]   [500]   [ 30 ]            3 calls instead of 6
    """
    found: list[Window] = []
    orders = 0  # in the last of them
    for window, more in counted:
        if found and orders + more <= page_size and window.end - found[-1].start <= longest:
            found[-1] = Window(found[-1].start, window.end)
            orders += more
        else:
            found.append(window)
            orders = more
    return found


def by_status(held: Iterable[Held], page_size: int) -> list[Part]:
    """The lists by status over a look: one for each status and part of it in which the tables hold something due."""
    return [Part(each.window, calls_for(each.orders, page_size), each.status) for each in held]


def cheaper(creation: list[Part], held: Sequence[Held], rest: list[Part], page_size: int) -> list[Part]:
    """The parts of a look to read: those by `creation`, or the lists of what is `held` and the `rest` beside them.

    A list by status brings only what is still in it. What is due and not in it has changed: it is read by creation
    window afterwards, for at most a call an order. How many that will be nobody knows before. An order that merely
    moved on is brought by the list of its new status, which is read first (`claims.claim`); what no list brings was
    closed, or moved while the lists were read. One in `LEFT` is assumed, 0.5 %, which is not measured but ample: were
    one order in eight cancelled in its first three days, 0.03 % would be in each ten minutes. When more have left than
    that, the sweep costs more than was reckoned, at most as much again as by creation, and nothing else.

        by creation   10,000 orders of a month, 400 of them due in every part of it     1 + 100 calls, or more
        by status     5 lists of 80 each, and 400 / 200 that left                           5 + 2 calls      <- read
        by creation   60 orders of three days, 40 due, one page                               1 call         <- read
        by status     4 lists                                                               4 + 1 calls
    """
    lists = by_status(held, page_size)
    left = -(-sum(each.orders for each in held) // LEFT)
    return [*lists, *rest] if cost(lists) + cost(rest) + left < cost(creation) else creation
