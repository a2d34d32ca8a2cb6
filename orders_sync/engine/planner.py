"""Plan what an account needs next, in the ledger: for a command, or every few seconds for the service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orders_sync.domain import schedule
from orders_sync.domain.errors import ClockSetBackError
from orders_sync.domain.ledger import Backfill, PlannedTimes, PlanningState
from orders_sync.domain.sweep_cost import (
    MIN_STATUS_CALLS,
    PlannedRead,
    choose_cheaper,
    merge_hours,
    merge_hours_by_day,
    total_calls,
)
from orders_sync.domain.sweeps import Sweep, SweepRange
from orders_sync.domain.windows import Feed, WindowKind, tile
from orders_sync.engine import backfill_remarks, error_scope
from orders_sync.engine.messages import plan_messages
from orders_sync.engine.sources import AccountSource
from orders_sync.store import (
    backfills,
    empty_history,
    ledger,
    older_versions,
    reject_lists,
    requests,
    sweep_queries,
    sweeps,
)
from orders_sync.store.database import Connection


async def plan(connection: Connection, source: AccountSource, sweep: Sweep, *, retry: bool = False) -> None:
    """Plan everything the account needs now. In a transaction.

    Failed windows are planned when they are due; with `retry`, or where somebody asked for the account to be read
    (`requests`), at once.
    """
    planned = await _lock_account(connection, source)
    is_requested = await requests.take_sync(connection, source.account.name)
    await backfills.take_out_cancelled(connection, source.account.name)
    await ledger.replan_failed(connection, source.account.name, at_once=retry or is_requested)
    await plan_messages(connection, source, planned)
    await _plan_changes(connection, source, planned, sweep)
    await _plan_empty_history(connection, source, planned)
    await _plan_backfills(connection, source, planned.now)


async def plan_due(connection: Connection, source: AccountSource) -> bool:
    """Plan what has come due since the last plan. Return True if there is anything to read. In a transaction.

    Nothing is due twice: the account's row is locked, and what is due follows from the ledger and the database's clock.
    So any number of processes may ask, as often as they like.
    """
    planned = await _lock_account(connection, source)
    is_requested = await requests.take_sync(connection, source.account.name)
    await backfills.take_out_cancelled(connection, source.account.name)
    await ledger.replan_failed(connection, source.account.name, at_once=is_requested)
    are_changes_due = await plan_messages(connection, source, planned)
    if is_requested or are_changes_due or schedule.is_interval_over(planned, source.policy):
        await _plan_changes(connection, source, planned, Sweep.DUE)
    await _plan_empty_history(connection, source, planned)
    await _plan_backfills(connection, source, planned.now)
    return await ledger.has_work(connection, source.account.name)


async def plan_backfill(connection: Connection, source: AccountSource, backfill: Backfill, now: datetime) -> None:
    """Plan what is missing of a backfill, or refuse it, with the reason. In a transaction.

    Whatever is wrong with one backfill is its own failure: planning the account goes on. Raises psycopg.Error when the
    database is gone.
    """
    try:
        async with connection.transaction():  # a savepoint: what a bad one wrote is undone, the rest stays
            await _plan_backfill(connection, source, backfill, now)
    except Exception as error:
        if error_scope.affects_all_accounts(error):
            raise
        await backfills.refuse(connection, backfill, f"it cannot be planned: {error_scope.text(error)}")


async def _plan_backfill(connection: Connection, source: AccountSource, backfill: Backfill, now: datetime) -> None:
    platform = source.platform
    feed = Feed(backfill.feed)
    if feed not in platform.feeds:
        reason = f"{platform.name} does not list by {feed} time; ask by {platform.feed} time"
        await backfills.refuse(connection, backfill, reason)
        return
    why = backfill_remarks.why_not_backfillable(source, backfill.window, now)
    if why is not None:
        await backfills.refuse(connection, backfill, why)
        return
    equal = await backfills.equal(connection, backfill.account, feed, backfill.window, before=backfill.id)
    parts = [backfill.window]
    if not backfill.everything:
        parts = await backfills.unproven(connection, backfill.account, feed, backfill.window)
    windows = schedule.backfill(parts, now, source.policy)
    remarks = backfill_remarks.remarks(source, backfill.window, now, equal)
    await backfills.plan(connection, backfill, windows, ". ".join(remarks) or None)


async def _lock_account(connection: Connection, source: AccountSource) -> PlannedTimes:
    """Lock the account's row, which is made if there is none, and return how far the account is planned.

    Where the settings' history begins later than before, windows before it that are planned or failed are deleted.

    Raises `IdentityMismatchError` and `ClockSetBackError`: then nothing of the account can be planned.
    """
    name, begins = source.account.name, source.policy.history_from
    await ledger.register(connection, source.account, source.platform.feed)
    planned = await ledger.planned_times(connection, name)
    if (ahead := schedule.time_ahead(planned, source.policy)) is not None:
        raise ClockSetBackError(name, ahead)
    is_later = planned.history_from is not None and planned.history_from < begins
    if is_later and await ledger.forget_before(connection, name, begins):
        return await ledger.planned_times(connection, name)
    return planned


async def _plan_changes(connection: Connection, source: AccountSource, planned: PlannedTimes, sweep: Sweep) -> None:
    """Read the state, derive the plan, write it. What is read in the ranges to sweep follows from the stored orders.

    Rejects without an order id are settled first where their time was read again.
    """
    name, platform = source.account.name, source.platform
    await reject_lists.settle_nameless(connection, name)
    since = None if platform.furthest_back is None else planned.now - platform.furthest_back
    to_read_again = await older_versions.to_read(connection, name, since)
    state = PlanningState(planned, to_read_again, await sweep_queries.oldest_creation_time(connection, name))
    plan = schedule.due_plan(state, source.policy, platform.feed, platform.furthest_back, sweep)
    await ledger.write(connection, name, plan)
    await _plan_sweep(connection, source, plan.sweeps)


async def _plan_empty_history(connection: Connection, source: AccountSource, planned: PlannedTimes) -> None:
    """If no order of the history has been listed yet, plan all of it again when its next read is due."""
    name, platform = source.account.name, source.platform
    if await empty_history.begin_read(connection, name):
        windows = schedule.planned_history(planned, source.policy, platform.furthest_back)
        await ledger.plan(connection, name, WindowKind.CONFIRM, platform.feed, windows)


async def _plan_backfills(connection: Connection, source: AccountSource, now: datetime) -> None:
    for backfill in await backfills.requested(connection, source.account.name):
        await plan_backfill(connection, source, backfill, now)


async def _plan_sweep(connection: Connection, source: AccountSource, ranges: Sequence[SweepRange]) -> None:
    name, longest = source.account.name, source.policy.longest_window
    lists: list[PlannedRead] = []
    for swept in ranges:
        reads = await _cheapest_reads(connection, source, swept)
        by_creation = [each.window for each in reads if each.status is None]
        by_creation += await sweep_queries.windows_of_rejects(connection, name, swept)
        windows = [window for each in by_creation for window in tile(each.start, each.end, longest)]
        await sweeps.plan_windows(connection, name, windows)
        lists += [each for each in reads if each.status is not None]
    await sweeps.plan_status_lists(connection, name, ranges, lists)


async def _cheapest_reads(connection: Connection, source: AccountSource, swept: SweepRange) -> list[PlannedRead]:
    """Return what is to be read of a range, by creation time or by status, whichever costs fewer calls."""
    name, policy, platform = source.account.name, source.policy, source.platform
    hours = await sweep_queries.hours(connection, name, swept, policy.sweeps, policy.page_size)
    if not swept.is_covered:
        return merge_hours_by_day(hours, policy.page_size)
    creation = merge_hours(hours, policy.page_size)
    if total_calls(creation) <= MIN_STATUS_CALLS:
        return creation
    stored = await sweep_queries.counts_by_status(
        connection, name, swept, platform.listed_statuses, policy.longest_window
    )
    hours = await sweep_queries.hours(
        connection, name, swept, policy.sweeps, policy.page_size, platform.listed_statuses
    )
    return choose_cheaper(creation, stored, merge_hours(hours, policy.page_size), policy.page_size)
