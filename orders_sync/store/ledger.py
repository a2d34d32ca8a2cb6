"""The table of windows: what is planned, who reads it, what came of it, and the watermark that follows from it.

    planned --claim--> running --finish--> done          the watermark moves in the same transaction (P5)
       ^                 | |
       |                 | '----split----> split, its parts planned
       '--next run-- failed <--fail--

A claim takes a fence number; whatever a worker writes ends by checking that number, so one that was frozen or cut off
cannot commit. Every time is the database's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import LostWindow
from orders_sync.domain.sweeps import Look
from orders_sync.domain.windows import Feed, Window
from orders_sync.store.database import Connection
from orders_sync.store.load import Landed

INCREMENTAL = "incremental"
CONFIRM = "confirm"
SWEEP = "sweep"
BACKFILL = "backfill"
REPAIR = "repair"
HOOK = "hook"
URGENCY = [HOOK, INCREMENTAL, REPAIR, CONFIRM, SWEEP, BACKFILL]  # what is read first
LEASE = timedelta(seconds=30)
REST = timedelta(minutes=1)  # of an account whose windows failed one after the other
LONGEST_ERROR = 4096  # characters kept of one
# 30 s after the first failure, twice as long after each further one, at most an hour: a service that comes by every
# minute must not hammer
RETRY_AT = "finished_at + least(interval '30 s' * 2 ^ least(attempts - 1, 10), interval '1 hour')"
CLAIM_LOCK = 0x6F72  # first half of an advisory lock, the account is the second
# of an account `a`. Incremental windows leave no gap between its history_from and PLANNED_TO: before PROVEN_TO, where
# the oldest of them begins that is not done, everything has landed
PLANNED_TO = "(SELECT max(ends_at) FROM sync.windows AS p WHERE p.account = a.name AND p.kind = 'incremental')"
PROVEN_TO = f"""coalesce(
    (SELECT min(starts_at) FROM sync.windows AS o
     WHERE o.account = a.name AND o.kind = 'incremental' AND o.state IN ('planned', 'running', 'failed')),
    {PLANNED_TO})"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Claim:
    """A window that is ours to read until `lease_until`, unless the fence has moved on."""

    id: int
    account: str
    kind: str
    feed: Feed
    window: Window
    status: str | None  # only orders in it are listed
    parent_id: int | None
    backfill_id: int | None
    fence: int
    attempts: int
    expected: int  # rows, if they lie as evenly as in the window it was split from; 0 when it was not
    now: datetime  # the database's clock when it was claimed


@dataclass(frozen=True, slots=True)
class Waiting:
    """A window that failed and the earliest time of its next read."""

    starts_at: datetime
    ends_at: datetime
    attempts: int
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an account is planned and landed."""

    now: datetime
    history_from: datetime | None
    planned_to: datetime | None
    watermark: datetime | None


async def register(connection: Connection, account: Account, feed: Feed) -> None:
    """Make sure the account has its row."""
    await connection.execute(
        """
        INSERT INTO sync.accounts AS a (name, platform, seller, feed) VALUES (%s, %s, %s, %s)
        ON CONFLICT (name) DO UPDATE SET platform = excluded.platform, seller = excluded.seller, updated_at = now()
        WHERE (a.platform, a.seller) IS DISTINCT FROM (excluded.platform, excluded.seller)
        """,
        [account.name, account.platform, account.seller, feed],
    )


async def reach(connection: Connection, account: str) -> Reach:
    """Lock the account and say how far it is planned. In the transaction that plans more."""
    row = await _one(
        connection,
        f"""
        SELECT clock_timestamp() AS now, a.history_from, a.watermark, {PLANNED_TO} AS planned_to
        FROM sync.accounts AS a WHERE name = %s FOR UPDATE
        """,  # noqa: S608
        [account],
    )
    return Reach(row["now"], row["history_from"], row["planned_to"], row["watermark"])


async def plan(
    connection: Connection,
    account: str,
    kind: str,
    feed: Feed,
    windows: list[Window],
    parent: int | None = None,
    backfill_id: int | None = None,
    status: str | None = None,
) -> None:
    """Add windows. An incremental one that begins earlier than all before moves the account's history back.

    `status`: a sweep that lists only the orders in it.
    """
    if not windows:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(
            """
            INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, parent_id, backfill_id, status)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [(account, kind, feed, window.start, window.end, parent, backfill_id, status) for window in windows],
        )
    if kind == INCREMENTAL:
        await connection.execute(
            "UPDATE sync.accounts SET history_from = least(history_from, %s) WHERE name = %s",
            [windows[0].start, account],
        )


