"""Windows in hand: taken from the ledger by one worker, held for a while, closed or given back.

A claim takes a fence number; whatever a worker writes ends by checking that number, so one that was frozen or cut off
cannot commit. Every time is the database's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from orders_sync.domain.accounts import Identity
from orders_sync.domain.errors import LeaseLostError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.windows import Feed, Window, WindowKind, WindowState
from orders_sync.store import ledger, parts
from orders_sync.store.database import Connection
from orders_sync.store.ledger import PROVEN_TO
from orders_sync.store.queries import fetch_optional, fetch_value

# what is read first
URGENCY = [
    WindowKind.HOOK,
    WindowKind.INCREMENTAL,
    WindowKind.REPAIR,
    WindowKind.CONFIRM,
    WindowKind.SWEEP,
    WindowKind.BACKFILL,
]
LEASE = timedelta(seconds=30)
CLAIM_LOCK = 0x6F72  # first half of an advisory lock, the account is the second


async def claim(
    connection: Connection,
    account: str,
    owner: str,
    statuses: Sequence[str] = (),
    identity: Identity | None = None,
) -> Claim | None:
    """Take the next window of the account that nobody reads and that overlaps none being read; None if there is none.

    By urgency of its kind, then the oldest; but after a window that messages asked for every other kind has its turn:
    however many messages come, they take every other read at most while anything else waits. Incremental windows come
    the newest first, for the last days are what people wait for, and old ones that failed again after those that did
    not. A window whose reader let its lease run out counts as one that nobody reads. Sweeps come in the order they were
    planned in (`sweeps`). Of one plan those by status come before the others, the last of `statuses` first: so an
    order that moved on meanwhile is brought by the list of its new status before it is looked for in that of its old
    one, and what is read again for having left comes after all lists.

    `identity`: who the account is for the reader. Nothing is taken where the tables know another one by its name.
    """
    # both statements in one message, hence in one transaction, with values filled in here: a round trip instead of four
    async with psycopg.AsyncClientCursor(connection, row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            -- one at a time an account: two who claim overlapping windows at once would wait for each other
            SELECT pg_advisory_xact_lock(%(lock)s, hashtext(%(account)s));
            UPDATE sync.windows SET state = 'running', fence = nextval('sync.fences'), owner = %(owner)s,
                lease_until = clock_timestamp() + %(lease)s, started_at = clock_timestamp(), attempts = attempts + 1
            WHERE id = (
                SELECT id FROM sync.windows AS w
                WHERE account = %(account)s
                  AND (%(platform)s::text IS NULL OR EXISTS (
                      SELECT FROM sync.accounts AS a WHERE a.name = %(account)s
                        AND (a.platform, a.host, a.seller) = (%(platform)s, %(host)s, %(seller)s)))
                  AND (state = 'planned' OR state = 'running' AND lease_until < clock_timestamp())
                  AND (not_before IS NULL OR not_before <= clock_timestamp())
                  AND NOT EXISTS (
                      SELECT FROM sync.windows AS r
                      WHERE r.account = w.account AND r.feed = w.feed AND r.state = 'running' AND r.id <> w.id
                        AND tstzrange(r.starts_at, r.ends_at) && tstzrange(w.starts_at, w.ends_at)
                  )
                ORDER BY kind = 'hook' AND coalesce((
                        SELECT last.kind = 'hook' FROM sync.windows AS last
                        WHERE last.account = %(account)s AND last.fence > 0 ORDER BY last.fence DESC LIMIT 1
                    ), false),
                    array_position(%(urgency)s, kind),
                    CASE WHEN kind = 'sweep' THEN planned_at END,
                    array_position(%(statuses)s::text[], status) DESC NULLS LAST,
                    kind = 'incremental' AND attempts > 1 AND ends_at < clock_timestamp() - interval '1 day',
                    CASE WHEN kind = 'incremental' THEN starts_at END DESC, starts_at
                LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING id, account, kind, feed, starts_at, ends_at, status, parent_id, backfill_id, fence, attempts,
                not_before, clock_timestamp() AS now, orders, repeats, part_rows, parts_again_at,
                (SELECT p.total * extract(epoch FROM windows.ends_at - windows.starts_at)
                            / extract(epoch FROM p.ends_at - p.starts_at)
                 FROM sync.windows AS p WHERE p.id = windows.parent_id)::int AS expected,
                (SELECT p.total FROM sync.windows AS p WHERE p.id = windows.parent_id) AS parent_total,
                EXISTS (SELECT FROM sync.windows AS p WHERE p.id = windows.parent_id AND p.total > 0 AND EXISTS (
                    SELECT FROM sync.windows AS s
                    WHERE s.account = p.account AND s.kind = p.kind AND s.ends_at > p.starts_at
                      AND s.ends_at <= p.ends_at AND s.parent_id = p.id AND s.id <> windows.id AND s.total >= p.total
                )) AS is_sibling_as_full,
                (SELECT (a.observed ->> 'page_size')::int FROM sync.accounts AS a WHERE a.name = account) AS page_size
            """,
            {
                "lock": CLAIM_LOCK,
                "account": account,
                "owner": owner,
                "lease": LEASE,
                "urgency": URGENCY,
                "statuses": list(statuses),
                **dict(zip(Identity._fields, identity or (None, None, None), strict=True)),
            },
        )
        cursor.nextset()
        row = await cursor.fetchone()
    if row is None:
        return None
    return Claim(
        row["id"],
        row["account"],
        WindowKind(row["kind"]),
        Feed(row["feed"]),
        Window(row["starts_at"], row["ends_at"]),
        row["status"],
        row["parent_id"],
        row["backfill_id"],
        row["fence"],
        row["attempts"],
        row["expected"] or 0,
        row["now"],
        row["parent_total"],
        row["is_sibling_as_full"],
        row["page_size"],
        row["not_before"],
        row["orders"] or (),
        row["repeats"],
        row["part_rows"],
        row["parts_again_at"],
    )


