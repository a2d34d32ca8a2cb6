"""The queue of all workers: Procrastinate on the same Postgres, in a schema of its own.

A job only says that an account has work. What is to be read, and who may commit it, is in the ledger: a job that is
lost, duplicated or run by two workers at once costs time, never an order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import procrastinate
import psycopg
from procrastinate import exceptions
from procrastinate.utils import utcnow

from orders_sync.store.database import open_pool

SCHEMA = "sync_jobs"
QUEUE = "accounts"
DRAIN = "drain"
AUDIT = "audit"
STALLED_SECONDS = 30.0  # without a heartbeat of its worker
CONNECTIONS = 3
WAIT_SECONDS = 5.0  # for a connection; after that the database counts as unavailable

QueueError = exceptions.ConnectorException  # what Procrastinate raises when the database is gone
CONNECTION_ERRORS = (psycopg.Error, QueueError)  # the same, by whichever library


class Queue:
    """The job queue. Its methods raise `QueueError`."""

    def __init__(self, app: procrastinate.App) -> None:
        self.app = app

    async def enqueue(self, task: str, account: str) -> None:
        """Have a free worker run a task for an account. A task waits once per account, however often it is enqueued."""
        lock = f"{task} {account}"
        deferrer = self.app.configure_task(
            task, queue=QUEUE, queueing_lock=lock, lock=lock if task == AUDIT else None, allow_unknown=True
        )
        with suppress(exceptions.AlreadyEnqueued):
            await deferrer.defer_async(account=account)

    async def retry_stalled(self) -> int:
        """Requeue the jobs of dead workers and return their number. One that already waits is not duplicated."""
        manager = self.app.job_manager
        stalled = list(await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS))
        for job in stalled:
            try:
                await manager.retry_job(job, retry_at=utcnow())
            except exceptions.UniqueViolation:
                await manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=True)
        return len(stalled)


@asynccontextmanager
async def open_queue(url: str) -> AsyncIterator[Queue]:
    """Open the queue of a database."""
    async with open_pool(url, CONNECTIONS, WAIT_SECONDS, search_path=SCHEMA, name="orders-sync jobs") as pool:
        app = procrastinate.App(connector=procrastinate.PsycopgConnector())
        async with app.open_async(pool):
            yield Queue(app)
