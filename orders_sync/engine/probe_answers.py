"""Judge each assumption (`domain/assumptions.py`) by the calls of a probe. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from orders_sync.domain.assumptions import ProbeAnswer, ProbeResult
from orders_sync.domain.completeness import TOTAL_STABLE_AFTER, expected_on_page, observed_page_size
from orders_sync.domain.windows import SECOND, Feed, Window, whole_second
from orders_sync.engine.record_check import RecordCheck
from orders_sync.platforms import Page, PageQuery

AROUND = timedelta(seconds=30)  # before and after an order's time: the list around it
BESIDE = timedelta(seconds=5)  # before or after its time: the lists beside it
LONGEST_GAP = TOTAL_STABLE_AFTER

UNKNOWN = ProbeAnswer(ProbeResult.UNKNOWN)
HOLDS = ProbeAnswer(ProbeResult.HOLDS)
ROW_TIMES = 'check base_url and app; if the orders are right all the same, row_times = "ignored" believes the platform'


class ListedOrder(msgspec.Struct, frozen=True):
    """An order of a list: its id, and the times it shows."""

    order_id: str
    at: dict[Feed, datetime]

    @property
    def difference(self) -> timedelta:
        """The time between its earliest and its latest time; 0 where it shows one."""
        return max(self.at.values()) - min(self.at.values())


class ListAnswer(msgspec.Struct, frozen=True):
    """The answer to one call. `error`: the platform's own error, instead of a list."""

    query: PageQuery
    check: RecordCheck
    page: Page = Page(0, [])
    orders: list[ListedOrder] = []
    error: str = ""

    def lists(self, order: ListedOrder) -> bool | None:
        """Return whether an order is listed; None where that is unknown, because not all of the range was seen."""
        if any(each.order_id == order.order_id for each in self.orders):
            return True
        return None if self.error or self.page.total > len(self.page.records) else False


