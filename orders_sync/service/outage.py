"""An outage of the database: reported once when it begins, once a minute while it lasts, once when it is over."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import structlog

from orders_sync.service.queue import Failure

AGAIN = 60.0  # seconds between two lines while it lasts
# the server shuts down, crashed, starts up, or has no connection left; beside those a driver raises without any state
_AWAY = ("57P01", "57P02", "57P03", "53300")

log = structlog.get_logger(__name__)


def is_away(error: BaseException) -> bool:
    """Return whether the error means that there is no connection to be had, and not that a statement failed."""
    if isinstance(error, Failure):
        return error.__cause__ is None or is_away(error.__cause__)
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith("08") or error.sqlstate in _AWAY


class Outage:
    """`clock`: seconds, any beginning."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None
        self._said = 0.0
        self._reason = ""
        self._over = asyncio.Event()
        self._over.set()

    @property
    def is_on(self) -> bool:
        return self._since is not None

    def note(self, part: str, error: BaseException) -> None:
        """A part of the process found no connection."""
        now = self._clock()
        if self._since is None:
            self._since = self._said = now
            self._over.clear()
            log.warning("the database is away; it is tried again until it is back", part=part, error=self._words(error))
        elif now - self._said >= AGAIN:
            self._said = now
            log.warning("the database is still away", seconds=round(now - self._since), error=self._words(error))

    def end(self) -> None:
        """The database answers."""
        if self._since is not None:
            log.info("the database is back", seconds=round(self._clock() - self._since))
            self._since, self._reason = None, ""
            self._over.set()

    async def wait(self, seconds: float) -> None:
        """Return when it is over, after so many seconds at the latest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    @contextmanager
    def hears_pools(self) -> Iterator[None]:
        """While the body runs, a pool's own lines, hundreds a minute, become the reason in these."""
        logger = logging.getLogger("psycopg.pool")
        handler = _Listener(self._hear)
        propagates, logger.propagate = logger.propagate, False
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.propagate = propagates

    def _hear(self, record: logging.LogRecord) -> None:
        found = next((each for each in record.args or () if isinstance(each, psycopg.Error)), None)
        if found is not None:
            self._reason = str(found)

    def _words(self, error: BaseException) -> str:
        reason = self._reason if isinstance(error, psycopg.OperationalError) and error.sqlstate is None else ""
        return " ".join((reason or f"{type(error).__name__}: {error}").split())


class _Listener(logging.Handler):
    def __init__(self, hear: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(record)
