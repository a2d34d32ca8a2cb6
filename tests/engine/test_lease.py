"""The lease of a window is renewed while the window is read, and no longer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from orders_sync.engine import lease
from orders_sync.store import claims
from orders_sync.store.database import Pool

CLAIM: Any = None  # nothing looks at it here


async def test_a_cancellation_that_is_lost_in_a_renewal_ends_it_all_the_same(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`asyncio.wait_for` of Python 3.11, by which the driver waits, may return an answer instead of being cancelled."""
    begun = asyncio.Event()

    async def answered_when_cancelled_first(*_: object) -> None:
        with suppress(*() if begun.is_set() else (asyncio.CancelledError,)):
            begun.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(lease, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(claims, "renew", answered_when_cancelled_first)
    async with asyncio.timeout(120) as limit, lease.renewed(pool, CLAIM):
        await begun.wait()
    assert not limit.expired()


async def test_a_cancellation_while_a_renewal_ends_reaches_the_reader_of_the_window(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ending, end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow_to_end(*_: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await end.wait()

    async def read() -> None:
        async with lease.renewed(pool, CLAIM):
            await begun.wait()

    monkeypatch.setattr(lease, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(claims, "renew", slow_to_end)
    reading = asyncio.create_task(read())
    await ending.wait()
    reading.cancel()
    await asyncio.wait([reading], timeout=120)
    end.set()
    assert reading.cancelled()
