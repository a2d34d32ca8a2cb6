"""The persons of an order. Whoever shows them records who asked (`engine/actions/orders.py`)."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from orders_sync.store.database import Connection
from orders_sync.store.order_numbers import OrderKey

_PERSONS = "SELECT * FROM bi.order_persons WHERE (platform, order_id) = (%s, %s)"
_NO_PERSONS = ("order_key", "platform", "direction", "order_id")


async def read(connection: Connection, key: OrderKey) -> dict[str, Any] | None:
    """Return the account and the persons of an order by the columns of `bi.order_persons`; None for an unknown one."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_PERSONS.encode(), [key.platform, key.order_id])
        found = await cursor.fetchone()
    return found and {name: value for name, value in found.items() if name not in _NO_PERSONS}
