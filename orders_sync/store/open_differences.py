"""Differences of audits that are not settled, with what is still so of each: derived from the tables when it is asked.

An order that an audit found missing, or here in an older version, is read by whatever reads it next: a backfill, a
repair, the service's own reads. No read looks for differences when it lands. So it is the question that looks up which
of the orders are here by now, by the key of `orders`.

    repaired_at set                              settled: compared again, or recorded so by `settle`
    every order of it is named and was read      read: settled, too, though nothing says so in the table yet
    else                                         open, or acknowledged

An order with an open reject was read: it is among the rejects. A range that lacks orders without a name, or holds some
that the platform no longer lists, is settled by a later audit only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_rows

MOST_LOOKED_UP = 2000  # orders of one question; those of larger ranges beyond it count as missing until `settle`

# of the alias `d`: the orders that it names and that no read has brought since its audit ended
_STILL_MISSING = """
    SELECT m.id FROM unnest(d.missing_ids) AS m (id)
    WHERE (SELECT true FROM orders AS o WHERE o.platform = d.platform AND o.order_id = m.id LIMIT 1) IS NULL
        AND (SELECT true FROM sync.rejects AS r
            WHERE r.platform = d.platform AND r.order_id = m.id AND r.resolved_at IS NULL LIMIT 1) IS NULL
    UNION ALL
    SELECT m.id FROM unnest(d.older_ids) AS m (id)
    WHERE (SELECT true FROM orders AS o
        WHERE o.platform = d.platform AND o.order_id = m.id AND o.synced_at > d.finished_at LIMIT 1) IS NULL
"""
_NAMED = "coalesce(cardinality(d.missing_ids), 0) + coalesce(cardinality(d.older_ids), 0)"


def unsettled_ranges(condition: str = "true") -> str:
    """Return the query of the differences that nothing in the table settles.

    `condition`: which ones, of the alias `d`, or of their audits `b`. Columns: audit_id, feed, starts_at, ends_at,
    account, acknowledged_at; `still_missing_ids`: orders that were looked up and are missing; `unnamed`: orders beside
    them that are taken to be missing; `is_read`: nothing is left of it.
    """
    return f"""
    SELECT d.audit_id, d.feed, d.starts_at, d.ends_at, d.account, d.acknowledged_at, l.ids AS still_missing_ids,
        d.unnamed, d.is_looked_up AND d.missing > 0 AND d.unnamed = 0 AND cardinality(l.ids) = 0
            AND coalesce(cardinality(d.not_listed_ids), 0) = 0 AS is_read
    FROM (
        SELECT d.*, CASE WHEN d.is_looked_up THEN greatest(d.missing - d.named, 0) ELSE d.missing END AS unnamed
        FROM (
            SELECT d.audit_id, d.feed, d.starts_at, d.ends_at, d.acknowledged_at, d.missing_ids, d.older_ids,
                d.not_listed_ids, b.account, b.finished_at, a.platform, {_NAMED} AS named,
                coalesce(d.missing, greatest(d.platform_orders - d.table_orders, 0)) AS missing,
                a.platform IS NOT NULL AND sum({_NAMED}) OVER (
                    ORDER BY {_NAMED}, d.audit_id, d.feed, d.starts_at) <= {MOST_LOOKED_UP} AS is_looked_up
            FROM sync.audit_differences AS d JOIN sync.audits AS b ON b.id = d.audit_id
            LEFT JOIN sync.accounts AS a ON a.name = b.account
            WHERE d.repaired_at IS NULL AND {condition}
        ) AS d
    ) AS d
    CROSS JOIN LATERAL (
        SELECT CASE WHEN d.is_looked_up THEN ARRAY({_STILL_MISSING}) ELSE '{{}}' END
        OFFSET 0  -- looked up once, not for every mention of it
    ) AS l (ids)
    """


def open_by_account(condition: str = "true") -> str:
    """Return the query of what is open, by account. `condition`: as `unsettled_ranges` takes it.

    Its columns: account; `ranges` that are open; those `acknowledged` instead; `audit`, the newest with an open one;
    `missing`, orders of the open ones, each once, though both lists may lack it; `missing_id`, one of them.
    """
    return f"""
    WITH r AS MATERIALIZED (SELECT * FROM ({unsettled_ranges(condition)}) AS r WHERE NOT is_read),
    named AS MATERIALIZED (  -- not once for every account, as where a plan expects few
        SELECT account, count(DISTINCT n.id) AS orders, min(n.id) AS order_id
        FROM r, unnest(still_missing_ids) AS n (id) WHERE acknowledged_at IS NULL GROUP BY account
    ), counted AS (
        SELECT account, count(*) FILTER (WHERE acknowledged_at IS NULL) AS ranges,
            count(acknowledged_at) AS acknowledged, max(audit_id) FILTER (WHERE acknowledged_at IS NULL) AS audit,
            sum(unnamed) FILTER (WHERE feed = 'created' AND acknowledged_at IS NULL) AS unnamed,
            sum(unnamed) FILTER (WHERE feed <> 'created' AND acknowledged_at IS NULL) AS unnamed_by_change
        FROM r GROUP BY account
    )
    SELECT c.account, c.ranges, c.acknowledged, c.audit, n.order_id AS missing_id,
        (coalesce(greatest(c.unnamed, c.unnamed_by_change), 0) + coalesce(n.orders, 0))::int AS missing
    FROM counted AS c LEFT JOIN named AS n USING (account)
    """


class MissingOrders(msgspec.Struct, frozen=True):
    """Orders of an account that the platform listed when `audit`, the newest to say so, compared; one is `order_id`.

    None is named where the audit only counted them.
    """

    account: str
    audit: int
    orders: int
    order_id: str | None


_MISSING_WITHIN = f"""
SELECT account, audit, missing AS orders, missing_id AS order_id
FROM ({open_by_account("b.account = ANY (%(names)s) AND d.starts_at < %(end)s AND d.ends_at > %(start)s")}) AS found
WHERE missing > 0
"""


async def missing_within(
    connection: Connection, accounts: Sequence[str], start: datetime, end: datetime
) -> list[MissingOrders]:
    """Return by account the orders that audits found missing in ranges that touch `[start, end)` of either list."""
    values = {"names": list(accounts), "start": start, "end": end}
    return await fetch_rows(connection, _MISSING_WITHIN, values, MissingOrders)


# the same rule without a bound, for one that is asked once a minute: it ends at the first order that is missing
_SETTLE = f"""
UPDATE sync.audit_differences AS u SET repaired_at = clock_timestamp()
FROM (
    SELECT d.*, b.finished_at, a.platform FROM sync.audit_differences AS d
    JOIN sync.audits AS b ON b.id = d.audit_id JOIN sync.accounts AS a ON a.name = b.account
    WHERE d.repaired_at IS NULL AND d.missing > 0 AND d.missing <= {_NAMED}
        AND coalesce(cardinality(d.not_listed_ids), 0) = 0
) AS d
WHERE (u.audit_id, u.feed, u.starts_at) = (d.audit_id, d.feed, d.starts_at) AND u.repaired_at IS NULL
    AND NOT EXISTS ({_STILL_MISSING})
"""


async def settle(connection: Connection) -> int:
    """Record the differences as repaired of which every order was read since; return how many there were."""
    return (await connection.execute(_SETTLE)).rowcount
