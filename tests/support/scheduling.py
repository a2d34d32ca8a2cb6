"""A scheduler over a story's accounts, and the jobs it asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from orders_sync.engine.calls import Feeder
from orders_sync.service.queue import Queue
from orders_sync.service.scheduler import Scheduler
from tests.support.story import Story

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def scheduler(story: Story, queue: Queue, feeders: list[Feeder] | None = None) -> Scheduler:
    return Scheduler(story.pool, queue, feeders or story.feeders(), SECOND, DAY)


def with_interval(feeders: list[Feeder], interval: timedelta) -> list[Feeder]:
    return [replace(feeder, policy=replace(feeder.policy, interval=interval)) for feeder in feeders]


def jobs(story: Story) -> list[tuple[object, ...]]:
    return story.query(
        "SELECT task_name, args ->> 'account', status::text FROM sync_jobs.procrastinate_jobs ORDER BY id"
    )
