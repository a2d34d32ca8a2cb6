"""Write how a window ended: what it brought, its result and the watermark in one transaction (P5)."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from orders_sync.domain.completeness import TOTAL_STABLE_AFTER
from orders_sync.domain.errors import DatabaseBusyError, TransientError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts, Record
from orders_sync.domain.windows import WindowKind
from orders_sync.engine import rereads
from orders_sync.engine.sources import AccountSource
from orders_sync.engine.window_outcome import (
    Beyond,
    Complete,
    Failed,
    Outcome,
    PartsAgree,
    Released,
    RereadParts,
    Split,
    Unconfirmed,
)
from orders_sync.store import claims, closing, followups, lateness, load, probes, suspensions
from orders_sync.store.database import Connection, Pool
from orders_sync.store.flat_orders import LandingSource
from orders_sync.store.retrying import retried

# windows that are read because orders are missing or in doubt
_CHECKING = frozenset({WindowKind.BACKFILL, WindowKind.REPAIR})


@dataclass(frozen=True, slots=True)
class WindowRead:
    """The result of reading a window.

    `total`: the platform's newest count, None before it gave one. `seen`: the distinct records that were read of it.
    """

    claim: Claim
    source: AccountSource
    records: list[Record]
    total: int | None
    seen: int
    calls: int
    page_size: int  # records a page that were asked for
    observed_page_size: int  # records a page that the platform gave at most


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A window as it was closed. `landed`: what became of its records, also where they landed without proof."""

    outcome: Outcome
    landed: LoadCounts
    seen: int


async def close(pool: Pool, read: WindowRead, outcome: Outcome) -> ClosedWindow:
    """Write an outcome and return it; in place of `RereadParts` its `otherwise`, if no part is left to read again.

    Raises `LeaseLostError` when another worker has claimed the window since; then nothing was written. Raises
    `TransientError` when the database aborted every attempt to land a complete read, else psycopg.Error.
    """
    landed = LoadCounts()
    match outcome:
        case Complete():
            landed = await _land_complete(pool, read, outcome)
        case Split() | Failed():
            landed = await _land_unproven(pool, read, outcome)
        case RereadParts():
            if not await _plan_parts_again(pool, read, outcome):
                return await close(pool, read, outcome.otherwise)
        case _:
            await _write_result(pool, read, outcome)
    return ClosedWindow(outcome, landed, read.seen)


async def _land_complete(pool: Pool, read: WindowRead, outcome: Complete) -> LoadCounts:
    try:
        return await retried(lambda: _land(pool, read, outcome))
    except DatabaseBusyError as error:
        raise TransientError(str(error)) from error


async def _land(pool: Pool, read: WindowRead, outcome: Complete) -> LoadCounts:
    claim, source, records = read.claim, read.source, read.records
    async with pool.connection() as connection, nullcontext() if outcome.nothing_to_write else connection.transaction():
        landed = await load.land(connection, _load_source(read), records)
        if read.observed_page_size < read.page_size:
            await probes.record_page_size(connection, claim.account, read.observed_page_size)
        left = await rereads.orders_that_left_status(connection, claim, source, records, read.page_size)
        assert read.total is not None
        await closing.finish(connection, claim, total=read.total, seen=read.seen, calls=read.calls, landed=landed)
        await followups.plan(connection, claim.account, claim.kind, left.windows, left.orders)
        if landed.new or landed.changed:
            await _measure_lateness(connection, read)
        await rereads.follow_up(connection, claim, source, records, read.calls)
    return landed


async def _measure_lateness(connection: Connection, read: WindowRead) -> None:
    platform, overlap = read.source.platform, read.source.policy.overlap
    order_ids = [record.order_id for record in read.records if record.order_id is not None]
    await lateness.measure(connection, read.claim, platform.name, platform.feed, overlap, order_ids)


async def _land_unproven(pool: Pool, read: WindowRead, outcome: Split | Failed) -> LoadCounts:
    """Land what was read, and close the window without proof.

    Where the database keeps ending the transaction (`DatabaseBusyError`), the window is closed without them.
    """
    records = [] if outcome.error is None else read.records
    try:
        return await retried(lambda: _close_unproven(pool, read, records, outcome, outcome.reason))
    except DatabaseBusyError as busy:
        reason = outcome.reason
        if reason is not None and str(busy) not in reason:
            reason = f"{reason}\n\nWhat was read did not land: {busy}"
        return await _close_unproven(pool, read, [], outcome, reason)


async def _close_unproven(
    pool: Pool, read: WindowRead, records: list[Record], outcome: Split | Failed, reason: str | None
) -> LoadCounts:
    claim = read.claim
    async with pool.connection() as connection, connection.transaction():
        landed = await load.land(connection, _load_source(read), records)
        if isinstance(outcome, Split):
            parts, total = outcome.parts, outcome.total
            await closing.split(connection, claim, parts, total=total, calls=read.calls, reason=reason)
        else:
            seen = len(read.records)
            await closing.fail(connection, claim, reason or "", calls=read.calls, total=read.total, seen=seen)
    return landed


async def _plan_parts_again(pool: Pool, read: WindowRead, outcome: RereadParts) -> bool:
    assert read.total is not None
    async with pool.connection() as connection, connection.transaction():
        return await closing.plan_parts_again(
            connection, read.claim, outcome.reason, total=read.total, calls=read.calls, younger_than=TOTAL_STABLE_AFTER
        )


async def _write_result(pool: Pool, read: WindowRead, outcome: Outcome) -> None:
    """Write an outcome by which nothing lands."""
    claim, calls = read.claim, read.calls
    async with pool.connection() as connection:
        match outcome:
            case Unconfirmed(delay=delay):
                await closing.plan_unconfirmed(connection, claim, delay, calls=calls)
            case Beyond(reason=reason):
                await closing.close_beyond(connection, claim, reason, calls=calls)
            case PartsAgree():
                assert read.total is not None
                counts = LoadCounts()
                await closing.finish(
                    connection, claim, total=read.total, seen=read.seen, calls=calls, landed=counts, is_split=True
                )
            case Released(error=error, suspends=suspends):
                if suspends and error is not None:  # also where the lease is lost: the platform refused it
                    await suspensions.suspend(connection, read.source.account, error.message)
                await claims.release(connection, claim, calls=calls)


def _load_source(read: WindowRead) -> LandingSource:
    platform, claim = read.source.platform, read.claim
    checks_rows = claim.kind in _CHECKING
    return LandingSource(platform.name, claim.account, claim.id, platform.normalize, platform.direction, checks_rows)