async def drop_lists(connection: Connection, account: str, looks: list[Look]) -> None:
    """Take out sweeps by status that are still waiting and lie within ranges that are about to be looked over anew."""
    await connection.execute(
        """
        DELETE FROM sync.windows
        WHERE account = %s AND kind = 'sweep' AND state = 'planned' AND status IS NOT NULL
          AND tstzrange(starts_at, ends_at) <@ (
              SELECT range_agg(tstzrange(l.first, l.past))
              FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS l (first, past)
          )
        """,
        [account, [look.start for look in looks], [look.end for look in looks]],
    )


async def drop_superseded(connection: Connection, account: str, windows: list[Window]) -> None:
    """Take out sweeps that are still waiting and lie within windows of all orders about to be planned: they would read
    it twice. A list of one status supersedes nothing."""
    async with connection.cursor() as cursor:
        await cursor.executemany(
            """
            DELETE FROM sync.windows
            WHERE account = %s AND kind = 'sweep' AND state = 'planned' AND starts_at >= %s AND ends_at <= %s
            """,
            [(account, window.start, window.end) for window in windows],
        )


async def has_hooks(connection: Connection, account: str) -> bool:
    """Whether windows that messages asked for are still to be read, or being read."""
    query = """
        SELECT EXISTS (SELECT FROM sync.windows
                       WHERE account = %s AND kind = 'hook' AND state IN ('planned', 'running')) AS is_there
    """
    return bool((await _one(connection, query, [account]))["is_there"])


async def replan_failed(connection: Connection, account: str, *, at_once: bool = False) -> int:
    """Give windows that failed another chance once their pause is over, or at once; how many."""
    cursor = await connection.execute(
        f"""
        UPDATE sync.windows SET state = 'planned'
        WHERE account = %s AND state = 'failed' AND (%s OR {RETRY_AT} <= clock_timestamp())
        """,  # noqa: S608
        [account, at_once],
    )
    return cursor.rowcount


async def waiting(connection: Connection, account: str) -> list[Waiting]:
    """The account's failed windows, the one whose pause is over first in front."""
    async with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        await cursor.execute(
            f"""
            SELECT starts_at, ends_at, attempts, {RETRY_AT} AS retry_at
            FROM sync.windows WHERE account = %s AND state = 'failed' ORDER BY retry_at, starts_at
            """,  # noqa: S608
            [account],
        )
        return await cursor.fetchall()


async def claim(connection: Connection, account: str, owner: str, statuses: Sequence[str] = ()) -> Claim | None:
    """Take the oldest window of the account that nobody reads and that overlaps none being read; None if there is none.

    A window whose reader let its lease run out counts as one that nobody reads. Sweeps by status come before others of
    their kind, the last of `statuses` first: so an order that moved on meanwhile is brought by the list of its new
    status before it is looked for in that of its old one, and what is read again for having left comes after all lists.
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
                  AND (state = 'planned' OR state = 'running' AND lease_until < clock_timestamp())
                  AND NOT EXISTS (
                      SELECT FROM sync.windows AS r
                      WHERE r.account = w.account AND r.feed = w.feed AND r.state = 'running' AND r.id <> w.id
                        AND tstzrange(r.starts_at, r.ends_at) && tstzrange(w.starts_at, w.ends_at)
                  )
                ORDER BY array_position(%(urgency)s, kind),
                    array_position(%(statuses)s::text[], status) DESC NULLS LAST, starts_at
                LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING id, account, kind, feed, starts_at, ends_at, status, parent_id, backfill_id, fence, attempts,
                clock_timestamp() AS now,
                (SELECT p.total * extract(epoch FROM windows.ends_at - windows.starts_at)
                            / extract(epoch FROM p.ends_at - p.starts_at)
                 FROM sync.windows AS p WHERE p.id = windows.parent_id)::int AS expected
            """,
            {
                "lock": CLAIM_LOCK,
                "account": account,
                "owner": owner,
                "lease": LEASE,
                "urgency": URGENCY,
                "statuses": list(statuses),
            },
        )
        cursor.nextset()
        row = await cursor.fetchone()
    if row is None:
        return None
    return Claim(
        row["id"],
        row["account"],
        row["kind"],
        Feed(row["feed"]),
        Window(row["starts_at"], row["ends_at"]),
        row["status"],
        row["parent_id"],
        row["backfill_id"],
        row["fence"],
        row["attempts"],
        row["expected"] or 0,
        row["now"],
    )


