"""`orders-sync backfill`: have a range read by hand. Stored first, so that it goes on wherever it was cut off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from orders_sync.cli import (
    account_selection,
    actor,
    backfill_orders,
    backfill_requests,
    backfill_tables,
    databases,
    options,
    output,
    user_settings,
)
from orders_sync.cli.databases import Host
from orders_sync.cli.sync import show
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.ledger import BackfillState
from orders_sync.domain.windows import Feed, Window, whole_second
from orders_sync.engine.actions import backfills as actions
from orders_sync.engine.actions.backfills import Requested
from orders_sync.engine.backfill import BackfillPreview, must_list_by, preview
from orders_sync.engine.results import AccountResult
from orders_sync.engine.sources import AccountSource
from orders_sync.settings import Settings
from orders_sync.store import backfills
from orders_sync.store.database import Connection

MOST = 50  # requests that `list` shows where --limit says nothing else

app = typer.Typer(
    help="Request that accounts read a range again or for the first time, list requests, cancel one.",
    invoke_without_command=True,
)


@app.callback()
def backfill(
    typer_context: typer.Context,
    account: options.Accounts = None,
    platform: Annotated[
        str | None,
        typer.Option(help="All accounts of this platform.", show_default=False, autocompletion=options.platform_names),
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help=options.START, show_default=False)] = None,
    end: Annotated[str | None, typer.Option("--to", help="End, exclusive. [default: now]", show_default=False)] = None,
    by: Annotated[
        Feed | None, typer.Option(help="The time to list by. [default: the platform's]", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Also read windows that are already complete.")
    ] = False,
    orders: Annotated[
        list[str] | None,
        typer.Option(
            "--orders",
            metavar="NUMBERS",
            help="Read single orders, by any of their numbers as pasted; - reads them from standard input.",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[
        int | None, typer.Option("--plan", help="Start what a dry run has shown, by its number.", show_default=False)
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Read it now, instead of in the next sync.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what it would cost, as a plan for --plan.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Show the cost of a range, then request it to be read: what is missing or failed, or with --everything all of it.

    One request for all accounts. `orders-sync backfill list` shows its progress; `backfill cancel --request N` ends it
    after the windows in flight. --dry-run gives the plan a number: --plan NUMBER starts exactly that within an hour,
    and is refused when something else would be read by then. With --json nothing is asked: without
    --yes or --plan it is a dry run.
    --orders reads single orders: the second each was created in, for no platform can be asked for a number.
    In SQL: SELECT sync.request_backfill('account', '2026-10-01', '2026-11-01').
    """
    if typer_context.invoked_subcommand is not None:
        return
    settings = user_settings.load_with_secrets(config)
    if orders:
        if account or platform or start or end or by or everything or plan is not None:
            raise UsageError("--orders names the orders: it takes no range, no accounts and no --plan")
        backfill_orders.run(settings, orders, wait=wait, dry_run=dry_run, yes=yes, as_json=json)
        return
    if plan is not None and (account or platform or start or end or by or everything or dry_run):
        raise UsageError("--plan starts what was shown: it takes no range, no accounts and no --dry-run")
    requested: Requested | None = None
    outcomes: list[AccountResult] = []
    shown, asked = None, None
    if plan is None:
        asked = _chosen(settings, account, platform, by), _range(start, end)
    with databases.opened(settings) as host:
        with host.session() as session:
            account_selection.register(settings, session)
        if asked is not None:
            shown = _preview(host, *asked, by, everything)
            plan = shown.plan if any(each.windows for each in shown.previews) else None
            _show(shown, json)
        if plan is None:
            output.info("nothing to do: the range is complete. --everything reads it again")
        else:
            only_shown = shown is not None and (dry_run or (json and not yes))
            asks = shown is not None and not yes
            requested, outcomes = backfill_requests.carry_out(
                host, settings, plan, dry_run=only_shown, asks=asks, wait=wait
            )
    if json:
        output.print_json(backfill_tables.plain(shown, requested, outcomes))
    elif outcomes:
        show(outcomes)
    backfill_requests.exit_if_failed(outcomes)


def _preview(
    host: Host, sources: list[AccountSource], window: Window, by: Feed | None, everything: bool
) -> BackfillPreview:
    """Plan a range and return what there is to show of it."""

    async def ask(connection: Connection) -> BackfillPreview:
        return await preview(connection, sources, window, by, datetime.now(UTC), everything=everything)

    return host.ask(ask)


