"""Normalize rejects again by the present version's code, and land them with the time at which they were read."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import structs

from orders_sync.domain.records import LoadCounts
from orders_sync.engine.paging import identified
from orders_sync.platforms import PLATFORMS
from orders_sync.store import load, rejects
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import LandingSource
from orders_sync.store.rejects import Reject
from orders_sync.store.retrying import retried


@dataclass(frozen=True, slots=True)
class StillRejected:
    """A reject that the present version cannot normalize either, and why."""

    id: int
    account: str
    platform: str
    order_id: str | None
    reason: str


@dataclass(slots=True)
class Replayed:
    """The result of replaying rejects. `older`: the tables hold a newer version; the reject is settled unwritten."""

    landed: int = 0
    older: int = 0
    rejected: list[StillRejected] = field(default_factory=list)


async def replay(connection: Connection, number: int, result: Replayed) -> None:
    """Replay a reject in a transaction of its own, and add to the result; do nothing when it is settled.

    The time it was read stands, so that it never replaces what was read later (P2). Raises `DatabaseBusyError` and
    psycopg.Error.
    """
    outcome = await retried(lambda: _replay(connection, number))
    if outcome is None:
        return
    landed, still_rejected = outcome
    if still_rejected is not None:
        each = still_rejected
        result.rejected.append(StillRejected(number, each.account, each.platform, each.order_id, each.reason))
    elif landed.stale or landed.rejected:  # stored as settled: a later read of the order has landed
        result.older += 1
    else:
        result.landed += 1


async def _replay(connection: Connection, number: int) -> tuple[LoadCounts, Reject | None] | None:
    """Land a reject. Return the counts, and the reject itself where it still is one; None when it is settled."""
    async with connection.transaction():
        reject = await rejects.unsettled(connection, number)
        if reject is None:
            return None
        platform = PLATFORMS.get(reject.platform)
        if platform is None:  # its package is not installed here
            why = f"the package of the platform {reject.platform} is not installed: install it, then replay again"
            return LoadCounts(rejected=1), structs.replace(reject, reason=why)
        source = LandingSource(platform.name, reject.account, reject.window_id, platform.normalize, platform.direction)
        record = identified(reject.payload, platform.identifier(platform.feed), reject.read_at)
        landed = await load.land(connection, source, [record])
        if not landed.rejected:
            await rejects.settle_one(connection, reject, number, record.order_id)
        return landed, await rejects.unsettled(connection, number)
