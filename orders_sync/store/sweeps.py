"""Planned sweeps in the ledger: a new plan replaces unread windows of the one before and inherits their `planned_at`.

    planned at 10:00   |=done=|=done=| unread | unread |
    planned at 10:10   | 10:10| 10:10| 10:00  | 10:00  |     read next: the two of 10:00

Sweeps are claimed by `planned_at`, the earliest first. A sweep that takes longer than its period therefore continues
where it stopped, and does not begin at the oldest orders again.
"""

from __future__ import annotations

from collections.abc import Sequence

from orders_sync.domain.sweep_cost import PlannedRead
from orders_sync.domain.sweeps import SweepRange
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.store.database import Connection

_PLAN_WINDOWS = """
WITH new AS (SELECT * FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS n (starts_at, ends_at)),
superseded AS (
    DELETE FROM sync.windows AS w USING new
    WHERE w.account = %(account)s AND w.kind = 'sweep' AND w.state = 'planned'
      AND w.starts_at >= new.starts_at AND w.ends_at <= new.ends_at
    RETURNING w.starts_at, w.ends_at, w.planned_at
)
INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, planned_at)
SELECT %(account)s, %(kind)s, %(feed)s, new.starts_at, new.ends_at, coalesce((
    SELECT min(s.planned_at) FROM superseded AS s WHERE s.starts_at >= new.starts_at AND s.ends_at <= new.ends_at
), now())
FROM new
"""

# the ranges of lists by status move with each plan: an unread list passes its `planned_at` on to the new list in whose
# range its middle lies
_PLAN_STATUS_LISTS = """
WITH new AS (
    SELECT * FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(statuses)s::text[])
        AS n (starts_at, ends_at, status)
),
superseded AS (
    DELETE FROM sync.windows AS w
    WHERE w.account = %(account)s AND w.kind = 'sweep' AND w.state = 'planned' AND w.status IS NOT NULL
      AND tstzrange(w.starts_at, w.ends_at) <@ (
          SELECT range_agg(tstzrange(l.first, l.past))
          FROM unnest(%(firsts)s::timestamptz[], %(pasts)s::timestamptz[]) AS l (first, past)
      )
    RETURNING w.status, w.starts_at + (w.ends_at - w.starts_at) / 2 AS middle, w.planned_at
)
INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, status, planned_at)
SELECT %(account)s, %(kind)s, %(feed)s, new.starts_at, new.ends_at, new.status, coalesce((
    SELECT min(s.planned_at) FROM superseded AS s
    WHERE s.status = new.status AND s.middle >= new.starts_at AND s.middle < new.ends_at
), now())
FROM new
"""


async def plan_windows(connection: Connection, account: str, windows: list[Window]) -> None:
    """Plan sweeps of all orders by creation time.

    Each replaces the unread sweeps that lie within it, lists by status included, and takes over the earliest
    `planned_at` of these.
    """
    if not windows:
        return
    await connection.execute(
        _PLAN_WINDOWS,
        {
            "account": account,
            "kind": WindowKind.SWEEP,
            "feed": Feed.CREATED,
            "starts": [window.start for window in windows],
            "ends": [window.end for window in windows],
        },
    )


async def plan_status_lists(
    connection: Connection, account: str, ranges: Sequence[SweepRange], lists: list[PlannedRead]
) -> None:
    """Plan lists by status.

    They replace all unread lists by status that lie within the ranges of `ranges`, and each takes over the earliest
    `planned_at` of those of its status whose middle lies in it. They replace no sweep of all orders.
    """
    if not ranges:
        return
    await connection.execute(
        _PLAN_STATUS_LISTS,
        {
            "account": account,
            "kind": WindowKind.SWEEP,
            "feed": Feed.CREATED,
            "firsts": [each.start for each in ranges],
            "pasts": [each.end for each in ranges],
            "starts": [part.window.start for part in lists],
            "ends": [part.window.end for part in lists],
            "statuses": [part.status for part in lists],
        },
    )
