"""State shared by all accounts that one process reads."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Iterable, Sequence

import httpx

from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.rate_limiter import RateLimiter
from orders_sync.engine.results import Progress
from orders_sync.engine.slots import Slots
from orders_sync.engine.sources import AccountSource
from orders_sync.store.database import Pool
from orders_sync.store.rate_limits import SharedRateBackend


class RunContext:
    """State shared by all accounts that one process reads. Make one per process: its slots bound the windows in flight.

    Once `stopping` is set no further window is begun.
    """

    def __init__(
        self, pool: Pool, http: httpx.AsyncClient, sources: Sequence[AccountSource], limits: Limits, progress: Progress
    ) -> None:
        self.pool = pool
        self.http = http
        self.limits = limits
        self.progress = progress
        self.rate_limiters: dict[str, RateLimiter] = rate_limiters(pool, sources)
        self.slots = Slots(limits.slots, (host_of(each) for each in sources))
        self.claimant = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self.stopping = asyncio.Event()


def host_of(source: AccountSource) -> str:
    """Return the host that an account's calls go to: what slows one of its accounts slows them all."""
    return source.account.identity.host


def rate_limiters(pool: Pool, sources: Iterable[AccountSource]) -> dict[str, RateLimiter]:
    """Return a limiter for each account, by its name.

    Accounts of one app share one rate, of which each call reserves the gap of its own account: so an account keeps to
    its rate, and the app to the largest rate of its accounts.
    """
    made: dict[tuple[str, float], RateLimiter] = {}
    found = {}
    for source in sources:
        key, rate = source.account.rate_key, source.policy.requests_per_second
        found[source.account.name] = made.setdefault((key, rate), RateLimiter(rate, SharedRateBackend(pool, key)))
    return found
