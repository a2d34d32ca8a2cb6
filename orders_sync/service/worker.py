"""A worker: takes accounts from the queue and reads what the ledger has planned for them.

Any number of workers may take the same account: each reads windows no other holds. An account is given a turn, then
goes to the end of the queue, so that the backlog of one starves no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import psycopg
import structlog

from orders_sync.engine.audit import audit
from orders_sync.engine.calls import Feeder
from orders_sync.engine.draining import Means, drain, hand_back
from orders_sync.service import memory
from orders_sync.service.liveness import Liveness
from orders_sync.service.queue import AUDIT, DRAIN, QUEUE, Queue
from orders_sync.service.scheduler import AUDIT_AGAIN
from orders_sync.store import due

TURN = 20.0  # seconds after which an account begins no further window, whether others wait or not
ASK_EVERY = 1.0  # seconds, for the next job, where the queue was empty
ELSEWHERE = 2.0  # seconds for which a second job of an account that is being drained here is held
GRACE = 6  # seconds the windows in flight have to come to their end when the worker stops; then they are handed back

log = structlog.get_logger(__name__)


class Worker:
    """`means` are the process's own; its slots bound the windows in flight over all accounts."""

    def __init__(
        self,
        means: Means,
        queue: Queue,
        feeders: Sequence[Feeder],
        audit_every: timedelta,
        liveness: Liveness | None = None,
        on_lost: Callable[[str, Exception], None] | None = None,
    ) -> None:
        """`on_lost` gets a part and an error when the database goes away in the middle of a job."""
        self._means = means
        self._liveness = liveness or Liveness()
        self._on_lost = on_lost or _log_lost
        self._queue = queue
        self._feeders = {feeder.account.name: feeder for feeder in feeders}
        self._audit_every = audit_every
        self._draining: set[str] = set()
        self._lost: set[str] = set()  # accounts that were being drained when the database went away
        queue.app.task(name=DRAIN)(self._counted(self.drain))
        queue.app.task(name=AUDIT)(self._counted(self.audit))

    async def run(self) -> None:
        """Work until cancelled; then what is in flight has `GRACE` seconds. Raises `queue.Failure`."""
        await self._queue.app.run_worker_async(
            queues=[QUEUE],
            concurrency=2 * self._means.limits.workers,
            # asking beats being told: a listener that lost the database stays deaf, and nothing says so
            listen_notify=False,
            fetch_job_polling_interval=ASK_EVERY,
            delete_jobs="successful",
            shutdown_graceful_timeout=GRACE,
            install_signal_handlers=False,
        )

    def _counted(self, work: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
        async def job(account: str) -> None:
            self._liveness.took()
            try:
                await work(account)
            finally:
                self._liveness.left()

        return job

    async def drain(self, account: str) -> None:
        """Read the account's windows for a turn."""
        feeder = self._feeders.get(account)
        if feeder is None:
            log.warning("an account of other settings is left to other workers", account=account)
            return
        if account in self._draining:
            await asyncio.sleep(ELSEWHERE)  # with a hand full, so that the next job of it finds another worker
            return
        self._draining.add(account)
        try:
            if account in self._lost:  # its windows are still ours: nobody reads them before their leases end
                await hand_back(self._means, account)
                self._lost.discard(account)
            outcome = await drain(self._means, feeder, turn=TURN, waits=False)
        except psycopg.Error as error:
            self._lost.add(account)
            self._on_lost(f"drain of {account}", error)
            return
        finally:
            self._draining.discard(account)
            memory.give_back()
        if outcome.errors:
            log.error("account in trouble", account=account, error=outcome.errors[-1])
        if outcome.found_empty:
            log.warning("no order is listed in all of the history; it is read again later", account=account)
        if outcome.is_cut_off and not self._means.stopping.is_set():
            await self._queue.ask(DRAIN, account)

    async def audit(self, account: str) -> None:
        """The routine audit of everything, unless one was made meanwhile. What is missing is read."""
        feeder = self._feeders.get(account)
        if feeder is None:
            return
        try:
            async with self._means.pool.connection() as connection:
                if not await due.audits(connection, [account], self._audit_every, AUDIT_AGAIN):
                    return
            [result] = await audit(self._means, [feeder], repair=True, is_routine=True)
        except psycopg.Error as error:
            self._on_lost(f"audit of {account}", error)
            return
        found = result.found
        tell = log.error if result.error or result.remaining else log.warning if result.differences else log.info
        tell(
            "audit",
            account=account,
            platform_orders=found.platform,
            table_orders=found.tables,
            differences=len(result.differences),
            repaired=len(result.repaired),
            calls=result.calls,
            error=result.error,
        )


def _log_lost(part: str, error: Exception) -> None:
    log.warning("the database went away; what was held is read again later", part=part, error=str(error))
