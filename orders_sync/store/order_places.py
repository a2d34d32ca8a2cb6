"""Places in the lists of the platforms where orders are read again: the second of creation, else the last range.

in the tables                    the second it was created in; without a creation time the window that brought it
a reject                         the window that brought it
found missing by an audit        the range that the audit compared
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from orders_sync.domain.windows import Feed
from orders_sync.store import order_numbers
from orders_sync.store.database import Connection
from orders_sync.store.order_numbers import Match
from orders_sync.store.queries import fetch_rows

MOST = 200  # places of one question

_STORED = """
SELECT k.number, o.account, o.order_id, o.order_no, o.created_at, w.starts_at, w.ends_at, w.feed
FROM unnest(%(numbers)s::text[], %(platforms)s::text[], %(ids)s::text[]) WITH ORDINALITY
    AS k (number, platform, order_id, place)
JOIN orders AS o USING (platform, order_id)
LEFT JOIN raw_orders AS r USING (platform, order_id)
LEFT JOIN sync.windows AS w ON w.id = r.window_id AND o.created_at IS NULL
ORDER BY k.place
"""
_REJECTED = """
SELECT j.order_id AS number, j.account, j.order_id, NULL AS order_no, NULL::timestamptz AS created_at,
    w.starts_at, w.ends_at, w.feed
FROM sync.rejects AS j LEFT JOIN sync.windows AS w ON w.id = j.window_id
WHERE j.platform = ANY (ARRAY(SELECT platform FROM sync.accounts)) AND j.order_id = ANY (%(numbers)s)
    AND j.resolved_at IS NULL
ORDER BY j.id DESC LIMIT %(most)s
"""
_FOUND_MISSING = """
SELECT n.number, a.account, n.number AS order_id, NULL AS order_no, NULL::timestamptz AS created_at,
    d.starts_at, d.ends_at, d.feed
FROM sync.audit_differences AS d JOIN sync.audits AS a ON a.id = d.audit_id
CROSS JOIN unnest(%(numbers)s::text[]) AS n (number)
WHERE d.repaired_at IS NULL AND d.missing_ids && %(numbers)s::text[] AND n.number = ANY (d.missing_ids)
ORDER BY d.audit_id DESC LIMIT %(most)s
"""


class OrderPlace(msgspec.Struct, frozen=True):
    """An order by one of its numbers, and where it is listed.

    `created_at`: when it was created; else `[starts_at, ends_at)` of the list by `feed`, None where neither is known.
    """

    number: str
    account: str
    order_id: str
    order_no: str | None
    created_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    feed: Feed | None

    @property
    def shown_number(self) -> str:
        """The number by which people know the order: as it was asked for, but not the platform's id."""
        return self.order_no or self.number if self.number == self.order_id else self.number


async def find(connection: Connection, numbers: Sequence[str]) -> list[OrderPlace]:
    """Return the places of the orders with these numbers, by the first of the three kinds that knows a number."""
    matches = await order_numbers.search(connection, numbers)
    found = await _stored(connection, matches)
    for query in (_REJECTED, _FOUND_MISSING):
        rest = sorted(set(numbers) - {each.number for each in found})
        if rest:
            places = await fetch_rows(connection, query, {"numbers": rest, "most": MOST}, OrderPlace)
            found += {(each.number, each.account): each for each in reversed(places)}.values()
    return found


async def _stored(connection: Connection, matches: Sequence[Match]) -> list[OrderPlace]:
    values = {
        "numbers": [each.number for each in matches],
        "platforms": [each.platform for each in matches],
        "ids": [each.order_id for each in matches],
    }
    return await fetch_rows(connection, _STORED, values, OrderPlace)
