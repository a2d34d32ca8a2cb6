"""A scheduler over a story's accounts, and the jobs it asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from orders_sync.engine.sources import AccountSource
from orders_sync.service.liveness import Liveness
from orders_sync.service.queue import Queue
from orders_sync.service.scheduler import Scheduler
from tests.support.story import Story

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def scheduler(
    story: Story, queue: Queue, sources: list[AccountSource] | None = None, liveness: Liveness | None = None
) -> Scheduler:
    return Scheduler(story.pool, queue, sources or story.sources(), SECOND, DAY, liveness)


def with_interval(sources: list[AccountSource], interval: timedelta) -> list[AccountSource]:
    return [replace(source, policy=replace(source.policy, interval=interval)) for source in sources]


def jobs(story: Story) -> list[tuple[object, ...]]:
    return story.query(
        "SELECT task_name, args ->> 'account', status::text FROM sync_jobs.procrastinate_jobs ORDER BY id"
    )
