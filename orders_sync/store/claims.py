"""Claims: a window is taken from the ledger by one worker. Once its lease is over, another may claim it.

A claim has a fence number. Every write of orders, and of the window's result, ends by checking it: a worker that was
frozen or disconnected cannot commit after somebody else has claimed the window. How a claimed window is closed:
`closing`. Every time is the database's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from orders_sync.domain.accounts import Identity
from orders_sync.domain.errors import LeaseLostError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.windows import WindowKind
from orders_sync.store import ledger, locks
from orders_sync.store.database import Connection
from orders_sync.store.pauses import IS_PAUSED
from orders_sync.store.queries import fetch_optional

# kinds of window, the most urgent first
URGENCY = [
    WindowKind.HOOK,
    WindowKind.INCREMENTAL,
    WindowKind.REPAIR,
    WindowKind.CONFIRM,
    WindowKind.SWEEP,
    WindowKind.BACKFILL,
]
LEASE = timedelta(seconds=30)


_CLAIM = f"""
-- one claim of an account at a time: two on overlapping windows would wait for each other (ex_windows_one_reader)
SELECT pg_advisory_xact_lock(%(lock)s, hashtext(%(account)s));
UPDATE sync.windows SET state = 'running', fence = nextval('sync.fences'), owner = %(claimant)s,
    lease_until = clock_timestamp() + %(lease)s, started_at = clock_timestamp(), attempts = attempts + 1,
    error = NULL
WHERE id = (
    SELECT id FROM sync.windows AS w
    WHERE account = %(account)s
      AND (%(platform)s::text IS NULL OR EXISTS (
          SELECT FROM sync.accounts AS a WHERE a.name = %(account)s
            AND (a.platform, a.host, a.seller) = (%(platform)s, %(host)s, %(seller)s)))
      AND NOT EXISTS (SELECT FROM sync.accounts AS a WHERE a.name = %(account)s AND {IS_PAUSED})
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
    not_before, clock_timestamp() AS now, coalesce(orders, '{{}}') AS orders, repeats, part_rows, parts_again_at,
    coalesce((
        SELECT p.total * extract(epoch FROM windows.ends_at - windows.starts_at)
            / extract(epoch FROM p.ends_at - p.starts_at)
        FROM sync.windows AS p WHERE p.id = windows.parent_id)::int, 0) AS expected,
    (SELECT p.total FROM sync.windows AS p WHERE p.id = windows.parent_id) AS parent_total,
    (SELECT (a.observed ->> 'page_size')::int FROM sync.accounts AS a WHERE a.name = account) AS page_size
"""


async def claim(
    connection: Connection,
    account: str,
    claimant: str,
    statuses: Sequence[str] = (),
    identity: Identity | None = None,
) -> Claim | None:
    """Take the next window of an account, claimed by `claimant`; None if none can be read now.

    A window can be read when it is planned or its claimant let the lease run out, its `not_before` has passed, it
    overlaps no window of the same feed that is being read, and the account is not paused. The order:

    1. After a window of kind `hook` comes one of another kind if there is any, so that messages, however many come,
       take at most every other read.
    2. By urgency of the kind (`URGENCY`).
    3. Incremental windows: the newest first, for the last days are what people wait for; but those that ended over a
       day ago and were claimed twice or more come last.
    4. Sweeps: in the order they were planned (`store/sweeps.py`). Of one plan, lists by status come first, the last of
       `statuses` first: an order that moved on since it was stored has landed with its new status before the list of
       its old one is read, and need not be read again because it is not in that (`engine/rereads.py`). Sweeps without a
       status come after all lists.
    5. The oldest first.

    `statuses`: those the platform is listed by, in the order of an order's life (`Platform.listed_statuses`).
    `identity`: that of the account in the claimant's settings. Nothing is taken if the tables know another one by its
    name.
    """
    # AsyncClientCursor: both statements in one message, hence in one transaction; a round trip instead of four
    async with psycopg.AsyncClientCursor(connection, row_factory=dict_row) as cursor:
        await cursor.execute(
            _CLAIM,
            {
                "lock": locks.CLAIMS,
                "account": account,
                "claimant": claimant,
                "lease": LEASE,
                "urgency": URGENCY,
                "statuses": list(statuses),
                "platform": None if identity is None else identity.platform,
                "host": None if identity is None else identity.host,
                "seller": None if identity is None else identity.seller,
            },
        )
        cursor.nextset()
        row = await cursor.fetchone()
    if row is None:
        return None
    return msgspec.convert({**row, "window": {"start": row["starts_at"], "end": row["ends_at"]}}, Claim)


async def seconds_to_next_expiry(connection: Connection, account: str) -> float | None:
    """Return the seconds until the next claim of the account expires, at least 0; None if nothing is claimed."""
    query = """
        SELECT extract(epoch FROM min(lease_until) - clock_timestamp())::float
        FROM sync.windows WHERE account = %s AND state = 'running'
    """
    seconds = await fetch_optional(connection, query, [account], float)
    return None if seconds is None else max(0.0, seconds)


async def renew(connection: Connection, claim: Claim) -> None:
    """Extend a claim by another lease. Raises `LeaseLostError` if another worker has claimed the window since.

    Does nothing to a window that its own worker has closed or released: the renewal may have waited for the transaction
    that did it.
    """
    try:
        await update_fenced(connection, claim, "lease_until = clock_timestamp() + %s", [LEASE])
    except LeaseLostError:
        query = "SELECT fence FROM sync.windows WHERE id = %s"
        if await fetch_optional(connection, query, [claim.id], int) != claim.fence:
            raise


async def set_unanswered(connection: Connection, claim: Claim, text: str | None) -> None:
    """Store why calls for a claimed window get no answer; None clears it. Raises `LeaseLostError`."""
    await update_fenced(connection, claim, "error = %s", [ledger.shortened_error(text)])


async def release(connection: Connection, claim: Claim, *, calls: int) -> None:
    """End a claim without a result: the window is planned again, for any reader. Raises `LeaseLostError`."""
    await update_fenced(connection, claim, "state = 'planned', calls = calls + %s", [calls])


async def release_all(connection: Connection, account: str, claimant: str) -> None:
    """End all claims of `claimant` on windows of the account without a result: they are planned again."""
    await connection.execute(
        "UPDATE sync.windows SET state = 'planned' WHERE account = %s AND owner = %s AND state = 'running'",
        [account, claimant],
    )


async def update_fenced(connection: Connection, claim: Claim, assignments: str, values: list[Any]) -> None:
    """Update a claimed window. `assignments`: SQL, with a `%s` for each of `values`.

    Raises `LeaseLostError` where it was closed, released or claimed again since.
    """
    cursor = await connection.execute(
        f"UPDATE sync.windows SET {assignments} WHERE id = %s AND fence = %s AND state = 'running'",
        [*values, claim.id, claim.fence],
    )
    if cursor.rowcount != 1:
        raise LeaseLostError(claim.id)
