"""Start a plan of a backfill, read it at once, and say who reads it else."""

from __future__ import annotations

from orders_sync.cli import account_selection, actor, databases, event_loop, user_settings
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


def start(url: str, settings: Settings, number: int | None) -> Requested:
    """Start a plan. Raises `ChangedError` where another thing would be read than was shown."""
    assert number is not None
    sources = account_selection.sources(settings)

    async def ask(connection: Connection) -> Requested:
        return await actions.start(connection, actor.current(), sources, number)

    return event_loop.run(databases.ask(url, ask))


def said(requested: Requested, url: str, *, is_read: bool) -> str:
    """Say which number the request has, and who reads it."""
    numbers = ", ".join(map(str, requested.backfills))
    text = f"request {requested.number} (backfill {numbers}); `orders-sync backfill list` shows its progress"
    if is_read:
        return text
    names = requested.accounts
    with database.session(url) as connection:
        paused = pauses.active(connection, names)
        alive = {part for each in overview.processes(connection) if each.is_alive for part in each.parts}
    if paused:
        text += f". Paused accounts wait: {'; '.join(map(str, paused))}"
    if len(paused) == len(names):
        return text
    if alive.issuperset(service_problems.NEEDED):
        return f"{text}. The running service reads it from now on"
    return f"{text}. The next `orders-sync sync` or `run` reads it; --wait reads it now"


def read(url: str, sources: list[AccountSource], settings: Settings) -> list[AccountResult]:
    """Read what is planned for these accounts."""
    limits = user_settings.limits(settings)

    async def drain() -> list[AccountResult]:
        async with (
            user_settings.http_client(settings) as http,
            database.connected(url, size=limits.workers * 2 + len(sources)) as pool,
        ):
            names = [each.account.name for each in sources]
            async with pool.connection() as connection:
                ranges = {name: await ledger.seconds_to_read(connection, name) for name in names}
            with range_bars(ranges) as progress:
                return await drain_all(RunContext(pool, http, sources, limits, progress), sources)

    return event_loop.run(drain())
