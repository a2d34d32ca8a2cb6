"""Windows read for certain orders, and their repeats where these were found unchanged or not at all.

A message, or the list by status that an order left, says that the order changed; the list by creation time may lag
behind either. At most two more reads follow, of one call each:

    first read --unchanged, or not listed--> again `overlap` later --the same--> again an hour later
        |                                            |
        '------------------ changed, by whatever read landed it: nothing follows
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import timedelta

from orders_sync.domain.ledger import Claim, Wanted
from orders_sync.domain.windows import SECOND, Feed, Window, WindowKind, whole_second
from orders_sync.store.copy_format import array
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_rows

REPEATS = 2
LAST_DELAY = timedelta(hours=1)

# a repeat that still waits is superseded by a read for the same orders: that one has repeats of its own
_PLAN = """
WITH planned AS (
    SELECT first, past, nullif(ids::text[], '{}') AS orders
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(orders)s::text[]) AS w (first, past, ids)
), superseded AS (
    DELETE FROM sync.windows AS w USING planned AS p
    WHERE w.account = %(account)s AND w.kind IN ('hook', 'repair') AND w.state = 'planned' AND w.repeats > 0
      AND w.starts_at >= p.first AND w.ends_at <= p.past AND w.orders <@ p.orders
)
INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, orders, repeats, not_before)
SELECT %(account)s, %(kind)s, %(feed)s, first, past, orders, %(repeats)s, clock_timestamp() + %(delay)s::interval
FROM planned
"""

# what landed since the window was planned is a change, whichever read brought it
_UNCHANGED = """
SELECT o.order_id, o.created_at
FROM sync.windows AS w
JOIN orders AS o ON o.account = w.account AND o.created_at >= w.starts_at AND o.created_at < w.ends_at
    AND o.order_id = ANY(w.orders)
JOIN raw_orders AS r USING (platform, order_id)
WHERE w.id = %s AND r.read_at < w.planned_at
ORDER BY o.order_id
"""


async def plan(
    connection: Connection,
    account: str,
    kind: WindowKind,
    windows: Sequence[Window],
    wanted: Iterable[Wanted],
    *,
    repeats: int = 0,
    delay: timedelta | None = None,
) -> None:
    """Add windows of creation time, each for those of the wanted orders that were created in it.

    `windows` in order, none of which overlaps another. They are read after `delay`, at once where it is None.
    """
    if not windows:
        return
    starts = [window.start for window in windows]
    ids: list[set[str]] = [set() for _ in windows]
    for order in wanted:
        place = bisect_right(starts, order.created_at) - 1
        if place >= 0 and order.created_at < windows[place].end:
            ids[place].add(order.order_id)
    await connection.execute(
        _PLAN,
        {
            "account": account,
            "kind": kind,
            "feed": Feed.CREATED,
            "starts": starts,
            "ends": [window.end for window in windows],
            "orders": [array(sorted(each)) for each in ids],
            "repeats": repeats,
            "delay": delay,
        },
    )


async def repeat(
    connection: Connection, claim: Claim, overlap: timedelta, not_brought: Sequence[Wanted] = (), *, calls: int = 1
) -> None:
    """Plan the next read of the orders of a window that did not change since it was planned, or that it did not bring.

    Does nothing if there are none, or both repeats are over. In the transaction that closes the window.

    `calls` that this read took: where there are fewer orders, each is read by the second it was created in.
    """
    delays = (overlap, LAST_DELAY)
    if claim.repeats >= REPEATS:
        return
    wanted = [] if claim.repeats else list(not_brought)
    if claim.orders and claim.backfill_id is None:  # a person asks for orders as they are, changed or not
        wanted += await fetch_rows(connection, _UNCHANGED, [claim.id], Wanted)
    if not wanted:
        return
    seconds = sorted({whole_second(order.created_at) for order in wanted})
    windows = [Window(second, second + SECOND) for second in seconds] if len(seconds) < calls else [claim.window]
    # never a sweep: one that waits is dropped when the next one is planned
    kind = WindowKind.HOOK if claim.kind == WindowKind.HOOK else WindowKind.REPAIR
    delay = delays[claim.repeats]
    await plan(connection, claim.account, kind, windows, wanted, repeats=claim.repeats + 1, delay=delay)
