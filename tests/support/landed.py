"""A sandbox whose orders have landed, for tests that only read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orders_sync.domain.records import Record
from orders_sync.platforms import PLATFORMS
from orders_sync.sandbox import Sandbox, SandboxAccount, World
from orders_sync.store import database, load
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import LandingSource
from tests.support.databases import Tables
from tests.support.terminal import Said, Terminal
from tests.support.worlds import an_hour_ago, world_of


def a_world(orders: int, *, samples: bool = False) -> World:
    """Return a world by `world_of` whose youngest orders are an hour old."""
    return world_of(orders, now=an_hour_ago(), samples=samples)


@dataclass
class Landed:
    """A sandbox whose orders have landed by `orders-sync sync`. Tests that share it write nothing."""

    terminal: Terminal
    tables: Tables
    world: World
    root: str
    sandbox: Sandbox
    first: Said


# what questions are asked of and the sandbox has none of
_ADDED = (
    # customers that buy again
    """UPDATE orders SET buyer_id = 'customer-' || n % 2 FROM (
        SELECT order_id, row_number() OVER (ORDER BY order_id) AS n FROM orders WHERE platform = '1688'
    ) AS o WHERE orders.platform = '1688' AND orders.order_id = o.order_id AND n <= 9""",
    # a variant with two prices
    """UPDATE product_items AS i SET unit_price = unit_price + 1.5 FROM (
        SELECT min(order_id) AS order_id, sku_id FROM product_items WHERE platform = '1688' AND sku_id IS NOT NULL
        GROUP BY sku_id HAVING count(DISTINCT order_id) > 2 ORDER BY sku_id LIMIT 2
    ) AS o WHERE i.platform = '1688' AND (i.order_id, i.sku_id) = (o.order_id, o.sku_id)""",
    # an order in both lists of Xportcn
    """UPDATE orders SET order_no = (SELECT max(order_no) FROM orders WHERE platform = 'xportcn_open')
    WHERE platform = 'xportcn_ka' AND order_id = (SELECT max(order_id) FROM orders WHERE platform = 'xportcn_ka')""",
    # a line that vanished
    """INSERT INTO sub_orders
        (platform, order_id, sub_order_id, line_no, status, currency, amount, removed_at, direction)
    SELECT platform, order_id, sub_order_id || '-gone', line_no, status, currency, amount, '2026-11-20 05:00Z',
        direction
    FROM sub_orders WHERE platform = '1688' ORDER BY sub_order_id LIMIT 1""",
    """INSERT INTO product_items (platform, order_id, sub_order_id, item_no, title, currency, removed_at, direction)
    SELECT platform, order_id, sub_order_id, 1, 'no longer wanted', currency, removed_at, direction
    FROM sub_orders WHERE removed_at IS NOT NULL""",
)
WORLD_TIME = datetime(2026, 11, 20, 4, tzinfo=UTC)  # of the orders of `land_world`: noon in China


async def land_world(url: str, orders: int = 600, changes: int = 300) -> None:
    """Land the orders of a sandbox without the engine, then its changes of six hours: the same rows on any day.

    The times of landing are those of the reads, which lie six hours apart.
    """
    world = world_of(orders, now=WORLD_TIME, days=40, samples=True)
    async with database.connected(url, size=1) as pool, pool.connection() as connection:
        for read_at in (WORLD_TIME, WORLD_TIME + timedelta(hours=6)):
            for account in world.accounts:
                await land_shop(connection, world, account, read_at)
            world.mutate(changes, now=read_at + timedelta(hours=5))
        for statement in _ADDED:
            await connection.execute(statement.encode())
        await connection.execute("UPDATE order_history SET seen_at = read_at")
        await connection.execute(
            "UPDATE orders AS o SET synced_at = r.read_at FROM raw_orders AS r"
            " WHERE (r.platform, r.order_id) = (o.platform, o.order_id)"
        )


async def land_shop(connection: Connection, world: World, account: SandboxAccount, read_at: datetime) -> None:
    platform, shop = PLATFORMS[account.platform], world.shop(account.name)
    await connection.execute(
        "INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark)"
        " VALUES (%s, %s, 'sandbox', %s, %s, %s, %s) ON CONFLICT (name) DO UPDATE SET watermark = excluded.watermark",
        [account.name, platform.name, account.seller, platform.feed, account.history_from, read_at],
    )
    records = [Record(order.order_id, shop.served_record(order), read_at) for order in list(shop.index.orders.values())]
    source = LandingSource(platform.name, account.name, None, platform.normalize, platform.direction)
    async with connection.transaction():
        await load.land(connection, source, records)
