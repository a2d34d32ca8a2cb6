"""Backfills of a range: the plan of what reading it would cost, to be shown before it is started.

The ranges of all accounts are found by one statement (`store/backfill_ranges.py`). `engine/actions/backfills.py` starts
a plan; `engine/order_fetch.py` plans the reading of single orders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orders_sync.domain.backfill_plans import PLAN_COMPARED_AFTER, BackfillPlan, PlannedPart, fingerprint
from orders_sync.domain.errors import UsageError
from orders_sync.domain.sentences import Sentence
from orders_sync.domain.windows import Feed, Window, whole_second
from orders_sync.engine.backfill_remarks import of_missing, remarks, why_not_backfillable
from orders_sync.engine.service_status import allowed_delay
from orders_sync.engine.sources import AccountSource
from orders_sync.store import backfill_plans, backfill_ranges, open_differences
from orders_sync.store.backfill_ranges import AskedRange, RangeState
from orders_sync.store.backfills import EqualRequest
from orders_sync.store.database import Connection
from orders_sync.store.open_differences import MissingOrders


@dataclass(frozen=True, slots=True)
class AccountPreview:
    """The estimate for one account: `state` of the range, and the `seconds` its calls take at the account's rate.

    `range_remarks`: what there is to know about the range, in sentences. `missing_orders`: orders of the range that an
    audit found missing, however completely it was read; None for none.
    """

    account: str
    feed: Feed
    window: Window
    state: RangeState
    seconds: float
    range_remarks: list[str]
    missing_orders: MissingOrders | None = None

    @property
    def remarks(self) -> list[str]:
        """All there is to know, in sentences."""
        return [*self.range_remarks, *([of_missing(self.missing_orders)] if self.missing_orders else [])]

    @property
    def windows(self) -> int:
        """The windows to read."""
        return self.state.windows

    @property
    def calls(self) -> int:
        """The calls they take, about."""
        return self.state.calls

    @property
    def is_complete(self) -> bool:
        """True if every moment of the range is complete and none is to be read again."""
        state = self.state
        rest = state.missing_ranges + state.failed_ranges + state.waiting_ranges
        return state.complete_ranges > 0 and not rest and not state.windows


@dataclass(frozen=True, slots=True)
class BackfillPreview:
    """A plan of all accounts, stored for an hour under the number `plan`.

    `seconds`: until all is read, where accounts of one app are read one after the other.
    """

    plan: int
    previews: list[AccountPreview]
    seconds: float


async def preview(
    connection: Connection,
    sources: Sequence[AccountSource],
    window: Window,
    by: Feed | None,
    now: datetime,
    *,
    everything: bool = False,
) -> BackfillPreview:
    """Plan a backfill of each account and store the plan. `by`: the feed, None for each platform's own.

    Raises `UsageError` for a feed by which a platform does not list.
    """
    pairs = [(source, by or source.platform.feed) for source in sources]
    return await preview_feeds(connection, pairs, window, now, everything=everything)


async def preview_feeds(
    connection: Connection,
    pairs: Sequence[tuple[AccountSource, Feed]],
    window: Window,
    now: datetime,
    *,
    everything: bool = False,
) -> BackfillPreview:
    """Plan a backfill of each account by a feed of its own; otherwise as `preview`."""
    for source, feed in pairs:
        must_list_by(source, feed)
    asked = [_asked(source, feed, now) for source, feed in pairs]
    states = await backfill_ranges.states(connection, asked, window.start, window.end, everything=everything)
    names = [each.account for each in asked]
    found = await open_differences.missing_within(connection, names, window.start, window.end)
    missing_orders = {each.account: each for each in found}
    previews = [
        _preview(source, state, window, now, missing_orders.get(state.account))
        for (source, _), state in zip(pairs, states, strict=True)
    ]
    parts = [
        part(each, state, ". ".join(shown.range_remarks) or None)
        for each, state, shown in zip(asked, states, previews, strict=True)
    ]
    compared_to = now - PLAN_COMPARED_AFTER
    plan = BackfillPlan(window.start, window.end, everything, compared_to, parts)
    number = await backfill_plans.store(connection, plan, fingerprint(parts, compared_to))
    calls = [(source, state.calls) for (source, _), state in zip(pairs, states, strict=True)]
    return BackfillPreview(number, previews, seconds_to_read(calls))


def must_list_by(source: AccountSource, feed: Feed) -> None:
    """Raise `UsageError` for a feed by which the account's platform does not list."""
    if feed not in source.platform.feeds:
        raise UsageError(
            Sentence(
                "%(account)s: %(platform)s does not list by %(feed)s time; omit --by, or use --by %(own)s",
                account=source.account.name,
                platform=source.platform.name,
                feed=feed,
                own=source.platform.feed,
            )
        )


def _asked(source: AccountSource, feed: Feed, now: datetime) -> AskedRange:
    policy = source.policy
    past, not_due = whole_second(now - policy.lag), allowed_delay(policy) - policy.lag
    return AskedRange(source.account.name, feed, past, policy.longest_window, policy.page_size, not_due)


async def still_to_read(
    connection: Connection, plan: BackfillPlan, sources: Sequence[AccountSource]
) -> list[PlannedPart]:
    """Return the parts of a plan as they would be planned now, up to the time it was planned at."""
    asked = [
        AskedRange(each.account, each.feed, each.past, source.policy.longest_window, source.policy.page_size)
        for each, source in zip(plan.parts, sources, strict=True)
    ]
    states = await backfill_ranges.states(connection, asked, plan.start, plan.end, everything=plan.everything)
    return [part(each, state) for each, state in zip(asked, states, strict=True)]


def part(asked: AskedRange, state: RangeState, remark: str | None = None) -> PlannedPart:
    """Return what is to be read of an account."""
    seconds = asked.longest.total_seconds()
    past = min(asked.past, state.past) if asked.not_due else asked.past
    return PlannedPart(asked.account, asked.feed, past, seconds, asked.page_size, state.to_read, remark=remark)


def seconds_to_read(calls: Iterable[tuple[AccountSource, int]]) -> float:
    """Return the seconds until all calls are made: those of accounts of one app one after the other, at its rate."""
    of_app: dict[str, float] = defaultdict(float)
    for source, count in calls:
        of_app[source.account.rate_key] += count / source.policy.requests_per_second
    return max(of_app.values(), default=0.0)


def _preview(
    source: AccountSource, state: RangeState, window: Window, now: datetime, missing_orders: MissingOrders | None
) -> AccountPreview:
    sentences = []
    if why := why_not_backfillable(source, window, now):
        sentences.append(why)
    equal = []
    if state.equal_request is not None and state.equal_state is not None:
        equal.append(EqualRequest(state.equal_request, state.equal_state))
    sentences += [*remarks(source, window, now, equal), *_of_history(source, state, window)]
    seconds = state.calls / source.policy.requests_per_second
    return AccountPreview(state.account, state.feed, window, state, seconds, sentences, missing_orders)


def _of_history(source: AccountSource, state: RangeState, window: Window) -> list[str]:
    begins = min(source.policy.history_from, state.history_from or source.policy.history_from)
    if window.start >= begins:
        return []
    return [
        Sentence(
            "the range starts before the account's history (%(begins)s). Sweeps keep its orders current like all "
            "others, but the daily audit and what is said of completeness cover only the history. To include the "
            "range, the setting `history_from` of the account must be earlier",
            begins=begins,
        )
    ]
