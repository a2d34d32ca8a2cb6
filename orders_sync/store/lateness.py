"""Lateness of lists: measured where a read brings an order that an earlier, proven read of the same time did not.

    own time of the order      earlier read, without it        this read brings it
    |--------------------------|-------------------------------|
    |---- late by at least ----|

The own time is the one the account's feed lists by: modify time (1688) or creation time (Xportcn). The true lateness
lies between the two reads; what is kept, in `sync.windows.late_by`, is the lower bound, the largest of a window.
Messages' own reads are left out: they come sooner than any list promises to. So are backfills, for their size, and
repairs: what an audit found missing may have been listed in time and have left the tables since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from orders_sync.domain.ledger import Claim
from orders_sync.domain.windows import Feed, WindowKind
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_optional, fetch_value

# what an incremental window reads again is its overlap: only windows that end there can have read it before
_OVERLAPPED = """
SELECT EXISTS (
    SELECT FROM sync.windows
    WHERE account = %(account)s AND kind IN ('incremental', 'confirm') AND feed = %(feed)s AND state = 'done'
      AND ends_at > %(start)s AND ends_at <= %(start)s + %(overlap)s AND id <> %(window_id)s)
"""

# of orders this window landed: first sights, and changes that moved the modify time. Not what had been a reject, which
# was listed before, nor what went back to an earlier modify time, nor a row that somebody had deleted, its history too
_LATE = """
SELECT max(p.began - l.own_time)
FROM (
    SELECT CASE WHEN %(feed)s = 'updated' THEN o.modified_at ELSE o.created_at END AS own_time
    FROM order_history AS h
    JOIN orders AS o USING (platform, order_id)
    JOIN raw_orders AS r USING (platform, order_id)
    WHERE h.platform = %(platform)s AND h.order_id = ANY(%(order_ids)s) AND h.window_id = %(window_id)s
      AND (h.changed IS NULL OR %(feed)s = 'updated' AND 'modified_at' = ANY(h.changed))
      AND r.time_went_back_at IS NULL
      AND NOT (h.changed IS NULL AND EXISTS (
          SELECT FROM order_history AS b
          WHERE (b.platform, b.order_id) = (h.platform, h.order_id) AND b.seen_at < h.seen_at
      ))
      AND NOT (h.changed IS NULL AND EXISTS (
          SELECT FROM sync.deleted_orders AS d WHERE (d.platform, d.order_id) = (h.platform, h.order_id)
      ))
      AND NOT EXISTS (SELECT FROM sync.rejects AS j WHERE j.account = %(account)s AND j.order_id = h.order_id)
) AS l
CROSS JOIN LATERAL (
    SELECT max(w.started_at) AS began FROM sync.windows AS w
    WHERE w.account = %(account)s AND w.kind IN ('incremental', 'confirm') AND w.ends_at > l.own_time
      AND w.starts_at <= l.own_time AND w.feed = %(feed)s AND w.state = 'done'
      AND w.started_at < %(began)s AND w.id <> %(window_id)s
) AS p
WHERE p.began > l.own_time + interval '1 second'  -- own times are shown in whole seconds
"""

# of accounts `a`; earlier versions measured repairs too
LATE_BY = """
(SELECT max(late_by) FROM sync.windows
 WHERE account = a.name AND late_by IS NOT NULL AND kind NOT IN ('repair', 'backfill')
   AND finished_at > clock_timestamp() - interval '7 days')
"""


async def measure(
    connection: Connection, claim: Claim, platform: str, feed: Feed, overlap: timedelta, order_ids: Sequence[str]
) -> None:
    """Record the largest lateness, as a lower bound, of the orders that this window landed, if any was listed late.

    In the transaction that landed them and closed the window. `feed`: the time by which the account's changes are
    listed.
    """
    if claim.kind not in (WindowKind.INCREMENTAL, WindowKind.CONFIRM, WindowKind.SWEEP):
        return
    values = {
        "account": claim.account,
        "platform": platform,
        "feed": feed,
        "start": claim.window.start,
        "overlap": overlap,
        "window_id": claim.id,
        "began": claim.now,
        "order_ids": list(order_ids),
    }
    if claim.kind == WindowKind.INCREMENTAL and not await fetch_value(connection, _OVERLAPPED, values, bool):
        return
    late_by = await fetch_optional(connection, _LATE, values, timedelta)
    if late_by is not None:
        await connection.execute("UPDATE sync.windows SET late_by = %s WHERE id = %s", [late_by, claim.id])


def is_near(late_by: timedelta, overlap: timedelta, confirm: timedelta) -> bool:
    """Return whether orders are listed so late that the passes over the newest time may soon miss them.

    That is from half of `found_by_passes` on. Pure.
    """
    return late_by >= found_by_passes(overlap, confirm) / 2


def found_by_passes(overlap: timedelta, confirm: timedelta) -> timedelta:
    """Return the lateness up to which the overlap or the confirming pass finds an order. Pure."""
    return max(overlap, confirm * 2 / 3)
