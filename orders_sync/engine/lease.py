"""Keep the claim on a window while it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
from psycopg_pool import PoolTimeout

from orders_sync.domain.errors import LeaseLostError
from orders_sync.domain.ledger import Claim
from orders_sync.store import claims
from orders_sync.store.claims import LEASE
from orders_sync.store.database import Pool


@asynccontextmanager
async def renewed(pool: Pool, claim: Claim) -> AsyncIterator[None]:
    """Renew the lease of a window while the body runs. Raises `LeaseLostError` once it is lost: the body is cancelled.

    A renewal that fails loses nothing by itself: the lease still holds, and the fence decides in the end.
    """
    body = asyncio.current_task()
    lost: list[LeaseLostError] = []
    is_over = False

    async def renew() -> None:
        while not is_over:  # `asyncio.wait_for` of Python 3.11 loses a cancellation that comes together with an answer
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                with suppress(psycopg.Error, PoolTimeout):
                    async with pool.connection(timeout=LEASE.total_seconds() / 3) as connection:
                        await claims.renew(connection, claim)
            except LeaseLostError as error:
                lost.append(error)
                if body is not None:
                    body.cancel()
                return

    renewing = asyncio.create_task(renew())
    try:
        yield
    except asyncio.CancelledError:
        if lost:
            raise lost[0] from None
        raise
    finally:
        is_over = True
        renewing.cancel()
        await asyncio.wait([renewing])
