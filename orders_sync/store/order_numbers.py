"""Find orders by any number that a person may have of them, each by an index of its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from orders_sync.store.database import Connection, Session
from orders_sync.store.queries import fetch_rows, select_rows

MOST_ORDERS = 200  # returned for one question

# columns that are searched, with an index each. An order's own id is searched by the primary key
SEARCHED = (
    ("orders", "order_no"),
    ("orders", "seller_order_no"),
    ("orders", "purchase_id"),
    ("orders", "outer_purchase_id"),
    ("orders", "refund_id"),
    ("orders", "after_sale_refund_id"),
    ("orders", "payment_no"),
    ("sub_orders", "sub_order_id"),
    ("sub_orders", "purchase_id"),
    ("sub_orders", "sub_purchase_id"),
    ("sub_orders", "outer_purchase_id"),
    ("sub_orders", "outer_line_id"),
    ("sub_orders", "refund_id"),
    ("sub_orders", "after_sale_refund_id"),
    ("sub_orders", "payment_no"),
    ("order_parcels", "tracking_no"),
    ("order_parcels", "parcel_id"),
)

_BY_COLUMN = " UNION ALL ".join(
    f"SELECT platform, order_id, {column}, '{column}' FROM {table} WHERE {column} = ANY (%(numbers)s)"
    for table, column in SEARCHED
)
# a platform that is no longer installed still has its accounts
_OF_PLATFORMS = "platform = ANY (ARRAY(SELECT platform FROM sync.accounts UNION SELECT platform FROM order_statuses))"
_FIND = f"""
SELECT platform, order_id, number, array_agg(DISTINCT field ORDER BY field) AS fields
FROM (
    SELECT platform, order_id, order_id AS number, 'order_id' AS field FROM orders
    WHERE order_id = ANY (%(numbers)s) AND {_OF_PLATFORMS}
    UNION ALL  -- of an order whose row was deleted by hand the lines may be left
    SELECT platform, order_id, order_id, 'order_id' FROM sub_orders
    WHERE order_id = ANY (%(numbers)s) AND {_OF_PLATFORMS}
    UNION ALL
    {_BY_COLUMN}
) AS found
GROUP BY platform, order_id, number ORDER BY platform, order_id, number LIMIT %(most)s
"""


class OrderKey(msgspec.Struct, frozen=True):
    """An order in the tables."""

    platform: str
    order_id: str


class Match(msgspec.Struct, frozen=True):
    """An order that a number was found at. `fields`: the columns that hold it, by name."""

    platform: str
    order_id: str
    number: str
    fields: list[str]

    @property
    def key(self) -> OrderKey:
        """The key of the order in the tables."""
        return OrderKey(self.platform, self.order_id)


def find(session: Session, numbers: Sequence[str]) -> list[Match]:
    """Return the orders, `MOST_ORDERS` at most, that have any of these numbers, by platform and id."""
    return select_rows(session, _FIND, {"numbers": list(numbers), "most": MOST_ORDERS}, Match)


async def search(connection: Connection, numbers: Sequence[str]) -> list[Match]:
    """Return the same by a connection of the service."""
    return await fetch_rows(connection, _FIND, {"numbers": list(numbers), "most": MOST_ORDERS}, Match)
