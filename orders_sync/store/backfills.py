"""Requested ranges: their planning as windows of the ledger, their progress and their end.

requested --plan--> planned --its last window is done--> done
    |                  |
    '------cancel------'--> cancelled: a window in flight is read to its end, those that wait or fail are taken out
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from psycopg.rows import dict_row

from orders_sync.domain.ledger import Backfill, BackfillState
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.store import backfill_ranges, ledger
from orders_sync.store.backfill_ranges import AskedRange
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_rows, fetch_value, fetch_values

# that a window proves its range: it was read completely, with all orders of it (see `unproven`)
PROVES = """
    kind <> 'hook' AND status IS NULL AND state = 'done'
    AND NOT (kind <> 'incremental' AND seen = 0 AND ends_at - starts_at > %(one_answer)s)
"""

LONGEST = timedelta(days=31)  # windows that prove something of the time before an account's history

_LIST = """
SELECT b.id, coalesce(b.request_id, b.id) AS request_id, b.account, b.feed, b.starts_at, b.ends_at, b.everything,
    b.state,
    CASE WHEN b.state = 'planned' AND w.begun > 0 OR b.state = 'cancelled' AND w.waiting > 0 THEN 'reading'
        WHEN b.state = 'done' OR b.state = 'cancelled' AND w.done > 0 AND b.cancelled_windows + w.failed + w.cut_off = 0
        THEN CASE WHEN w.beyond > 0 THEN 'done within reach' ELSE 'done' END
        ELSE b.state END AS progress,
    b.requested_by, b.requested_at, b.finished_at, b.error, b.notice, b.cancelled_windows AS cancelled,
    w.done, w.waiting, w.failed, w.beyond, w.orders, w.new, w.changed, w.numbers, w.calls,
    CASE WHEN b.state = 'planned' AND w.done > 0
        THEN (extract(epoch FROM clock_timestamp() - w.began) / w.done * w.waiting)::bigint END AS seconds_left
FROM sync.backfills AS b
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state = 'failed') AS failed,
        count(*) FILTER (WHERE state IN ('planned', 'running')) AS waiting,
        count(*) FILTER (WHERE state = 'beyond') AS beyond, count(*) FILTER (WHERE state <> 'planned') AS begun,
        count(*) FILTER (WHERE state = 'split') - count(DISTINCT parent_id) AS cut_off,
        coalesce(sum(seen) FILTER (WHERE state = 'done'), 0) AS orders,
        coalesce(sum(rows_new) FILTER (WHERE state = 'done'), 0) AS new,
        coalesce(sum(rows_changed) FILTER (WHERE state = 'done'), 0) AS changed,
        coalesce(sum(cardinality(orders)) FILTER (WHERE parent_id IS NULL), 0) AS numbers,
        coalesce(sum(calls), 0) AS calls,
        min(started_at) AS began
    FROM sync.windows WHERE backfill_id = b.id
) AS w
WHERE coalesce(b.request_id, b.id) IN (
        SELECT coalesce(request_id, id) FROM sync.backfills
        WHERE (%(account)s::text IS NULL OR account = %(account)s) AND (%(state)s::text IS NULL OR state = %(state)s)
            AND (%(request)s::bigint IS NULL OR coalesce(request_id, id) = %(request)s)
        GROUP BY 1 ORDER BY 1 DESC LIMIT %(limit)s
    )
    AND (%(account)s::text IS NULL OR b.account = %(account)s) AND (%(state)s::text IS NULL OR b.state = %(state)s)
ORDER BY coalesce(b.request_id, b.id), b.id
"""

_OF_NUMBER = "(id = %(number)s OR %(is_request)s AND request_id = %(number)s)"

_EQUAL = """
SELECT coalesce(request_id, id) AS request_id, state FROM sync.backfills
WHERE account = %s AND feed = %s AND starts_at = %s AND ends_at = %s AND state <> 'cancelled'
    AND (%s::bigint IS NULL OR id < %s)
ORDER BY id DESC LIMIT 1
"""


class EqualRequest(msgspec.Struct, frozen=True):
    """The request of an earlier backfill of the same account, feed and range, that nobody cancelled."""

    request_id: int
    state: BackfillState


async def equal(
    connection: Connection, account: str, feed: Feed, window: Window, before: int | None = None
) -> list[EqualRequest]:
    """Return the newest backfill of the same range, if there is one. `before`: only with a smaller number."""
    values = [account, feed, window.start, window.end, before, before]
    return await fetch_rows(connection, _EQUAL, values, EqualRequest)


async def requested(connection: Connection, account: str) -> list[Backfill]:
    """Return the account's requests that have no windows yet, by number, and lock them."""
    return await fetch_rows(
        connection,
        """
        SELECT id, account, feed, starts_at, ends_at, everything FROM sync.backfills
        WHERE account = %s AND state = 'requested' ORDER BY id FOR UPDATE
        """,
        [account],
        Backfill,
    )


