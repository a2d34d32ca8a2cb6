"""Worlds of the sandbox, made once for all tests of a process that ask for the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from orders_sync.sandbox import World


def an_hour_ago() -> datetime:
    """Return a time an hour ago, or up to a minute earlier: tests of one minute get the same, and share its orders."""
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)


def world_of(orders: int, *, now: datetime, seed: int = 1, days: float = 5, samples: bool = False) -> World:
    """Return a world of three shops, of the caller's own.

    Its history has five days. With `samples` it has years, mostly empty: eighty windows to read.
    """
    return _made(orders, now, seed, days, samples).copy()


@lru_cache(maxsize=8)
def _made(orders: int, now: datetime, seed: int, days: float, samples: bool) -> World:
    return World(orders, 3, seed, now=now, days=days, samples=samples)
