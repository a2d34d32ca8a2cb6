"""The table of windows: planning, the state of each window, and the watermark that follows from them.

    planned --claim--> running --finish--> done          the watermark moves in the same transaction (P5)
       ^                 | | '----------> beyond         proves nothing, is never read again: proof begins at its end
       |                 | '----split----> split         its parts are planned; planned again where they brought too few
       |<----release-----|                               another worker reads it
       '--RETRY_AT-- failed <--fail--                    `sync --retry` does not wait for that time

How a worker takes a window is in `claims`, how it ends one in `closing`. Every time is the database's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import msgspec

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import IdentityMismatchError
from orders_sync.domain.ledger import FailedWindow, Plan, PlannedTimes, Unclaimed
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_row, fetch_rows, fetch_value, fetch_values
from orders_sync.store.states import OPEN_WINDOWS, READ_WINDOWS

REST = timedelta(minutes=1)  # of an account, by `engine/failures.py` and `service/worker.py`
LONGEST_ERROR = 4096  # characters kept of one
# 30 s after the first failure, twice as long after each further one, at most an hour: a service that asks every minute
# must not hammer a platform
RETRY_AT = "finished_at + least(interval '30 s' * 2 ^ least(attempts - 1, 10), interval '1 hour')"
# that an account `a` of the tables is the one of the settings that has its name
IS_ACCOUNT = "(a.name, a.platform, a.host, a.seller) = (%(name)s, %(platform)s, %(host)s, %(seller)s)"
# of an account `a`. Incremental windows leave no gap between its history_from and PLANNED_TO. PROVEN_TO is where the
# oldest of them that is not done begins: before it everything has landed. A split window is not done before its last
# part is, for together its parts may bring too few (`parts`)
PLANNED_TO = "(SELECT max(ends_at) FROM sync.windows AS p WHERE p.account = a.name AND p.kind = 'incremental')"
UNDONE_FROM = f"""(
    WITH RECURSIVE undone AS (
        SELECT o.starts_at, o.parent_id FROM sync.windows AS o
        WHERE o.account = a.name AND o.kind = 'incremental' AND o.state IN {OPEN_WINDOWS}
        UNION
        SELECT p.starts_at, p.parent_id FROM undone AS o JOIN sync.windows AS p ON p.id = o.parent_id
    )
    SELECT min(starts_at) FROM undone)"""
PROVEN_TO = f"coalesce({UNDONE_FROM}, {PLANNED_TO})"

# a backfill is done once none of its windows is open. The account's row must be locked
CLOSE_BACKFILL = f"""
    UPDATE sync.backfills SET state = 'done', finished_at = clock_timestamp()
    WHERE id = %(backfill_id)s AND state = 'planned' AND NOT EXISTS (
        SELECT FROM sync.windows WHERE backfill_id = backfills.id AND state IN {OPEN_WINDOWS})
    """


class _Newest(msgspec.Struct, frozen=True):
    id: int
    start: datetime
    end: datetime


async def register(connection: Connection, account: Account, feed: Feed) -> None:
    """Insert the account's row, or mark the present one as being in the settings.

    Raises `IdentityMismatchError`.
    """
    identity = account.identity
    values = {"name": account.name, **asdict(identity), "feed": feed}
    await connection.execute(
        """
        INSERT INTO sync.accounts AS a (name, platform, host, seller, feed)
        SELECT %(name)s, %(platform)s, %(host)s, %(seller)s, %(feed)s
        WHERE NOT EXISTS (
            SELECT FROM sync.accounts
            WHERE (platform, host, seller) = (%(platform)s, %(host)s, %(seller)s) AND name <> %(name)s
        )
        ON CONFLICT (name) DO UPDATE
        SET host = excluded.host, removed_at = NULL, retired_at = NULL, updated_at = now()
        WHERE (a.platform, a.seller) = (excluded.platform, excluded.seller)
          AND (a.host IS NULL
               OR a.host = excluded.host AND (a.removed_at IS NOT NULL OR a.retired_at IS NOT NULL))
        """,
        values,
    )
    query = f"SELECT EXISTS (SELECT FROM sync.accounts AS a WHERE {IS_ACCOUNT})"
    if not await fetch_value(connection, query, values, bool):
        raise IdentityMismatchError(account.name, identity)


async def planned_times(connection: Connection, account: str) -> PlannedTimes:
    """Lock the account and return how far it is planned. In the transaction that plans more.

    Raises LookupError for an account without a row.
    """
    found = await fetch_row(
        connection,
        f"""
        SELECT clock_timestamp() AS now, a.history_from, {PLANNED_TO} AS planned_to, a.watermark
        FROM sync.accounts AS a WHERE name = %s FOR UPDATE
        """,
        [account],
        PlannedTimes,
    )
    if found is None:
        raise LookupError(account)
    return msgspec.structs.replace(found, newest=await _newest(connection, account, found.planned_to))


async def _newest(connection: Connection, account: str, planned_to: datetime | None) -> Unclaimed | None:
    query = """
        SELECT id, starts_at AS start, ends_at AS end FROM sync.windows
        WHERE account = %s AND kind = 'incremental' AND ends_at = %s
          AND state = 'planned' AND attempts = 0 AND parent_id IS NULL AND not_before IS NULL AND part_rows IS NULL
        ORDER BY starts_at DESC LIMIT 1 FOR UPDATE SKIP LOCKED  -- one that is being claimed stays as it is
    """
    row = await fetch_row(connection, query, [account, planned_to], _Newest)
    return None if row is None else Unclaimed(row.id, Window(row.start, row.end))


async def write(connection: Connection, account: str, plan_: Plan) -> None:
    """Write what a plan takes out and adds; its sweeps are planned by `sweeps`.

    In the transaction that locked the account and read the state.
    """
    if plan_.replaced is not None:
        await remove_superseded(connection, plan_.replaced)
    for each in plan_.added:
        await plan(connection, account, each.kind, each.feed, each.windows)


async def plan(
    connection: Connection,
    account: str,
    kind: WindowKind,
    feed: Feed,
    windows: Sequence[Window],
    parent: int | None = None,
    backfill_id: int | None = None,
    status: str | None = None,
) -> None:
    """Add windows.

    An incremental one that begins earlier than all others moves the beginning of the account's history back, and the
    watermark with it: the range in between is still to be read, so the watermark must not cover it (P5).

    `windows` begin with the earliest one. `parent`: the window they are parts of, whose `planned_at` they take over.
    `status`: of a sweep that lists only the orders in it.
    """
    if not windows:
        return
    await connection.execute(
        """
        INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, parent_id, backfill_id, status, planned_at)
        SELECT %(account)s, %(kind)s, %(feed)s, w.first, w.past, %(parent)s::bigint, %(backfill_id)s::bigint,
            %(status)s, coalesce((SELECT p.planned_at FROM sync.windows AS p WHERE p.id = %(parent)s), now())
        FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS w (first, past)
        """,
        {
            "account": account,
            "kind": kind,
            "feed": feed,
            "parent": parent,
            "backfill_id": backfill_id,
            "status": status,
            "starts": [window.start for window in windows],
            "ends": [window.end for window in windows],
        },
    )
    if kind == WindowKind.INCREMENTAL and parent is None:
        await connection.execute(
            """
            UPDATE sync.accounts SET history_from = least(history_from, %(start)s),
                watermark = CASE WHEN %(start)s < history_from AND watermark IS NOT NULL
                    THEN least(watermark, %(start)s) ELSE watermark END
            WHERE name = %(account)s
            """,
            {"start": windows[0].start, "account": account},
        )


async def forget_before(connection: Connection, account: str, start: datetime) -> bool:
    """Delete incremental windows that are planned or failed and end by `start`, where the settings' history begins now.

    Return whether there were any; then the account's history begins at the end of the last: it covers no unread range.

    The account's row must be locked. A window that is being read stays.
    """
    cursor = await connection.execute(
        """
        WITH gone AS (
            DELETE FROM sync.windows
            WHERE account = %(account)s AND kind = 'incremental' AND state IN ('planned', 'failed')
              AND ends_at <= %(start)s
            RETURNING ends_at
        )
        UPDATE sync.accounts SET history_from = greatest(history_from, (SELECT max(ends_at) FROM gone))
        WHERE name = %(account)s AND EXISTS (SELECT FROM gone)
        """,
        {"account": account, "start": start},
    )
    return cursor.rowcount == 1


async def remove_superseded(connection: Connection, unclaimed: Unclaimed) -> None:
    """Remove a window from the ledger that another one, planned in the same transaction, covers."""
    await connection.execute("DELETE FROM sync.windows WHERE id = %s AND state = 'planned'", [unclaimed.id])


async def has_hooks(connection: Connection, account: str) -> bool:
    """Return whether windows planned for messages are being read or could be read now."""
    query = """
        SELECT EXISTS (SELECT FROM sync.windows
                       WHERE account = %s AND kind = 'hook' AND state IN ('planned', 'running')
                         AND (not_before IS NULL OR not_before <= clock_timestamp()))
    """
    return await fetch_value(connection, query, [account], bool)


async def replan_failed(connection: Connection, account: str, *, at_once: bool = False) -> int:
    """Plan the failed windows again that are due (`RETRY_AT`), or all of them `at_once`; return their number."""
    cursor = await connection.execute(
        f"""
        UPDATE sync.windows SET state = 'planned'
        WHERE account = %s AND state = 'failed' AND (%s OR {RETRY_AT} <= clock_timestamp())
        """,
        [account, at_once],
    )
    return cursor.rowcount


async def replan_as_asked(connection: Connection, account: str, windows: Sequence[int] | None = None) -> list[int]:
    """Plan failed windows at once, as a person asks: all of an account or those with these ids. Return their ids."""
    query = """
        WITH planned AS (
            UPDATE sync.windows SET state = 'planned'
            WHERE account = %s AND state = 'failed' AND (%s::bigint[] IS NULL OR id = ANY (%s)) RETURNING id
        )
        SELECT id FROM planned ORDER BY id
    """
    ids = None if windows is None else list(windows)
    return await fetch_values(connection, query, [account, ids, ids], int)


async def failed_windows(connection: Connection, account: str) -> list[FailedWindow]:
    """Return the account's failed windows, the one that is due first in front."""
    return await fetch_rows(
        connection,
        f"""
        SELECT starts_at, ends_at, attempts, {RETRY_AT} AS retry_at
        FROM sync.windows WHERE account = %s AND state = 'failed' ORDER BY retry_at, starts_at
        """,
        [account],
        FailedWindow,
    )


