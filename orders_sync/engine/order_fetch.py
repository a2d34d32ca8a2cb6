"""Plans of reading single orders by their numbers.

No list that is read here can be asked for a number, and no call for one order is documented for them (api-facts). So
the second in which an order was created is read, one call each; where that is not known, the range that brought it
last. An order that no table knows cannot be read by its number: an audit of the day on which it was placed finds it, by
whatever time the account's list goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from orders_sync.domain import pasted
from orders_sync.domain.backfill_plans import BackfillPlan, PlannedPart, fingerprint
from orders_sync.domain.errors import UsageError
from orders_sync.domain.sentences import Sentence
from orders_sync.domain.windows import SECOND, Feed, Window, merge, whole_second
from orders_sync.engine import order_remarks
from orders_sync.engine.backfill import seconds_to_read
from orders_sync.engine.sources import AccountSource
from orders_sync.store import backfill_plans, order_places
from orders_sync.store.database import Connection
from orders_sync.store.order_places import OrderPlace


@dataclass(frozen=True, slots=True)
class FetchedOrder:
    """An order that can be read. `number`: as it was asked for; `window`: the range of the list by `feed`."""

    number: str
    account: str
    order_id: str
    feed: Feed
    window: Window


@dataclass(frozen=True, slots=True)
class NotFetched:
    """A number for which nothing can be read, with the reason, and the command that comes next where there is one."""

    number: str
    reason: Sentence
    command: str | None = None


@dataclass(frozen=True, slots=True)
class OrdersPreview:
    """A plan that is stored as `plan`, None where nothing can be read. `calls`: at least; `seconds`: at the rates."""

    plan: int | None
    orders: list[FetchedOrder]
    not_fetched: list[NotFetched]
    remarks: list[Sentence]
    calls: int
    seconds: float


async def preview(
    connection: Connection, sources: Sequence[AccountSource], texts: Sequence[str], now: datetime
) -> OrdersPreview:
    """Plan reading the orders whose numbers are in pasted text, and store the plan. `sources`: all accounts.

    Raises `UsageError` for none and for more than `pasted.MOST` numbers.
    """
    places, numbers = await _places(connection, texts)
    known = {each.account.name: each for each in sources}
    orders, not_fetched = _orders(places, numbers, known)
    parts = _parts(orders, known, now)
    if not parts:
        return OrdersPreview(None, [], not_fetched, [], 0, 0.0)
    plan = _plan(parts, numbers, now)
    number = await backfill_plans.store(connection, plan, fingerprint(parts, now))
    calls = [(known[part.account], len(part.ranges)) for part in parts]
    remarks = [
        Sentence("%(shop)s: %(remark)s", shop=part.account, remark=remark)
        for part in parts
        if (remark := _remark(known[part.account], part.ranges, now))
    ]
    return OrdersPreview(number, orders, not_fetched, remarks, sum(count for _, count in calls), seconds_to_read(calls))


async def readable(connection: Connection, sources: Sequence[AccountSource], numbers: Sequence[str]) -> set[str]:
    """Return those of these numbers whose orders can be read: a place in the platform's list is known of them."""
    places = await order_places.find(connection, numbers)
    orders, _ = _orders(places, numbers, {each.account.name: each for each in sources})
    return {each.number for each in orders}


async def still_to_read(
    connection: Connection, plan: BackfillPlan, sources: Sequence[AccountSource]
) -> list[PlannedPart]:
    """Return the parts of a plan of orders as they would be planned now."""
    places, numbers = await _places(connection, plan.numbers)
    known = {each.account.name: each for each in sources}
    return _parts(_orders(places, numbers, known)[0], known, plan.compared_to)


async def numbers_of(connection: Connection, plan: BackfillPlan) -> tuple[dict[str, list[str]], list[str]]:
    """Return the numbers that a plan of orders reads, by account, as people know them; and those it does not read."""
    places, numbers = await _places(connection, plan.numbers)
    planned = {(part.account, order_id) for part in plan.parts for ids in part.orders for order_id in ids}
    read = [each for each in places if (each.account, each.order_id) in planned]
    of_account: dict[str, dict[str, None]] = defaultdict(dict)
    for each in read:
        of_account[each.account][each.shown_number] = None
    found = {each.number for each in read}
    return {name: list(each) for name, each in of_account.items()}, [each for each in numbers if each not in found]


