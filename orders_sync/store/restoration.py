"""Rows of orders that somebody deleted or changed by hand: how they are found, and what of them can be made whole.

    deleted or changed                      found by                        written again
    orders, sub_orders, product_items,      comparing the tables with the   from the payload, as a change of the order;
    order_parcels, order_receivers          rows its payload becomes        a deleted row of `orders` as a new order
    raw_orders, deleted                     a read that lists the order     from what was read: what is left is adopted
    raw_orders, changed                     the hash of the payload         from what is read next: it is disowned

Nobody looks for them where orders are read all the time: a read compares bytes only, unless
`LandingSource.checks_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orders_sync.store import copy_writer
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import FlatOrder, LandingSource
from orders_sync.store.queries import fetch_dict, fetch_values
from orders_sync.store.statements import CHILDREN, ORDERS, Target

_ROWS_HASHES = "SELECT order_id, rows_hash FROM raw_orders WHERE platform = %s AND order_id = ANY(%s)"

# orders that stand in the version whose modify time went back: a note says so, which no payload does
_WENT_BACK = """
SELECT order_id FROM raw_orders WHERE platform = %s AND order_id = ANY(%s) AND time_went_back_at = read_at
"""


def _list(names: Sequence[str], prefix: str) -> str:
    return ", ".join(f"{prefix}{name}" for name in names)


def _differs(table: Target, values: Sequence[str], condition: str = "") -> str:
    return f"""
    SELECT s.order_id FROM stage_{table.name} AS s LEFT JOIN {table.name} AS t USING ({_list(table.key, "")})
    WHERE t.platform IS NULL {condition} OR ({_list(values, "t.")}) IS DISTINCT FROM ({_list(values, "s.")})
    """


def _is_too_many(table: Target) -> str:
    """Select orders with a listed row that the stage does not have; those in `keeping` have theirs from before."""
    keeps = "AND t.order_id <> ALL(%(keeping)s)" if "sub_order_id" in table.key else ""
    return f"""
    SELECT t.order_id FROM stage_orders AS o JOIN {table.name} AS t USING (platform, order_id)
    WHERE t.removed_at IS NULL {keeps} AND NOT EXISTS (
        SELECT FROM stage_{table.name} AS s WHERE ({_list(table.key, "s.")}) = ({_list(table.key, "t.")})
    )
    """


_OF_OTHER_ACCOUNT = """
    SELECT s.order_id FROM stage_orders AS s JOIN orders AS t USING (platform, order_id)
    JOIN raw_orders AS r USING (platform, order_id) WHERE t.account <> r.account
"""
_DIFFERING = " UNION ".join(
    [
        _differs(ORDERS, ORDERS.values),
        _OF_OTHER_ACCOUNT,
        *(_differs(table, table.values, "OR t.removed_at IS NOT NULL") for table in CHILDREN),
        *(_is_too_many(table) for table in CHILDREN),
    ]
)

_RETURN_TO_ACCOUNT = """
UPDATE orders AS t SET account = r.account FROM raw_orders AS r
WHERE (t.platform, t.order_id) = (r.platform, r.order_id) AND t.account <> r.account
  AND t.platform = %s AND t.order_id = ANY(%s)
"""

_IS_LEFT = " OR ".join(
    f"EXISTS (SELECT FROM {table.name} AS t WHERE t.platform = %(platform)s AND t.order_id = n.order_id)"
    for table in CHILDREN
)
# a hash that no payload has: whatever is read next is a change of the order, if its modify time is not an older one
_ADOPT = f"""
INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, modified_at, read_at, direction)
SELECT %(platform)s, coalesce(o.account, %(account)s), n.order_id, '', '', o.modified_at, 'epoch', %(direction)s
FROM unnest(%(order_ids)s::text[]) AS n (order_id)
LEFT JOIN orders AS o ON o.platform = %(platform)s AND o.order_id = n.order_id
WHERE o.order_id IS NOT NULL OR {_IS_LEFT}
ORDER BY n.order_id COLLATE "C"
ON CONFLICT (platform, order_id) DO NOTHING
RETURNING order_id
"""


# of payloads that are not the bytes whose hash stands beside them
_DISOWN = """
UPDATE raw_orders AS t SET payload_hash = ''
FROM unnest(%(order_ids)s::text[], %(hashes)s::bytea[]) AS e (order_id, hash)
WHERE t.platform = %(platform)s AND t.order_id = e.order_id AND t.payload_hash = e.hash
"""


async def intact(connection: Connection, orders: Sequence[FlatOrder]) -> set[str]:
    """Return the ids of orders whose rows in the tables are those given. Writes and locks nothing.

    Rows that were made by other code, as `raw_orders.rows_hash` says, are not intact either.
    """
    if not orders:
        return set()
    platform = orders[0].platform
    which = [platform, [order.order_id for order in orders]]
    hashes = await fetch_dict(connection, _ROWS_HASHES, which, dict[str, bytes])
    same = [order for order in orders if hashes.get(order.order_id) == order.rows_hash]
    if not same:
        return set()
    keeping = await copy_writer.stage(connection, same, await fetch_values(connection, _WENT_BACK, which, str))
    differing = await fetch_values(connection, _DIFFERING, {"keeping": keeping}, str)
    return {order.order_id for order in same} - set(differing)


async def return_to_account(connection: Connection, platform: str, order_ids: Sequence[str]) -> None:
    """Give orders back to the account that keeps their payload. Their rows of `raw_orders` must be locked."""
    await connection.execute(_RETURN_TO_ACCOUNT, [platform, list(order_ids)])


async def adopt(connection: Connection, source: LandingSource, order_ids: Sequence[str]) -> set[str]:
    """Insert a row of `raw_orders` for orders that have none but rows in other tables, and return their ids.

    It holds no payload and belongs to the account of their row in `orders`, else to the reader's.
    """
    values = {
        "platform": source.platform,
        "account": source.account,
        "direction": source.direction.value,
        "order_ids": list(order_ids),
    }
    return set(await fetch_values(connection, _ADOPT, values, str))


async def disown(connection: Connection, platform: str, hashes: Mapping[str, bytes]) -> None:
    """Have the next read replace payloads, whatever it brings. `hashes`: those that stand beside them, by order id."""
    values = {"platform": platform, "order_ids": list(hashes), "hashes": list(hashes.values())}
    await connection.execute(_DISOWN, values)
