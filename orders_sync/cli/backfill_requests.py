"""Start the plan of a backfill, read it at once, or say who will read it."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from orders_sync.cli import account_selection, actor, event_loop, output, prompt, user_settings
from orders_sync.cli.databases import Host
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.cli.progress import range_bars
from orders_sync.engine import service_problems
from orders_sync.engine.actions import backfills as actions
from orders_sync.engine.actions.backfills import Requested
from orders_sync.engine.results import AccountResult
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.sources import AccountSource
from orders_sync.engine.sync import drain_all
from orders_sync.settings import Settings
from orders_sync.store import database, ledger, overview, pauses
from orders_sync.store.database import Connection


def carry_out(
    host: Host, settings: Settings, plan: int, *, dry_run: bool, asks: bool, wait: bool
) -> tuple[Requested | None, list[AccountResult]]:
    """Start the plan of this number, with `wait` read it; return the request and what was read.

    With `asks` a person is asked first. With `dry_run` only the command that starts it is said, and None returned.
    Raises `ChangedError` where another thing would be read than was shown.
    """
    if dry_run:
        output.info(f"nothing was requested: `orders-sync backfill --plan {plan}` starts it within the hour")
        return None, []
    if asks:
        prompt.confirm("Request it?")
    requested = _start(host, settings, plan)
    results = []
    if wait:
        host.close()
        results = _read(host.url, account_selection.sources(settings, requested.accounts), settings)
    output.info(said(requested, host, is_read=wait))
    return requested, results


def exit_if_failed(results: Sequence[AccountResult]) -> None:
    """End the command with exit code 1 where an account was not read completely."""
    if any(each.errors or each.failed_windows for each in results):
        raise typer.Exit(ExitCode.FAILED)


def _start(host: Host, settings: Settings, plan: int) -> Requested:
    sources = account_selection.sources(settings)

    async def ask(connection: Connection) -> Requested:
        return await actions.start(connection, actor.current(), sources, plan)

    return host.ask(ask)


def said(requested: Requested, host: Host, *, is_read: bool) -> str:
    """Say which number the request has, and who reads it."""
    numbers = ", ".join(map(str, requested.backfills))
    text = f"request {requested.number} (backfill {numbers}); `orders-sync backfill list` shows its progress"
    if is_read:
        return text
    names = requested.accounts
    with host.session() as session:
        paused = pauses.active(session, names)
        alive = {part for each in overview.processes(session) if each.is_alive for part in each.parts}
    if paused:
        text += f". Paused accounts wait: {'; '.join(map(str, paused))}"
    if len(paused) == len(names):
        return text
    if alive.issuperset(service_problems.NEEDED):
        return f"{text}. The running service reads it from now on"
    return f"{text}. The next `orders-sync sync` or `run` reads it"


def _read(url: str, sources: list[AccountSource], settings: Settings) -> list[AccountResult]:
    limits = user_settings.limits(settings)

    async def drain() -> list[AccountResult]:
        async with (
            user_settings.http_client(settings) as http,
            database.connected(url, size=limits.slots * 2 + len(sources)) as pool,
        ):
            names = [each.account.name for each in sources]
            async with pool.connection() as connection:
                ranges = {name: await ledger.seconds_to_read(connection, name) for name in names}
            with range_bars(ranges) as progress:
                return await drain_all(RunContext(pool, http, sources, limits, progress), sources)

    return event_loop.run(drain())
