"""The clock: every tick plans what the ledger says is due, and puts whoever has something to read into the queue.

    every tick      incremental windows and their confirming pass, sweeps, backfills, failed windows whose pause is over
    every minute    routine audits
    every 10 s      jobs whose worker is gone
    every hour      what is older than it is kept

Every job may run as often as it likes, in any number of processes: what is due is asked of the database, under a lock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from orders_sync.domain.errors import OrdersSyncError
from orders_sync.engine import isolation, planner
from orders_sync.engine.calls import Feeder
from orders_sync.service.liveness import Liveness
from orders_sync.service.queue import AUDIT, DRAIN, LOST, Failure, Queue
from orders_sync.service.repeats import Repeats
from orders_sync.store import due, ledger, suspensions
from orders_sync.store.database import Pool

AUDIT_AGAIN = timedelta(hours=1)  # after one that did not end well

log = structlog.get_logger(__name__)


class Scheduler:
    """Plans for these accounts. `tick` and `audit` in the settings' sense: how often."""

    def __init__(
        self,
        pool: Pool,
        queue: Queue,
        feeders: Sequence[Feeder],
        tick: timedelta,
        audit: timedelta,
        liveness: Liveness | None = None,
    ) -> None:
        self._pool = pool
        self._liveness = liveness or Liveness()
        self._queue = queue
        self._feeders = {feeder.account.name: feeder for feeder in feeders}
        self._tick = tick
        self._audit = audit
        self._reports = Repeats()

    def start(
        self, failed: Callable[[Exception], Awaitable[None]], clean: Callable[[], Awaitable[None]]
    ) -> AsyncIOScheduler:
        """Begin to tick, in this event loop. `failed` hears of a database that is away; `clean` runs every hour."""

        async def guarded(job: Callable[[], Awaitable[None]]) -> None:
            try:
                await job()
            except LOST as error:  # the next tick tries again
                await failed(error)
            except asyncio.CancelledError:
                return  # the clock was shut down; whoever runs this would report that as an error

        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick that takes longer than a tick is no news
        clock = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        seconds, now = self._tick.total_seconds(), datetime.now(UTC)
        for every, job in ((seconds, self.plan), (60.0, self.audit), (10.0, self.retry_stalled), (3600.0, clean)):
            clock.add_job(guarded, "interval", [job], seconds=every, next_run_time=now)
        clock.start()
        return clock

    async def plan(self) -> None:
        """Plan what is due, and ask for readers."""
        async with self._pool.connection() as connection:
            names = await due.accounts(connection, [(each.account, each.pace) for each in self._feeders.values()])
        for name in names:
            await self.plan_alone(name)
        self._liveness.ticked()

    async def plan_alone(self, name: str) -> None:
        """Plan one account; an error of its own is logged and kept with the account, and stops no other account."""
        try:
            await self.look_after(name)
            self._liveness.planned(name)
        except Exception as error:
            if isinstance(error, Failure) or isolation.concerns_all(error):
                raise
            self._liveness.not_planned(name)
            if (others := self._reports.count(name)) is not None:
                is_ours = not isinstance(error, OrdersSyncError)  # else its text says all there is to do
                log.error(
                    "an account cannot be planned; the others go on",
                    account=name,
                    since_last=others,
                    **({"exc_info": True} if is_ours else {"error": str(error)}),
                )
            async with self._pool.connection() as connection:
                await ledger.note_error(connection, name, isolation.report(name, error))

    async def look_after(self, name: str) -> None:
        """Plan what is due of one account, and ask for a reader when there is something to read."""
        feeder = self._feeders[name]
        async with self._pool.connection() as connection:
            if await suspensions.standing(connection, feeder.account) is not None:
                return
            async with connection.transaction():
                has_work = await planner.plan_due(connection, feeder)
        if has_work:
            await self._queue.ask(DRAIN, name)

    async def audit(self) -> None:
        async with self._pool.connection() as connection:
            names = await due.audits(connection, list(self._feeders), self._audit, AUDIT_AGAIN)
        for name in names:
            await self._queue.ask(AUDIT, name)

    async def retry_stalled(self) -> None:
        if stalled := await self._queue.retry_stalled():
            log.warning("jobs of workers that are gone are tried again", jobs=stalled)
