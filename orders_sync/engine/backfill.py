"""Backfills by hand: what a range would cost, what to know about it, and the request itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from orders_sync.domain import schedule
from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.local_times import stamp
from orders_sync.domain.sweep_cost import calls_for
from orders_sync.domain.windows import Feed, Window
from orders_sync.engine import planner
from orders_sync.engine.backfill_notices import notices
from orders_sync.engine.page_client import AccountSource
from orders_sync.store import activity, backfills, ledger, progress
from orders_sync.store.backfills import Standing
from orders_sync.store.database import Connection


@dataclass(frozen=True, slots=True)
class Preview:
    """The estimate of a backfill of one account.

    `windows` to read, in about `calls`, which take `seconds` at the configured rate. `standing`: windows that overlap
    the range now. `notices`: what to know about it, in sentences.
    """

    account: str
    feed: Feed
    window: Window
    standing: Standing
    windows: int
    calls: int
    seconds: float
    notices: list[str]


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that is stored: its number, and the number of each account's backfill in the order of the accounts."""

    number: int
    backfills: list[int]


async def preview(
    connection: Connection,
    sources: Sequence[AccountSource],
    window: Window,
    by: Feed | None,
    now: datetime,
    *,
    everything: bool,
) -> list[Preview]:
    """Return what a backfill of each account would do. `by`: the feed, None for each platform's own."""
    return [await _preview(connection, source, window, by, now, everything) for source in sources]


async def _preview(
    connection: Connection, source: AccountSource, window: Window, by: Feed | None, now: datetime, everything: bool
) -> Preview:
    name, feed = source.account.name, by or source.platform.feed
    parts = [window] if everything else await backfills.unproven(connection, name, feed, window)
    windows = schedule.backfill(parts, now, source.policy)
    calls = 0
    for each in windows:
        calls += calls_for(await backfills.known_orders(connection, name, feed, each), source.policy.page_size)
    standing = await backfills.standing(connection, name, feed, window)
    equal = await backfills.equal(connection, name, feed, window)
    told = [*notices(source, window, now, equal), *await _of_history(connection, source, window)]
    return Preview(name, feed, window, standing, len(windows), calls, calls / source.policy.requests_per_second, told)


async def _of_history(connection: Connection, source: AccountSource, window: Window) -> list[str]:
    known = await progress.progress(connection, source.account.name)
    begins = min(source.policy.history_from, (known and known.history_from) or source.policy.history_from)
    if window.start >= begins:
        return []
    return [
        f"the range starts before the account's history ({stamp(begins)}). Sweeps keep its orders current like all "
        "others, but the daily audit and the completeness in `status` cover only the history. To include the range, "
        "set an earlier history_from"
    ]


async def request(
    connection: Connection,
    actor: Actor,
    sources: Sequence[AccountSource],
    window: Window,
    by: Feed | None,
    *,
    everything: bool,
) -> Requested:
    """Store one request for all these accounts, plan it, and record who asked."""
    numbers: list[int] = []
    for source in sources:
        name, feed = source.account.name, by or source.platform.feed
        async with connection.transaction():
            await ledger.register(connection, source.account, source.platform.feed)
            first = numbers[0] if numbers else None
            numbers.append(
                await backfills.request(connection, name, feed, window, everything=everything, request_id=first)
            )
            details = {"from": window.start, "to": window.end, "by": feed, "everything": everything}
            what = f"backfill {numbers[-1]}"
            await activity.record(connection, actor, Action.BACKFILL_START, account=name, subject=what, details=details)
            reach = await ledger.reach(connection, name)
            for each in await backfills.requested(connection, name):
                await planner.plan_backfill(connection, source, each, reach.now)
    return Requested(numbers[0], numbers)
