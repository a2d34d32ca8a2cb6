"""People who may log in to the console, as commands and the first start add them."""

from __future__ import annotations

import socket
import sys

import structlog

from orders_sync.cli import actor
from orders_sync.cli.databases import Host
from orders_sync.cli.output import info
from orders_sync.console import passwords
from orders_sync.domain.activity import Action
from orders_sync.settings import Settings
from orders_sync.store import activity, console_access
from orders_sync.store.database import Connection

FIRST = "admin"

log = structlog.get_logger(__name__)


def welcome(host: Host, settings: Settings, listening: socket.socket) -> None:
    """Add the first person with a token, which is printed once; where no person reads that, say how to get one."""
    name, port = listening.getsockname()[:2]
    address = settings.console.url or f"http://{name}:{port}{settings.console.base_path}/"
    if settings.console.user_header:
        return
    if not sys.stderr.isatty():
        if not host.ask(console_access.exists):
            log.info(
                "nobody may log in to the console yet: `orders-sync console token` on this machine", console=address
            )
        return
    token = passwords.new_token()

    async def add(connection: Connection) -> bool:
        async with connection.transaction():
            if is_first := await console_access.add_first(connection, FIRST, passwords.hashed(token)):
                await activity.record(connection, actor.current(), Action.PERSON_ADD, subject=FIRST)
        return is_first

    if host.ask(add):
        info(f"console: {address}  name: {FIRST}  token: {token}  (shown once; another: `orders-sync console token`)")
