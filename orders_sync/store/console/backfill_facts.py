"""Facts that the pages of backfills show beside the ledger: who asked, for which orders, which shops are not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from orders_sync.domain.activity import Action
from orders_sync.store import order_numbers
from orders_sync.store.database import Connection
from orders_sync.store.pauses import IS_PAUSED
from orders_sync.store.queries import fetch_dict, fetch_rows, fetch_value
from orders_sync.store.unlisted import UNLISTED

MOST_WAITING = 20  # requests

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

_WAITING_UNREAD = f"""
SELECT coalesce(b.request_id, b.id), array_agg(DISTINCT a.name ORDER BY a.name)
FROM sync.backfills AS b JOIN sync.accounts AS a ON a.name = b.account
WHERE b.state IN ('requested', 'planned') AND ({IS_PAUSED} OR a.suspended_at IS NOT NULL)
GROUP BY 1 ORDER BY 1 DESC LIMIT %s
"""

_NUMBERS = """
SELECT ARRAY(
    SELECT n.number FROM (
        SELECT id, details FROM sync.activity
        WHERE at >= %(at)s AND at < %(at)s + interval '1 min' AND subject = 'request ' || %(request)s::text
            AND action = %(action)s
    ) AS a
    CROSS JOIN LATERAL (VALUES (1, a.details -> 'numbers'), (2, a.details -> 'not_read')) AS f (place, numbers)
    CROSS JOIN LATERAL jsonb_array_elements_text(
        CASE WHEN jsonb_typeof(f.numbers) = 'array' THEN f.numbers ELSE '[]' END) WITH ORDINALITY AS n (number, at)
    GROUP BY n.number ORDER BY min(f.place), min(a.id), min(n.at)
)
"""
# what came of each order of a request. A read for orders that does not bring one is repeated; then it is not listed
_OUTCOMES = f"""
SELECT DISTINCT ON (a.platform, e.order_id) a.platform, e.order_id, CASE
    WHEN w.state = 'failed' THEN 'failed'
    WHEN w.state = 'beyond' THEN 'beyond'
    WHEN w.state = 'running' THEN 'reading'
    WHEN w.state <> 'done' THEN 'waits'
    WHEN EXISTS (
        SELECT FROM sync.rejects AS r WHERE r.platform = a.platform AND r.order_id = e.order_id
            AND r.resolved_at IS NULL AND r.read_at >= w.started_at) THEN 'rejected'
    WHEN EXISTS (
        SELECT FROM sync.windows AS n WHERE n.account = w.account AND n.kind IN ('hook', 'repair')
            AND n.state = 'planned' AND n.repeats > 0 AND e.order_id = ANY (n.orders)) THEN 'asked_again'
    WHEN NOT EXISTS (SELECT FROM orders AS o WHERE (o.platform, o.order_id) = (a.platform, e.order_id))
        OR EXISTS (SELECT FROM {UNLISTED} WHERE (o.platform, o.order_id) = (a.platform, e.order_id)) THEN 'not_listed'
    ELSE 'found' END AS outcome
FROM sync.backfills AS b JOIN sync.windows AS w ON w.backfill_id = b.id AND w.orders IS NOT NULL
JOIN sync.accounts AS a ON a.name = b.account
CROSS JOIN LATERAL unnest(w.orders) AS e (order_id)
WHERE b.id = %(request)s OR b.request_id = %(request)s
ORDER BY a.platform, e.order_id, w.id LIMIT %(limit)s
"""


class AskedOrder(msgspec.Struct, frozen=True):
    """An order that a request asks for. `number`: as it was asked for; `platform`: None for a number nobody knows.

    `outcome`: waits, reading, found, rejected, not_listed, asked_again, failed, beyond, or not_read.
    """

    number: str
    platform: str | None
    order_id: str
    outcome: str


class _Outcome(msgspec.Struct, frozen=True):
    platform: str
    order_id: str
    outcome: str


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


async def waiting_unread(connection: Connection) -> dict[int, list[str]]:
    """Return the accounts of which nothing is read now and for which a backfill waits, by its request, the newest."""
    return await fetch_dict(connection, _WAITING_UNREAD, [MOST_WAITING], dict[int, list[str]])


async def asked_orders(connection: Connection, request: int, requested_at: datetime, limit: int) -> list[AskedOrder]:
    """Return the orders that a request asks for, at most `limit`, with what came of each; none of one for a range."""
    outcomes = await fetch_rows(connection, _OUTCOMES, {"request": request, "limit": limit}, _Outcome)
    values = {"request": request, "at": requested_at, "action": Action.ORDER_FETCH}
    numbers = await fetch_value(connection, _NUMBERS, values, list[str])
    matches = await order_numbers.search(connection, numbers) if numbers else []
    by_key = {(each.platform, each.order_id): each.number for each in reversed(matches) if each.number in numbers}
    found = [
        AskedOrder(by_key.get((each.platform, each.order_id), each.order_id), *msgspec.structs.astuple(each))
        for each in outcomes
    ]
    named = {each.number for each in found}
    return found + [AskedOrder(each, None, each, "not_read") for each in numbers if each not in named]
