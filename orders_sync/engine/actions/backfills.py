"""Actions on backfills: start one that was shown, cancel what is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.backfill_plans import BackfillPlan, PlannedPart, fingerprint
from orders_sync.domain.errors import ChangedError, NotFoundError, UsageError
from orders_sync.domain.ledger import OPEN_BACKFILLS, BackfillState
from orders_sync.domain.sentences import Sentence
from orders_sync.domain.windows import Feed, Window
from orders_sync.engine import backfill, order_fetch
from orders_sync.engine.sources import AccountSource
from orders_sync.store import activity, backfill_plans, backfills, ledger
from orders_sync.store.database import Connection


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that is stored: its number, and the number of each account's backfill in the order of `accounts`."""

    number: int
    backfills: list[int]
    accounts: list[str]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Backfills that were cancelled: how many, and the accounts they are of, by name."""

    count: int
    accounts: list[str]


async def start(connection: Connection, actor: Actor, sources: Sequence[AccountSource], number: int) -> Requested:
    """Start a plan: request and plan exactly what was shown. `sources`: all accounts of the settings.

    Raises `NotFoundError` for a plan that is unknown or older than an hour, or whose accounts are no longer in the
    settings; `UsageError` for one with nothing to read; `ChangedError` for one that was started already, or by which
    something else would be read now.
    """
    async with connection.transaction():
        taken = await backfill_plans.take(connection, number)
        if taken is None or taken.is_old:
            raise NotFoundError(
                Sentence(
                    "there is no plan %(plan)s, or it is older than an hour: preview the backfill again", plan=number
                )
            )
        if taken.request_id is not None:
            raise ChangedError(
                Sentence(
                    "plan %(plan)s was started already, as request %(request)s", plan=number, request=taken.request_id
                )
            )
        plan = taken.decoded()
        if not any(part.ranges for part in plan.parts):
            raise UsageError(
                Sentence("plan %(plan)s has nothing to read: its range is complete, or has yet to come", plan=number)
            )
        chosen = _named(sources, plan.accounts)
        await _register(connection, chosen)
        await backfill_plans.lock(connection, plan.accounts)
        parts = await _still_to_read(connection, plan, chosen)
        if fingerprint(parts, plan.compared_to) != taken.fingerprint:
            raise ChangedError(
                Sentence(
                    "what is to be read has changed since plan %(plan)s was shown, so nothing was started: preview the "
                    "backfill again",
                    plan=number,
                )
            )
        numbers = await backfill_plans.request(connection, number, plan)
        accounts = list(dict.fromkeys(plan.accounts))
        action = Action.ORDER_FETCH if plan.numbers else Action.BACKFILL_START
        for name, details in (await _details(connection, plan)).items():
            await activity.record(
                connection,
                actor,
                action,
                account=name,
                subject=f"request {numbers[0]}",
                details={"plan": number} | details,
            )
    return Requested(numbers[0], numbers, accounts)


async def again(
    connection: Connection, actor: Actor, sources: Sequence[AccountSource], request: int, now: datetime
) -> Requested:
    """Request again what was not read of a request, as a request of its own, and as it was asked for.

    Of a request for what is complete too, that is all of the range for the accounts in `unfinished`.

    Raises `NotFoundError` for an unknown request, `UsageError` for one that is open, that reads single orders, or of
    which everything is complete.
    """
    rows = await backfills.listed(connection, request_id=request)
    if not rows:
        raise NotFoundError(Sentence("there is no request %(number)s: see `orders-sync backfill list`", number=request))
    if await backfills.reads_orders(connection, request):
        raise UsageError(
            Sentence("request %(request)s reads single orders, not a range: ask for the orders again", request=request)
        )
    if any(row["state"] in OPEN_BACKFILLS for row in rows):
        raise UsageError(
            Sentence("request %(request)s is still open: what is missing of it is being read", request=request)
        )
    window = Window(min(row["starts_at"] for row in rows), max(row["ends_at"] for row in rows))
    rest, everything = unfinished(rows)
    feeds = {row["account"]: Feed(row["feed"]) for row in rest}
    pairs = [(each, feeds[each.account.name]) for each in _named(sources, list(feeds))]
    async with connection.transaction():
        shown = await backfill.preview_feeds(connection, pairs, window, now, everything=everything)
        if not any(each.windows for each in shown.previews):
            raise UsageError(
                Sentence(
                    "everything of request %(request)s is complete: there is nothing to read again", request=request
                )
            )
        return await start(connection, actor, sources, shown.plan)


def unfinished(rows: Sequence[dict[str, Any]]) -> tuple[Sequence[dict[str, Any]], bool]:
    """Return the rows of a closed request that are to be asked for again, and whether for what is complete too.

    `rows`: of `backfills.listed`. All of them, and no to the latter, where every one was read to its end.
    """
    rest = [row for row in rows if row["progress"] != BackfillState.DONE]
    return rest or rows, any(row["everything"] for row in rest)


async def _details(connection: Connection, plan: BackfillPlan) -> dict[str, dict[str, Any]]:
    """Return what is recorded of a plan, by account."""
    if not plan.numbers:
        asked = {"from": plan.start, "to": plan.end, "everything": plan.everything}
        return dict.fromkeys(plan.accounts, asked)
    of_account, rest = await order_fetch.numbers_of(connection, plan)
    not_read = {"not_read": rest} if rest else {}
    return {name: {"numbers": of_account.get(name, []), **not_read} for name in plan.accounts}


async def _still_to_read(
    connection: Connection, plan: BackfillPlan, sources: Sequence[AccountSource]
) -> list[PlannedPart]:
    """Return the parts of a plan as they would be planned now."""
    if plan.numbers:
        return await order_fetch.still_to_read(connection, plan, sources)
    return await backfill.still_to_read(connection, plan, sources)


def _named(sources: Sequence[AccountSource], names: Sequence[str]) -> list[AccountSource]:
    """Return the accounts of these names, in their order. Raises `NotFoundError` for one that cannot be used."""
    known = {each.account.name: each for each in sources}
    if gone := [name for name in names if name not in known]:
        raise NotFoundError(
            Sentence("%(names)s: not in the settings, or misconfigured: nothing was requested", names=", ".join(gone))
        )
    return [known[name] for name in names]


async def _register(connection: Connection, sources: Sequence[AccountSource]) -> None:
    """Make the rows of accounts that have none yet, or are in the settings again."""
    known = await backfill_plans.known(connection, [each.account for each in sources])
    for each in sorted(sources, key=lambda source: source.account.name):
        if each.account.name not in known:
            await ledger.register(connection, each.account, each.platform.feed)


async def cancel(connection: Connection, actor: Actor, number: int, *, whole_request: bool = False) -> Cancelled:
    """Cancel a backfill, or all that are open of a request.

    A window in flight is read to its end; one that fails is not read again. Raises `NotFoundError` where none is open,
    or there is none of that number.
    """
    what = f"request {number}" if whole_request else f"backfill {number}"
    async with connection.transaction():
        if whole_request:
            count = await backfills.cancel_request(connection, number)
        else:
            count = await backfills.cancel(connection, number)
        if not count:
            known = await backfills.exists(connection, number, is_request=whole_request)
            raise NotFoundError(_not_open(number, known=known, is_request=whole_request))
        accounts = await backfills.accounts_cancelled_now(connection, number, is_request=whole_request)
        await activity.record(connection, actor, Action.BACKFILL_CANCEL, accounts=accounts, subject=what)
    return Cancelled(count, accounts)


def _not_open(number: int, *, known: bool, is_request: bool) -> Sentence:
    """Say why a backfill or a request cannot be cancelled."""
    if is_request:
        if known:
            return Sentence("request %(number)s is not open: see `orders-sync backfill list`", number=number)
        return Sentence("there is no request %(number)s: see `orders-sync backfill list`", number=number)
    if known:
        return Sentence("backfill %(number)s is not open: see `orders-sync backfill list`", number=number)
    return Sentence("there is no backfill %(number)s: see `orders-sync backfill list`", number=number)
