"""One process of the service: its components, their supervision, and how all of them stop.

    scheduler ---plans---> ledger <---reads and commits--- worker
        '------asks------> queue ------takes-----------------^
    web: hooks plan and ask as the scheduler does

An outage of the database ends nothing: every component retries, after growing delays, until it is over.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from itertools import starmap

import httpx
import msgspec
import structlog
from starlette.applications import Starlette
from starlette.routing import Route

from orders_sync.console import app as console
from orders_sync.console.site import Site
from orders_sync.domain.errors import DatabaseError, EmbeddedError
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.sources import AccountSource
from orders_sync.engine.tasks import check_cancelled
from orders_sync.service import health, hooks, logs, queue, retention
from orders_sync.service import outage as outages
from orders_sync.service.channels import open_channels
from orders_sync.service.component_health import ComponentHealth
from orders_sync.service.components import Components
from orders_sync.service.heartbeat import Heartbeat
from orders_sync.service.liveness import Liveness
from orders_sync.service.log_throttle import LogThrottle
from orders_sync.service.metrics import Metrics
from orders_sync.service.notifier import Notifier
from orders_sync.service.outage import Outage
from orders_sync.service.progress_log import LoggingProgress
from orders_sync.service.queue import CONNECTION_ERRORS
from orders_sync.service.reload import Configuration, Reload
from orders_sync.service.scheduler import Scheduler
from orders_sync.service.schema_gate import SchemaGate
from orders_sync.service.web import Server
from orders_sync.service.worker import Worker
from orders_sync.settings import Settings
from orders_sync.store import database, messages, overview, schema, service_metrics
from orders_sync.store.database import Pool
from orders_sync.store.processes import ReportedAccounts

FIRST_DELAY = 1.0  # seconds between two starts of a failing component, doubled each time
LONGEST_DELAY = 15.0
PROBE_SECONDS = 1.0  # between two probes during an outage
WATCH_SECONDS = 5.0  # between two checks of connection and schema version
STABLE_SECONDS = 60.0  # a component that ran this long retries with `FIRST_DELAY` again
WEB_CONNECTIONS = 4  # a pool of its own, so that busy workers cost no message
CONSOLE_CONNECTIONS = 8
CONSOLE_WAIT = 2.0  # seconds for a connection, then a page says that the database does not answer
STOP_SECONDS = 9.0  # for all components to end
# after the start: a process that was killed just before, with accounts that are in no settings now, is silent then
REGISTER_SECONDS = 2.0 * overview.ALIVE_SECONDS

log = structlog.get_logger(__name__)


class Service:
    """A process of the service. `revive` restarts the embedded Postgres and does nothing for any other database.

    `register_again`: records accounts that are in the settings of no process any more; runs in a thread.
    """

    def __init__(
        self,
        url: str,
        settings: Settings,
        sources: Sequence[AccountSource],
        limits: Limits,
        http: httpx.AsyncClient,
        components: Components,
        revive: Callable[[], None],
        reload: Reload | None = None,
        register_again: Callable[[], None] = lambda: None,
    ) -> None:
        self._url = url
        self._reload = reload
        self._register_again = register_again
        self._settings = settings
        self._sources = sources
        self._limits = limits
        self._http = http
        self._components = components
        self._revive = revive
        self._reviving = asyncio.Lock()
        self._stop = asyncio.Event()
        self._is_signalled = False
        self._health = ComponentHealth()
        self._outage = Outage()
        self._liveness = Liveness()
        self._throttle = LogThrottle()
        self._gate = SchemaGate()

    async def run(self) -> Configuration | None:
        """Run the components until SIGTERM or SIGINT, or until other settings are to be used. Call once.

        Return those settings, None after a signal. Windows in flight are finished or released before that; the HTTP
        side answers meanwhile.

        Raises `DatabaseError` when there is no database at the start, and any unexpected error of a component: a
        restart is better than running on without it.
        """
        self._listen_for_signals()
        connections = self._limits.slots * 2 + 4
        async with AsyncExitStack() as stack:
            stack.enter_context(self._outage.capture_pool_logs())
            await stack.enter_async_context(self._http)
            pool = await stack.enter_async_context(database.connected(self._url, connections, queue.WAIT_SECONDS))
            jobs = await stack.enter_async_context(queue.open_queue(self._url))
            metrics = Metrics()
            run_context = RunContext(
                pool, self._http, self._sources, self._limits, LoggingProgress(metrics, self._liveness)
            )
            self._liveness.watch(schedules=self._components.schedules, works=self._components.works)
            scheduler = self._scheduler(stack, pool, jobs)
            heartbeat = self._heartbeat(pool)
            servers = await self._servers(stack, metrics, scheduler, heartbeat.id)
            beside = [heartbeat.run(), self._watch(pool, run_context.stopping), *starmap(self._serve, servers)]
            if self._components.schedules and (notifier := self._notifier(pool, metrics)):
                beside.append(notifier.run())
            working = [asyncio.create_task(each) for each in self._workers(run_context, jobs)]
            running = [asyncio.create_task(each) for each in beside]
            stack.callback(asyncio.create_task(self._register_later()).cancel)
            self._log_start()
            configuration = await self._await_end([*working, *running])
            ended = await self._stop_all(configuration, run_context.stopping, working, running)
        if self._is_signalled:  # maybe after other settings had been read
            configuration = None
        if configuration is None:
            log.info("stopped")
        for task in ended:
            if not task.cancelled():
                task.result()
        return configuration

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(logs.log_unhandled)
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as the parent wants it (`nohup`, `&`)
                loop.add_signal_handler(number, self._end_by_signal)

    def _scheduler(self, stack: AsyncExitStack, pool: Pool, jobs: queue.Queue) -> Scheduler:
        """Return the scheduler, which also plans for messages; it ticks only where that is a component."""
        service = self._settings.service
        scheduler = Scheduler(pool, jobs, self._sources, service.tick, service.audit, self._liveness, self._gate)
        if self._components.schedules:
            self._health.watch("scheduler")
            timer = scheduler.start(partial(self._record_failure, "scheduler"), partial(self._remove_old, pool))
            stack.callback(timer.shutdown, wait=False)
        return scheduler

    def _workers(self, run_context: RunContext, jobs: queue.Queue) -> list[Coroutine[None, None, None]]:
        if not self._components.works:
            return []
        every = self._settings.service.audit
        worker = Worker(run_context, jobs, self._sources, every, self._liveness, self._record_job_failure)
        return [self._supervise("worker", worker.run)]

    def _heartbeat(self, pool: Pool) -> Heartbeat:
        return Heartbeat(
            pool,
            self._components.names,
            self._gate.opened,
            partial(self._record_failure, "heartbeat"),
            self._reported_accounts,
            self._liveness.reasons_changed,
        )

    async def _servers(
        self, stack: AsyncExitStack, metrics: Metrics, scheduler: Scheduler, own_id: str
    ) -> list[tuple[Server, socket.socket]]:
        """Return the servers of hooks, health and metrics, and of the console, each with the socket that it serves."""
        servers = []
        if self._components.web is not None:
            pool = await stack.enter_async_context(database.connected(self._url, WEB_CONNECTIONS, 1.0))
            server = Server(Starlette(routes=self._routes(pool, metrics, scheduler, own_id)))
            servers.append((server, self._components.web))
        if self._components.console is not None:
            opened = database.open_pool(self._url, CONSOLE_CONNECTIONS, CONSOLE_WAIT, name="orders-sync-console")
            pool = await stack.enter_async_context(opened)
            site = Site(self._url, self._settings, pool, lambda: self._gate.mismatch, sources=self._sources)
            stack.callback(site.close)
            server = Server(console.make(site), proxy_headers=False)  # it has settings of its own for that
            servers.append((server, self._components.console))
        return servers

    async def _stop_all(
        self,
        configuration: Configuration | None,
        stopping: asyncio.Event,
        working: list[asyncio.Task[None]],
        running: list[asyncio.Task[None]],
    ) -> set[asyncio.Task[None]]:
        """Stop all components, and return the tasks that ended in time."""
        what = "stopping" if configuration is None else "using other settings"
        log.info(f"{what}; windows in flight are finished or released")
        self._stop.set()
        stopping.set()
        if configuration is not None:  # the HTTP side and the heartbeat go on until the worker has ended
            await self._end(working)
        return await self._end([*working, *running])

    def _notifier(self, pool: Pool, metrics: Metrics) -> Notifier | None:
        """Return who sends notices; None where no channel can be used. A mistake in [notify] stops nothing."""
        channels, mistakes = open_channels(self._settings.notify)
        for each in mistakes:
            log.error("no notices are sent by a channel that cannot be used", error=each)
        if not channels:
            return None
        return Notifier(pool, self._settings, channels, metrics, self._is_database_failing, self._gate.opened)

    def _is_database_failing(self) -> bool:
        return self._outage.is_active or any(self._health.lasting_failures().values())

    def _end_by_signal(self) -> None:
        self._is_signalled = True
        self._stop.set()

    def _reported_accounts(self) -> ReportedAccounts:
        misconfigured = {each.label: str(each) for each in self._settings.misconfigured}
        names = [each.name for each in self._settings.accounts]
        return ReportedAccounts([*names, *misconfigured], misconfigured, self._liveness.planning_errors)

    def _log_start(self) -> None:
        """Log that the process runs, and what the settings have wrong of accounts; the others are read."""
        for each in self._settings.misconfigured:
            log.error("account misconfigured; the others continue", account=each.label, error=str(each))
        for mistake in self._settings.unknown:
            log.warning("unknown variable of an account", error=mistake)
        for warning in self._settings.warnings:
            log.warning("a setting is written by a name that the next version does not take", advice=warning)
        shown = {"version": version("orders-sync"), "accounts": len(self._sources)}
        log.info("running", **shown, **self._components.log_fields())

    async def _await_end(self, running: list[asyncio.Task[None]]) -> Configuration | None:
        """Wait for a signal, or for a component that ends by itself; return other settings if that is why to end."""
        stopped = asyncio.create_task(self._stop.wait())
        reloaded = asyncio.create_task(self._reload.next(self._settings)) if self._reload else None
        waited = [stopped, *running] if reloaded is None else [stopped, reloaded, *running]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if reloaded is None:
            return None
        if not reloaded.done() or self._stop.is_set():
            reloaded.cancel()
            return None
        return reloaded.result()

    async def _end(self, tasks: list[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """Cancel these tasks; return those that ended in time."""
        for task in tasks:
            if not task.cancelling():
                task.cancel()
        ended, _ = await asyncio.wait(tasks, timeout=STOP_SECONDS) if tasks else (set(), set())
        return ended

    async def _serve(self, server: Server, listening: socket.socket) -> None:
        """Serve until cancelled; then answer the requests in flight."""
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise

    async def _supervise(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a component, and restart it after each end, until the process stops."""
        self._health.watch(name)
        delay = FIRST_DELAY
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            began = loop.time()
            try:
                await self._gate.run(work)
            except CONNECTION_ERRORS as error:
                await self._record_failure(name, error)
            if loop.time() - began > STABLE_SECONDS:
                delay = FIRST_DELAY
            if self._outage.is_active:
                await self._outage.wait(LONGEST_DELAY)
                continue
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _register_later(self) -> None:
        """Have accounts recorded that at the start still counted as those of a killed process."""
        while True:
            await asyncio.sleep(REGISTER_SECONDS)
            try:
                return await asyncio.to_thread(self._register_again)
            except DatabaseError as error:
                log.warning("accounts cannot be compared with the settings; retrying", error=str(error))

    async def _watch(self, pool: Pool, stopping: asyncio.Event) -> None:
        """Check the database every few seconds, more often during an outage: connection, schema version, job age."""
        while True:
            try:
                async with pool.connection() as connection:
                    is_changed = self._gate.update(schema.mismatch(await schema.revision_of(connection)))
                    if is_changed and not self._stop.is_set():  # jobs in flight would begin more windows
                        stopping.clear() if self._gate.mismatch is None else stopping.set()
                    if self._gate.mismatch is None:
                        self._liveness.set_longest_wait(await service_metrics.oldest_job(connection))
                self._outage.end()
            except CONNECTION_ERRORS as error:
                await self._record_failure("watch", error)
            check_cancelled()
            if self._outage.is_active or self._gate.mismatch is not None:
                self._liveness.restart_timers()
            if self._outage.is_active:
                await asyncio.sleep(PROBE_SECONDS)
            else:  # a component that meets a lost connection waits until this probe ends the outage
                await self._outage.wait_for_beginning(WATCH_SECONDS)

    async def _record_job_failure(self, job: str, error: Exception) -> None:
        await self._record_failure("worker", error, job=job)

    async def _record_failure(self, name: str, error: Exception, **context: str) -> None:
        """Record an error of the database that a component met. Restart an embedded one if the connection is lost.

        Only a lost connection is an outage; a statement that is refused is logged as what it is, with the `context`.
        """
        cause = error.__cause__ or error
        if not outages.is_connection_loss(cause):
            self._health.record_failure(name, cause)
            if (others := self._throttle.admit((name, type(cause)))) is not None:
                words = f"{type(cause).__name__}: {cause}".strip()
                log.error("database error; retrying", part=name, **context, error=words, since_last=others)
            return
        self._outage.record_failure(name, cause)
        async with self._reviving:
            try:
                await asyncio.to_thread(self._revive)
            except EmbeddedError as failure:
                log.error("the embedded Postgres cannot be restarted", error=str(failure))

    async def _remove_old(self, pool: Pool) -> None:
        if removed := await retention.remove_old(pool, self._settings.retention):
            log.info("old rows removed", **removed)
        async with pool.connection() as connection:
            for found in await messages.record_never_listed(connection):
                log.warning("messages named orders that no list has brought", **msgspec.structs.asdict(found))

    def _routes(self, pool: Pool, metrics: Metrics, scheduler: Scheduler, own_id: str) -> list[Route]:
        """Return the HTTP routes. Only the process with the hooks exports the gauges of the tables."""
        names = [source.account.name for source in self._sources] if self._components.hooks else None
        misconfigured = [each.label for each in self._settings.misconfigured]
        routes = health.routes(pool, metrics, self._component_states, names, self._liveness, misconfigured, own_id)
        if self._components.hooks:
            limits = hooks.HookLimits(
                self._settings.service.messages_per_minute, self._gate.opened.is_set, metrics.hook_refused
            )
            routes += hooks.routes(pool, self._settings.accounts, scheduler.plan_for_message, limits)
        return routes

    def _component_states(self) -> dict[str, str | None]:
        """Return by component: None while it is healthy, else a text on what has been failing for long."""
        overdue = self._liveness.overdue()
        failing = self._health.lasting_failures()
        return overdue | {name: text or overdue.get(name) for name, text in failing.items()}