async def held_for(connection: Connection, account: str) -> float | None:
    """Seconds until the first hold of another reader on the account ends by itself; None when nobody holds a window."""
    row = await _one(
        connection,
        """
        SELECT extract(epoch FROM min(lease_until) - clock_timestamp())::float AS seconds
        FROM sync.windows WHERE account = %s AND state = 'running'
        """,
        [account],
    )
    return None if row["seconds"] is None else max(0.0, row["seconds"])


async def renew(connection: Connection, claim: Claim) -> None:
    """Hold the window for another lease. Raises `LostWindow` when it is not ours any more."""
    await _fenced(connection, claim, "lease_until = clock_timestamp() + %s", [LEASE])


async def finish(connection: Connection, claim: Claim, *, total: int, seen: int, calls: int, landed: Landed) -> None:
    """Close a window as done, as the last act of the transaction that landed its rows. The watermark moves to the
    beginning of the oldest window that is not done, or to the end of all.

    Raises `LostWindow` when the fence has moved on: the transaction must not commit (P5).
    """
    # in one message, as in `claim`; the account is locked first, so that two that finish do not wait for each other
    async with psycopg.AsyncClientCursor(connection) as cursor:
        await cursor.execute(
            f"""
            SELECT FROM sync.accounts WHERE name = %(account)s FOR UPDATE;
            UPDATE sync.windows SET state = 'done', finished_at = clock_timestamp(), error = NULL, total = %(total)s,
                seen = %(seen)s, calls = calls + %(calls)s, rows_new = %(new)s, rows_changed = %(changed)s,
                rows_unchanged = %(unchanged)s, rows_stale = %(stale)s, rows_rejected = %(rejected)s
            WHERE id = %(id)s AND fence = %(fence)s AND state = 'running';
            UPDATE sync.accounts AS a SET updated_at = now(), watermark = {PROVEN_TO}
            WHERE name = %(account)s AND %(is_incremental)s
            """.encode(),  # noqa: S608
            {
                **asdict(landed),
                "account": claim.account,
                "id": claim.id,
                "fence": claim.fence,
                "total": total,
                "seen": seen,
                "calls": calls,
                "is_incremental": claim.kind == INCREMENTAL,
            },
        )
        cursor.nextset()
        if cursor.rowcount != 1:
            raise LostWindow(claim.id)
    if claim.backfill_id is not None:
        await close_backfill(connection, claim.backfill_id)


async def split(
    connection: Connection,
    claim: Claim,
    parts: list[Window],
    *,
    total: int | None,
    calls: int,
    reason: str | None = None,
) -> None:
    """Replace a window that is too full by its parts, by none when its backfill was cancelled. Raises `LostWindow`.

    `total`: the platform's count, if it gave one. `reason`: why it could not be read, None when it only was too full.
    """
    await _fenced(
        connection,
        claim,
        "state = 'split', finished_at = clock_timestamp(), error = %s, total = %s, calls = calls + %s",
        [_kept(reason), total, calls],
    )
    if claim.backfill_id is not None and await _is_cancelled(connection, claim.backfill_id):
        return
    await plan(connection, claim.account, claim.kind, claim.feed, parts, claim.id, claim.backfill_id, claim.status)