async def held_for(connection: Connection, account: str) -> float | None:
    """Seconds until the first hold of another reader on the account ends by itself; None when nobody holds a window."""
    query = """
        SELECT extract(epoch FROM min(lease_until) - clock_timestamp())::float
        FROM sync.windows WHERE account = %s AND state = 'running'
    """
    seconds = await fetch_optional(connection, query, [account], float)
    return None if seconds is None else max(0.0, seconds)


async def renew(connection: Connection, claim: Claim) -> None:
    """Hold the window for another lease. Raises `LeaseLostError` when it is not ours any more."""
    await _fenced(connection, claim, "lease_until = clock_timestamp() + %s", [LEASE])


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
    """Close a window with proof: as done, or as split (`is_split`) where it was counted again and its parts agree.

    In the transaction that landed its rows, after them; where nothing landed it is a transaction by itself. An
    incremental window moves the watermark to the beginning of the oldest one that is not proven, or to the end of all
    (`PROVEN_TO`); never back, for windows that begin before it read again what was proven. The
    last part of a split window has that one counted again where the parts brought too few rows (`store/parts.py`).

    Raises `LeaseLostError` when another worker has claimed the window since: the transaction must not commit (P5).
    """
    # in one message, as in `claim`; the account is locked first, so that two that finish do not wait for each other
    async with psycopg.AsyncClientCursor(connection) as cursor:
        await cursor.execute(
            f"""
            SELECT FROM sync.accounts WHERE name = %(account)s FOR UPDATE;
            UPDATE sync.windows SET state = %(state)s, finished_at = clock_timestamp(), error = NULL, total = %(total)s,
                seen = %(seen)s, calls = calls + %(calls)s, rows_new = %(new)s, rows_changed = %(changed)s,
                rows_unchanged = %(unchanged)s, rows_stale = %(stale)s, rows_rejected = %(rejected)s
            WHERE id = %(id)s AND fence = %(fence)s AND state = 'running';
            {parts.HOLD_AGAINST_PARTS + ";" if claim.parent_id is not None else ""}
            UPDATE sync.accounts AS a SET updated_at = now(), watermark = greatest(a.watermark, {PROVEN_TO})
            WHERE name = %(account)s AND %(is_incremental)s AND EXISTS (  -- not by who lost the window
                SELECT FROM sync.windows WHERE id = %(id)s AND fence = %(fence)s AND finished_at >= now());
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


async def ask_again(connection: Connection, claim: Claim, wait: timedelta, *, calls: int) -> None:
    """Hand back a window whose answer is not believed yet: it is read again after a while. Raises `LeaseLostError`."""
    await _fenced(
        connection,
        claim,
        "state = 'planned', attempts = 0, not_before = clock_timestamp() + %s, calls = calls + %s",
        [wait, calls],
    )


async def close_beyond(connection: Connection, claim: Claim, reason: str, *, calls: int) -> None:
    """Close a window beyond the platform's reach, for good: it proves nothing, and the proof begins behind it.

    In a transaction. Raises `LeaseLostError`.
    """
    await connection.execute("SELECT FROM sync.accounts WHERE name = %s FOR UPDATE", [claim.account])
    await _fenced(
        connection,
        claim,
        "state = 'beyond', finished_at = clock_timestamp(), error = %s, calls = calls + %s",
        [ledger.kept(reason), calls],
    )
    if claim.kind == WindowKind.INCREMENTAL:
        await connection.execute(
            f"""
            UPDATE sync.accounts AS a SET updated_at = now(), proven_from = greatest(proven_from, %s),
                watermark = greatest(a.watermark, {PROVEN_TO})
            WHERE name = %s
            """.encode(),
            [claim.window.end, claim.account],
        )
    if claim.backfill_id is not None:
        await connection.execute(
            "UPDATE sync.backfills SET error = coalesce(error, %s) WHERE id = %s",
            [ledger.kept(reason), claim.backfill_id],
        )
        await connection.execute(ledger.CLOSE_BACKFILL, {"backfill_id": claim.backfill_id})


async def split(
    connection: Connection,
    claim: Claim,
    into: list[Window],
    *,
    total: int | None,
    calls: int,
    reason: str | None = None,
) -> None:
    """Replace a window by the windows it is cut `into`, by none when its backfill was cancelled.

    Raises `LeaseLostError`.

    `total`: the platform's count, if it gave one. `reason`: why it could not be read, None when it only was too full.
    """
    await _fenced(
        connection,
        claim,
        "state = 'split', finished_at = clock_timestamp(), error = %s, total = %s, calls = calls + %s",
        [ledger.kept(reason), total, calls],
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


async def read_parts_again(
    connection: Connection, claim: Claim, reason: str, *, total: int, calls: int, settled: timedelta
) -> bool:
    """Plan the parts of a window once more, which brought fewer rows than it counts, and return whether there were any.

    Else nothing is done. All of them the first time, later those that ended less than `settled` before they were read.

    In a transaction. Raises `LeaseLostError`.
    """
    is_first = claim.parts_again_at is None
    if not await parts.plan_again(connection, claim.id, younger_than=None if is_first else settled):
        return False
    await _fenced(
        connection,
        claim,
        "state = 'split', finished_at = clock_timestamp(), parts_again_at = clock_timestamp(), error = %s, total = %s,"
        " calls = calls + %s",
        [ledger.kept(reason), total, calls],
    )
    return True


async def _is_cancelled(connection: Connection, number: int) -> bool:
    query = "SELECT state = 'cancelled' FROM sync.backfills WHERE id = %s FOR SHARE"
    return await fetch_value(connection, query, [number], bool)


async def fail(
    connection: Connection, claim: Claim, error: str, *, calls: int, total: int | None = None, seen: int | None = None
) -> None:
    """Close a window as failed, with the reason and how far its read got. Raises `LeaseLostError`."""
    await _fenced(
        connection,
        claim,
        "state = 'failed', finished_at = clock_timestamp(), error = %s, calls = calls + %s, total = %s, seen = %s",
        [ledger.kept(error), calls, total, seen],
    )


async def observe(connection: Connection, account: str, observed: dict[str, object]) -> None:
    """Remember what the platform was seen to do, where no document says it.

    What was known before under other names stays.
    """
    await connection.execute(
        "UPDATE sync.accounts SET observed = coalesce(observed, '{}') || %s WHERE name = %s",
        [Jsonb(observed), account],
    )


async def release(connection: Connection, claim: Claim, *, calls: int) -> None:
    """End a claim without a result: the window is planned again, for any reader. Raises `LeaseLostError`."""
    await _fenced(connection, claim, "state = 'planned', calls = calls + %s", [calls])


async def release_all(connection: Connection, account: str, owner: str) -> None:
    """End all claims of `owner` on windows of the account without a result: they are planned again."""
    await connection.execute(
        "UPDATE sync.windows SET state = 'planned' WHERE account = %s AND owner = %s AND state = 'running'",
        [account, owner],
    )


async def _fenced(connection: Connection, claim: Claim, sets: str, values: list[Any]) -> None:
    cursor = await connection.execute(
        f"UPDATE sync.windows SET {sets} WHERE id = %s AND fence = %s AND state = 'running'",
        [*values, claim.id, claim.fence],
    )
    if cursor.rowcount != 1:
        raise LeaseLostError(claim.id)
