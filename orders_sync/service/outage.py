"""Outages of the database: logged once at the beginning, once per minute while they last, and once at the end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import structlog

from orders_sync.service.queue import QueueError

REPEAT_SECONDS = 60.0  # seconds between two log lines during an outage
# SQLSTATE of a server that shuts down, crashed, starts up, or has no connection left
_UNAVAILABLE = ("57P01", "57P02", "57P03", "53300")

log = structlog.get_logger(__name__)


def is_connection_loss(error: BaseException) -> bool:
    """Tell whether the error means that no connection is available, not that a statement failed."""
    if isinstance(error, QueueError):
        return error.__cause__ is None or is_connection_loss(error.__cause__)
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith("08") or error.sqlstate in _UNAVAILABLE


class Outage:
    """The state of the database connection, seen from all components.

    `clock`: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None
        self._last_logged = 0.0
        self._reason = ""
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self._over.set()

    @property
    def is_active(self) -> bool:
        """True from the first failure until a connection was made again."""
        return self._since is not None

    def record_failure(self, component: str, error: BaseException) -> None:
        """Record that a component found no connection, and log it if a line is due."""
        now = self._clock()
        if self._since is None:
            self._since = self._last_logged = now
            self._over.clear()
            self._begun.set()
            log.warning(
                "database unavailable; retrying until it is back", part=component, error=self._error_text(error)
            )
        elif now - self._last_logged >= REPEAT_SECONDS:
            self._last_logged = now
            log.warning("database still unavailable", seconds=round(now - self._since), error=self._error_text(error))

    def end(self) -> None:
        """Record that the database answers."""
        if self._since is not None:
            log.info("database available again", seconds=round(self._clock() - self._since))
            self._since, self._reason = None, ""
            self._over.set()
            self._begun.clear()

    async def wait(self, seconds: float) -> None:
        """Return when the outage is over, or after `seconds` at the latest."""
        await _wait(self._over, seconds)

    async def wait_for_beginning(self, seconds: float) -> None:
        """Return when an outage is active, or after `seconds` at the latest."""
        await _wait(self._begun, seconds)

    @contextmanager
    def capture_pool_logs(self) -> Iterator[None]:
        """While the body runs, take the reason from the pools' own log lines, hundreds per minute, and drop those."""
        logger = logging.getLogger("psycopg.pool")
        handler = _CallbackHandler(self._collect_reason)
        propagates, logger.propagate = logger.propagate, False
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.propagate = propagates

    def _collect_reason(self, record: logging.LogRecord) -> None:
        found = next((each for each in record.args or () if isinstance(each, psycopg.Error)), None)
        if found is not None:
            self._reason = str(found)

    def _error_text(self, error: BaseException) -> str:
        reason = self._reason if isinstance(error, psycopg.OperationalError) and error.sqlstate is None else ""
        return " ".join((reason or f"{type(error).__name__}: {error}").split())


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class _CallbackHandler(logging.Handler):
    def __init__(self, callback: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._callback = callback

    def emit(self, record: logging.LogRecord) -> None:
        self._callback(record)
