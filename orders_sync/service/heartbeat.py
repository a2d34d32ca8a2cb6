"""Heartbeats: each process records in the database that it runs, for `status` and whoever else asks what does."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from orders_sync.engine.tasks import check_cancelled
from orders_sync.service.outage import is_connection_loss
from orders_sync.service.queue import CONNECTION_ERRORS
from orders_sync.store import processes
from orders_sync.store.database import Pool
from orders_sync.store.processes import ReportedAccounts

SECONDS = 10.0  # between two heartbeats
RETRY_SECONDS = 0.5  # after a lost connection: whoever asks on reconnect must not find the process silent
REMOVAL_SECONDS = 1.0  # for removing the row at the end: a database that is away must not delay the stop


class Heartbeat:
    """Reports one process until cancelled, then removes its row.

    `fits`: set while the tables are of this version; nothing is written otherwise. `failed` gets what the database
    answers when it refuses a report; one that is away is noticed elsewhere. `accounts`: returns what is to be reported
    of them; `changed`: set when that is other than before.
    """

    def __init__(
        self,
        pool: Pool,
        parts: Sequence[str],
        fits: asyncio.Event,
        failed: Callable[[Exception], Awaitable[None]],
        accounts: Callable[[], ReportedAccounts] = ReportedAccounts,
        changed: asyncio.Event | None = None,
    ) -> None:
        self._pool = pool
        self._parts = parts
        self._fits = fits
        self._failed = failed
        self._accounts = accounts
        self._changed = changed or asyncio.Event()
        self._host, self._pid = socket.gethostname(), os.getpid()
        self.id = f"{self._host}:{self._pid}:{secrets.token_hex(3)}"

    async def run(self) -> None:
        """Report the process every `SECONDS`, sooner when there is news or a database that was away is back.

        Once cancelled, remove its row.
        """
        try:
            while True:
                await self._fits.wait()
                wait = SECONDS
                try:
                    async with self._pool.connection() as connection:
                        self._changed.clear()
                        await processes.report(
                            connection, self.id, self._parts, self._host, self._pid, self._accounts()
                        )
                except CONNECTION_ERRORS as error:
                    if is_connection_loss(error.__cause__ or error):
                        wait = RETRY_SECONDS
                    else:
                        await self._failed(error)
                check_cancelled()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
        finally:
            await self._remove()

    async def _remove(self) -> None:
        """Remove the row, unless the database is away or its tables are of another version."""
        if not self._fits.is_set():
            return
        with suppress(TimeoutError, *CONNECTION_ERRORS):
            async with asyncio.timeout(REMOVAL_SECONDS), self._pool.connection() as connection:
                await processes.remove(connection, self.id)
