"""Test what is assumed of a platform (`domain/assumptions.py`) with a few calls.

    a list of weeks       one page        its size, its order, records outside the range; an order is chosen from it
    around that order     one per feed    is it found by the time it shows, and nothing outside?
                          two more        where it is not: is it found eight hours earlier, does it show the same time?
    up to it, from it on  one each        is an order at the end of a range listed, and one at its beginning?
    between two orders    one             how a range without orders is answered
    past the last page    one

One try per call, at the account's own rate; nine calls at most. A fault ends the probe without an answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import httpx
import msgspec

from orders_sync.domain.assumptions import ASSUMPTIONS, ProbeAnswer, is_telling
from orders_sync.domain.completeness import TOTAL_STABLE_AFTER, last_page
from orders_sync.domain.errors import PlatformError, is_answer
from orders_sync.domain.sanitize import sanitize
from orders_sync.domain.windows import Feed, Window, whole_second
from orders_sync.engine import probe_answers as answered
from orders_sync.engine.page_client import DatabaseClock, PageClient, RetryPolicy
from orders_sync.engine.paging import FetchedPage, identified
from orders_sync.engine.probe_answers import AROUND, BESIDE, HOLDS, UNKNOWN, ListAnswer, ListedOrder
from orders_sync.engine.rate_limiter import RateLimiter
from orders_sync.engine.record_check import JUST_NOW, ZONE, RecordCheck
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import PageQuery, Platform
from orders_sync.store import probes
from orders_sync.store.database import Pool
from orders_sync.store.queries import fetch_now

SPANS = timedelta(days=28), timedelta(days=1)  # of the wide list; the second where the first is refused
FEW = 100  # orders a page, where few are expected

SendQuery = Callable[[PageQuery], Awaitable[FetchedPage]]


class Probed(msgspec.Struct, frozen=True):
    """The result of a probe: its answers, or the fault that ended it."""

    calls: int
    answers: dict[str, ProbeAnswer] = {}
    fault: str = ""


async def probe(send: SendQuery, source: AccountSource, now: datetime) -> dict[str, ProbeAnswer]:
    """Test all assumptions. Raises `PlatformError` when a call meets a fault: then there is no answer."""
    platform, policy = source.platform, source.policy
    answers = dict.fromkeys(_tested(platform), UNKNOWN)
    asker = _Asker(send, platform)
    end = whole_second(now) - JUST_NOW
    for span in SPANS:
        start = max(whole_second(policy.history_from), end - min(span, policy.longest_window))
        if start >= end:
            return answers
        wide = await asker.ask(platform.feed, Window(start, end), policy.page_size, is_needed=span == SPANS[-1])
        if not wide.error:
            break
    if not wide.page.records:
        return answers if wide.page.total else answers | {"empty_range": answered.empty_range(wide)}
    answers |= {
        "page_size": answered.page_size(wide),
        "order": answered.order(wide),
        "whole_seconds": answered.whole_seconds(wide),
    }

    lists = [wide]
    for feed in sorted(platform.feeds, key=lambda each: each is not platform.feed):
        order = answered.chosen(
            wide, feed, None if platform.furthest_back is None else now - platform.furthest_back + TOTAL_STABLE_AFTER
        )
        if order is None:
            continue
        near = await asker.around(feed, order.at[feed])
        lists.append(near)
        answers[f"{feed}_time"] = answered.time_of(feed, order, near, has_other=len(platform.feeds) > 1)
        if feed is not platform.feed:
            continue
        if near.lists(order) is False and not near.check.has_outside:
            shifted = await asker.around(feed, order.at[feed] - ZONE)
            again = await asker.ask(feed, wide.query.window, policy.page_size)
            answers[f"{feed}_time"] = answered.not_found(feed, order, shifted, again)
        elif near.lists(order) and not near.check.has_outside:
            answers |= await _borders(asker, feed, order, wide, near)
    answers["filter"] = answered.in_range(lists)
    if policy.trusts_filter:
        answers = {name: msgspec.structs.replace(each, remedy="") for name, each in answers.items()}
    return answers


async def _borders(
    asker: _Asker, feed: Feed, order: ListedOrder, wide: ListAnswer, near: ListAnswer
) -> dict[str, ProbeAnswer]:
    """Test the ends of ranges, empty ranges and pages past the last: only where the range is taken as it is meant."""
    at = whole_second(order.at[feed])
    until = await asker.ask(feed, Window(at - BESIDE, at), FEW)
    since = await asker.ask(feed, Window(at, at + BESIDE), FEW)
    ends, begins = until.lists(order), since.lists(order)
    answers = {}
    if ends is begins is False and order not in (await asker.ask(feed, wide.query.window, wide.query.page_size)).orders:
        ends = begins = None  # it changed meanwhile
    if order.at[feed] == at:
        answers = {
            "end_inclusive": answered.end_inclusive(ends),
            "begin_inclusive": answered.begin_inclusive(begins),
            **({"whole_seconds": HOLDS} if ends else {}),
        }
    if (gap := answered.empty_gap(wide, feed)) is not None:
        answers["empty_range"] = answered.empty_range(await asker.ask(feed, gap, FEW))
    page_no = last_page(near.page.total, near.query.page_size) + 1
    past = await asker.ask(feed, near.query.window, near.query.page_size, page_no=page_no)
    return answers | {"past_last_page": answered.past_last_page(past)}


class _Asker:
    def __init__(self, send: SendQuery, platform: Platform) -> None:
        self._send = send
        self._platform = platform

    async def around(self, feed: Feed, at: datetime) -> ListAnswer:
        at = whole_second(at)
        return await self.ask(feed, Window(at - AROUND, at + AROUND), FEW)

    async def ask(
        self, feed: Feed, window: Window, page_size: int, *, page_no: int = 1, is_needed: bool = False
    ) -> ListAnswer:
        """Make one call. The platform's own error is returned as its answer, unless an answer `is_needed`."""
        query = PageQuery(feed, window, page_no, page_size)
        check = RecordCheck(window, feed)
        try:
            answer = await self._send(query)
        except PlatformError as error:
            if is_needed or not is_answer(error):
                raise
            return ListAnswer(query, check, error=sanitize(error.message))
        records = [identified(each, self._platform.identifier(feed), answer.asked_at) for each in answer.page.records]
        check.add(records)
        orders = [ListedOrder(each.order_id, self._times(each.payload)) for each in records if each.order_id]
        return ListAnswer(query, check, answer.page, orders)

    def _times(self, payload: bytes) -> dict[Feed, datetime]:
        times = {feed: self._platform.identify(payload, feed).listed_at for feed in self._platform.feeds}
        return {feed: at for feed, at in times.items() if at is not None}


def _tested(platform: Platform) -> list[str]:
    """Return the names of the assumptions that can be tested on a platform."""
    times = {f"{feed}_time" for feed in Feed} - {f"{feed}_time" for feed in platform.feeds}
    return [name for name in ASSUMPTIONS if name not in times]


async def probe_account(
    pool: Pool, http: httpx.AsyncClient, source: AccountSource, rate_limiter: RateLimiter, retry_policy: RetryPolicy
) -> Probed:
    """Probe an account that is not suspended, and store the result with it. Raises psycopg.Error."""
    name = source.account.name
    async with pool.connection() as connection:
        now = await fetch_now(connection)
    once = RetryPolicy(1, retry_policy.first_delay, retry_policy.largest_body, retry_policy.seconds_per_try)
    client = PageClient(http, source, rate_limiter, DatabaseClock(now), once)
    answers, fault = {}, ""
    try:
        answers = await probe(client.page, source, now)
    except PlatformError as error:
        fault = str(error)
    async with pool.connection() as connection:
        if fault:
            await probes.keep_fault(connection, name, fault)
        elif is_telling(answers):
            await probes.keep(connection, name, answers)
    return Probed(client.calls, answers, fault)
