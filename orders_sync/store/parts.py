"""Split windows compared with their parts: together they must bring no fewer records than the whole counted.

    split: 8,006 ──> parts done: 5,001 + 3,004 ──> planned again: counted by one call (`engine/window_outcome.py`)
                                                     8,005   split, proven
                                                     8,006   its parts are read once more; then failed, with both

A record on a border stands in two parts, so it can only raise the sum. Orders that changed since leave a range of
update time: therefore the whole is counted again before anything is made of it.
"""

from __future__ import annotations

from datetime import timedelta

from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_value
from orders_sync.store.states import OPEN_WINDOWS

# parts of a split window, at every depth; joined by range, too, so that the index is used
_TREE = """
    parts AS (
        SELECT w.id AS split_id, c.id, c.state, c.seen, c.account, c.kind, c.starts_at, c.ends_at, c.finished_at
        FROM split_windows AS w JOIN sync.windows AS c ON c.account = w.account AND c.kind = w.kind
            AND c.ends_at > w.starts_at AND c.ends_at <= w.ends_at AND c.parent_id = w.id
        UNION ALL
        SELECT p.split_id, c.id, c.state, c.seen, c.account, c.kind, c.starts_at, c.ends_at, c.finished_at
        FROM parts AS p JOIN sync.windows AS c ON c.account = p.account AND c.kind = p.kind
            AND c.ends_at > p.starts_at AND c.ends_at <= p.ends_at AND c.parent_id = p.id
        WHERE p.state = 'split'
    )
"""

# run by `closing.finish`, after the window's own result. Of the windows that contain this part, finds the smallest
# whose parts (1) are all read, (2) leave no gap and (3) brought fewer records than it counts
COMPARE_WITH_PARTS = f"""
WITH RECURSIVE split_windows AS (
        SELECT p.id, p.parent_id, p.account, p.kind, p.state, p.total, p.starts_at, p.ends_at, 1 AS depth
        FROM sync.windows AS c JOIN sync.windows AS p ON p.id = c.parent_id
        WHERE c.id = %(id)s AND c.fence = %(fence)s AND c.finished_at >= now()  -- only while this claim holds
          AND c.kind IN ('incremental', 'backfill') AND NOT EXISTS (
            SELECT FROM sync.windows AS o
            WHERE o.account = p.account AND o.kind = p.kind AND o.state IN {OPEN_WINDOWS}
              AND o.starts_at >= p.starts_at AND o.starts_at < p.ends_at AND o.parent_id = p.id)
        UNION ALL
        SELECT p.id, p.parent_id, p.account, p.kind, p.state, p.total, p.starts_at, p.ends_at, w.depth + 1
        FROM split_windows AS w JOIN sync.windows AS p ON p.id = w.parent_id
    ),{_TREE},
    sums AS (
        SELECT w.id, w.depth, sum(p.seen) AS rows
        FROM split_windows AS w JOIN parts AS p ON p.split_id = w.id AND p.state <> 'split'
        WHERE w.state = 'split' AND w.total > 0
        GROUP BY w.id, w.depth, w.total, w.starts_at, w.ends_at
        HAVING bool_and(p.state = 'done') AND sum(p.ends_at - p.starts_at) = w.ends_at - w.starts_at
           AND sum(p.seen) < w.total
        ORDER BY w.depth LIMIT 1
    )
UPDATE sync.windows AS w SET state = 'planned', part_rows = s.rows,
    attempts = CASE WHEN w.part_rows IS NULL THEN 0 ELSE w.attempts END
FROM sums AS s WHERE w.id = s.id
"""

_AGAIN = f"""
WITH RECURSIVE split_windows AS (SELECT * FROM sync.windows WHERE id = %(id)s),{_TREE}
UPDATE sync.windows AS w SET state = 'planned', attempts = 0
FROM parts AS p
WHERE w.id = p.id AND w.state = 'done'
  AND (%(younger_than)s::interval IS NULL OR w.ends_at > w.finished_at - %(younger_than)s::interval)
"""


async def plan_again(connection: Connection, split_id: int, *, younger_than: timedelta | None) -> int:
    """Plan the parts of a split window once more and return how many.

    `younger_than`: only those that had ended less than this before they were read; None for all.
    """
    cursor = await connection.execute(_AGAIN.encode(), {"id": split_id, "younger_than": younger_than})
    return cursor.rowcount


async def is_sibling_as_full(connection: Connection, part_id: int) -> bool:
    """Return whether another part of the window this one was split from has counted as many records as the whole."""
    query = """
        SELECT EXISTS (
            SELECT FROM sync.windows AS w JOIN sync.windows AS p ON p.id = w.parent_id
            WHERE w.id = %s AND p.total > 0 AND EXISTS (
                SELECT FROM sync.windows AS s
                WHERE s.account = p.account AND s.kind = p.kind AND s.ends_at > p.starts_at
                  AND s.ends_at <= p.ends_at AND s.parent_id = p.id AND s.id <> w.id AND s.total >= p.total
            )
        )
    """
    return await fetch_value(connection, query, [part_id], bool)
