"""The personal data of an order. Whoever shows it records who asked (`engine/actions/orders.py`)."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from orders_sync.store.database import Connection
from orders_sync.store.order_numbers import OrderKey

_PERSONAL_DATA = """
SELECT p.*, o.country, o.province, o.city FROM bi.order_persons AS p JOIN orders AS o USING (platform, order_id)
WHERE (platform, order_id) = (%s, %s)
"""
_IMPERSONAL = ("order_key", "platform", "direction", "order_id")


async def read(connection: Connection, key: OrderKey) -> dict[str, Any] | None:
    """Return the account, the personal data and the place of an order; None for an unknown order.

    By the columns of `bi.order_persons`, and `country`, `province` and `city`.
    """
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_PERSONAL_DATA.encode(), [key.platform, key.order_id])
        found = await cursor.fetchone()
    return found and {name: value for name, value in found.items() if name not in _IMPERSONAL}