def shortened_error(error: str | None) -> str | None:
    """Return an error as it is stored: cut to `LONGEST_ERROR` characters, without NUL; None for none."""
    return error.replace("\x00", "\\0")[:LONGEST_ERROR] if error else None


async def seconds_to_read(connection: Connection, account: str) -> int:
    """Return the sum of the lengths of all windows that are planned or being read, in seconds of platform time."""
    query = """
        SELECT coalesce(sum(extract(epoch FROM ends_at - starts_at)), 0)::bigint
        FROM sync.windows WHERE account = %s AND state IN ('planned', 'running')
    """
    return await fetch_value(connection, query, [account], int)


async def has_work(connection: Connection, account: str) -> bool:
    """Return whether a window of the account is planned and due, or its lease has run out.

    False while the account rests or is suspended. Pauses and overlaps are not considered: `claim` does.
    """
    query = """
        SELECT EXISTS (
            SELECT FROM sync.windows AS w JOIN sync.accounts AS a ON a.name = w.account
            WHERE w.account = %s AND a.suspended_at IS NULL
              AND (a.rests_until IS NULL OR a.rests_until < clock_timestamp())
              AND (w.state = 'planned' AND (w.not_before IS NULL OR w.not_before <= clock_timestamp())
                   OR w.state = 'running' AND w.lease_until < clock_timestamp())
        )
    """
    return await fetch_value(connection, query, [account], bool)


async def was_read_within(connection: Connection, account: str, within: timedelta) -> bool:
    """Return whether a window of the account was read to its end, or counted, `within` this time before now.

    One that was split because of an error, which is kept with it, was not.
    """
    query = f"""
        SELECT EXISTS (SELECT FROM sync.windows WHERE account = %s AND state IN {READ_WINDOWS}
                       AND error IS NULL AND finished_at > clock_timestamp() - %s)
    """
    return await fetch_value(connection, query, [account, within], bool)


async def record_error(connection: Connection, account: str, error: str | None, *, rests: bool = False) -> None:
    """Record the last error of the account's reads, None if there is none. `rests`: it is not read for `REST`."""
    await connection.execute(
        """
        UPDATE sync.accounts SET last_error = %(error)s, updated_at = now(),
            rests_until = CASE WHEN %(rests)s THEN clock_timestamp() + %(rest)s END
        WHERE name = %(account)s
          AND (last_error IS DISTINCT FROM %(error)s OR %(rests)s OR rests_until IS NOT NULL)
        """,
        {"account": account, "error": shortened_error(error), "rests": rests, "rest": REST},
    )
