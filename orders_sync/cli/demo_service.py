"""`orders-sync demo --serve`: living simulated platforms, the service and the console in one process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta

from orders_sync.cli import actor, event_loop, output, user_settings
from orders_sync.cli.databases import Host
from orders_sync.console import passwords
from orders_sync.domain import local_times
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import DatabaseError
from orders_sync.engine.actions import accounts
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.sources import AccountSource
from orders_sync.sandbox import Sandbox, SandboxTransport
from orders_sync.service import logs
from orders_sync.service.app import Service
from orders_sync.service.components import Components
from orders_sync.settings import Settings
from orders_sync.settings.models import LogSettings
from orders_sync.store import activity, console_access, demo_data
from orders_sync.store.database import Connection
from orders_sync.store.order_numbers import OrderKey

PERSON = "demo"
CHANGES_PER_SECOND = 1.0
PAUSED_FOR = timedelta(hours=1)
PAUSED_BECAUSE = "for practice, made by the demo / 演练用，由演示生成"
LOOK_EVERY = 5.0  # seconds


def serve(
    host: Host, settings: Settings, sandbox: Sandbox, sources: Sequence[AccountSource], console: socket.socket
) -> None:
    """Keep the sandbox living, its orders current and the console served, until Ctrl-C or SIGTERM.

    `console`: the listening socket of the console.
    """
    token = passwords.new_token()

    async def add(connection: Connection) -> None:
        async with connection.transaction():
            hashed = passwords.hashed(token)
            await console_access.put(connection, PERSON, hashed, may_act=True, may_see_personal_data=True)
            details = {"may_act": True, "may_see_persons": True}
            await activity.record(connection, actor.current(), Action.PERSON_ADD, subject=PERSON, details=details)

    host.ask(add)
    practice, lost = _prepare_practice(host, settings)
    host.close()
    logs.configure(LogSettings(level="error"), set())
    address, port = console.getsockname()[:2]
    output.say("")
    output.say(f"The console: http://{address}:{port}/   name: {PERSON}   token: {token}")
    for line in practice:
        output.say(line)
    output.say("Simulated shops sell, ship and refund meanwhile, and their orders land here. Ctrl-C ends it.")
    http = user_settings.http_client(settings, SandboxTransport(sandbox.app))
    components = Components(schedules=True, works=True, hooks=True, console=console)
    service = Service(host.url, settings, sources, Limits(), http, components, host.revive)
    event_loop.run(_run(service, sandbox, _lose(host, lost) if lost else None))


def _prepare_practice(host: Host, settings: Settings) -> tuple[list[str], OrderKey | None]:
    """Make something to see to, after the orders were verified: rejects, a paused shop, and later a missing order.

    Return what to say of it, and the order.
    """
    until = datetime.now(UTC).replace(microsecond=0) + PAUSED_FOR
    name = settings.accounts[-1].name

    async def pause(connection: Connection) -> None:
        await accounts.pause(connection, actor.current(), settings.listed, name, PAUSED_BECAUSE, until)

    with host.session() as session:
        rejects, lost = demo_data.make_rejects(session)
    host.ask(pause)
    lines = ["For practice, made by the demo and by no platform:"]
    if rejects:
        lines.append(f"  {rejects} rejects of orders taken out of the tables (Rejects: Replay brings them back)")
    if lost:
        text = "taken out of the tables after the first audit, in a minute (Audits: Audit now finds it and reads it)"
        lines.append(f"  order {lost.order_id}, {text}")
    return [*lines, f"  {name} is paused until {local_times.shown(until)} (its page: Resume)"], lost


async def _lose(host: Host, key: OrderKey) -> None:
    """Take the order out of the tables once its shop was audited."""

    def ask() -> bool:
        try:
            with host.session() as session:
                return demo_data.lose(session, key)
        except DatabaseError:
            return False

    while not await asyncio.to_thread(ask):  # noqa: ASYNC110 - only the tables tell it
        await asyncio.sleep(LOOK_EVERY)


async def _run(service: Service, sandbox: Sandbox, practice: Coroutine[None, None, None] | None) -> None:
    sandbox.live_mode.start(CHANGES_PER_SECOND)
    losing = asyncio.create_task(practice) if practice else None
    try:
        await service.run()
    finally:
        if losing:
            losing.cancel()
        await sandbox.live_mode.stop()
