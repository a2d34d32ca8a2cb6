"""Windows of an account as rows: those that touch a range, those that failed, the newest reads."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from orders_sync.domain.windows import Feed, Window, WindowKind, WindowState
from orders_sync.store.console.heat_map import LONGEST, READ_AGAIN
from orders_sync.store.database import Connection
from orders_sync.store.ledger import RETRY_AT
from orders_sync.store.queries import fetch_rows
from orders_sync.store.states import OPEN_WINDOWS

PAGE = 50  # rows
_MOST_READ = 300  # windows of one kind that follow each other from the beginning of a range
_NEWEST = 2000  # reads that are gone through for the newest of some kinds

_COLUMNS = f"""
    id, kind, feed, status, state, starts_at, ends_at, total, seen, rows_new, rows_changed, rows_unchanged, rows_stale,
    rows_rejected, calls, attempts, error, owner, planned_at, not_before, started_at, finished_at, lease_until,
    backfill_id, parent_id, cardinality(orders) AS orders, CASE WHEN state = 'failed' THEN {RETRY_AT} END AS retry_at
"""
_OF_FEED = "(%(feed)s::text IS NULL OR feed = %(feed)s)"
_RANK = "array_position(ARRAY['failed', 'running', 'planned'], state)"

# windows of changes and messages are as many as minutes, but hardly overlap: the first ones that end after the
# beginning are those that touch it. Of the others all are looked at that end soon enough to touch the range
_TOUCHING = f"""
SELECT {_COLUMNS} FROM (
    (
        SELECT * FROM sync.windows
        WHERE account = %(account)s AND state IN {OPEN_WINDOWS} AND starts_at < %(end)s AND ends_at > %(start)s
        LIMIT {_MOST_READ}
    )
    UNION ALL
    SELECT w.* FROM unnest(ARRAY['incremental', 'hook']) AS k (kind), LATERAL (
        SELECT * FROM sync.windows AS s
        WHERE s.account = %(account)s AND s.kind = k.kind AND s.ends_at > %(start)s
        ORDER BY s.ends_at LIMIT {_MOST_READ}
    ) AS w
    WHERE w.state NOT IN {OPEN_WINDOWS} AND w.starts_at < %(end)s
    UNION ALL
    SELECT * FROM sync.windows
    WHERE account = %(account)s AND kind = ANY (%(kinds)s) AND ends_at > %(start)s AND ends_at < %(end)s + %(longest)s
        AND starts_at < %(end)s AND state NOT IN {OPEN_WINDOWS}
) AS found
WHERE {_OF_FEED} ORDER BY {_RANK}, finished_at DESC NULLS LAST, id DESC LIMIT %(limit)s
"""

_FAILED = f"""
SELECT {_COLUMNS} FROM sync.windows
WHERE account = %(account)s AND state = 'failed' AND id > %(after)s ORDER BY id LIMIT %(limit)s
"""

# by the number of the claim, which grows with every read
_LATEST = f"""
SELECT {_COLUMNS} FROM (
    SELECT * FROM sync.windows WHERE account = %(account)s AND fence > 0 ORDER BY fence DESC LIMIT {_NEWEST}
) AS newest
WHERE kind = ANY (%(kinds)s) ORDER BY fence DESC LIMIT %(limit)s
"""
_BY_KIND = f"""
SELECT kind, count(*)::int AS windows, coalesce(sum(calls), 0)::bigint AS calls,
    coalesce(sum(rows_new), 0)::bigint AS rows_new, coalesce(sum(rows_changed), 0)::bigint AS rows_changed,
    min(started_at) AS since, max(finished_at) AS last
FROM (
    SELECT * FROM sync.windows WHERE account = %(account)s AND fence > 0 ORDER BY fence DESC LIMIT {_NEWEST}
) AS newest
GROUP BY kind ORDER BY kind
"""


class WindowRow(msgspec.Struct, frozen=True):
    """A window of the ledger, its columns as they are. Any but those that say what is read may be None.

    `total`: records the platform counted; `seen`: distinct records read. `orders`: how many orders it is read for,
    None for all of its range. `retry_at`: when one that failed is read again, which may be past.
    """

    id: int
    kind: WindowKind
    feed: Feed
    state: WindowState
    starts_at: datetime
    ends_at: datetime
    calls: int
    attempts: int
    planned_at: datetime
    status: str | None = None
    total: int | None = None
    seen: int | None = None
    rows_new: int | None = None
    rows_changed: int | None = None
    rows_unchanged: int | None = None
    rows_stale: int | None = None
    rows_rejected: int | None = None
    error: str | None = None
    owner: str | None = None
    not_before: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    lease_until: datetime | None = None
    backfill_id: int | None = None
    parent_id: int | None = None
    orders: int | None = None
    retry_at: datetime | None = None

    @property
    def stored(self) -> int | None:
        """The orders of it that are in the tables: new, changed, unchanged and older ones; None before it was read."""
        rows = (self.rows_new, self.rows_changed, self.rows_unchanged, self.rows_stale)
        return None if all(each is None for each in rows) else sum(each or 0 for each in rows)


class KindTotal(msgspec.Struct, frozen=True):
    """The newest reads of one kind added up. `since`: when the first of them began; `last`: when the last ended."""

    kind: WindowKind
    windows: int
    calls: int
    rows_new: int
    rows_changed: int
    since: datetime | None
    last: datetime | None


async def touching(
    connection: Connection,
    account: str,
    window: Window,
    feed: Feed | None = None,
    *,
    limit: int = PAGE,
    longest: timedelta = LONGEST,
) -> list[WindowRow]:
    """Return the windows of an account that touch a range: failed, running and planned ones first, then the newest.

    No more than `limit`, and of windows of one minute or second only the first ones of a long range. `feed`: None for
    both lists. `longest`: no window is longer; those that are count while they are open.
    """
    values = {
        "account": account,
        "start": window.start,
        "end": window.end,
        "feed": feed,
        "kinds": list(READ_AGAIN),
        "longest": longest,
        "limit": limit,
    }
    return await fetch_rows(connection, _TOUCHING, values, WindowRow)


async def failed(connection: Connection, account: str, after: int = 0, limit: int = PAGE) -> list[WindowRow]:
    """Return windows of an account that failed, by number. `after`: that of the last one of the page before."""
    return await fetch_rows(connection, _FAILED, {"account": account, "after": after, "limit": limit}, WindowRow)


async def latest(
    connection: Connection, account: str, kinds: Collection[WindowKind] = (), limit: int = PAGE
) -> list[WindowRow]:
    """Return the windows of these kinds, all where there are none, that were read last, the newest first.

    Only the newest `_NEWEST` reads of the account are gone through.
    """
    values = {"account": account, "kinds": list(kinds or WindowKind), "limit": limit}
    return await fetch_rows(connection, _LATEST, values, WindowRow)


async def by_kind(connection: Connection, account: str) -> list[KindTotal]:
    """Return the newest `_NEWEST` reads of an account added up by kind."""
    return await fetch_rows(connection, _BY_KIND, {"account": account}, KindTotal)
