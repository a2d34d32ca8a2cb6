"""Sweeps in the ledger: a new plan replaces what still waits of the one before, and keeps its place in the queue.

    planned at 10:00   |=done=|=done=|waiting|waiting|
    planned at 10:10   | 10:10| 10:10| 10:00 | 10:00 |     read next: the two of 10:00

Sweeps are claimed by `planned_at`, so one that takes longer than its period goes on where it was instead of beginning
at the oldest orders again.
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

# the borders of lists move on with each plan: a waiting one is replaced by the one its middle lies in
_PLAN_LISTS = """
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

    Each replaces the sweeps that wait within it, lists of one status included, and takes the place in the queue of the
    one that has waited longest.
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


async def plan_lists(
    connection: Connection, account: str, looks: Sequence[SweepRange], lists: list[PlannedRead]
) -> None:
    """Plan lists by status.

    They replace all lists that wait within the ranges of `looks`, and each takes the place in the queue of its
    predecessors. They replace no sweep of all orders.
    """
    if not looks:
        return
    await connection.execute(
        _PLAN_LISTS,
        {
            "account": account,
            "kind": WindowKind.SWEEP,
            "feed": Feed.CREATED,
            "firsts": [look.start for look in looks],
            "pasts": [look.end for look in looks],
            "starts": [part.window.start for part in lists],
            "ends": [part.window.end for part in lists],
            "statuses": [part.status for part in lists],
        },
    )
