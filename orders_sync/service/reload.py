"""Reading the settings again without a restart: asked for by a signal, taken by the service when it can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx
import structlog

from orders_sync.domain.errors import OrdersSyncError
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.sources import AccountSource
from orders_sync.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Configuration:
    """The values that a process takes from its settings. `http`: a client for the addresses of all accounts."""

    settings: Settings
    sources: Sequence[AccountSource]
    limits: Limits
    http: httpx.AsyncClient

    def needs_restart(self, now: Settings) -> list[str]:
        """Return what differs from the settings as they are now and takes effect in a new process only."""
        pairs = {
            "[database]": (self.settings.database, now.database),
            "[service] listen": (self.settings.service.listen, now.service.listen),
        }
        return [name for name, (new, old) in pairs.items() if new != old]


class Reload:
    """`load` reads the settings, in a thread; raises `OrdersSyncError`."""

    def __init__(self, load: Callable[[], Configuration]) -> None:
        self._load = load
        self._is_requested = False
        self._wake: Callable[[], object] = lambda: None

    def request(self) -> None:
        """Ask for it, from a signal handler. A request that nobody waits for yet is taken later."""
        self._is_requested = True
        self._wake()

    async def next(self, now: Settings) -> Configuration:
        """Wait for a request and return what was read. Settings that cannot be used are logged and left alone."""
        while True:
            await self._requested()
            try:
                configuration = await asyncio.to_thread(self._load)
            except OrdersSyncError as error:
                text = " | ".join(str(error).splitlines())
                log.error("the settings cannot be read again; those read before stay in use", error=text)
                continue
            if keys := configuration.needs_restart(now):
                log.warning("settings changed that take effect after a restart only", keys=keys)
            return configuration

    async def _requested(self) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(woken.set)
        try:
            if not self._is_requested:
                await woken.wait()
        finally:
            self._wake = lambda: None
        self._is_requested = False
