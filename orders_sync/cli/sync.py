"""`orders-sync sync`: catch up and exit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import httpx
import typer

from orders_sync.cli import (
    account_selection,
    actor,
    databases,
    event_loop,
    histories,
    options,
    output,
    requests,
    user_settings,
)
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.cli.progress import bars
from orders_sync.domain.local_times import shown_range, stamp
from orders_sync.domain.sweeps import Sweep
from orders_sync.engine.actions import windows
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.results import AccountResult, Progress
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.sources import AccountSource
from orders_sync.engine.sync import sync as sync_accounts
from orders_sync.store import database, product_figures
from orders_sync.store.progress import AccountProgress
from orders_sync.store.progress import of as progress_of

WINDOWS_SHOWN = 3  # failed ones, of each account
# weeks of accounts, of which the figures of products are made when orders landed; the service makes the others
WEEKS_REMADE = 10


def sync(
    account: options.Accounts = None,
    sweep: Annotated[
        Sweep,
        typer.Option(
            help="What to re-read of accounts that can only be listed by creation time (Xportcn): "
            "nothing, what is due, all orders that are not final, or all that are ever re-read."
        ),
    ] = Sweep.DUE,
    retry: Annotated[
        bool, typer.Option("--retry", help="Read failed windows now, without waiting until they are due.")
    ] = False,
    request: Annotated[
        bool, typer.Option("--request", help="Have the running service do it now, failed windows too, and return.")
    ] = False,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Read all new and changed orders into Postgres, then exit. Safe to run at any time and in parallel."""
    if request:
        requests.sync(user_settings.load(config), account)
        return
    settings = user_settings.load_with_secrets(config)
    sources = account_selection.sources(settings, account)
    with databases.hosted(settings) as host:
        with host.session() as session:
            databases.refuse_demo(settings, session)
            account_selection.register(settings, session)
            sources = account_selection.without_paused(session, sources, account)
        with bars([each.account.name for each in sources]) as progress:
            outcomes = event_loop.run(
                catch_up(
                    host.url,
                    sources,
                    user_settings.limits(settings),
                    progress,
                    user_settings.http_client(settings),
                    sweep,
                    retry,
                )
            )
        if json:
            output.print_json([outcome.plain() for outcome in outcomes])
        else:
            with host.session() as session:
                show(outcomes, progress_of(session, [outcome.account for outcome in outcomes]))
    are_left_out = account_selection.report_misconfigured(settings, account)
    if are_left_out or any(outcome.errors or outcome.failed_windows for outcome in outcomes):
        raise typer.Exit(ExitCode.FAILED)


async def catch_up(
    url: str,
    sources: list[AccountSource],
    limits: Limits,
    progress: Progress,
    http: httpx.AsyncClient,
    sweep: Sweep = Sweep.DUE,
    retry: bool = False,
) -> list[AccountResult]:
    """Run one pass over the accounts and return its outcomes. Raises `DatabaseError` when the connection is lost."""
    async with http, database.connected(url, size=limits.slots * 2 + len(sources)) as pool:
        if retry:
            async with pool.connection() as connection:
                await windows.retry_all(connection, actor.current(), [each.account.name for each in sources])
        outcomes = await sync_accounts(RunContext(pool, http, sources, limits, progress), sources, sweep, retry=retry)
        if any(outcome.rows.new or outcome.rows.changed for outcome in outcomes):
            async with pool.connection() as connection:
                await product_figures.remake(connection, WEEKS_REMADE)
        return outcomes


def show(outcomes: list[AccountResult], how_far: Sequence[AccountProgress] = ()) -> None:
    """Print the outcome of a pass: one line per account, then errors, failed windows and gaps in the history."""
    columns = ["account", "new", "changed", "unchanged", "stale", "rejected", "windows", "calls"]
    output.table(
        "Results of this pass",
        columns,
        [
            (
                outcome.account,
                outcome.rows.new,
                outcome.rows.changed,
                outcome.rows.unchanged,
                outcome.rows.stale,
                outcome.rows.rejected,
                outcome.windows,
                outcome.calls,
            )
            for outcome in outcomes
        ],
        columns[1:],
        ["windows", "calls", "stale"],
        see="sync --json",
    )
    for outcome in outcomes:
        if outcome.errors:
            others = len(outcome.errors) - 1
            output.error(outcome.errors[-1] + (f" (and {others} earlier errors)" if others else ""))
        if outcome.failed_windows:
            (output.info if outcome.errors else output.error)(_failed_windows(outcome))
    for each in histories.explained(how_far):
        output.info(each)
    rejected = sum(outcome.rows.rejected for outcome in outcomes)
    if rejected:
        output.info(
            f"{rejected} records could not be converted into orders: `orders-sync rejects list` shows the reasons"
        )


def _failed_windows(outcome: AccountResult) -> str:
    """Return the text that names an account's failed windows and when each is read again."""
    waiting = [
        f"{shown_range(each.starts_at, each.ends_at)} until {stamp(each.retry_at)}"
        for each in outcome.failed_windows[:WINDOWS_SHOWN]
    ]
    more = len(outcome.failed_windows) - len(waiting)
    return (
        f"{outcome.account}: failed windows wait for a retry: {', '.join(waiting)}"
        f"{f' and {more} more' if more else ''}. `orders-sync sync --retry` reads them now"
    )
