"""A database of a given size for `benchmarks.bi`: a sandbox's orders land as ever, and SQL multiplies them.

Orders, lines, products, parcels and receivers are copied with other ids, at other times, of other customers. Each
order gets two to four versions in its history. `raw_orders` holds nothing of the copies: no view reads it.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import LiteralString

from psycopg import sql

from benchmarks.environment import Environment, info
from benchmarks.pg_stats import Connection, connect, fetch_int
from orders_sync.cli.databases import Host, bring_up
from orders_sync.domain.records import Record
from orders_sync.platforms import PLATFORMS
from orders_sync.sandbox import SandboxAccount, World
from orders_sync.store import daily_figures, database, load, product_figures
from orders_sync.store.flat_orders import LandingSource
from orders_sync.store.queries import select_values

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)  # the dates of docs/queries.md
DAYS = 730
LINES_PER_ORDER = 2.4
TABLES = ("orders", "sub_orders", "product_items", "order_parcels", "order_receivers")

_REPLACED: dict[str, LiteralString] = {  # column: its value in copy number %(copy)s
    "order_id": "order_id || '-' || %(copy)s",
    "sub_order_id": "sub_order_id || '-' || %(copy)s",
    "parcel_id": "parcel_id || '-' || %(copy)s",
    "order_no": "order_no || '-' || %(copy)s",
    "purchase_id": "purchase_id || '-' || %(copy)s",
    "outer_purchase_id": "outer_purchase_id || '-' || %(copy)s",
    "sub_purchase_id": "sub_purchase_id || '-' || %(copy)s",
    "outer_line_id": "outer_line_id || '-' || %(copy)s",
    "seller_order_no": "seller_order_no || '-' || %(copy)s",
    "payment_no": "payment_no || '-' || %(copy)s",
    "tracking_no": "tracking_no || '-' || %(copy)s",
    "refund_id": "refund_id || '-' || %(copy)s",
    "after_sale_refund_id": "after_sale_refund_id || '-' || %(copy)s",
    "buyer_id": "buyer_id || '-' || (%(copy)s %% 10)",
}
_MOVED = (
    "created_at", "modified_at", "paid_at", "delivered_at", "received_at", "confirmed_at", "completed_at",
)  # fmt: skip
_COLUMNS = """
SELECT attname::text FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attname <> 'changed_xid' ORDER BY attnum
"""
# not those of keys: nothing is copied twice
_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid), i.indexrelid::regclass::text FROM pg_index AS i
WHERE i.indrelid::regclass::text = ANY(%s) AND NOT i.indisprimary
"""
# so that the rest have LINES_PER_ORDER on average
_DROP_SMALL = """
WITH gone AS MATERIALIZED (
    SELECT platform, order_id FROM orders WHERE line_count <= 1 ORDER BY md5(order_id)
    LIMIT greatest(0, (
        SELECT (count(*) * %(goal)s - sum(line_count)) / (%(goal)s - 1) FROM orders
    )::integer)
), d1 AS (DELETE FROM sub_orders AS t USING gone AS g WHERE (t.platform, t.order_id) = (g.platform, g.order_id)),
d2 AS (DELETE FROM product_items AS t USING gone AS g WHERE (t.platform, t.order_id) = (g.platform, g.order_id)),
d3 AS (DELETE FROM order_parcels AS t USING gone AS g WHERE (t.platform, t.order_id) = (g.platform, g.order_id)),
d4 AS (DELETE FROM order_receivers AS t USING gone AS g WHERE (t.platform, t.order_id) = (g.platform, g.order_id))
DELETE FROM orders AS t USING gone AS g WHERE (t.platform, t.order_id) = (g.platform, g.order_id)
"""
# first read soon after it was placed; read again soon after it was paid, and when it was done
_HISTORY = """
INSERT INTO order_history (platform, order_id, seen_at, read_at, changed, status, status_group, refund_status,
    total_amount, shipping_amount, discount_amount, paid_amount, refund_amount, modified_at, paid_at, delivered_at,
    received_at, completed_at, line_count, direction)
SELECT o.platform, o.order_id, v.seen_at, v.seen_at, v.changed, coalesce(v.status, o.status),
    coalesce(v.status_group, o.status_group), CASE WHEN v.is_last THEN o.refund_status END, o.total_amount,
    o.shipping_amount, o.discount_amount, o.paid_amount, CASE WHEN v.is_last THEN o.refund_amount END, v.seen_at,
    CASE WHEN v.seen_at > o.paid_at THEN o.paid_at END, CASE WHEN v.is_last THEN o.delivered_at END,
    CASE WHEN v.is_last THEN o.received_at END, CASE WHEN v.is_last THEN o.completed_at END, o.line_count, o.direction
FROM orders AS o
CROSS JOIN LATERAL (
    SELECT o.created_at + interval '4 minutes', NULL::text[], 'waitbuyerpay', 'awaiting_payment', false
    UNION ALL
    SELECT o.paid_at + interval '4 minutes', '{status,status_group,paid_at}', 'waitsellersend', 'awaiting_shipment',
        false WHERE o.paid_at > o.created_at
    UNION ALL
    SELECT coalesce(o.completed_at, o.received_at, o.delivered_at, o.paid_at, o.created_at) + interval '2 days',
        '{status,status_group}', NULL, NULL, true
) AS v (seen_at, changed, status, status_group, is_last)
ON CONFLICT DO NOTHING
"""

