"""The queue says who is to be looked after, once each, and forgets nobody whose worker is gone."""

from __future__ import annotations

import psycopg

from orders_sync.service.queue import AUDIT, DRAIN, Queue

GONE = """
WITH gone AS (
    INSERT INTO sync_jobs.procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes') RETURNING id
)
UPDATE sync_jobs.procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM gone) WHERE status = 'todo'
"""


def jobs(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        query = "SELECT task_name, args ->> 'account', status::text FROM sync_jobs.procrastinate_jobs ORDER BY id"
        return connection.execute(query).fetchall()


def lose_the_worker(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(GONE)


async def test_an_account_waits_once_for_each_task(queue: Queue, url: str) -> None:
    for _ in range(3):
        await queue.enqueue(DRAIN, "a")
        await queue.enqueue(AUDIT, "a")
        await queue.enqueue(DRAIN, "b")
    assert jobs(url) == [("drain", "a", "todo"), ("audit", "a", "todo"), ("drain", "b", "todo")]


async def test_a_job_whose_worker_is_gone_is_tried_again(queue: Queue, url: str) -> None:
    await queue.enqueue(DRAIN, "a")
    lose_the_worker(url)
    assert await queue.retry_stalled() == 1
    assert jobs(url) == [("drain", "a", "todo")]
    assert await queue.retry_stalled() == 0


async def test_a_lost_job_that_waits_again_already_is_not_doubled(queue: Queue, url: str) -> None:
    await queue.enqueue(DRAIN, "a")
    lose_the_worker(url)
    await queue.enqueue(DRAIN, "a")
    assert await queue.retry_stalled() == 1
    assert jobs(url) == [("drain", "a", "todo")]