async def close_backfill(connection: Connection, number: int) -> None:
    """Call a backfill done once none of its windows is open. The account's row must be locked."""
    await connection.execute(
        """
        UPDATE sync.backfills SET state = 'done', finished_at = clock_timestamp()
        WHERE id = %s AND state = 'planned' AND NOT EXISTS (
            SELECT FROM sync.windows WHERE backfill_id = backfills.id AND state IN ('planned', 'running', 'failed'))
        """,
        [number],
    )


async def _is_cancelled(connection: Connection, number: int) -> bool:
    query = "SELECT state = 'cancelled' AS is_cancelled FROM sync.backfills WHERE id = %s FOR SHARE"
    return bool((await _one(connection, query, [number]))["is_cancelled"])


async def fail(connection: Connection, claim: Claim, error: str, *, calls: int) -> None:
    """Close a window as failed, with the reason. Raises `LostWindow`."""
    await _fenced(
        connection,
        claim,
        "state = 'failed', finished_at = clock_timestamp(), error = %s, calls = calls + %s",
        [_kept(error), calls],
    )


def _kept(error: str | None) -> str | None:
    """As much of it as a column is given."""
    return error.replace("\x00", "\\0")[:LONGEST_ERROR] if error else None


async def give_back(connection: Connection, claim: Claim, *, calls: int) -> None:
    """Hand back a window that was not read to the end, for the next reader. Raises `LostWindow`."""
    await _fenced(connection, claim, "state = 'planned', calls = calls + %s", [calls])


async def hand_back(connection: Connection, account: str, owner: str) -> None:
    """Hand back every window of the account that this owner, who stops now, still holds."""
    await connection.execute(
        "UPDATE sync.windows SET state = 'planned' WHERE account = %s AND owner = %s AND state = 'running'",
        [account, owner],
    )


async def seconds_to_read(connection: Connection, account: str) -> int:
    """How much platform time the windows have that are planned or being read."""
    row = await _one(
        connection,
        """
        SELECT coalesce(sum(extract(epoch FROM ends_at - starts_at)), 0)::bigint AS seconds
        FROM sync.windows WHERE account = %s AND state IN ('planned', 'running')
        """,
        [account],
    )
    return int(row["seconds"])


async def has_work(connection: Connection, account: str) -> bool:
    """Whether a window could be claimed now, of an account that neither rests nor is suspended."""
    row = await _one(
        connection,
        """
        SELECT EXISTS (
            SELECT FROM sync.windows AS w JOIN sync.accounts AS a ON a.name = w.account
            WHERE w.account = %s AND a.suspended_at IS NULL
              AND (a.rests_until IS NULL OR a.rests_until < clock_timestamp())
              AND (w.state = 'planned' OR w.state = 'running' AND w.lease_until < clock_timestamp())
        ) AS is_there
        """,
        [account],
    )
    return bool(row["is_there"])


async def note_error(connection: Connection, account: str, error: str | None, *, rests: bool = False) -> None:
    """Why the account's run stopped; None when it did not. `rests`: the service leaves it alone for a while."""
    await connection.execute(
        """
        UPDATE sync.accounts SET last_error = %(error)s, updated_at = now(),
            rests_until = CASE WHEN %(rests)s THEN clock_timestamp() + %(rest)s END
        WHERE name = %(account)s
          AND (last_error IS DISTINCT FROM %(error)s OR %(rests)s OR rests_until IS NOT NULL)
        """,
        {"account": account, "error": _kept(error), "rests": rests, "rest": REST},
    )


async def _fenced(connection: Connection, claim: Claim, sets: str, values: list[Any]) -> None:
    cursor = await connection.execute(
        f"UPDATE sync.windows SET {sets} WHERE id = %s AND fence = %s AND state = 'running'",  # noqa: S608
        [*values, claim.id, claim.fence],
    )
    if cursor.rowcount != 1:
        raise LostWindow(claim.id)


async def _maybe(connection: Connection, query: str, values: Any) -> dict[str, Any] | None:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchone()


async def _one(connection: Connection, query: str, values: Any) -> dict[str, Any]:
    row = await _maybe(connection, query, values)
    if row is None:
        raise LookupError(query)
    return row
