"""Stored orders in pages, to make their rows anew after a change of `normalize`; and orders without a payload row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from orders_sync.store.database import Connection
from orders_sync.store.load import BATCH, Stored
from orders_sync.store.queries import fetch_dict, fetch_rows

_COUNT = """
SELECT platform, count(*) FROM raw_orders
WHERE payload IS NOT NULL
    AND (%(platform)s::text IS NULL OR platform = %(platform)s)
    AND (%(account)s::text IS NULL OR account = %(account)s)
GROUP BY platform ORDER BY platform
"""

_PAGE = """
SELECT account, order_id, convert_to(payload::text, 'UTF8') AS payload, payload_hash, rows_hash, read_at
FROM raw_orders
WHERE platform = %(platform)s AND order_id > %(after)s AND payload IS NOT NULL
    AND (%(account)s::text IS NULL OR account = %(account)s)
ORDER BY order_id LIMIT %(rows)s
"""

_WITHOUT_PAYLOAD = """
SELECT o.account, count(*) AS orders, min(o.created_at) AS first, max(o.created_at) AS last
FROM orders AS o LEFT JOIN raw_orders AS r USING (platform, order_id)
WHERE (r.platform IS NULL OR r.payload_hash = '')
    AND (%(platform)s::text IS NULL OR o.platform = %(platform)s)
    AND (%(account)s::text IS NULL OR o.account = %(account)s)
GROUP BY o.account ORDER BY o.account
"""


class WithoutPayload(msgspec.Struct, frozen=True):
    """Orders of an account whose payload somebody deleted or changed. `first`, `last`: of their creation times."""

    account: str
    orders: int
    first: datetime | None
    last: datetime | None


async def without_payload(connection: Connection, platform: str | None, account: str | None) -> list[WithoutPayload]:
    """Return the accounts with orders whose payload was deleted or changed; of one platform or one account when given.

    A changed one is known once `load.rebuild` met it.
    """
    return await fetch_rows(connection, _WITHOUT_PAYLOAD, {"platform": platform, "account": account}, WithoutPayload)


async def count(connection: Connection, platform: str | None, account: str | None) -> dict[str, int]:
    """Count the orders with a payload by platform; of one platform or one account when given."""
    return await fetch_dict(connection, _COUNT, {"platform": platform, "account": account}, dict[str, int])


async def pages(connection: Connection, platform: str, account: str | None) -> AsyncIterator[list[Stored]]:
    """Iterate over the orders of a platform in pages by key, each read when it is requested."""
    after = ""
    while True:
        page = await fetch_rows(
            connection, _PAGE, {"platform": platform, "account": account, "after": after, "rows": BATCH}, Stored
        )
        if not page:
            return
        yield page
        after = page[-1].order_id
