"""The end of a claimed window: its result in the ledger, and what follows from it for account, backfill and parts.

Each function checks the fence of the claim in the transaction of `connection`, and raises `LeaseLostError` when another
worker has claimed the window since: that transaction must not commit (P5).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import psycopg

from orders_sync.domain.errors import LeaseLostError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.windows import Window, WindowKind, WindowState
from orders_sync.store import ledger, parts
from orders_sync.store.claims import update_fenced
from orders_sync.store.database import Connection
from orders_sync.store.ledger import PROVEN_TO
from orders_sync.store.queries import fetch_value

# the claim has just closed its window: a worker that lost it must not change anything else
_IS_CLOSED = "EXISTS (SELECT FROM sync.windows WHERE id = %(id)s AND fence = %(fence)s AND finished_at >= now())"


async def finish(
    connection: Connection,
    claim: Claim,
    *,
    total: int,
    seen: int,
    calls: int,
    landed: LoadCounts,
    is_split: bool = False,
) -> None:
    """Close a window that was read to its end: as done, or as split (`is_split`) where its parts agree with its count.

    That proves its range, but for a list by status (`Claim.status`) and for a message. In the transaction that landed
    its rows, after them; where nothing landed it is a transaction by itself. An incremental window moves the watermark
    to the beginning of the oldest one that is not proven, or to the end of all (`PROVEN_TO`). This never moves
    it back (only an earlier beginning of the history does: `ledger.plan`): a window that begins before the watermark
    reads a proven range again. The last part of a split window has the split
    window counted again where the parts brought too few records (`store/parts.py`).

    `total`: records that the platform counted. `seen`: distinct records read.

    Raises `LeaseLostError` when another worker has claimed the window since: the transaction must not commit (P5).
    """
    # in one message, as in `claim`; the account is locked first: two that finish lock in one order, and cannot deadlock
    async with psycopg.AsyncClientCursor(connection) as cursor:
        await cursor.execute(
            f"""
            SELECT FROM sync.accounts WHERE name = %(account)s FOR UPDATE;
            UPDATE sync.windows SET state = %(state)s, finished_at = clock_timestamp(), error = NULL, total = %(total)s,
                seen = %(seen)s, calls = calls + %(calls)s, rows_new = %(new)s, rows_changed = %(changed)s,
                rows_unchanged = %(unchanged)s, rows_stale = %(stale)s, rows_rejected = %(rejected)s
            WHERE id = %(id)s AND fence = %(fence)s AND state = 'running';
            {parts.COMPARE_WITH_PARTS + ";" if claim.parent_id is not None else ""}
            UPDATE sync.accounts AS a SET updated_at = now(), watermark = greatest(a.watermark, {PROVEN_TO})
            WHERE name = %(account)s AND %(is_incremental)s AND {_IS_CLOSED};
            {ledger.CLOSE_BACKFILL}
            """.encode(),
            {
                **asdict(landed),
                "state": WindowState.SPLIT if is_split else WindowState.DONE,
                "account": claim.account,
                "id": claim.id,
                "fence": claim.fence,
                "total": total,
                "seen": seen,
                "calls": calls,
                "is_incremental": claim.kind == WindowKind.INCREMENTAL,
                "backfill_id": claim.backfill_id,
            },
        )
        cursor.nextset()
        if cursor.rowcount != 1:
            raise LeaseLostError(claim.id)


async def plan_unconfirmed(connection: Connection, claim: Claim, wait: timedelta, *, calls: int) -> None:
    """Plan a window again, after `wait`, because its empty answer is not believed yet. Raises `LeaseLostError`."""
    await update_fenced(
        connection,
        claim,
        "state = 'planned', attempts = 0, not_before = clock_timestamp() + %s, calls = calls + %s",
        [wait, calls],
    )


async def close_beyond(connection: Connection, claim: Claim, reason: str, *, calls: int) -> None:
    """Close a window beyond the platform's reach for good: it proves nothing, and the proof begins at its end.

    A transaction by itself, or part of one. Raises `LeaseLostError`; then nothing was written.
    """
    async with psycopg.AsyncClientCursor(connection) as cursor:  # in one message, as in `finish`
        await cursor.execute(
            f"""
            SELECT FROM sync.accounts WHERE name = %(account)s FOR UPDATE;
            UPDATE sync.windows SET state = 'beyond', finished_at = clock_timestamp(), error = %(reason)s,
                calls = calls + %(calls)s
            WHERE id = %(id)s AND fence = %(fence)s AND state = 'running';
            UPDATE sync.accounts AS a SET updated_at = now(), proven_from = greatest(proven_from, %(end)s),
                watermark = greatest(a.watermark, {PROVEN_TO})
            WHERE name = %(account)s AND %(is_incremental)s AND {_IS_CLOSED};
            UPDATE sync.backfills SET error = coalesce(error, %(reason)s)
            WHERE id = %(backfill_id)s AND {_IS_CLOSED};
            {ledger.CLOSE_BACKFILL}
            """.encode(),
            {
                "reason": ledger.shortened_error(reason),
                "account": claim.account,
                "id": claim.id,
                "fence": claim.fence,
                "end": claim.window.end,
                "calls": calls,
                "is_incremental": claim.kind == WindowKind.INCREMENTAL,
                "backfill_id": claim.backfill_id,
            },
        )
        cursor.nextset()
        if cursor.rowcount != 1:
            raise LeaseLostError(claim.id)


async def split(
    connection: Connection,
    claim: Claim,
    into: list[Window],
    *,
    total: int | None,
    calls: int,
    reason: str | None = None,
) -> None:
    """Replace a window by its parts `into`; by nothing if its backfill was cancelled. In a transaction.

    `total`: the platform's count, None before it gave one. `reason`: why the window could not be read, None where it is
    only too full.
    Raises `LeaseLostError`.
    """
    await update_fenced(
        connection,
        claim,
        "state = 'split', finished_at = clock_timestamp(), error = %s, total = %s, calls = calls + %s",
        [ledger.shortened_error(reason), total, calls],
    )
    if claim.backfill_id is not None and await _is_cancelled(connection, claim.backfill_id):
        return
    await ledger.plan(
        connection, claim.account, claim.kind, claim.feed, into, claim.id, claim.backfill_id, claim.status
    )
    if claim.orders:
        await connection.execute(
            """
            UPDATE sync.windows SET orders = %s, repeats = %s
            WHERE account = %s AND kind = %s AND state = 'planned' AND parent_id = %s
            """,
            [claim.orders, claim.repeats, claim.account, claim.kind, claim.id],
        )


async def plan_parts_again(
    connection: Connection, claim: Claim, reason: str, *, total: int, calls: int, younger_than: timedelta
) -> bool:
    """Plan once more the parts of a window that together brought fewer records than it counts. In a transaction.

    All of them the first time; later those that ended less than `younger_than` before they were read. Return False,
    with nothing done, if there are none. Raises `LeaseLostError`.
    """
    is_first = claim.parts_again_at is None
    if not await parts.plan_again(connection, claim.id, younger_than=None if is_first else younger_than):
        return False
    await update_fenced(
        connection,
        claim,
        "state = 'split', finished_at = clock_timestamp(), parts_again_at = clock_timestamp(), error = %s, total = %s,"
        " calls = calls + %s",
        [ledger.shortened_error(reason), total, calls],
    )
    return True


async def fail(
    connection: Connection, claim: Claim, error: str, *, calls: int, total: int | None = None, seen: int | None = None
) -> None:
    """Close a window as failed, with the reason. Raises `LeaseLostError`.

    `total`: the platform's count, `seen`: distinct records read; None before there were any.
    """
    await update_fenced(
        connection,
        claim,
        "state = 'failed', finished_at = clock_timestamp(), error = %s, calls = calls + %s, total = %s, seen = %s",
        [ledger.shortened_error(error), calls, total, seen],
    )


async def _is_cancelled(connection: Connection, number: int) -> bool:
    query = "SELECT state = 'cancelled' FROM sync.backfills WHERE id = %s FOR SHARE"
    return await fetch_value(connection, query, [number], bool)
