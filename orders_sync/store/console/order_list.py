"""Orders by account, day and state, the newest first; without personal data. They are those of the view `bi.orders`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from orders_sync.domain.statuses import MAY_BE_UNSHIPPED, UNSHIPPED
from orders_sync.store.console.capped import MOST_COUNTED
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_row, fetch_rows

PAGE = 50  # rows
MOST_EXAMINED = 5_000  # orders of which a count finds out whether they fit

_LIST = """
SELECT o.platform, o.order_id, o.order_no, o.account, o.direction, o.status_name_zh, o.status_name_en,
    o.is_known_status, o.payable_amount, o.currency, o.ordered_at, o.paid_at, o.line_count
FROM bi.orders AS o
WHERE o.ordered_at >= coalesce(%(start)s::timestamptz, '-infinity')
    AND o.ordered_at < coalesce(%(end)s::timestamptz, 'infinity')
    AND (o.ordered_at, o.platform, o.order_id)
        < (coalesce(%(before)s::timestamptz, 'infinity'), %(platform)s::text, %(order_id)s::text)
    {}
ORDER BY o.ordered_at DESC, o.platform DESC, o.order_id DESC LIMIT %(limit)s
"""
# an index holds the orders of each group by time, but not those of several
_MERGED = """
SELECT * FROM ({}) AS found ORDER BY ordered_at DESC, platform DESC, order_id DESC LIMIT %(limit)s
"""
# the newest orders of an index, no more than are examined, then those of them that fit
_COUNT = """
SELECT count(*) FILTER (WHERE examined.fits) AS orders, count(*) AS examined FROM (
    SELECT {fits} AS fits FROM bi.orders AS o
    WHERE o.ordered_at >= coalesce(%(start)s::timestamptz, '-infinity')
        AND o.ordered_at < coalesce(%(end)s::timestamptz, 'infinity')
        {indexed}
    ORDER BY o.ordered_at DESC LIMIT %(limit)s
) AS examined
"""
_OF_ACCOUNT = "o.account = %(account)s"
_OF_DIRECTION = "o.direction = %(direction)s"
_OF_GROUPS = "o.status_group = ANY (%(groups)s)"
_UNSHIPPED = "o.is_unshipped"


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """A choice of orders: placed from `start` (included) to `end` (not included), each None for all.

    `state`: one of `statuses.STATES`. `direction`: "sale" or "purchase". An order without a time of creation is in no
    list; it is found by its number.
    """

    account: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    state: str | None = None
    direction: str | None = None

    @property
    def values(self) -> dict[str, object]:
        """The values of the conditions."""
        return {
            "account": self.account,
            "start": self.start,
            "end": self.end,
            "groups": list(MAY_BE_UNSHIPPED) if self.state == UNSHIPPED else [self.state],
            "direction": self.direction,
        }

    @property
    def conditions(self) -> list[str]:
        """The SQL conditions beside the days; the account or the state, which indexes hold, before others."""
        asked = (
            (self.account, _OF_ACCOUNT),
            (self.state, _OF_GROUPS),
            (self.state == UNSHIPPED, _UNSHIPPED),
            (self.direction, _OF_DIRECTION),
        )
        return [condition for value, condition in asked if value]


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order of a list. `status_name_...`: the status itself where no document has it."""

    platform: str
    order_id: str
    order_no: str | None
    account: str
    direction: str | None
    status_name_zh: str
    status_name_en: str
    is_known_status: bool
    payable_amount: Decimal | None
    currency: str
    ordered_at: datetime
    paid_at: datetime | None
    line_count: int


@dataclass(frozen=True, slots=True)
class LastOrder:
    """The last order of a page: the next one begins after it."""

    ordered_at: datetime
    platform: str
    order_id: str


@dataclass(frozen=True, slots=True)
class OrderCount:
    """The number of orders of a list, counted up to one more than `MOST_COUNTED`.

    `is_least`: there may be more, since not all of them were examined.
    """

    orders: int
    is_least: bool


class _Examined(msgspec.Struct, frozen=True):
    orders: int
    examined: int


async def orders(
    connection: Connection, wanted: OrderFilter, *, before: LastOrder | None = None, limit: int = PAGE
) -> list[ListedOrder]:
    """Return orders, the newest first, at most `limit`. `before`: only orders after this place."""
    values = wanted.values | {
        "before": before.ordered_at if before else None,
        "platform": before.platform if before else "",
        "order_id": before.order_id if before else "",
        "limit": limit,
    }
    conditions = " ".join(f"AND {each}" for each in wanted.conditions)
    statement = _LIST.format(conditions)
    if wanted.state == UNSHIPPED:
        lists = [_LIST.format(f"{conditions} AND o.status_group = '{group}'") for group in MAY_BE_UNSHIPPED]
        statement = _MERGED.format(" UNION ALL ".join(f"({each})" for each in lists))
    return await fetch_rows(connection, statement, values, ListedOrder)


async def count(connection: Connection, wanted: OrderFilter) -> OrderCount:
    """Return how many orders `orders` lists on all of its pages.

    Examines the newest `MOST_EXAMINED` orders of the account, else of the state, at most.
    """
    indexed, *others = wanted.conditions if wanted.account or wanted.state else ["true", *wanted.conditions]
    statement = _COUNT.format(indexed=f"AND {indexed}", fits=" AND ".join(others) or "true")
    values = wanted.values | {"limit": MOST_EXAMINED if others else MOST_COUNTED + 1}
    found = await fetch_row(connection, statement, values, _Examined) or _Examined(0, 0)
    return OrderCount(found.orders, bool(others) and found.examined >= MOST_EXAMINED and found.orders <= MOST_COUNTED)
