"""Figures of products are kept by week: at any moment they are those that the lines add up to."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from orders_sync.store import database, migrate, product_figures, removal
from orders_sync.store.database import Connection
from tests.support.databases import Tables
from tests.support.landed import WORLD_TIME, land_shop
from tests.support.ledger_steps import WAITING
from tests.support.migrations import alembic, bring_up
from tests.support.rows import add_item, add_line, add_order
from tests.support.worlds import world_of

FIGURES = """direction, platform, product_id, sku_id, currency, unit, first_ordered_at, last_ordered_at, orders,
    quantity, goods_amount, lowest_price, highest_price"""
SHOWN = {
    "products": f"{FIGURES}, title, sku_text, last_price",
    "product_weeks": f"account, week_starts_at, {FIGURES}, titled_at, described_at",
}
NEWEST = "ORDER BY ordered_at DESC NULLS LAST, order_id, sub_order_id"
LINES = f"""
SELECT {{key}} direction, platform, product_id, sku_id, currency, unit,
    min(ordered_at) AS first_ordered_at, max(ordered_at) AS last_ordered_at,
    count(DISTINCT order_id) FILTER (WHERE is_valid) AS orders,
    coalesce(sum(quantity) FILTER (WHERE is_valid), 0) AS quantity,
    coalesce(sum(goods_amount) FILTER (WHERE is_valid), 0) AS goods_amount,
    min(unit_price) FILTER (WHERE is_valid) AS lowest_price, max(unit_price) FILTER (WHERE is_valid) AS highest_price,
    (array_agg(title {NEWEST}) FILTER (WHERE title IS NOT NULL))[1] AS title,
    (array_agg(sku_text {NEWEST}) FILTER (WHERE sku_text IS NOT NULL))[1] AS sku_text,
    (array_agg(unit_price {NEWEST}))[1] AS last_price,
    max(ordered_at) FILTER (WHERE title IS NOT NULL) AS titled_at,
    max(ordered_at) FILTER (WHERE sku_text IS NOT NULL) AS described_at
