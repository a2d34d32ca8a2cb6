"""Orders by account, day and state, the newest first; without persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from orders_sync.store.console.capped import MOST_COUNTED
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_rows, fetch_value

PAGE = 50  # rows

_LIST = """
SELECT o.platform, o.order_id, o.order_no, o.account, o.direction, o.status, s.name_zh, s.name_en, o.status_group,
    o.total_amount, o.currency, o.created_at, o.paid_at, o.line_count
FROM orders AS o LEFT JOIN order_statuses AS s ON (s.platform, s.status) = (o.platform, o.status)
WHERE o.created_at >= coalesce(%(start)s::timestamptz, '-infinity')
    AND o.created_at < coalesce(%(end)s::timestamptz, 'infinity')
    AND (o.created_at, o.platform, o.order_id)
        < (coalesce(%(before)s::timestamptz, 'infinity'), %(platform)s::text, %(order_id)s::text)
    {}
ORDER BY o.created_at DESC, o.platform DESC, o.order_id DESC LIMIT %(limit)s
"""
_COUNT = """
SELECT count(*) FROM (
    SELECT FROM orders AS o
    WHERE o.created_at >= coalesce(%(start)s::timestamptz, '-infinity')
        AND o.created_at < coalesce(%(end)s::timestamptz, 'infinity')
        {}
    LIMIT %(limit)s
) AS found
"""
_OF_ACCOUNT = "AND o.account = %(account)s"
_OF_DIRECTION = "AND o.direction = %(direction)s"
_OF_GROUPS = "AND o.status_group = ANY (%(groups)s)"


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order of a list. `name_zh`, `name_en`: of its status, None where no document has it."""

    platform: str
    order_id: str
    order_no: str | None
    account: str
    direction: str | None
    status: str
    name_zh: str | None
    name_en: str | None
    status_group: str
    total_amount: Decimal | None
    currency: str
    created_at: datetime
    paid_at: datetime | None
    line_count: int


@dataclass(frozen=True, slots=True)
class LastOrder:
    """The last order of a page: the next one begins behind it."""

    created_at: datetime
    platform: str
    order_id: str


async def orders(
    connection: Connection,
    *,
    account: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    groups: Sequence[str] = (),
    direction: str | None = None,
    before: LastOrder | None = None,
    limit: int = PAGE,
) -> list[ListedOrder]:
    """Return orders placed from `start` (included) to `end` (not included), newest first, at most `limit`.

    `groups`: values of `status_group`; empty for all. `direction`: "sale" or "purchase". `before`: only orders
    behind this place. An order without a time of creation is in no list; it is found by its number.
    """
    values = {
        "account": account,
        "start": start,
        "end": end,
        "groups": list(groups),
        "direction": direction,
        "before": before.created_at if before else None,
        "platform": before.platform if before else "",
        "order_id": before.order_id if before else "",
        "limit": limit,
    }
    return await fetch_rows(connection, _LIST.format(_conditions(account, groups, direction)), values, ListedOrder)


async def count(
    connection: Connection,
    *,
    account: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    groups: Sequence[str] = (),
    direction: str | None = None,
) -> int:
    """Return how many orders `orders` lists on all of its pages; at most one more than `MOST_COUNTED`."""
    values = {
        "account": account,
        "start": start,
        "end": end,
        "groups": list(groups),
        "direction": direction,
        "limit": MOST_COUNTED + 1,
    }
    return await fetch_value(connection, _COUNT.format(_conditions(account, groups, direction)), values, int)


def _conditions(account: str | None, groups: Sequence[str], direction: str | None) -> str:
    asked = ((account, _OF_ACCOUNT), (groups, _OF_GROUPS), (direction, _OF_DIRECTION))
    return " ".join(condition for value, condition in asked if value)
