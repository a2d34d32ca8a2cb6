"""A worker: takes accounts from the queue and reads what the ledger has planned for them.

Any number of workers may take the same account: each reads windows that no other holds. An account gets a turn,
then goes to the end of the queue, so that the backlog of one starves no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import psycopg
import structlog
from procrastinate.worker import Worker as QueueWorker

from orders_sync.engine import error_scope
from orders_sync.engine.audit import audit
from orders_sync.engine.audit_results import Audited
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.runner import drain, release_windows
from orders_sync.engine.sources import AccountSource
from orders_sync.service import malloc
from orders_sync.service.liveness import Liveness
from orders_sync.service.outage import is_connection_loss
from orders_sync.service.queue import AUDIT, DRAIN, QUEUE, Queue
from orders_sync.service.scheduler import AUDIT_AGAIN
from orders_sync.store import due_accounts, ledger, requests
from orders_sync.store.requests import AuditRequest

TURN_SECONDS = 20.0  # of an account: after that no further window of it is begun
POLL_SECONDS = 1.0  # seconds between two polls of an empty queue
BUSY_PAUSE = 2.0  # seconds for which a second job of an account is held here
GRACE_SECONDS = 6  # seconds for windows in flight to finish when the worker stops; then they are released

log = structlog.get_logger(__name__)


class Worker:
    """Runs the jobs of the queue. The slots of `run_context` limit the windows in flight over all accounts."""

    def __init__(
        self,
        run_context: RunContext,
        queue: Queue,
        sources: Sequence[AccountSource],
        audit_every: timedelta,
        liveness: Liveness | None = None,
        on_database_error: Callable[[str, Exception], Awaitable[None]] | None = None,
    ) -> None:
        """`on_database_error` gets a job, such as `drain of SHOP`, and the error of the database that ended it."""
        self._run_context = run_context
        self._liveness = liveness or Liveness()
        self._on_database_error = on_database_error or _log_database_error
        self._queue = queue
        self._sources = {source.account.name: source for source in sources}
        self._audit_every = audit_every
        self._draining: set[str] = set()
        self._interrupted: set[str] = set()  # accounts whose drain an error of the database ended
        queue.app.task(name=DRAIN)(self._track(self.drain))
        queue.app.task(name=AUDIT)(self._track(self.audit))

    async def run(self) -> None:
        """Work until cancelled; then jobs in flight have `GRACE_SECONDS` to finish. Raises `queue.QueueError`."""
        worker = QueueWorker(
            app=self._queue.app,
            queues=[QUEUE],
            concurrency=2 * self._run_context.limits.slots,
            # poll: a listener whose connection was lost stays silent without an error
            listen_notify=False,
            fetch_job_polling_interval=POLL_SECONDS,
            delete_jobs="successful",
            shutdown_graceful_timeout=GRACE_SECONDS,
            install_signal_handlers=False,
        )
        working = asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            # not by a cancellation alone: while the worker registers itself, one may be lost (`engine/tasks.py`)
            worker.stop()  # type: ignore[no-untyped-call]
            if worker.run_task is None:
                working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            raise

    def _track(self, work: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
        async def job(account: str) -> None:
            self._liveness.job_started()
            try:
                await work(account)
            finally:
                self._liveness.job_ended()

        return job

    async def drain(self, account: str) -> None:
        """Read the account's windows for one turn."""
        source = self._sources.get(account)
        if source is None:
            log.warning("job skipped: the account is not in this process's settings", account=account)
            return
        if account in self._draining:
            await asyncio.sleep(BUSY_PAUSE)  # occupy this slot, so that another worker fetches the account's next job
            return
        self._draining.add(account)
        try:
            if account in self._interrupted:  # its windows are leased to us: nobody else reads them before that ends
                await release_windows(self._run_context, account)
                self._interrupted.discard(account)
            outcome = await drain(self._run_context, source, turn=TURN_SECONDS, waits=False)
        except psycopg.Error as error:
            self._interrupted.add(account)
            await self._record_database_refusal(account, error)
            await self._on_database_error(f"drain of {account}", error)
            return
        finally:
            self._draining.discard(account)
            malloc.trim_heap()
        if outcome.errors:
            log.error("errors while reading the account", account=account, error=outcome.errors[-1])
        if outcome.found_empty:
            log.warning("the platform lists no order in the whole history; it is read again later", account=account)
        if outcome.is_cut_off and not self._run_context.stopping.is_set():
            await self._queue.enqueue(DRAIN, account)

    async def _record_database_refusal(self, account: str, error: psycopg.Error) -> None:
        """Store with the account that the database refused a statement: it rests, as every read would end like this."""
        if is_connection_loss(error):
            return
        with suppress(psycopg.Error):  # a full disk, say, takes this write no more than the others
            async with self._run_context.pool.connection() as connection:
                await ledger.record_error(connection, account, error_scope.database_refusal(error), rests=True)

    async def audit(self, account: str) -> None:
        """Audit the account as somebody asked for, else all of it, unless that was done meanwhile."""
        source = self._sources.get(account)
        if source is None:
            return
        try:
            async with self._run_context.pool.connection() as connection:
                request = await requests.take_audit(connection, account)
                is_due = await due_accounts.audits(connection, [account], self._audit_every, AUDIT_AGAIN)
            if request is not None:
                result = await self._requested_audit(source, request)
            elif is_due:
                [result] = await audit(self._run_context, [source], repair=True, is_routine=True)
            else:
                return
        except psycopg.Error as error:
            await self._on_database_error(f"audit of {account}", error)
            return
        found = result.found
        write = log.error if result.error or result.remaining else log.warning if result.differences else log.info
        write(
            "audit",
            account=account,
            platform_orders=found.platform,
            table_orders=found.tables,
            rejects=found.rejects,
            awaited=result.awaited,
            differences=len(result.differences),
            repaired=len(result.repaired),
            calls=result.calls,
            error=result.error,
        )

    async def _requested_audit(self, source: AccountSource, request: AuditRequest) -> Audited:
        """Make an audit that somebody asked for, and record how it ended. After a lost connection it is taken again."""
        start, end = request.starts_at, request.ends_at
        try:
            [result] = await audit(self._run_context, [source], start, end, repair=request.repair)
        except Exception as error:
            if is_connection_loss(error):
                raise
            async with self._run_context.pool.connection() as connection:
                await requests.finish(connection, request.id, error_scope.text(error))
            raise
        async with self._run_context.pool.connection() as connection:
            await requests.finish(connection, request.id, result.error)
        return result


async def _log_database_error(job: str, error: Exception) -> None:
    log.warning("database error; windows in flight are read again later", job=job, error=str(error))
