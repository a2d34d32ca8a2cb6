"""Sync every account once: plan what is missing, read and land it, return the results."""

from __future__ import annotations

from collections.abc import Sequence

from orders_sync.domain.sweeps import Sweep
from orders_sync.engine import error_scope, planner
from orders_sync.engine.results import AccountResult
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.runner import drain
from orders_sync.engine.sources import AccountSource
from orders_sync.engine.tasks import run_all
from orders_sync.store import ledger, reject_lists, suspensions


async def sync(
    run_context: RunContext, sources: Sequence[AccountSource], sweep: Sweep = Sweep.DUE, *, retry: bool = False
) -> list[AccountResult]:
    """Catch up every account and return.

    `sweep`: what to read again where a list goes by creation time only. `retry`: read failed windows at once, however
    long they still have to wait.

    Windows are read in parallel, as many as `run_context` has slots; pages of one window never are.
    Whatever a platform does wrong is in the results. Raises psycopg.Error when the database is gone.
    """
    return await run_all(_catch_up(run_context, source, sweep, retry) for source in sources)


async def drain_all(run_context: RunContext, sources: Sequence[AccountSource]) -> list[AccountResult]:
    """Read what is planned for these accounts, and plan nothing else. Otherwise as `sync`."""
    return await run_all(_drain(run_context, source) for source in sources)


async def _drain(run_context: RunContext, source: AccountSource) -> AccountResult:
    """Read what is planned of an account, then settle the rejects without an order that these reads did not bring."""
    result = await drain(run_context, source)
    async with run_context.pool.connection() as connection:
        await reject_lists.settle_nameless(connection, source.account.name)
    return result


async def _catch_up(run_context: RunContext, source: AccountSource, sweep: Sweep, retry: bool) -> AccountResult:
    """Plan and read one account; an error of its own is in its result, and the other accounts go on."""
    try:
        async with run_context.pool.connection() as connection:
            if await suspensions.lift_outdated(connection, source.account) is None:
                async with connection.transaction():
                    await planner.plan(connection, source, sweep, retry=retry)
        return await _drain(run_context, source)
    except Exception as error:
        if error_scope.affects_all_accounts(error):
            raise
        report = error_scope.report(source.account.name, error)
        async with run_context.pool.connection() as connection:
            await ledger.record_error(connection, source.account.name, report)
        return AccountResult(source.account.name, errors=[report])
