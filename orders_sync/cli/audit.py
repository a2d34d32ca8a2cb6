"""`orders-sync audit`: the platform's own counts against the tables."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from orders_sync.cli import context, output
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.cli.progress import bars
from orders_sync.domain.errors import UsageError
from orders_sync.domain.windows import Feed
from orders_sync.engine import audit as engine
from orders_sync.engine.audit import Audited, Updates
from orders_sync.engine.page_client import AccountSource
from orders_sync.engine.reconcile import Reconciliation
from orders_sync.engine.run_context import RunContext
from orders_sync.settings import Settings
from orders_sync.store import database


def audit(
    account: context.Accounts = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help=context.START + " [default: the start of the account's history]"),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", help="End, exclusive. [default: as far as the account is synced]"),
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Read the ranges with missing orders.")] = False,
    config: context.Config = None,
    json: context.Json = False,
) -> None:
    """Compare the platforms' order counts with the tables, down to the orders that differ.

    Exit code 5 if differences remain, 1 if an account could not be compared.
    Results are stored in sync.audits and sync.audit_differences.
    """
    settings = context.load_with_secrets(config)
    sources = context.sources(settings, account)
    first = None if start is None else context.moment(start, "--from")
    last = None if end is None else context.moment(end, "--to")
    if first is not None and last is not None and first >= last:
        raise UsageError(f"--from {start} must be before --to {end}")
    with context.opened(settings) as url:
        context.settle(settings, url)
        results = context.run(_audit(url, sources, settings, first, last, repair))
    if json:
        output.print_json([_plain(result) for result in results])
    else:
        _show(results)
    for result in results:
        if result.beyond:
            output.info(f"{result.account}: {result.beyond}")
        if result.error:
            output.error(result.error)
    are_left_out = context.report_misconfigured(settings, account)
    if are_left_out or any(result.error for result in results):
        raise typer.Exit(ExitCode.FAILED)
    if any(result.remaining for result in results):
        raise typer.Exit(ExitCode.DIFFERENCE)


async def _audit(
    url: str,
    sources: list[AccountSource],
    settings: Settings,
    start: datetime | None,
    end: datetime | None,
    repair: bool,
) -> list[Audited]:
    limits = context.limits(settings)
    with bars([each.account.name for each in sources], unit="done") as progress:
        async with (
            context.http_client(settings) as http,
            database.connected(url, size=limits.workers * 2 + len(sources)) as pool,
        ):
            return await engine.audit(
                RunContext(pool, http, sources, limits, progress), sources, start, end, repair=repair
            )


def _plain(result: Audited) -> dict[str, Any]:
    found = result.found
    return {
        "account": result.account,
        "start": result.start,
        "end": result.end,
        "platform_orders": found.platform,
        "table_orders": found.tables,
        "rejects": found.rejects,
        "awaited": found.awaited,
        "updates": None if result.updates is None else _plain_updates(result.updates),
        "differences": [
            {
                "feed": each.feed,
                "start": each.window.start,
                "end": each.window.end,
                "platform_orders": each.counts.platform,
                "table_orders": each.counts.tables,
                "missing": each.missing,
                "not_listed": each.surplus,
                "repaired": each in result.repaired,
            }
            for each in result.differences
        ],
        "calls": result.calls,
        "beyond": result.beyond,
        "error": result.error,
    }


def _plain_updates(updates: Updates) -> dict[str, Any]:
    return {
        "start": updates.start,
        "end": updates.end,
        "platform_orders": updates.found.platform,
        "table_orders": updates.found.tables,
        "rejects": updates.found.rejects,
        "awaited": updates.found.awaited,
    }


def _show(results: list[Audited]) -> None:
    columns = ["account", "feed", "from", "to", "platform", "tables", "rejects", "awaited", "ranges"]
    output.table(
        "Orders by creation and update time. Tables include open rejects; the next sync reads those awaited",
        [*columns, "calls"],
        [row for result in results for row in _rows(result)],
        [*columns[4:], "calls"],
    )
    differing = [(result, each) for result in results for each in result.differences]
    if not differing:
        return
    columns = ["account", "feed", "from", "to", "platform", "tables", "missing"]
    output.out().print()
    output.table(
        "Ranges that differ",
        [*columns, "repaired", "not listed"],
        [
            (
                result.account,
                each.feed,
                each.window.start,
                each.window.end,
                each.counts.platform,
                each.counts.tables,
                each.missing,
                "yes" if each in result.repaired else "no",
                ", ".join(each.surplus),
            )
            for result, each in differing
        ],
        columns[4:],
    )
    if any(each.surplus for _, each in differing):
        output.info(
            "not listed: the platform no longer lists these orders, or not at this time; they stay in the tables"
        )
    if any(each.missing for result in results for each in result.remaining):
        output.info("`orders-sync audit --repair` reads the ranges with missing orders")


def _rows(result: Audited) -> list[tuple[object, ...]]:
    """A row for each list that was compared; the calls of both in the first."""
    rows = [_row(result.account, Feed.CREATED, result.start, result.end, result.found, result.calls)]
    if updates := result.updates:
        rows.append(_row(result.account, Feed.UPDATED, updates.start, updates.end, updates.found, None))
    return rows


def _row(
    account: str, feed: Feed, start: datetime | None, end: datetime | None, found: Reconciliation, calls: int | None
) -> tuple[object, ...]:
    return (
        account,
        feed,
        start,
        end,
        found.platform,
        found.tables,
        found.rejects,
        found.awaited,
        len(found.differences),
        calls,
    )
