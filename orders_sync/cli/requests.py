"""Ask the running service to read or audit accounts now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from orders_sync.cli import account_selection, actor, databases, output, user_settings
from orders_sync.cli.databases import Host
from orders_sync.domain.activity import Actor
from orders_sync.engine import service_problems
from orders_sync.engine.actions import accounts, audits
from orders_sync.settings import Settings
from orders_sync.store import overview
from orders_sync.store.database import Connection

Ask = Callable[[Connection, Actor, str], Awaitable[int]]


def sync(settings: Settings, names: list[str] | None) -> None:
    """Ask for these accounts, or all of the settings, to be read now."""
    _request(settings, names, accounts.sync_now, "read")


def audit(
    settings: Settings, names: list[str] | None, start: datetime | None, end: datetime | None, *, repair: bool
) -> None:
    """Ask for an audit of these accounts, or all of the settings."""

    async def ask(connection: Connection, who: Actor, name: str) -> int:
        return await audits.request(connection, who, name, start, end, repair=repair)

    _request(settings, names, ask, "audited")


def repair(config: Path | None, number: int) -> None:
    """Ask for the range of an audit to be compared again and what is missing to be read."""
    with databases.opened(user_settings.load(config)) as host:
        host.ask(lambda connection: audits.repair(connection, actor.current(), number))
        output.info(f"the range of audit {number} is compared and repaired {_by_whom(host)}")


def _request(settings: Settings, names: list[str] | None, ask: Ask, done: str) -> None:
    sources = account_selection.sources(settings, names)
    with databases.opened(settings) as host:
        with host.session() as session:
            account_selection.register(settings, session)
            sources = account_selection.without_paused(session, sources, names)
        chosen = [each.account.name for each in sources]

        async def ask_all(connection: Connection) -> None:
            async with connection.transaction():
                for name in sorted(chosen):
                    await ask(connection, actor.current(), name)

        host.ask(ask_all)
        output.info(f"{', '.join(chosen)}: {done} {_by_whom(host)}")


def _by_whom(host: Host) -> str:
    with host.session() as session:
        alive = {part for each in overview.processes(session) if each.is_alive for part in each.parts}
    if alive.issuperset(service_problems.NEEDED):
        return "now by the running service"
    return "once `orders-sync run` runs: no scheduler and worker are running"
