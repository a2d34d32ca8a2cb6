"""Facts that the pages of backfills show beside the ledger: who asked, for which orders, which shops are not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from orders_sync.domain.activity import Action
from orders_sync.store.database import Connection
from orders_sync.store.pauses import IS_PAUSED
from orders_sync.store.queries import fetch_dict, fetch_values

# an action records itself in the transaction of the request, whose beginning is `requested_at`
_WHO_ASKED = """
SELECT k.request, a.actor FROM unnest(%(requests)s::bigint[], %(times)s::timestamptz[]) AS k (request, at)
CROSS JOIN LATERAL (
    SELECT actor FROM sync.activity
    WHERE at >= k.at AND at < k.at + interval '1 min' AND subject = 'request ' || k.request
        AND action = ANY (%(actions)s)
    ORDER BY at, id LIMIT 1  -- by id alone, a plan may go through every action for one that is not there
) AS a
"""
_NOT_READ = f"""
SELECT a.name, CASE WHEN {IS_PAUSED} THEN 'paused' ELSE 'suspended' END FROM sync.accounts AS a
WHERE a.name = ANY (%s) AND ({IS_PAUSED} OR a.suspended_at IS NOT NULL)
"""


async def who_asked(connection: Connection, requested_at: Mapping[int, datetime]) -> dict[int, str]:
    """Return the person of each of these requests, by its number; those that SQL asked for have none."""
    values = {
        "requests": list(requested_at),
        "times": list(requested_at.values()),
        "actions": [Action.BACKFILL_START, Action.ORDER_FETCH],
    }
    return await fetch_dict(connection, _WHO_ASKED, values, dict[int, str])


async def not_read(connection: Connection, accounts: Sequence[str]) -> dict[str, str]:
    """Return those of these accounts of which nothing is read now: "paused" or "suspended"."""
    return await fetch_dict(connection, _NOT_READ, [list(accounts)], dict[str, str])


async def asked_orders(connection: Connection, request: int, limit: int) -> list[str]:
    """Return the ids of the orders that a request asks for, at most `limit`; none of one that asks for a range."""
    query = """
        SELECT DISTINCT unnest(w.orders) AS id FROM sync.windows AS w
        JOIN sync.backfills AS b ON b.id = w.backfill_id
        WHERE (b.id = %(request)s OR b.request_id = %(request)s) AND w.orders IS NOT NULL
        ORDER BY id LIMIT %(limit)s
    """
    return await fetch_values(connection, query, {"request": request, "limit": limit}, str)
