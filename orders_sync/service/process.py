"""One process of the service: the parts it runs, how each is kept going, how all of them end.

    scheduler ---plans---> ledger <---reads and commits--- worker
        '------asks------> queue ------takes-----------------^
    web: hooks plan and ask as the scheduler does

A database that goes away ends nothing: every part tries again, with growing pauses, until it is back.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

import httpx
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from starlette.routing import Route

from orders_sync.domain.errors import EmbeddedError
from orders_sync.engine.calls import Feeder
from orders_sync.engine.draining import Means
from orders_sync.engine.windows import Limits
from orders_sync.service import health, hooks, logs, queue, retention
from orders_sync.service import outage as outages
from orders_sync.service.liveness import Liveness
from orders_sync.service.metrics import Metrics
from orders_sync.service.outage import Outage
from orders_sync.service.queue import LOST
from orders_sync.service.repeats import Repeats
from orders_sync.service.reports import Reports
from orders_sync.service.scheduler import Scheduler
from orders_sync.service.troubles import Troubles
from orders_sync.service.web import Server
from orders_sync.service.worker import Worker
from orders_sync.settings import Settings
from orders_sync.store import database, messages, schema, vitals
from orders_sync.store.database import Pool

FIRST_PAUSE = 1.0  # seconds between two tries of a part that fails, then twice as long
LONGEST_PAUSE = 15.0
PROBE_SECONDS = 1.0  # between two questions whether the database is back
WATCH_SECONDS = 5.0  # and whether it is still there, with the tables of this version
STEADY = 60.0  # seconds after which a part that fails again begins with a short pause
TOGETHER = 0.2  # seconds in which messages of an account gather
WEB_CONNECTIONS = 4  # of its own: workers that hold every connection are no reason to lose a message
STOP_SECONDS = 9.0  # for all parts to end

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
        self._outage = Outage()
        self._liveness = Liveness()
        self._repeats = Repeats()
        self._mismatch: str | None = None  # what is wrong with the tables' version: nothing is done meanwhile
        self._fits = asyncio.Event()
        self._fits.set()
        self._misfits = asyncio.Event()

    async def run(self) -> None:
        """Run the parts until SIGTERM or SIGINT.

        Raises `DatabaseError` when there is no database to begin with, and whatever ends a part that nobody expected:
        better to be started again than to run on with half of the parts.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(logs.note_unhandled)
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as the parent wants it (`nohup`, `&`)
                loop.add_signal_handler(number, self._stop.set)
        connections = self._limits.workers * 2 + 4
        async with AsyncExitStack() as stack:
            stack.enter_context(self._outage.hears_pools())
            await stack.enter_async_context(self._http)
            pool = await stack.enter_async_context(database.connected(self._url, connections, queue.WAIT_SECONDS))
            jobs = await stack.enter_async_context(queue.opened(self._url))
            metrics = Metrics()
            means = Means(pool, self._http, self._feeders, self._limits, Reports(metrics, self._liveness))
            service = self._settings.service
            scheduler = Scheduler(pool, jobs, self._feeders, service.tick, service.audit, self._liveness)
            running: list[asyncio.Task[None]] = []
            clock: AsyncIOScheduler | None = None
            self._liveness.watch(schedules=self._parts.schedules, works=self._parts.works)
            if self._parts.works:
                worker = Worker(means, jobs, self._feeders, service.audit, self._liveness, self._outage.note)
                running.append(asyncio.create_task(self._keep("worker", worker.run)))
            if self._parts.schedules:
                self._troubles.watch("scheduler")
                clock = scheduler.start(partial(self._failed, "scheduler"), partial(self._clean, pool))
                stack.callback(clock.shutdown, wait=False)
            if self._parts.web is not None:
                few = await stack.enter_async_context(database.connected(self._url, WEB_CONNECTIONS, 1.0))
                server = Server(self._routes(few, metrics, scheduler))
                running.append(asyncio.create_task(self._serve(server, self._parts.web)))
            running.append(asyncio.create_task(self._watch(pool, clock)))
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
            await self._fits.wait()
            try:
                await self._until_misfit(work)
            except LOST as error:
                await self._failed(name, error)
            if loop.time() - began > STEADY:
                pause = FIRST_PAUSE
            if self._outage.is_on:
                await self._outage.wait(LONGEST_PAUSE)
                continue
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _until_misfit(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a part to its end, or until the tables turn out to be of another version: then it is cancelled."""
        working = asyncio.ensure_future(work())
        misfit = asyncio.create_task(self._misfits.wait())
        try:
            await asyncio.wait([working, misfit], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            misfit.cancel()
            if not working.done():
                working.cancel()
                with suppress(asyncio.CancelledError, *LOST):
                    await working

    async def _watch(self, pool: Pool, clock: AsyncIOScheduler | None) -> None:
        """Ask the database every few seconds, more often while it is away: does it answer, with whose tables, and how
        long does a job wait?"""
        while True:
            try:
                async with pool.connection() as connection:
                    self._hold_to(schema.mismatch(await schema.revision_of(connection)), clock)
                    if self._mismatch is None:
                        self._liveness.job_waits(await vitals.oldest_job(connection))
                self._outage.end()
            except LOST as error:
                await self._failed("watch", error)
            if self._outage.is_on or self._mismatch is not None:
                self._liveness.excuse()
            await asyncio.sleep(PROBE_SECONDS if self._outage.is_on else WATCH_SECONDS)

    def _hold_to(self, mismatch: str | None, clock: AsyncIOScheduler | None) -> None:
        """Stop planning and reading while the tables are of another version; a program must not write into those."""
        if mismatch == self._mismatch:
            return
        self._mismatch = mismatch
        if mismatch is None:
            log.info("the tables are of this program's version again; it goes on")
        else:
            log.error(f"{mismatch}. Nothing is planned or read meanwhile")
        for event, is_set in ((self._fits, mismatch is None), (self._misfits, mismatch is not None)):
            event.set() if is_set else event.clear()
        if clock is not None:
            clock.resume() if mismatch is None else clock.pause()

    async def _failed(self, name: str, error: Exception) -> None:
        """Note that a part has lost the database, and bring it back if it is ours. Whatever else the database refuses
        is the part's own trouble."""
        cause = error.__cause__ or error
        if not outages.is_away(cause):
            self._troubles.note(name, cause)
            if (others := self._repeats.count((name, type(cause)))) is not None:
                words = f"{type(cause).__name__}: {cause}".strip()
                log.error("the database refuses what is asked; tried again", part=name, error=words, since_last=others)
            return
        self._outage.note(name, cause)
        async with self._reviving:
            try:
                await asyncio.to_thread(self._revive)
            except EmbeddedError as failure:
                log.error("the embedded Postgres does not come back", error=str(failure))

    async def _clean(self, pool: Pool) -> None:
        if removed := await retention.remove_old(pool, self._settings.retention):
            log.info("what was kept long enough is removed", **removed)
        async with pool.connection() as connection:
            for account, count, number in await messages.note_never_listed(connection):
                log.warning(
                    "messages named orders that no list has brought", account=account, messages=count, example=number
                )

    def _routes(self, pool: Pool, metrics: Metrics, scheduler: Scheduler) -> list[Route]:
        """What the process answers. The gauges of the tables are read by the one that takes hooks: one a service."""
        names = [feeder.account.name for feeder in self._feeders] if self._parts.hooks else None
        routes = health.routes(pool, metrics, self._state, names, self._liveness)
        if self._parts.hooks:
            limits = hooks.Limits(self._settings.service.messages_per_minute, self._fits.is_set, metrics.hook_refused)
            planned = partial(self._look_after, scheduler, set())
            routes += hooks.routes(pool, self._settings.accounts, planned, limits)
        return routes

    def _state(self) -> dict[str, str | None]:
        """By part: None while it is well, else what has been wrong with it for long."""
        late = self._liveness.late()
        return late | {name: told or late.get(name) for name, told in self._troubles.lasting().items()}

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
