from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from orders_sync.service import queue as queues
from orders_sync.service.queue import Queue
from tests.support.story import empty_months_are_believed, tell

__all__ = ["empty_months_are_believed", "tell"]


@pytest.fixture
async def queue(url: str) -> AsyncIterator[Queue]:
    async with queues.open_queue(url) as open_queue:
        yield open_queue
