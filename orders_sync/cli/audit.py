"""`orders-sync audit`: the platform's own counts against the tables."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from msgspec import structs

from orders_sync.cli import (
    account_selection,
    actor,
    audit_tables,
    databases,
    event_loop,
    options,
    output,
    requests,
    user_settings,
)
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.cli.progress import bars
from orders_sync.domain.errors import UsageError
from orders_sync.engine.actions import audits as actions
from orders_sync.engine.audit_results import Audited
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.sources import AccountSource
from orders_sync.settings import Settings
from orders_sync.store import audit_reports, database
from orders_sync.store import requests as store
from orders_sync.store.audit_reports import AuditReport, DifferenceReport
from orders_sync.store.database import Connection
from orders_sync.store.requests import AskedAudit

Number = Annotated[int, typer.Argument(metavar="ID")]

app = typer.Typer(
    help="Compare the platforms' order counts with the tables; list audits, show one, acknowledge what stays.",
    invoke_without_command=True,
)


@app.callback()
def audit(
    typer_context: typer.Context,
    account: options.Accounts = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help=options.START + " [default: the start of the account's history]"),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", help="End, exclusive. [default: as far as the account is synced]"),
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Read the ranges with missing orders.")] = False,
    request: Annotated[bool, typer.Option("--request", help="Have the running service do it now, and return.")] = False,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Compare the platforms' order counts with the tables, down to the orders that differ.

    Exit code 5 if differences remain that nobody acknowledged, 1 if an account could not be compared.
    Results are stored in sync.audits and sync.audit_differences: `orders-sync audit list`, `audit show ID`.
    """
    if typer_context.invoked_subcommand is not None:
        return
    settings = user_settings.load(config) if request else user_settings.load_with_secrets(config)
    sources = account_selection.sources(settings, account)
    first = None if start is None else options.moment(start, "--from")
    last = None if end is None else options.moment(end, "--to")
    if first is not None and last is not None and first >= last:
        raise UsageError(f"--from {start} must be before --to {end}")
    if request:
        requests.audit(settings, account, first, last, repair=repair)
        return
    with databases.opened(settings) as host:
        with host.session() as session:
            account_selection.register(settings, session)
            sources = account_selection.without_paused(session, sources, account)
        host.close()
        results = event_loop.run(_audit(host.url, sources, settings, first, last, repair))
    if json:
        output.print_json([audit_tables.plain(result) for result in results])
    else:
        audit_tables.show(results)
    for result in results:
        if result.beyond:
            output.info(f"{result.account}: {result.beyond}")
        if result.error:
            output.error(result.error)
    are_left_out = account_selection.report_misconfigured(settings, account)
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
    limits = user_settings.limits(settings)
    with bars([each.account.name for each in sources], unit="done") as progress:
        async with (
            user_settings.http_client(settings) as http,
            database.connected(url, size=limits.slots * 2 + len(sources)) as pool,
        ):
            return await actions.run(
                RunContext(pool, http, sources, limits, progress),
                actor.current(),
                sources,
                start,
                end,
                repair=repair,
            )


@app.command("list")
def list_(
    account: options.Account = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those with open differences.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """List the newest audits: what became of each, and how many of its differences are open."""

    async def ask(connection: Connection) -> tuple[list[AuditReport], list[AskedAudit]]:
        reports = await audit_reports.listed(connection, account, limit, only_open=only_open)
        return reports, [] if only_open else await store.audits_asked(connection, account)

    found, asked = databases.ask(user_settings.load(config), ask)
    if json:
        output.print_json([structs.asdict(each) for each in found])
    elif found:
        audit_tables.show_list(found)
    else:
        output.info("no audit has open differences" if only_open else "no audit was made yet: `orders-sync audit`")
    if not json:
        audit_tables.show_asked(asked)


@app.command()
def show(number: Number, config: options.Config = None, json: options.Json = False) -> None:
    """Show an audit, and every order that differed."""

    async def ask(connection: Connection) -> tuple[AuditReport, list[DifferenceReport]] | None:
        return await audit_reports.report(connection, number)

    found = databases.ask(user_settings.load(config), ask)
    if found is None:
        raise actions.unknown(number)
    if json:
        differences = [{**structs.asdict(each), "state": each.state} for each in found[1]]
        output.print_json({**structs.asdict(found[0]), "difference_list": differences})
    else:
        audit_tables.show_report(*found)


@app.command("repair")
def repair_(number: Number, config: options.Config = None) -> None:
    """Have the running service compare the range of an audit again and read what is missing."""
    requests.repair(config, number)


@app.command()
def acknowledge(
    number: Number,
    reason: Annotated[str, typer.Option("--reason", help="Why it may stay so; kept with the differences.")],
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Acknowledge the open differences of an audit: they are no problem any more, and stay in the tables.

    A later audit that finds the same orders takes the acknowledgement over; any other order is a problem again.
    """
    if not reason.strip():
        raise UsageError("--reason must say why")

    count = databases.ask(
        user_settings.load(config),
        lambda connection: actions.acknowledge(connection, actor.current(), number, reason),
    )
    text = f"audit {number}: {count} {'difference' if count == 1 else 'differences'} acknowledged"
    output.report({"audit": number, "acknowledged": count}, text, json)