def chosen(wide: ListAnswer, feed: Feed, oldest: datetime | None) -> ListedOrder | None:
    """Return the order to search by its time of this feed: of those whose times differ most, the one in the middle.

    Times that differ can be told apart. The newest order may be the only one of its day, where a filter by days would
    seem to be one by seconds.
    """
    orders = [order for order in wide.orders if feed in order.at and (oldest is None or order.at[feed] > oldest)]
    if feed is wide.query.feed:
        orders = [order for order in orders if wide.query.window.start <= order.at[feed] <= wide.query.window.end]
    most = max((order.difference for order in orders), default=None)
    orders = [order for order in orders if order.difference == most]
    return orders[len(orders) // 2] if orders else None


def page_size(wide: ListAnswer) -> ProbeAnswer:
    """Judge the size of a page that was asked for with the account's page size."""
    asked, total, orders = wide.query.page_size, wide.page.total, len(set(wide.page.records))
    if observed_page_size(total, orders, 1, asked):
        return ProbeAnswer(
            ProbeResult.OTHERWISE, f"a page holds {orders} orders where {asked} are asked for; page_size = {orders}"
        )
    if orders > asked:
        return ProbeAnswer(ProbeResult.OTHERWISE, f"a page holds {orders} orders where {asked} are asked for")
    return HOLDS if orders == asked == expected_on_page(total, 1, asked) else UNKNOWN


def order(wide: ListAnswer) -> ProbeAnswer:
    """Judge by what a list is ordered."""
    if wide.check.is_unordered:
        return ProbeAnswer(
            ProbeResult.OTHERWISE, "lists are in no order, so windows are split until they fit on a page"
        )
    if len({order.at.get(wide.query.feed) for order in wide.orders}) < 2:
        return UNKNOWN
    said = {1: "oldest first", -1: "newest first"}.get(wide.check.direction, "by number")
    return ProbeAnswer(ProbeResult.HOLDS, said)


def whole_seconds(wide: ListAnswer) -> ProbeAnswer:
    """Judge the times that are shown. Hidden parts of a second are found by a range that ends on such a time."""
    if any(at.microsecond for order in wide.orders for at in order.at.values()):
        return ProbeAnswer(ProbeResult.OTHERWISE, "times have parts of a second, and show them")
    return UNKNOWN


def in_range(lists: list[ListAnswer]) -> ProbeAnswer:
    """Judge whether what was listed lies in the ranges asked for; the narrowest shows best how they are understood."""
    causes = [answer.check.cause() for answer in lists if answer.check.has_outside]
    if causes:
        return ProbeAnswer(
            ProbeResult.OTHERWISE, f"orders outside the range asked for are listed: {causes[-1]}", ROW_TIMES
        )
    return HOLDS if len(lists) > 1 and any(answer.orders for answer in lists[1:]) else UNKNOWN


def time_of(feed: Feed, order: ListedOrder, near: ListAnswer, *, has_other: bool) -> ProbeAnswer:
    """Judge a range around the time an order shows. `has_other`: the list may go by another time of the order."""
    if near.check.has_outside or near.lists(order) is None:
        return UNKNOWN
    if not near.lists(order):
        return ProbeAnswer(ProbeResult.OTHERWISE, f"an order is not listed around its {feed} time", ROW_TIMES)
    return UNKNOWN if has_other and order.difference <= 2 * AROUND else HOLDS


def not_found(feed: Feed, order: ListedOrder, shifted: ListAnswer, again: ListAnswer) -> ProbeAnswer:
    """Judge why an order was not listed around its time.

    It may be listed eight hours earlier, or have changed meanwhile.
    """
    if shifted.lists(order):
        said = f"an order is listed eight hours before its {feed} time: the platform takes the times asked for as UTC"
        return ProbeAnswer(ProbeResult.OTHERWISE, said, ROW_TIMES)
    if order not in again.orders:
        return UNKNOWN
    said = f"an order is not listed around its {feed} time: the platform seems to filter by another time or zone"
    return ProbeAnswer(ProbeResult.OTHERWISE, said, ROW_TIMES)


def end_inclusive(is_listed: bool | None) -> ProbeAnswer:
    """Judge whether a range includes its end, by an order in a range that ends on the second it shows."""
    if is_listed is None:
        return UNKNOWN
    if is_listed:
        return HOLDS
    said = "an order on the last second of a range is not listed: the end is exclusive, or times have parts of a second"
    return ProbeAnswer(ProbeResult.OTHERWISE, said)


def begin_inclusive(is_listed: bool | None) -> ProbeAnswer:
    """Judge whether a range includes its beginning, by an order in a range that begins on the second it shows."""
    if is_listed is None:
        return UNKNOWN
    return (
        HOLDS
        if is_listed
        else ProbeAnswer(ProbeResult.OTHERWISE, "an order on the first second of a range is not listed")
    )


def empty_gap(wide: ListAnswer, feed: Feed) -> Window | None:
    """Return the longest range between two neighbouring orders of the list; None where none is long enough."""
    times = [order.at[feed] for order in wide.orders if feed in order.at]
    is_whole = wide.page.total <= len(wide.page.records)
    if len(times) < len(wide.orders) or (not is_whole and not wide.check.direction):
        return None
    if is_whole:
        times += [wide.query.window.start, wide.query.window.end]
    gaps = [(later - earlier, earlier) for earlier, later in pairwise(sorted(times))]
    length, earlier = max(gaps, default=(timedelta(0), None))
    if earlier is None or length <= 4 * BESIDE:
        return None
    start = whole_second(earlier) + BESIDE
    return Window(start, start + min(length // SECOND * SECOND - 2 * BESIDE, LONGEST_GAP))


def empty_range(answer: ListAnswer) -> ProbeAnswer:
    """Judge how a range without a known order is answered."""
    if answer.error:
        said = f"a range without orders is answered with an error: {answer.error}"
        return ProbeAnswer(
            ProbeResult.OTHERWISE, said, "windows without orders fail as long as that is so: ask the platform"
        )
    if answer.page.records:
        return UNKNOWN
    if answer.page.has_no_list_or_total:
        said = "a range without orders is a success without list and count, so it is asked for twice"
        return ProbeAnswer(ProbeResult.OTHERWISE, said)
    if answer.page.total:
        said = f"a range without orders counts {answer.page.total}"
        return ProbeAnswer(ProbeResult.OTHERWISE, said, "windows with such a total stay unproven: ask the platform")
    return HOLDS


def past_last_page(answer: ListAnswer) -> ProbeAnswer:
    """Judge how a page past the last one is answered."""
    if answer.error:
        return ProbeAnswer(
            ProbeResult.OTHERWISE, f"a page after the last one is answered with an error: {answer.error}"
        )
    return (
        HOLDS
        if not answer.page.records
        else ProbeAnswer(ProbeResult.OTHERWISE, "a page after the last one repeats orders")
    )
