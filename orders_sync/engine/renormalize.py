"""Rebuild the flattened tables from the stored payloads, after a normalizer changed or rows were changed by hand.

    raw_orders --page by key--> normalize --equal rows--> nothing is written, nothing is locked      (P3)
                                    |------> other rows: lock; skip what landed meanwhile; update as a changed order
                                    '------> cannot: the rows stay, sync.rejects                     (P4)

One transaction per page and account: after an interruption what was rebuilt stays, and the next run finds it equal.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial

from orders_sync.domain.records import LoadCounts
from orders_sync.engine.results import Progress
from orders_sync.platforms import PLATFORMS
from orders_sync.store import load, rebuild
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import LandingSource
from orders_sync.store.load import Stored
from orders_sync.store.retrying import retried


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Orders of a platform by their outcome. `moved`: another payload landed meanwhile and brought its own rows."""

    platform: str
    looked_at: int
    rebuilt: int
    equal: int
    rejected: int
    moved: int


async def renormalize(connection: Connection, platform: str, account: str | None, progress: Progress) -> Rebuilt:
    """Rebuild the orders of a platform, or of one account on it.

    Other processes may read and land meanwhile. Raises `DatabaseBusyError` and psycopg.Error.
    """
    landed = LoadCounts()
    async for page in rebuild.pages(connection, platform, account):
        by_account: defaultdict[str, list[Stored]] = defaultdict(list)
        for stored in page:
            by_account[stored.account].append(stored)
        for name, batch in by_account.items():
            source = LandingSource(platform, name, None, PLATFORMS[platform].normalize, PLATFORMS[platform].direction)
            landed += await retried(partial(_rebuild, connection, source, batch))
        progress.landed(platform, len(page))
    looked_at = landed.changed + landed.unchanged + landed.rejected + landed.stale
    return Rebuilt(platform, looked_at, landed.changed, landed.unchanged, landed.rejected, landed.stale)


async def _rebuild(connection: Connection, source: LandingSource, batch: list[Stored]) -> LoadCounts:
    async with connection.transaction():
        return await load.rebuild(connection, source, batch)
