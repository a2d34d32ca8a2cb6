"""The scheduler: every tick plans what is due by the ledger, and enqueues the accounts with windows to read.

    every tick      incremental windows and their confirming pass, sweeps, backfills, failed windows that are due;
                    what people asked for (`store/requests.py`)
    every minute    routine audits; differences of audits that reads have settled; figures of products in weeks of which
                    orders changed
    every 10 s      requeues jobs of dead workers
    every hour      removes rows older than [retention] keeps them

All of it may run in any number of processes at once: what is due is read from the database, under a lock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from orders_sync.domain.errors import OrdersSyncError
from orders_sync.engine import error_scope, planner
from orders_sync.engine.sources import AccountSource
from orders_sync.service.liveness import Liveness
from orders_sync.service.log_throttle import LogThrottle
from orders_sync.service.queue import AUDIT, CONNECTION_ERRORS, DRAIN, Queue, QueueError
from orders_sync.service.schema_gate import SchemaGate
from orders_sync.store import due_accounts, ledger, open_differences, pauses, product_figures, requests, suspensions
from orders_sync.store.database import Pool

AUDIT_AGAIN = timedelta(hours=1)  # after a failed audit
MESSAGE_DEBOUNCE = 0.2  # seconds in which messages of an account are collected before it is planned

log = structlog.get_logger(__name__)


class Scheduler:
    """Plans these accounts, while the gate is open. `tick` and `audit` are the intervals of the settings."""

    def __init__(
        self,
        pool: Pool,
        queue: Queue,
        sources: Sequence[AccountSource],
        tick: timedelta,
        audit: timedelta,
        liveness: Liveness | None = None,
        gate: SchemaGate | None = None,
    ) -> None:
        self._pool = pool
        self._gate = gate or SchemaGate()
        self._liveness = liveness or Liveness()
        self._queue = queue
        self._sources = {source.account.name: source for source in sources}
        self._tick_interval = tick
        self._audit_interval = audit
        self._throttle = LogThrottle()
        self._collecting: set[str] = set()  # accounts whose messages are being collected

    def start(
        self, failed: Callable[[Exception], Awaitable[None]], clean: Callable[[], Awaitable[None]]
    ) -> AsyncIOScheduler:
        """Start ticking in this event loop. `failed` gets each connection error; `clean` runs every hour."""

        async def guarded(job: Callable[[], Awaitable[None]]) -> None:
            try:
                await self._gate.run(job)
            except CONNECTION_ERRORS as error:  # the next tick tries again
                await failed(error)
            except asyncio.CancelledError:
                return  # shut down; APScheduler would log it as an error

        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # its warnings on overlapping ticks are not useful
        clock = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        seconds, now = self._tick_interval.total_seconds(), datetime.now(UTC)
        for every, job in (
            (seconds, self.plan_due_accounts),
            (60.0, self.enqueue_audits),
            (60.0, self.settle_differences),
            (60.0, self.remake_product_figures),
            (10.0, self.retry_stalled),
            (3600.0, clean),
        ):
            clock.add_job(guarded, "interval", [job], seconds=every, next_run_time=now)
        clock.start()
        return clock

    async def plan_due_accounts(self) -> None:
        """Plan what is due for every account; enqueue those with windows to read, and audits that people asked for."""
        async with self._pool.connection() as connection:
            names = await due_accounts.accounts(
                connection, [(each.account, each.policy) for each in self._sources.values()]
            )
            audits = await requests.with_audits(connection, list(self._sources))
        for name in names:
            await self.plan_account(name)
        for name in audits:
            await self._queue.enqueue(AUDIT, name)
        self._liveness.tick_ended()

    async def plan_account(self, name: str) -> None:
        """Plan one account. An error of its own is logged and stored with the account, and stops no other account."""
        try:
            await self._plan_and_enqueue(name)
            self._liveness.account_planned(name)
        except Exception as error:
            if isinstance(error, QueueError) or error_scope.affects_all_accounts(error):
                raise
            reason = error_scope.report(name, error)
            self._liveness.planning_failed(name, reason)
            if (others := self._throttle.admit(name)) is not None:
                is_internal_error = not isinstance(error, OrdersSyncError)  # else its text says what to do
                log.error(
                    "an account cannot be planned; the other accounts continue",
                    account=name,
                    since_last=others,
                    **({"exc_info": True} if is_internal_error else {"error": str(error)}),
                )
            async with self._pool.connection() as connection:
                await ledger.record_error(connection, name, reason)

    async def plan_for_message(self, name: str) -> None:
        """Plan an account that got a message. Messages that arrive together are planned once; a tick finds any left."""
        if name in self._collecting:
            return
        self._collecting.add(name)
        try:
            await asyncio.sleep(MESSAGE_DEBOUNCE)
            if self._gate.mismatch is None:
                with suppress(*CONNECTION_ERRORS):
                    await self._gate.run(lambda: self.plan_account(name))
        finally:
            self._collecting.discard(name)

    async def _plan_and_enqueue(self, name: str) -> None:
        """Plan what is due for one account, and enqueue it if there is something to read."""
        source = self._sources[name]
        async with self._pool.connection() as connection:
            if await pauses.is_paused(connection, name):
                return
            if await suspensions.lift_outdated(connection, source.account) is not None:
                return
            async with connection.transaction():
                has_work = await planner.plan_due(connection, source)
        if has_work:
            await self._queue.enqueue(DRAIN, name)

    async def enqueue_audits(self) -> None:
        """Enqueue a routine audit of every account that is due for one."""
        async with self._pool.connection() as connection:
            names = await due_accounts.audits(connection, list(self._sources), self._audit_interval, AUDIT_AGAIN)
        for name in names:
            await self._queue.enqueue(AUDIT, name)

    async def settle_differences(self) -> None:
        """Settle the differences of audits whose orders were read since, by whatever read."""
        async with self._pool.connection() as connection:
            settled = await open_differences.settle(connection)
        if settled:
            log.info("differences of audits were settled by reads", ranges=settled)

    async def remake_product_figures(self) -> None:
        """Make figures of products anew, so that those who read them need not read lines."""
        async with self._pool.connection() as connection:
            await product_figures.remake(connection)

    async def retry_stalled(self) -> None:
        """Enqueue again the jobs of dead workers."""
        if stalled := await self._queue.retry_stalled():
            log.warning("jobs of dead workers requeued", jobs=stalled)