def _show(shown: BackfillPreview, as_json: bool) -> None:
    if not as_json:
        backfill_tables.show_preview(shown)
    for each in shown.previews:
        for remark in each.remarks:
            output.info(f"{each.account}: {remark}")


@app.command("list")
def list_(
    account: options.Account = None,
    state: Annotated[BackfillState | None, typer.Option("--state", help="Only in this state.")] = None,
    request: Annotated[
        int | None, typer.Option("--request", help="Only this request, account by account.", show_default=False)
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many requests.")] = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """List the newest requests with their progress; with --request or --account backfill by backfill.

    With --json always backfill by backfill, each with its request_id.
    """
    most = limit or (None if json else MOST)

    async def ask(connection: Connection) -> list[dict[str, Any]]:
        return await backfills.listed(connection, account, state, request, most)

    found = databases.ask(user_settings.load(config), ask)
    if json:
        output.print_json(found)
    elif not found and not (account or state or request):
        output.info("no backfill has been requested yet: `orders-sync backfill --account NAME --from DATE --to DATE`")
    elif not found:
        output.info("no backfill fits: `orders-sync backfill list` lists all of them")
    else:
        backfill_tables.show_list(found, one_by_one=bool(account or request))


@app.command()
def again(
    request: Annotated[int, typer.Argument(metavar="REQUEST")],
    config: options.Config = None,
) -> None:
    """Request again what is not complete of the range of a request, as a new request for the same accounts."""
    settings = user_settings.load_with_secrets(config)
    sources = account_selection.sources(settings)

    async def ask(connection: Connection) -> Requested:
        return await actions.again(connection, actor.current(), sources, request, datetime.now(UTC))

    with databases.opened(settings) as host:
        with host.session() as session:
            account_selection.register(settings, session)
        requested = host.ask(ask)
        output.info(backfill_requests.said(requested, host, is_read=False))


@app.command()
def cancel(
    number: Annotated[int | None, typer.Argument(metavar="[ID]", show_default=False)] = None,
    request: Annotated[
        int | None, typer.Option("--request", help="All that is open of this request.", show_default=False)
    ] = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Cancel a backfill, or with --request all of a request.

    A window in flight is read to its end; one that fails is not read again. Stored orders stay.
    """
    if (number is None) == (request is None):
        raise UsageError("which backfill? Give its ID, or --request with the number of a request")

    is_request = request is not None
    asked = number if request is None else request
    assert asked is not None  # one of them is given
    what = f"{'request' if is_request else 'backfill'} {asked}"
    cancelled = databases.ask(
        user_settings.load(config),
        lambda connection: actions.cancel(connection, actor.current(), asked, whole_request=is_request),
    )
    count = cancelled.count
    text = f"{what} is cancelled{f': {count} backfills' if count > 1 else ''}"
    output.report({"backfill": number, "request": request, "cancelled": count}, text, json)


def _chosen(settings: Settings, names: list[str] | None, platform: str | None, by: Feed | None) -> list[AccountSource]:
    sources = [
        each
        for each in account_selection.sources(settings, names)
        if platform is None or each.account.platform == platform
    ]
    if names is None and platform is None and len(sources) > 1:
        raise UsageError(
            "which accounts? Give --account NAME, which may be repeated, or --platform NAME for all of a platform"
        )
    if not sources:
        raise NotFoundError(f"no account on {platform}: `orders-sync status` shows the accounts")
    for each in sources:
        must_list_by(each, by or each.platform.feed)
    return sources


def _range(start: str | None, end: str | None) -> Window:
    if start is None:
        raise UsageError("--from is required, for example --from 2026-10-01")
    begins = options.moment(start, "--from")
    ends = whole_second(datetime.now(UTC)) if end is None else options.moment(end, "--to")
    if begins >= ends:
        text = f"--from {start} must be before --to {end or 'now'}"
        raise UsageError(f"{text}: the end is not included, so give the day after the last one" if end else text)
    if begins >= datetime.now(UTC):
        raise UsageError(f"--from {start} lies in the future: nothing of the range can be read yet")
    return Window(begins, ends)
