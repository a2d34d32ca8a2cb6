"""Hold components back while the tables are of another version than this program: they must not be written to then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from orders_sync.service.queue import CONNECTION_ERRORS

log = structlog.get_logger(__name__)


class SchemaGate:
    """Open while the tables are of this program's version.

    `mismatch`: why it is closed, None while it is open. `working`: how many calls of `run` are at work.
    """

    def __init__(self) -> None:
        self.mismatch: str | None = None
        self.working = 0
        self.opened = asyncio.Event()
        self.opened.set()
        self._closed = asyncio.Event()

    def update(self, mismatch: str | None) -> bool:
        """Open or close the gate. Return whether that changed it."""
        if mismatch == self.mismatch:
            return False
        self.mismatch = mismatch
        if mismatch is None:
            log.info("the tables are of this program's version again; resuming")
            self._closed.clear()
            self.opened.set()
        else:
            log.error(f"{mismatch}. Nothing is planned or read meanwhile")
            self.opened.clear()
            self._closed.set()
        return True

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` to its end as soon as the gate is open; cancel it when the gate closes."""
        await self.opened.wait()
        self.working += 1
        working = asyncio.ensure_future(work())
        closed = asyncio.create_task(self._closed.wait())
        try:
            await asyncio.wait([working, closed], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            closed.cancel()
            if not working.done():
                working.cancel()
                with suppress(asyncio.CancelledError, *CONNECTION_ERRORS):
                    await working
            self.working -= 1
