"""`orders-sync backfill`: have a range read by hand. Stored first, so that it goes on wherever it was cut off."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from orders_sync.cli import context, output
from orders_sync.cli.progress import range_bars
from orders_sync.cli.sync import show
from orders_sync.domain import schedule
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.local_times import stamp
from orders_sync.domain.sweep_cost import calls_for
from orders_sync.domain.times import duration
from orders_sync.domain.windows import Feed, Window, whole_second
from orders_sync.engine import planner
from orders_sync.engine.page_client import AccountSource
from orders_sync.engine.results import AccountResult
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.sync import drain_all
from orders_sync.settings import Settings
from orders_sync.store import backfills, database, ledger, progress
from orders_sync.store.backfills import Standing
from orders_sync.store.database import Connection

app = typer.Typer(
    help="Request a range of an account to be read, list requests, cancel one.", invoke_without_command=True
)


@dataclass(frozen=True)
class Preview:
    """The calls and time that a backfill of one account would take.

    `seconds` at the configured rate. `history_from`: where the account's history begins, in the tables or else in the
    settings.
    """

    account: str
    window: Window
    standing: Standing
    windows: int
    calls: int
    seconds: float
    history_from: datetime


@app.callback()
def backfill(
    typer_context: typer.Context,
    account: context.Accounts = None,
    platform: Annotated[str | None, typer.Option(help="All accounts of this platform.", show_default=False)] = None,
    start: Annotated[str | None, typer.Option("--from", help=context.START, show_default=False)] = None,
    end: Annotated[str | None, typer.Option("--to", help="End, exclusive. [default: now]", show_default=False)] = None,
    by: Annotated[
        Feed | None, typer.Option(help="The time to list by. [default: the platform's]", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Also read windows that are already complete.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Read it now, instead of in the next sync.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    config: context.Config = None,
    json: context.Json = False,
) -> None:
    """Show the cost of a range, then request it to be read: what is missing or failed, or with --everything all of it.

    `orders-sync backfill list` shows its progress; `backfill cancel ID` ends it after the windows in flight.
    In SQL: SELECT sync.request_backfill('account', '2026-10-01', '2026-11-01').
    """
    if typer_context.invoked_subcommand is not None:
        return
    settings = context.load_with_secrets(config)
    sources = _chosen(settings, account, platform, by)
    if start is None:
        raise UsageError("--from is required, for example --from 2026-10-01")
    window = _range(start, end)
    with context.opened(settings) as url:
        context.settle(settings, url)
        previews = context.run(_preview(url, sources, window, by, everything))
        _show(previews, sources, quiet=json)
        if not any(each.windows for each in previews):
            output.info("nothing to do: the range is complete. --everything reads it again")
            if json:
                output.print_json({"backfills": [], "outcomes": []})
            return
        if not yes:
            context.confirm("Request it?")
        numbers = context.run(_request(url, sources, window, by, everything))
        output.info(
            f"requested as backfill {', '.join(map(str, numbers))}; `orders-sync backfill list` shows its progress"
        )
        outcomes = _read(url, sources, settings) if wait else []
        if not wait:
            output.info("the next `orders-sync sync` reads it; --wait reads it now")
    if json:
        output.print_json({"backfills": numbers, "outcomes": [asdict(outcome) for outcome in outcomes]})
    elif outcomes:
        show(outcomes)
    if any(outcome.errors or outcome.waiting for outcome in outcomes):
        raise typer.Exit(1)


@app.command("list")
def list_(config: context.Config = None, json: context.Json = False) -> None:
    """List all backfills with their progress."""
    with context.opened(context.load(config)) as url:
        found = context.run(context.ask(url, backfills.all_of_them))
    if json:
        output.print_json(found)
        return
    if not found:
        output.info("no backfill has been requested yet: orders-sync backfill --account NAME --from DATE --to DATE")
        return
    columns = ["id", "account", "by", "from", "to", "state", "done", "waiting", "failed", "orders", "left"]
    output.table(
        "Backfills",
        columns,
        [
            (
                str(row["id"]),
                row["account"],
                row["feed"],
                row["starts_at"],
                row["ends_at"],
                row["state"],
                row["done"],
                row["waiting"],
                row["failed"],
                row["orders"],
                "" if row["seconds_left"] is None else duration(row["seconds_left"]),
            )
            for row in found
        ],
        columns[6:],
    )
    for row in found:
        if row["error"]:
            output.error(f"backfill {row['id']} of {row['account']}: {row['error']}")


@app.command()
def cancel(number: Annotated[int, typer.Argument(metavar="ID")], config: context.Config = None) -> None:
    """Cancel a backfill. Windows in flight are finished; stored orders stay."""

    async def end(connection: Connection) -> bool:
        return await backfills.cancel(connection, number)

    with context.opened(context.load(config)) as url:
        if not context.run(context.ask(url, end)):
            raise NotFoundError(f"backfill {number} is not open: see `orders-sync backfill list`")
    output.info(f"backfill {number} is cancelled")


def _chosen(settings: Settings, names: list[str] | None, platform: str | None, by: Feed | None) -> list[AccountSource]:
    sources = [
        each for each in context.sources(settings, names) if platform is None or each.account.platform == platform
    ]
    if names is None and platform is None and len(sources) > 1:
        raise UsageError(
            "which accounts? Give --account NAME, which may be repeated, or --platform NAME for all of a platform"
        )
    if not sources:
        raise NotFoundError(f"no account on {platform}: `orders-sync status` shows the accounts")
    for each in sources:
        if by is not None and by not in each.platform.feeds:
            raise UsageError(
                f"{each.account.name}: {each.platform.name} does not list by {by} time; omit --by, or use --by created"
            )
    return sources


def _range(start: str, end: str | None) -> Window:
    begins = context.moment(start, "--from")
    ends = whole_second(datetime.now(UTC)) if end is None else context.moment(end, "--to")
    if begins >= ends:
        raise UsageError(f"--from {start} must be before --to {end or 'now'}")
    return Window(begins, ends)


async def _preview(
    url: str, sources: list[AccountSource], window: Window, by: Feed | None, everything: bool
) -> list[Preview]:
    async def look(connection: Connection) -> list[Preview]:
        return [await _preview_of(connection, source, window, by, everything) for source in sources]

    return await context.ask(url, look)


async def _preview_of(
    connection: Connection, source: AccountSource, window: Window, by: Feed | None, everything: bool
) -> Preview:
    name, feed = source.account.name, by or source.platform.feed
    parts = [window] if everything else await backfills.unproven(connection, name, feed, window)
    windows = schedule.backfill(parts, datetime.now(UTC), source.policy)
    calls = 0
    for each in windows:
        calls += calls_for(await backfills.known_orders(connection, name, feed, each), source.policy.page_size)
    standing = await backfills.standing(connection, name, feed, window)
    known = await progress.progress(connection, name)
    begins = min(source.policy.history_from, (known and known.history_from) or source.policy.history_from)
    return Preview(name, window, standing, len(windows), calls, calls / source.policy.requests_per_second, begins)


async def _request(
    url: str, sources: list[AccountSource], window: Window, by: Feed | None, everything: bool
) -> list[int]:
    async def store(connection: Connection) -> list[int]:
        numbers = []
        for source in sources:
            name, feed = source.account.name, by or source.platform.feed
            async with connection.transaction():
                await ledger.register(connection, source.account, source.platform.feed)
                numbers.append(await backfills.request(connection, name, feed, window, everything=everything))
                reach = await ledger.reach(connection, name)
                for wish in await backfills.requested(connection, name):
                    await planner.plan_backfill(connection, source, wish, reach.now)
        return numbers

    return await context.ask(url, store)


def _read(url: str, sources: list[AccountSource], settings: Settings) -> list[AccountResult]:
    limits = context.limits(settings)

    async def drain() -> list[AccountResult]:
        async with (
            context.http_client(settings) as http,
            database.connected(url, size=limits.workers * 2 + len(sources)) as pool,
        ):
            names = [each.account.name for each in sources]
            async with pool.connection() as connection:
                ranges = {name: await ledger.seconds_to_read(connection, name) for name in names}
            with range_bars(ranges) as progress:
                return await drain_all(RunContext(pool, http, sources, limits, progress), sources)

    return context.run(drain())


def _show(previews: list[Preview], sources: list[AccountSource], *, quiet: bool) -> None:
    """The table goes to standard output unless a machine reads that."""
    columns = ["account", "from", "to", "complete", "failed", "waiting", "to read", "calls", "time"]
    if not quiet:
        output.table(
            "Windows of the range in the ledger, and the cost of reading the rest",
            columns,
            [
                (
                    each.account,
                    each.window.start,
                    each.window.end,
                    each.standing.complete,
                    each.standing.failed,
                    each.standing.waiting,
                    each.windows,
                    f"about {each.calls}",
                    f"about {duration(int(each.seconds) + 1)}",
                )
                for each in previews
            ],
            columns[3:],
        )
    for source, each in zip(sources, previews, strict=True):
        if each.window.start < each.history_from:
            output.info(
                f"{each.account}: the range starts before the account's history ({stamp(each.history_from)}). "
                "Sweeps keep its orders current like all others, but the daily audit and the completeness in `status` "
                "cover only the history. To include the range, set an earlier history_from"
            )
        furthest = source.platform.furthest_back
        if furthest is not None and each.window.start < datetime.now(UTC) - furthest:
            output.info(
                f"{each.account}: {source.platform.name} is documented to list one month back. Orders before "
                f"{stamp(datetime.now(UTC) - furthest)} are requested all the same, but an empty "
                "result does not prove that there were none"
            )