async def _places(connection: Connection, texts: Sequence[str]) -> tuple[list[OrderPlace], list[str]]:
    """Return where the orders are, and the numbers that the text means."""
    pieces = [pasted.parse(text) for text in texts]
    candidates = [each for piece in pieces for each in piece.candidates]
    if len({number for piece in pieces for number in piece.numbers}) > pasted.MOST:
        raise UsageError(Sentence("more than %(most)s numbers at once: ask for fewer", most=pasted.MOST))
    places = await order_places.find(connection, candidates)
    numbers = pasted.resolve(pieces, {each.number for each in places})
    if not numbers:
        raise UsageError(Sentence("There is no number in what was typed."), argument="numbers")
    return [each for each in places if each.number in numbers], numbers


def _orders(
    places: Sequence[OrderPlace], numbers: Sequence[str], known: dict[str, AccountSource]
) -> tuple[list[FetchedOrder], list[NotFetched]]:
    orders, not_fetched = [], []
    of_number: dict[str, list[OrderPlace]] = defaultdict(list)
    for each in places:
        of_number[each.number].append(each)
    for number in numbers:
        if not of_number[number]:
            not_fetched.append(_unknown(number))
        for place in of_number[number]:
            window = _window(place)
            if place.account not in known:
                reason = Sentence(
                    "it belongs to %(shop)s, which is not in the settings or misconfigured", shop=place.account
                )
                not_fetched.append(NotFetched(number, reason))
            elif window is None:
                reason = Sentence(
                    "it is not known when order %(order)s of %(shop)s was created, and the read that brought it is no "
                    "longer in the ledger: an audit of the day it was placed on that reads what is missing finds it",
                    order=place.order_id,
                    shop=place.account,
                )
                command = f"orders-sync audit --account {place.account} --from DAY --to DAY --repair"
                not_fetched.append(NotFetched(number, reason, command))
            else:
                feed = Feed.CREATED if place.created_at is not None else place.feed or Feed.CREATED
                orders.append(FetchedOrder(number, place.account, place.order_id, feed, window))
    return orders, not_fetched


def _unknown(number: str) -> NotFetched:
    if pasted.is_rounded(number):
        return NotFetched(number, order_remarks.of_rounded(number).text)
    reason = Sentence(
        "no order here has it, no reject and no audit names it, and no platform can be asked for a number: if it "
        "exists, an audit of the day it was placed on finds it and reads it"
    )
    return NotFetched(number, reason, "orders-sync audit --account NAME --from DAY --to DAY --repair")


def _window(place: OrderPlace) -> Window | None:
    if place.created_at is not None:
        start = whole_second(place.created_at)
        return Window(start, start + SECOND)
    if place.starts_at is not None and place.ends_at is not None:
        return Window(place.starts_at, place.ends_at)
    return None


def _parts(orders: Sequence[FetchedOrder], known: dict[str, AccountSource], now: datetime) -> list[PlannedPart]:
    """Return what is to be read of each list; ranges that touch are read as one."""
    of_list: dict[tuple[str, Feed], list[FetchedOrder]] = defaultdict(list)
    for order in orders:
        of_list[order.account, order.feed].append(order)
    parts = []
    for (name, feed), wanted in sorted(of_list.items()):
        source, ranges = known[name], merge(each.window for each in wanted)
        ids = [sorted({each.order_id for each in wanted if _lies_in(each.window, part)}) for part in ranges]
        seconds = source.policy.longest_window.total_seconds()
        remark = _remark(source, ranges, now)
        kept = str(remark) if remark else None  # the plan is stored as JSON
        parts.append(PlannedPart(name, feed, now, seconds, source.policy.page_size, ranges, ids, kept))
    return parts


def _lies_in(window: Window, whole: Window) -> bool:
    return whole.start <= window.start and window.end <= whole.end


def _remark(source: AccountSource, ranges: Sequence[Window], now: datetime) -> Sentence | None:
    furthest = source.platform.furthest_back
    if furthest is None or ranges[0].start >= now - furthest:
        return None
    return Sentence(
        "%(platform)s is documented to list orders from %(at)s on. Those before are requested all the same, but may be "
        "listed no more",
        platform=source.platform.name,
        at=now - furthest,
    )


def _plan(parts: list[PlannedPart], numbers: list[str], now: datetime) -> BackfillPlan:
    start = min(each.start for part in parts for each in part.ranges)
    end = max(each.end for part in parts for each in part.ranges)
    return BackfillPlan(start, end, True, now, parts, numbers)