async def unproven(connection: Connection, account: str, feed: Feed, window: Window) -> list[Window]:
    """Return the parts of a range that no complete window of all orders covers, oldest first.

    A window that was read because of a message proves nothing: it may be too young for all of its orders to be listed.
    Nor does one empty answer for more than `emptiness.ONE_ANSWER`.
    """
    asked = AskedRange(account, feed, window.end, LONGEST, page_size=1)
    [state] = await backfill_ranges.states(connection, [asked], window.start, window.end)
    return state.to_read


async def plan(connection: Connection, backfill: Backfill, windows: list[Window], remark: str | None = None) -> None:
    """Add a request's windows to the ledger; without any it is done at once. In a transaction.

    `remark`: what whoever asked should know.
    """
    await ledger.plan(
        connection, backfill.account, WindowKind.BACKFILL, Feed(backfill.feed), windows, backfill_id=backfill.id
    )
    await connection.execute(
        "UPDATE sync.backfills SET state = 'planned', notice = %s WHERE id = %s", [remark, backfill.id]
    )
    await connection.execute(ledger.CLOSE_BACKFILL, {"backfill_id": backfill.id})


async def refuse(connection: Connection, backfill: Backfill, reason: str) -> None:
    """Close a request that cannot be planned as failed."""
    await connection.execute(
        "UPDATE sync.backfills SET state = 'failed', finished_at = clock_timestamp(), error = %s WHERE id = %s",
        [reason, backfill.id],
    )


async def cancel(connection: Connection, number: int) -> int:
    """Cancel a backfill and remove its windows that wait or have failed.

    Return 1, or 0 if it is unknown or closed.
    """
    return await fetch_value(connection, "SELECT sync.cancel_backfill(%s)", [number], int)


async def take_out_cancelled(connection: Connection, account: str) -> None:
    """Remove windows of cancelled backfills that were in flight then, and have failed or been released since.

    The account's row must be locked.
    """
    await connection.execute(
        """
        WITH taken_out AS (
            DELETE FROM sync.windows AS w USING sync.backfills AS b
            WHERE w.account = %s AND w.state IN ('planned', 'failed') AND b.id = w.backfill_id AND b.state = 'cancelled'
            RETURNING w.backfill_id
        )
        UPDATE sync.backfills AS b SET cancelled_windows = b.cancelled_windows + t.windows
        FROM (SELECT backfill_id, count(*) AS windows FROM taken_out GROUP BY backfill_id) AS t
        WHERE b.id = t.backfill_id
        """,
        [account],
    )


async def cancel_request(connection: Connection, number: int) -> int:
    """Cancel every open backfill of a request, as `cancel` does; return how many there were."""
    return await fetch_value(connection, "SELECT sync.cancel_backfill_request(%s)", [number], int)


async def exists(connection: Connection, number: int, *, is_request: bool = False) -> bool:
    """Tell whether a backfill, or one of a request, was ever requested."""
    query = f"SELECT EXISTS (SELECT FROM sync.backfills WHERE {_OF_NUMBER})"
    return await fetch_value(connection, query, {"number": number, "is_request": is_request}, bool)


async def request_of(connection: Connection, number: int) -> int | None:
    """Return the request that a backfill belongs to, None where there is no such backfill."""
    query = "SELECT coalesce(request_id, id) FROM sync.backfills WHERE id = %s"
    found = await fetch_values(connection, query, [number], int)
    return found[0] if found else None


async def reads_orders(connection: Connection, request: int) -> bool:
    """Tell whether a request asks for single orders, not for a range."""
    query = f"""
        SELECT EXISTS (SELECT FROM sync.windows WHERE orders IS NOT NULL
            AND backfill_id IN (SELECT id FROM sync.backfills WHERE {_OF_NUMBER}))
    """
    return await fetch_value(connection, query, {"number": request, "is_request": True}, bool)


async def accounts_cancelled_now(connection: Connection, number: int, *, is_request: bool = False) -> list[str]:
    """Return the accounts whose backfills of this number were cancelled in this transaction, by name."""
    query = f"""
        SELECT DISTINCT account FROM sync.backfills
        WHERE {_OF_NUMBER} AND state = 'cancelled' AND finished_at >= now() ORDER BY account
    """
    return await fetch_values(connection, query, {"number": number, "is_request": is_request}, str)


async def listed(
    connection: Connection,
    account: str | None = None,
    state: BackfillState | None = None,
    request_id: int | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Return the backfills of the newest requests, `limit` of them, as columns by name, with their progress.

    That is `done`, `waiting`, `failed`, `cancelled` windows and those `beyond` the platform's reach, `orders` read, of
    them `new` and `changed`, `numbers`, the orders asked for where it is no range, `calls`, `seconds_left`, an estimate
    or None, and `progress`: the state, but `reading` once a window was begun, `done within reach` where windows lie
    beyond it, and of one that is cancelled `reading` while windows in flight are finished, `done` where that was all.
    """
    values = {"account": account, "state": state, "request": request_id, "limit": limit}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_LIST.encode(), values)
        return await cursor.fetchall()
