from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest

from orders_sync.service import queue as queues
from orders_sync.service.queue import Queue
from orders_sync.store.database import Pool
from tests.support.story import Tell, begin, empty_months_are_believed

__all__ = ["empty_months_are_believed"]


@pytest.fixture
def tell(pool: Pool, url: str) -> Tell:
    """Begin a story of thirty orders an account: tests of the service ask who reads and when, not how much."""
    return partial(begin, pool, url, orders=90)


@pytest.fixture
async def queue(url: str) -> AsyncIterator[Queue]:
    async with queues.open_queue(url) as open_queue:
        yield open_queue
