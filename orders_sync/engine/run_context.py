"""State shared by all accounts that one process reads."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from orders_sync.engine.page_client import AccountSource, rate_limiters
from orders_sync.engine.rate_limiter import RateLimiter
from orders_sync.engine.results import Progress
from orders_sync.engine.slots import Slots
from orders_sync.engine.window_job import Limits
from orders_sync.store.database import Pool


class RunContext:
    """State shared by all accounts that one process reads. Make one per process: its slots bound the windows in flight.

    Once `stopping` is set no window is begun any more.
    """

    def __init__(
        self, pool: Pool, http: httpx.AsyncClient, sources: Sequence[AccountSource], limits: Limits, progress: Progress
    ) -> None:
        self.pool = pool
        self.http = http
        self.limits = limits
        self.progress = progress
        self.rate_limiters: dict[str, RateLimiter] = rate_limiters(pool, sources)
        self.slots = Slots(limits.workers, (host_of(each) for each in sources))
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self.stopping = asyncio.Event()


def host_of(source: AccountSource) -> str:
    """Return the host and port that an account's calls go to: what slows one of its accounts slows them all."""
    return urlsplit(source.account.base_url).netloc.lower()
