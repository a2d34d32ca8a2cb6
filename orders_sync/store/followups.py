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
from datetime import datetime, timedelta

import msgspec

from orders_sync.domain.windows import Feed, Window
from orders_sync.store.claims import Claim
from orders_sync.store.copyrows import array
from orders_sync.store.database import Connection
from orders_sync.store.ledger import HOOK, REPAIR

LAST_PAUSE = timedelta(hours=1)

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
INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, orders)
SELECT %(account)s, %(kind)s, %(feed)s, first, past, orders FROM planned
"""

# what landed since the window was planned is a change, whichever read brought it
_UNCHANGED = """
SELECT o.order_id
FROM sync.windows AS w
JOIN orders AS o ON o.account = w.account AND o.created_at >= w.starts_at AND o.created_at < w.ends_at
    AND o.order_id = ANY(w.orders)
JOIN raw_orders AS r USING (platform, order_id)
WHERE w.id = %s AND r.read_at < w.planned_at
ORDER BY o.order_id
"""

_REPEAT = """
INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, orders, repeats, not_before)
VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp() + %s)
"""


class Wanted(msgspec.Struct, frozen=True):
    """An order that is to be read, known by the tables, and when it was created."""

    order_id: str
    created_at: datetime


async def plan(
    connection: Connection, account: str, kind: str, windows: Sequence[Window], wanted: Iterable[Wanted]
) -> None:
    """Add windows of creation time, each for those of the wanted orders that were created in it. `windows` in order,
    none of which overlaps another."""
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
        },
    )


async def repeat(connection: Connection, claim: Claim, overlap: timedelta) -> None:
    """Plan the next read of a window for those of its orders that did not change since it was planned, if any and if
    one is left. In the transaction that closes the window."""
    pauses = (overlap, LAST_PAUSE)
    if not claim.orders or claim.repeats >= len(pauses):
        return
    cursor = await connection.execute(_UNCHANGED, [claim.id])
    unchanged = [str(row[0]) for row in await cursor.fetchall()]
    if not unchanged:
        return
    kind = HOOK if claim.kind == HOOK else REPAIR  # a waiting sweep is dropped when the next one is planned
    window, pause = claim.window, pauses[claim.repeats]
    values = [claim.account, kind, claim.feed, window.start, window.end, unchanged, claim.repeats + 1, pause]
    await connection.execute(_REPEAT, values)
