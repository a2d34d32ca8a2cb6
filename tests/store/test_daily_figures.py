"""Figures of each day are kept as orders land: at any moment they are those that the orders add up to."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import psycopg
import pytest

from orders_sync.store import daily_figures, migrate
from tests.support.databases import Tables
from tests.support.landed import land_world
from tests.support.migrations import alembic, bring_up
from tests.support.rows import add_order, add_version

FIGURES = "SELECT d::text FROM bi.daily_sales AS d ORDER BY 1"
CHANGES = (
    "UPDATE orders SET total_amount = total_amount + 1 WHERE order_id < %s",
    "UPDATE orders SET status_group = 'cancelled' WHERE order_id = %s",
    "UPDATE orders SET status_group = 'awaiting_payment', paid_at = NULL WHERE order_id > %s",
    "UPDATE orders SET paid_at = created_at + interval '20 hours' WHERE order_id <> %s",
    "UPDATE orders SET refund_amount = 3, modified_at = '2026-11-09 05:00Z' WHERE order_id = %s",
    "UPDATE orders SET refund_status = '100', synced_at = '2026-11-10 18:00Z' WHERE order_id = %s",
    "UPDATE orders SET refund_amount = NULL, refund_status = NULL WHERE order_id > %s",
    "UPDATE orders SET after_sale_refund_status = 'invented' WHERE order_id = %s",
    "UPDATE orders SET created_at = NULL WHERE order_id = %s",
    "UPDATE orders SET direction = NULL, currency = 'USD' WHERE order_id = %s",
    "UPDATE orders SET account = 'renamed' WHERE order_id < %s",
    "UPDATE orders SET synced_at = now() WHERE order_id >= %s",
    "DELETE FROM orders WHERE order_id = %s",
)


def kept(tables: Tables) -> list[tuple[Any, ...]]:
    return tables.query(FIGURES)


def computed(tables: Tables) -> list[tuple[Any, ...]]:
    """Return the figures from the orders, as while the zone of the kept ones is another."""
    return tables.tried("DELETE FROM sync.daily_zone", FIGURES)


@pytest.mark.parametrize("seed", range(2))
def test_after_every_statement_on_orders_the_kept_figures_are_those_of_the_orders(tables: Tables, seed: int) -> None:
    choose = random.Random(seed)
    for number in range(12):
        add_order(
            tables,
            f"{number:02}",
            choose.choice(["1688", "xportcn_ka"]),
            total_amount=choose.randint(1, 99),
            created_at=f"2026-11-0{choose.randint(1, 5)} {choose.randint(0, 23):02}:30:00Z",
            paid_at=choose.choice([None, "2026-11-06 20:00:00Z"]),
            refund_amount=choose.choice([None, 0, 5]),
        )
    assert len(kept(tables)) > 3
    assert kept(tables) == computed(tables)
    for change in choose.sample(CHANGES, len(CHANGES)):
        tables.execute(change, f"{choose.randint(0, 11):02}")
        assert kept(tables) == computed(tables)
    tables.query("SELECT sync.compact_daily_figures()")
    assert kept(tables) == computed(tables)
    tables.execute("DELETE FROM orders")
    assert kept(tables) == []
    tables.query("SELECT sync.compact_daily_figures()")
    assert tables.query("SELECT count(*) FROM sync.daily_figures") == [(0,)]


def test_the_figures_of_landed_orders_are_those_of_the_orders(tables: Tables) -> None:
    asyncio.run(land_world(tables.url, orders=120, changes=60))
    assert len(kept(tables)) > 50
    assert kept(tables) == computed(tables)
    tables.execute("TRUNCATE orders")
    assert kept(tables) == []


def test_loaders_do_not_wait_for_each_other_nor_for_rows_that_are_put_together(tables: Tables) -> None:
    insert = (
        "INSERT INTO orders (platform, account, order_id, direction, status, status_group, currency, line_count,"
        " created_at) VALUES ('1688', 'shop', %s, 'sale', 'x', 'shipped', 'CNY', 0, '2026-11-01')"
    )
    tables.execute(insert, "before 1")
    tables.execute(insert, "before 2")
    with psycopg.connect(tables.url) as one, psycopg.connect(tables.url) as other:
        for connection, name in ((one, "one"), (other, "other")):
            connection.execute("SET lock_timeout = '10s'")
            connection.execute(insert, [name])
            connection.execute("SELECT sync.compact_daily_figures()")
        assert tables.query("SELECT sum(orders_by_ordered_day) FROM bi.daily_sales") == [(2,)]
        one.commit()
        assert tables.query("SELECT sum(orders_by_ordered_day) FROM bi.daily_sales") == [(3,)]
        other.rollback()
    assert kept(tables) == computed(tables)


def test_rows_of_a_day_are_put_together_now_and_then(tables: Tables) -> None:
    add_order(tables, "a", total_amount=0)
    with psycopg.connect(tables.url, autocommit=True) as connection:
        for _ in range(1100):
            connection.execute("UPDATE orders SET total_amount = total_amount + 1")
    assert tables.query("SELECT count(*) < 200 FROM sync.daily_figures") == [(True,)]
    assert kept(tables) == computed(tables)
    assert tables.query("SELECT valid_amount_by_ordered_day FROM bi.daily_sales") == [(1100,)]


def test_a_statement_of_many_days_is_put_together_at_once(tables: Tables) -> None:
    insert = (
        "INSERT INTO orders (platform, account, order_id, direction, status, status_group, currency, line_count,"
        " total_amount, created_at) SELECT '1688', 'shop' || n %% 31, %s || n, 'sale', 'x', 'shipped', 'CNY', 0, n,"
        " timestamptz '2026-01-01' + interval '1 day' * (n / 31) FROM generate_series(0, 3099) AS n"
    )
    for name in ("a", "b", "c"):
        tables.execute(insert, name)
    assert tables.query("SELECT count(*) FROM sync.daily_figures") == [(3100,)]
    assert kept(tables) == computed(tables)


def test_days_of_another_zone_hold_at_once_and_are_kept_after_the_next_command(tables: Tables) -> None:
    add_order(tables, "a", created_at="2026-10-31 16:30:00Z")
    tables.execute(
        "CREATE OR REPLACE FUNCTION bi.time_zone() RETURNS text LANGUAGE sql IMMUTABLE RETURN 'Europe/Berlin'"
    )
    days = "SELECT day::text FROM bi.daily_sales ORDER BY 1"
    assert tables.query(days) == [("2026-10-31",)]
    add_order(tables, "b", created_at="2026-11-02 22:30:00Z")
    assert tables.query(days) == [("2026-10-31",), ("2026-11-02",)]
    bring_up(tables.url)
    assert tables.query("SELECT time_zone FROM sync.daily_zone") == [("Europe/Berlin",)]
    add_order(tables, "c", created_at="2026-11-03 22:30:00Z")
    assert tables.query(days) == [("2026-10-31",), ("2026-11-02",), ("2026-11-03",)]
    assert kept(tables) == computed(tables)


def test_figures_that_a_load_without_triggers_left_out_are_made_anew(tables: Tables) -> None:
    tables.execute("ALTER TABLE orders DISABLE TRIGGER USER")
    add_order(tables, "a", total_amount=5)
    tables.execute("ALTER TABLE orders ENABLE TRIGGER USER")
    assert len(tables.query("SELECT * FROM bi.check_daily_sales")) == 1
    with psycopg.connect(tables.url, autocommit=True) as connection:
        assert not daily_figures.rebuild_if_needed(connection)
        assert daily_figures.rebuild_if_needed(connection, anew=True)
    assert tables.query("SELECT * FROM bi.check_daily_sales") == []
    assert kept(tables) == computed(tables)


def test_an_order_keeps_the_day_on_which_it_was_first_seen_refunded(tables: Tables) -> None:
    refunded = "SELECT order_id, refunded_day::text, is_refund_day_estimated FROM bi.orders ORDER BY 1"
    add_order(tables, "later", modified_at="2026-11-01 05:00:00Z")
    add_order(tables, "at first", modified_at="2026-11-02 05:00:00Z", refund_amount=1)
    add_version(tables, "later", "2026-11-01 05:00:00Z")
    add_version(tables, "later", "2026-11-05 05:00:00Z", refund_amount=1, changed=["refund_amount"])
    add_version(tables, "at first", "2026-11-02 05:00:00Z", refund_amount=1)
    assert tables.query(refunded) == [("at first", "2026-11-02", True), ("later", None, None)]
    tables.execute("UPDATE orders SET modified_at = '2026-11-05 05:00:00Z', refund_amount = 1")
    tables.execute("UPDATE orders SET modified_at = '2026-11-08 05:00:00Z', refund_amount = 2")
    assert tables.query(refunded) == [("at first", "2026-11-02", True), ("later", "2026-11-05", False)]
    tables.execute("DELETE FROM order_history")  # as [retention] does
    assert tables.query(refunded) == [("at first", "2026-11-02", True), ("later", "2026-11-05", True)]


def test_orders_of_before_0044_have_their_figures_and_are_no_change_for_the_feed(tables: Tables) -> None:
    alembic(tables.url, "downgrade", "0043")
    add_order(tables, "a", total_amount=30, refund_amount=12, paid_at="2026-11-02 05:00:00Z")
    add_version(tables, "a", "2026-11-01 05:00:00Z")
    add_version(tables, "a", "2026-11-05 05:00:00Z", refund_amount=12, changed=["refund_amount"])
    add_version(tables, "a", "2026-11-07 05:00:00Z", refund_amount=12, changed=["buyer_memo"])
    add_order(tables, "b", total_amount=7)
    before = tables.query("SELECT order_id, changed_xid::text, synced_at FROM orders ORDER BY 1")
    migrate.migrate(tables.url)
    assert tables.query("SELECT order_id, changed_xid::text, synced_at FROM orders ORDER BY 1") == before
    assert tables.query(
        "SELECT day::text, valid_amount_by_ordered_day, amount_by_paid_day, refund_by_refunded_day"
        " FROM bi.daily_sales ORDER BY 1"
    ) == [("2026-11-01", 37, 0, 0), ("2026-11-02", 0, 30, 0), ("2026-11-05", 0, 0, 12)]
    assert kept(tables) == computed(tables)
    alembic(tables.url, "downgrade", "0043")
    add_order(tables, "c", total_amount=7)
    migrate.migrate(tables.url)
    migrate.check(tables.url)
    assert kept(tables) == computed(tables)


def test_a_kept_figure_that_is_not_that_of_the_orders_is_found(tables: Tables) -> None:
    add_order(tables, "a", total_amount=5, refund_amount=2)
    add_order(tables, "b", total_amount=5, refund_amount=5, status_group="cancelled")
    assert tables.query("SELECT * FROM bi.check_daily_sales") == []
    newest = "(SELECT max(id) FROM sync.daily_figures)"
    for figure in ("ordered", "valid_amount", "refund", "net_amount"):
        change = f"UPDATE sync.daily_figures SET {figure} = {figure} + 1 WHERE id = {newest}"
        assert tables.tried(change, "SELECT account FROM bi.check_daily_sales") == [("shop",)], figure