# what the questions ask for and the sandbox has none of
_ADDED = (
    """UPDATE sub_orders SET removed_at = created_at + interval '1 day'
    WHERE hashtext(order_id) % 500 = 0 AND line_no > 1""",
    """UPDATE orders SET order_no = o.order_no FROM (
        SELECT order_no, row_number() OVER (ORDER BY order_id) AS n FROM orders
        WHERE platform = 'xportcn_open' AND hashtext(order_id) % 500 = 0
    ) AS o JOIN (
        SELECT order_id, row_number() OVER (ORDER BY order_id) AS n FROM orders
        WHERE platform = 'xportcn_ka' AND hashtext(order_id) % 500 = 0
    ) AS k USING (n) WHERE orders.platform = 'xportcn_ka' AND orders.order_id = k.order_id""",
)


def fill(environment: Environment, orders: int, landed: int, shops: int) -> None:
    """Fill the empty database of `environment` with orders of `shops` shops. `landed`: land; the others are copies."""
    with closing(Host(environment.url)) as host:
        bring_up(host)
    info(f"landing {landed:,} orders of {shops} shops")
    asyncio.run(_land(environment.url, landed, shops))
    with connect(environment.url) as connection:
        if orders > landed:
            _multiply(connection, orders)
        info("making figures of products")
        connection.execute("SELECT sync.outdate_product_figures()")
        asyncio.run(_make_product_figures(environment.url))
        info("reading statistics")
        connection.execute("VACUUM (ANALYZE)")


async def _land(url: str, orders: int, shops: int) -> None:
    world = World(orders, shops, seed=1, now=NOW, days=DAYS)
    async with database.connected(url, size=1) as pool, pool.connection() as connection:
        for account in world.accounts:
            await _land_shop(connection, world, account)


async def _make_product_figures(url: str) -> None:
    async with database.connected(url, size=1) as pool, pool.connection() as connection:
        while await product_figures.remake(connection):
            pass


async def _land_shop(connection: database.Connection, world: World, account: SandboxAccount) -> None:
    platform, shop = PLATFORMS[account.platform], world.shop(account.name)
    await connection.execute(
        "INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark)"
        " VALUES (%s, %s, 'sandbox', %s, %s, %s, %s)",
        [account.name, platform.name, account.seller, platform.feed, NOW - timedelta(days=DAYS), NOW],
    )
    records = [Record(order.order_id, shop.served_record(order), NOW) for order in list(shop.index.orders.values())]
    source = LandingSource(platform.name, account.name, None, platform.normalize, platform.direction)
    async with connection.transaction():
        await load.land(connection, source, records)


def _multiply(connection: Connection, orders: int) -> None:
    """Copy what landed until there are `orders`, without indexes and figures of days, which are made again."""
    connection.execute("SET synchronous_commit = off")
    indexes = connection.execute(_INDEXES, [[*TABLES, "order_history"]]).fetchall()
    connection.execute("TRUNCATE order_history, raw_orders")
    for _, name in indexes:
        connection.execute(f"DROP INDEX {name}".encode())
    connection.execute(_DROP_SMALL, {"goal": LINES_PER_ORDER})
    connection.execute("ANALYZE")
    connection.execute("ALTER TABLE orders DISABLE TRIGGER USER")  # figures of days are made at the end
    base = fetch_int(connection, "SELECT count(*) FROM orders")
    for table in TABLES:
        connection.execute(f"CREATE TEMPORARY TABLE base_{table} AS TABLE {table}".encode())
        connection.execute(f"ANALYZE base_{table}".encode())
    for copy in range(1, orders // base + 1):
        info(f"copying {min(orders, (copy + 1) * base):,} of {orders:,} orders")
        _copy(connection, copy, orders - copy * base)
    connection.execute("ALTER TABLE orders ENABLE TRIGGER USER")
    daily_figures.rebuild_if_needed(connection, anew=True)
    info("adding oddities and histories")
    for statement in _ADDED:
        connection.execute(statement.encode())
    connection.execute(_HISTORY)
    info(f"making {len(indexes)} indexes")
    for definition, _ in indexes:
        connection.execute(str(definition).encode())


def _copy(connection: Connection, copy: int, missing: int) -> None:
    """Copy the base once more, at most `missing` orders of it. Every copy is 7 minutes older than the one before."""
    with connection.transaction():
        for table in TABLES:
            columns = select_values(connection, _COLUMNS, [f"public.{table}"], str)
            values = [
                sql.SQL(_REPLACED[name]) if name in _REPLACED
                else sql.SQL("{} - interval '7 minutes' * %(copy)s").format(sql.Identifier(name)) if name in _MOVED
                else sql.Identifier(name)
                for name in columns
            ]  # fmt: skip
            statement = sql.SQL(
                "INSERT INTO {} ({}) SELECT {} FROM {} AS t JOIN (SELECT platform, order_id FROM base_orders"
                " ORDER BY order_id LIMIT %(missing)s) AS o USING (platform, order_id)"
            ).format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join(values),
                sql.Identifier(f"base_{table}"),
            )
            connection.execute(statement, {"copy": copy, "missing": missing})
