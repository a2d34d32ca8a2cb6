"""Orders of the tables that the platform no longer lists: three complete reads of their time did not bring them.

a sweep, a repair or a read because of a message does not bring it --> read again, twice (`followups`)
    --> a row of `sync.missing_orders`, a reason at the last window, the outcome of the message
a later sweep, repair or read because of a message brings it --> the row is deleted

What audits call missing is the opposite: orders that the platform lists and the tables lack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from orders_sync.domain.ledger import Claim, Wanted
from orders_sync.domain.messages import READ_AGAIN
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_rows

MOST_NAMED = 20  # orders in a reason

# orders `o` that are no longer listed, unless a change of them landed since
UNLISTED = """
sync.missing_orders AS m
JOIN orders AS o ON (o.platform, o.order_id) = (m.platform, m.order_id) AND o.synced_at < m.missing_since
"""

# by account: how many these are, and the one unlisted for longest
UNLISTED_BY_ACCOUNT = f"""
SELECT o.account, count(*)::int AS orders, (array_agg(o.order_id ORDER BY m.missing_since))[1] AS order_id,
    min(m.missing_since) AS since
FROM {UNLISTED} GROUP BY o.account
"""

# final orders may be hidden from a list for good; what another read brought during this one is not counted
_NOT_BROUGHT = """
WITH brought AS (
    DELETE FROM sync.missing_orders WHERE platform = %(platform)s AND order_id = ANY(%(brought)s)
)
SELECT o.order_id, o.created_at
FROM orders AS o JOIN raw_orders AS r USING (platform, order_id)
LEFT JOIN order_statuses AS s USING (platform, status)
WHERE o.account = %(account)s AND o.created_at >= %(start)s AND o.created_at < %(end)s
  AND o.order_id <> ALL (%(brought)s) AND r.read_at < %(began)s
  AND (o.order_id = ANY (%(wanted)s) OR NOT coalesce(s.is_final, false))
  AND NOT EXISTS (
      SELECT FROM sync.missing_orders AS m WHERE (m.platform, m.order_id) = (o.platform, o.order_id))
  AND NOT EXISTS (
      SELECT FROM sync.windows AS w
      WHERE w.account = o.account AND w.kind IN ('hook', 'repair') AND w.state = 'planned' AND w.repeats > 0
        AND o.order_id = ANY (w.orders))
ORDER BY o.order_id
"""

_ADD = """
INSERT INTO sync.missing_orders (platform, order_id, missing_since, window_id)
SELECT %(platform)s, each, %(began)s, %(window_id)s FROM unnest(%(ids)s::text[]) AS each
ON CONFLICT (platform, order_id) DO NOTHING
"""

_ADD_TO_MESSAGES = """
UPDATE sync.messages AS m
SET outcome = m.outcome || ': order ' || o.order_id || ' was not listed in any of three reads'
FROM orders AS o
WHERE o.platform = %(platform)s AND o.order_id = ANY(%(ids)s) AND m.account = %(account)s
  AND m.received_at > clock_timestamp() - interval '1 day' AND m.outcome = %(read_again)s
  AND ARRAY[m.order_no, m.order_id] && ARRAY[o.order_no, o.order_id, o.purchase_id, o.outer_purchase_id]
"""


@dataclass(frozen=True, slots=True)
class UnlistedOrders:
    """The orders of an account that are no longer listed: their number, and the one unlisted for longest."""

    account: str
    orders: int
    order_id: str
    since: datetime


async def not_brought(connection: Connection, claim: Claim, platform: str, brought: Sequence[str]) -> list[Wanted]:
    """Return the orders created in the window that a complete read of it did not bring, in the order of their ids.

    Only those it was read for and those that are not final. Left out are orders recorded as unlisted already, and those
    planned to be read again. Rows of `sync.missing_orders` about orders that the read brought are deleted.
    """
    return await fetch_rows(
        connection,
        _NOT_BROUGHT,
        {
            "platform": platform,
            "account": claim.account,
            "start": claim.window.start,
            "end": claim.window.end,
            "began": claim.now,
            "brought": list(brought),
            "wanted": list(claim.orders),
        },
        Wanted,
    )


async def record(connection: Connection, claim: Claim, platform: str, order_ids: Sequence[str]) -> None:
    """Record orders as no longer listed, also with the closed window and with the messages about them."""
    values = {
        "platform": platform,
        "account": claim.account,
        "began": claim.now,
        "window_id": claim.id,
        "ids": list(order_ids),
        "read_again": READ_AGAIN,
    }
    await connection.execute(_ADD, values)
    await connection.execute(_ADD_TO_MESSAGES, values)
    more = f" and {len(order_ids) - MOST_NAMED} more" if len(order_ids) > MOST_NAMED else ""
    said = f"not listed in any of three complete reads: order {', '.join(order_ids[:MOST_NAMED])}{more}"
    await connection.execute("UPDATE sync.windows SET error = %s WHERE id = %s", [said, claim.id])