FROM (SELECT *, date_trunc('week', ordered_at, 'UTC') AS week_starts_at FROM bi.order_lines) AS l
WHERE NOT is_removed AND (product_id IS NOT NULL OR sku_id IS NOT NULL)
GROUP BY {{key}} direction, platform, product_id, sku_id, currency, unit
"""
BY = {"products": LINES.format(key=""), "product_weeks": LINES.format(key="account, week_starts_at,")}
CHANGES = (
    "UPDATE orders SET status_group = 'cancelled' WHERE order_id = %s",
    "UPDATE orders SET status_group = 'awaiting_payment', paid_at = NULL WHERE order_id > %s",
    "UPDATE orders SET status_group = 'completed' WHERE order_id < %s",
    "UPDATE orders SET refund_amount = 3, refund_status = '100' WHERE order_id = %s",
    "UPDATE orders SET buyer_id = 'another' WHERE order_id = %s",
    "UPDATE orders SET created_at = created_at + interval '8 days' WHERE order_id < %s",
    "UPDATE orders SET created_at = NULL WHERE order_id = %s",
    "UPDATE orders SET account = 'renamed' WHERE order_id < %s",
    "UPDATE orders SET account = 'shop' WHERE order_id > %s",
    "DELETE FROM orders WHERE order_id = %s",
)
CHANGES_OF_LINES = (  # a landing writes the order, too
    "UPDATE sub_orders SET removed_at = now() WHERE order_id = %s AND line_no = 1",
    "UPDATE sub_orders SET removed_at = NULL WHERE order_id <= %s",
    "UPDATE sub_orders SET amount = amount + 1 WHERE order_id <= %s",
    "UPDATE product_items SET removed_at = now() WHERE order_id = %s",
    "UPDATE product_items SET product_id = 'other', unit_price = 7 WHERE order_id = %s",
    "UPDATE product_items SET title = 'later ' || order_id, sku_text = NULL WHERE order_id <= %s",
    "UPDATE product_items SET quantity = 2.5, unit = 'kg' WHERE order_id = %s",
    "DELETE FROM product_items WHERE order_id = %s",
)


def remake(tables: Tables, weeks: int = 1000) -> int:
    async def run() -> int:
        async with database.connected(tables.url, size=1) as pool, pool.connection() as connection:
            return await product_figures.remake(connection, weeks)

    return asyncio.run(run())


def differing(tables: Tables) -> list[tuple[Any, ...]]:
    """Return the rows of either view that are not what the lines add up to, and what these add up to instead."""
    found = []
    for view, columns in SHOWN.items():
        kept, lines = f"SELECT {columns} FROM bi.{view}", f"SELECT {columns} FROM ({BY[view]}) AS b"
        found += tables.query(f"({kept} EXCEPT ALL {lines}) UNION ALL ({lines} EXCEPT ALL {kept})")
    return found


def outdated(tables: Tables) -> int:
    return int(tables.query("SELECT count(*) FROM sync.outdated_product_weeks")[0][0])


def add(tables: Tables, order_id: str, product: str | None = "p", **values: Any) -> None:
    """Add an order of one line and product."""
    add_order(tables, order_id, line_count=1, **values)
    add_line(tables, order_id, "1", amount=10)
    add_item(tables, order_id, "1", product_id=product, quantity=1, unit_price=10, title=f"title {order_id}")


@pytest.mark.parametrize("seed", range(2))
async def test_after_every_change_the_figures_are_those_of_the_lines(
    tables: Tables, connection: Connection, seed: int
) -> None:
    session = tables.session
    assert session
    choose = random.Random(seed)
    for number in range(12):
        order_id = f"{number:02}"
        created_at = choose.choice([None, f"2026-11-{choose.randint(1, 28):02} 01:30:00Z"])
        account, status = choose.choice(["shop", "another"]), choose.choice(["completed", "cancelled"])
        add_order(tables, order_id, account=account, status_group=status, created_at=created_at, line_count=2)
        for line in (1, 2):
            add_line(tables, order_id, str(line), line_no=line, amount=choose.randint(1, 9))
            add_item(
                tables,
                order_id,
                str(line),
                product_id=choose.choice(["p", "q", None]),
                sku_id=choose.choice(["s", None]),
                quantity=choose.choice([1, 3, None]),
                unit_price=choose.choice([5, 6.25, None]),
                title=choose.choice([None, f"title {number}"]),
                sku_text=choose.choice([None, f"text {number}"]),
            )
    assert len(tables.query("SELECT * FROM bi.products")) > 3
    assert differing(tables) == []
    await product_figures.remake(connection)
    assert outdated(tables) == 0
    assert differing(tables) == []
    for change in choose.sample(CHANGES + CHANGES_OF_LINES, len(CHANGES) + len(CHANGES_OF_LINES)):
        order_id = f"{choose.randint(0, 11):02}"
        with session.transaction():
            session.execute(change.encode(), [order_id])
            if change in CHANGES_OF_LINES:
                session.execute("UPDATE orders SET synced_at = now() WHERE order_id <= %s", [order_id])
        assert differing(tables) == []
        await product_figures.remake(connection, choose.randint(0, 3))
        assert differing(tables) == []
    tables.execute(choose.choice(["DELETE FROM orders", "TRUNCATE orders"]))
    assert tables.query("SELECT * FROM bi.products") == []
    await product_figures.remake(connection)
    assert tables.query("SELECT count(*) FROM sync.product_figures") == [(0,)]


def test_the_figures_of_landed_orders_are_those_of_their_lines(tables: Tables) -> None:
    world = world_of(60, now=WORLD_TIME, days=40, samples=True)

    async def land(read_at: datetime) -> None:
        async with database.connected(tables.url, size=1) as pool, pool.connection() as connection:
            for account in world.accounts:
                await land_shop(connection, world, account, read_at)

    asyncio.run(land(WORLD_TIME))
    assert differing(tables) == []
    assert remake(tables) > 10
    assert outdated(tables) == 0
    world.mutate(30, now=WORLD_TIME + timedelta(hours=5))
    asyncio.run(land(WORLD_TIME + timedelta(hours=6)))
    assert differing(tables) == []
    assert 0 < remake(tables) < 60
    assert outdated(tables) == 0
    assert differing(tables) == []
    asyncio.run(land(WORLD_TIME + timedelta(hours=7)))  # nothing changed
    assert outdated(tables) == 0


def test_an_order_that_lands_while_figures_are_made_is_in_them_at_once(tables: Tables) -> None:
    add(tables, "before")
    with psycopg.connect(tables.url) as landing, psycopg.connect(tables.url) as reading:
        landing.execute("UPDATE orders SET status_group = 'cancelled'")
        reading.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert reading.execute("SELECT orders FROM bi.products").fetchall() == [(1,)]
        assert remake(tables) == 1
        assert tables.query("SELECT orders FROM bi.products") == [(1,)]
        landing.commit()
        assert tables.query("SELECT orders FROM bi.products") == [(0,)]
        assert remake(tables) == 1
        assert reading.execute("SELECT orders FROM bi.products").fetchall() == [(1,)]
    assert differing(tables) == []


def test_landings_do_not_wait_for_each_other_nor_for_figures_that_are_made(tables: Tables) -> None:
    add(tables, "a")
    add(tables, "b")

    async def make_meanwhile() -> None:
        async with (
            database.connected(tables.url, size=2) as pool,
            pool.connection() as another,
            pool.connection() as connection,
            connection.transaction(),
        ):
            assert await product_figures.remake(connection) == 1
            with psycopg.connect(tables.url) as one, psycopg.connect(tables.url) as other:
                for landing, order_id in ((one, "a"), (other, "b")):
                    landing.execute("SET lock_timeout = '10s'")
                    landing.execute("UPDATE orders SET synced_at = now() WHERE order_id = %s", [order_id])
            assert await product_figures.remake(another) == 0  # one process at a time

    asyncio.run(make_meanwhile())
    assert outdated(tables) == 2
    assert differing(tables) == []


def test_kept_figures_are_read_and_no_lines(tables: Tables) -> None:
    add(tables, "a")
    add(tables, "b", created_at="2026-10-01 12:00:00Z")
    remake(tables)
    for query in ("bi.product_weeks WHERE account = 'shop'", "bi.product_weeks WHERE product_id = 'p'"):
        plan = tables.query(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM {query}")
        reads = [line for (line,) in plan if " on orders" in line or " on product_items" in line]
        assert reads
        assert all("never executed" in line for line in reads)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai"])
def test_a_week_has_as_many_hours_in_every_time_zone(tables: Tables, zone: str) -> None:
    for order_id, moment in (
        ("a", "2026-10-18 23:59:59.999999Z"),
        ("b", "2026-10-19 00:00:00Z"),
        ("c", "2026-10-25 23:59:59.999999Z"),  # clocks were changed in Berlin on this day, in New York a week later
        ("d", "2026-10-26 00:00:00Z"),
        ("e", "2026-11-01 23:30:00Z"),
        ("f", "2026-11-02 00:00:00Z"),
        ("g", None),
    ):
        add(tables, order_id, created_at=moment)
    with Tables(tables.url).in_one_session() as there:
        there.execute(f"SET timezone TO '{zone}'")
        assert differing(there) == []
        assert remake(there) == 5
        assert differing(there) == []
        assert there.query(
            "SELECT (week_starts_at AT TIME ZONE 'UTC')::text, orders FROM bi.product_weeks ORDER BY week_starts_at"
        ) == [
            ("2026-10-12 00:00:00", 1),
            ("2026-10-19 00:00:00", 2),
            ("2026-10-26 00:00:00", 2),
            ("2026-11-02 00:00:00", 1),
            (None, 1),
        ]


def test_an_account_that_is_removed_leaves_no_figures_unless_an_order_lands_meanwhile(tables: Tables) -> None:
    add(tables, "a", account="leaves")
    add(tables, "b", account="stays")
    remake(tables)
    with psycopg.connect(tables.url) as connection:
        removal.remove(connection, ["leaves"])
    assert tables.query("SELECT account FROM sync.product_figures") == [("stays",)]
    assert outdated(tables) == 0
    assert differing(tables) == []
    add(tables, "c", account="leaves")
    with psycopg.connect(tables.url) as connection:
        for statement in removal._PRODUCT_FIGURES:
            connection.execute(statement, [["leaves"]])
    assert tables.query("SELECT account, orders FROM bi.product_weeks ORDER BY 1") == [("leaves", 1), ("stays", 1)]


def test_figures_that_are_made_while_an_account_is_removed_go_with_it(tables: Tables) -> None:
    add(tables, "a", account="leaves")

    def remove() -> None:
        with psycopg.connect(tables.url) as connection:
            removal.remove(connection, ["leaves"])

    async def run() -> None:
        async with database.connected(tables.url, size=1) as pool, pool.connection() as making:
            async with making.transaction():
                assert await product_figures.remake(making) == 1
                removing = asyncio.create_task(asyncio.to_thread(remove))
                while tables.query(WAITING) != [(1,)] and not removing.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            await removing

    asyncio.run(run())
    assert tables.query("SELECT * FROM bi.product_weeks") == []
    assert tables.query("SELECT * FROM sync.product_figures") == []


def test_figures_are_made_anew_where_a_view_that_says_what_they_mean_was(tables: Tables) -> None:
    add(tables, "a")
    remake(tables)
    tables.execute("UPDATE sync.product_figures SET orders = 7")  # as an older definition counted
    bring_up(tables.url)
    assert tables.query("SELECT orders FROM bi.products") == [(7,)]
    tables.execute("UPDATE sync.views SET definition_hash = '' WHERE name = 'order_lines'")
    bring_up(tables.url)
    assert differing(tables) == []


def test_lines_that_changed_while_triggers_were_off_are_counted_once_figures_are_outdated(tables: Tables) -> None:
    add(tables, "a")
    remake(tables)
    tables.execute("ALTER TABLE orders DISABLE TRIGGER USER")
    add(tables, "b", created_at="2026-10-01 12:00:00Z")
    tables.execute("DELETE FROM orders WHERE order_id = 'a'")
    tables.execute("ALTER TABLE orders ENABLE TRIGGER USER")
    assert differing(tables) != []
    tables.query("SELECT sync.outdate_product_figures()")
    assert differing(tables) == []


def test_amounts_beyond_all_bounds_do_not_keep_other_weeks_from_being_made(tables: Tables) -> None:
    for number in range(2):
        add(tables, f"huge {number}", "huge")
        tables.execute("UPDATE sub_orders SET amount = 9999999999999999 WHERE order_id LIKE 'huge%%'")
    add(tables, "b", created_at="2026-10-01 12:00:00Z")
    remake(tables)
    assert tables.query("SELECT DISTINCT week::date::text FROM sync.outdated_product_weeks") == [("2026-10-26",)]
    assert tables.query("SELECT product_id FROM sync.product_figures") == [("p",)]


def test_without_the_views_nothing_is_made_and_nothing_is_lost(tables: Tables) -> None:
    add(tables, "a")
    tables.execute("DROP VIEW bi.products, bi.product_weeks")
    assert remake(tables) == 0
    assert outdated(tables) == 1


def test_orders_of_before_0052_are_counted_and_are_no_change_for_the_feed(tables: Tables) -> None:
    alembic(tables.url, "downgrade", "0051")
    add(tables, "a")
    add(tables, "b", created_at=None)
    before = tables.query("SELECT order_id, changed_xid::text, synced_at FROM orders ORDER BY 1")
    migrate.migrate(tables.url)
    assert tables.query("SELECT order_id, changed_xid::text, synced_at FROM orders ORDER BY 1") == before
    assert differing(tables) == []
    assert remake(tables) == 2
    assert differing(tables) == []
    alembic(tables.url, "downgrade", "0051")
    add(tables, "c")
    migrate.migrate(tables.url)
    migrate.check(tables.url)
    assert tables.query("SELECT orders FROM bi.products") == [(3,)]
