"""One process of the service: the parts it runs, how each is kept going, how all of them end.

    scheduler ---plans---> ledger <---reads and commits--- worker
        '------asks------> queue ------takes-----------------^
    web: hooks plan and ask as the scheduler does

A database that goes away ends nothing: every part tries again, with growing pauses, until it is back.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

import httpx
import structlog
from starlette.routing import Route

from orders_sync.domain.errors import EmbeddedError
from orders_sync.engine.calls import Feeder
from orders_sync.engine.draining import Means
from orders_sync.engine.windows import Limits
from orders_sync.service import health, hooks, logs, queue, retention
from orders_sync.service.metrics import Metrics
from orders_sync.service.queue import LOST
from orders_sync.service.reports import Reports
from orders_sync.service.scheduler import Scheduler
from orders_sync.service.troubles import Troubles
from orders_sync.service.web import Server
from orders_sync.service.worker import Worker
from orders_sync.settings import Settings
from orders_sync.store import database
from orders_sync.store.database import Pool

FIRST_PAUSE = 1.0  # seconds between two tries of a part that fails, then twice as long
LONGEST_PAUSE = 15.0
STEADY = 60.0  # seconds after which a part that fails again begins with a short pause
TOGETHER = 0.2  # seconds in which messages of an account gather
WEB_CONNECTIONS = 4  # of its own: workers that hold every connection are no reason to lose a message
STOP_SECONDS = 9.0  # for all parts to end
GARBAGE = 100_000  # objects between two collections: rows come by the ten thousand and hold no cycles

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Parts:
    """What a process runs. `web`: the socket it listens on; `hooks`: it takes messages of the platforms there too."""

    schedules: bool = False
    works: bool = False
    web: socket.socket | None = None
    hooks: bool = False

    def told(self) -> dict[str, object]:
        """In words, for a log line."""
        parts = [name for name, runs in (("scheduler", self.schedules), ("worker", self.works)) if runs]
        if self.web is None:
            return {"parts": parts}
        host, port = self.web.getsockname()[:2]
        return {"parts": [*parts, "web"], "listening": f"http://{host}:{port}"}


class Process:
    """`run` once. `revive` brings an embedded Postgres back; it does nothing where the database is not ours."""

    def __init__(
        self,
        url: str,
        settings: Settings,
        feeders: Sequence[Feeder],
        limits: Limits,
        http: httpx.AsyncClient,
        parts: Parts,
        revive: Callable[[], None],
    ) -> None:
        self._url = url
        self._settings = settings
        self._feeders = feeders
        self._limits = limits
        self._http = http
        self._parts = parts
        self._revive = revive
        self._reviving = asyncio.Lock()
        self._stop = asyncio.Event()
        self._troubles = Troubles()

    async def run(self) -> None:
        """Run the parts until SIGTERM or SIGINT.

        Raises `DatabaseError` when there is no database to begin with, and whatever ends a part that nobody expected:
        better to be started again than to run on with half of the parts.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(logs.note_unhandled)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        connections = self._limits.workers * 2 + 4
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._http)
            pool = await stack.enter_async_context(database.connected(self._url, connections, queue.WAIT_SECONDS))
            jobs = await stack.enter_async_context(queue.opened(self._url))
            metrics = Metrics()
            means = Means(pool, self._http, self._feeders, self._limits, Reports(metrics))
            service = self._settings.service
            scheduler = Scheduler(pool, jobs, self._feeders, service.tick, service.audit)
            gc.set_threshold(GARBAGE)
            running: list[asyncio.Task[None]] = []
            if self._parts.works:
                worker = Worker(means, jobs, self._feeders, service.audit)
                running.append(asyncio.create_task(self._keep("worker", worker.run)))
            if self._parts.schedules:
                self._troubles.watch("scheduler")
                clock = scheduler.start(partial(self._failed, "scheduler"), partial(self._clean, pool))
                stack.callback(clock.shutdown, wait=False)
            if self._parts.web is not None:
                few = await stack.enter_async_context(database.connected(self._url, WEB_CONNECTIONS, 1.0))
                server = Server(self._routes(few, metrics, scheduler))
                running.append(asyncio.create_task(self._serve(server, self._parts.web)))
            log.info("running", accounts=len(self._feeders), **self._parts.told())
            await self._await_end(running)
            log.info("stopping; windows in flight are finished or handed back")
            self._stop.set()
            means.stopping.set()
            for task in running:
                task.cancel()
            ended, _ = await asyncio.wait(running, timeout=STOP_SECONDS) if running else (set(), set())
        log.info("stopped")
        for task in ended:
            if not task.cancelled():
                task.result()

    async def _await_end(self, running: list[asyncio.Task[None]]) -> None:
        """Until a signal comes, or a part ends by itself."""
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()

    async def _serve(self, server: Server, listening: socket.socket) -> None:
        """Serve until cancelled; then requests under way are answered."""
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a part again and again until the process stops."""
        self._troubles.watch(name)
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            began = loop.time()
            try:
                await work()
            except LOST as error:
                await self._failed(name, error)
            if loop.time() - began > STEADY:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _failed(self, name: str, error: Exception) -> None:
        """Note that a part has lost the database, and bring it back if it is ours."""
        cause = error.__cause__ or error
        self._troubles.note(name, cause)
        log.warning("the database is away; tried again", part=name, error=f"{type(cause).__name__}: {cause}".strip())
        async with self._reviving:
            try:
                await asyncio.to_thread(self._revive)
            except EmbeddedError as failure:
                log.error("the embedded Postgres does not come back", error=str(failure))

    async def _clean(self, pool: Pool) -> None:
        if removed := await retention.remove_old(pool, self._settings.retention):
            log.info("what was kept long enough is removed", **removed)

    def _routes(self, pool: Pool, metrics: Metrics, scheduler: Scheduler) -> list[Route]:
        """What the process answers. The gauges of the tables are read by the one that takes hooks: one a service."""
        names = [feeder.account.name for feeder in self._feeders] if self._parts.hooks else None
        routes = health.routes(pool, metrics, self._troubles.lasting, names)
        if self._parts.hooks:
            routes += hooks.routes(pool, self._settings.accounts, partial(self._look_after, scheduler, set()))
        return routes

    async def _look_after(self, scheduler: Scheduler, under_way: set[str], account: str) -> None:
        """A message came. Many at once are looked after together; what is overlooked the next tick finds waiting."""
        if account in under_way:
            return
        under_way.add(account)
        try:
            await asyncio.sleep(TOGETHER)
            with suppress(*LOST):
                await scheduler.plan_alone(account)
        finally:
            under_way.discard(account)
