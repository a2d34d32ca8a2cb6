"""What the planner makes of the views of schema `bi`: with statistics and before the first ANALYZE."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.databases import Tables, made_database

ORDERS, LINES = 20_000, 2
# as a bulk load does; the number of a line says which order it is of
FILL = f"""
SET session_replication_role = replica;
INSERT INTO orders (platform, account, direction, order_id, order_no, status, status_group, currency, created_at,
    line_count)
SELECT '1688', 'a', 'sale', n::text, n::text, 'success', 'completed', 'CNY',
    timestamptz '2026-11-01' + n * interval '1 minute', {LINES}
FROM generate_series(1, {ORDERS}) AS n;
INSERT INTO sub_orders (platform, order_id, sub_order_id, line_no, direction, currency)
SELECT '1688', n::text, n || '-' || l, l, 'sale', 'CNY'
FROM generate_series(1, {ORDERS}) AS n, generate_series(1, {LINES}) AS l;
INSERT INTO product_items (platform, order_id, sub_order_id, item_no, product_id, currency)
SELECT '1688', n::text, n || '-' || l, 1, 'p' || n % 100, 'CNY'
FROM generate_series(1, {ORDERS}) AS n, generate_series(1, {LINES}) AS l;
"""


@pytest.fixture(scope="module")
def loaded(server: str, template: str) -> Iterator[Tables]:
    """Many orders, of which nothing was analysed."""
    with made_database(server, "plans", template) as tables:
        with psycopg.connect(tables.url, autocommit=True) as connection:
            for table in ("orders", "sub_orders", "product_items"):
                connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
            connection.execute(FILL.encode())
        yield tables


def plan(tables: Tables, query: str, *, analysed: bool) -> dict[str, Any]:
    """Return the plan of a query, with statistics or without."""
    with psycopg.connect(tables.url) as connection:
        if analysed:
            connection.execute("ANALYZE orders, sub_orders, product_items")
        row = connection.execute(f"EXPLAIN (FORMAT JSON) {query}".encode()).fetchone()
        connection.rollback()
    assert row is not None
    found = row[0] if isinstance(row[0], list) else json.loads(row[0])
    result: dict[str, Any] = found[0]["Plan"]
    return result


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def test_lines_with_their_products_are_not_expected_to_be_one_row(loaded: Tables) -> None:
    expected = plan(loaded, "SELECT * FROM bi.order_lines WHERE product_id IS NOT NULL", analysed=True)["Plan Rows"]
    assert expected >= ORDERS * LINES / 30


@pytest.mark.parametrize("view", ["daily_sales", "check_daily_sales"])
def test_kept_days_are_not_expected_to_need_a_reading_of_all_orders(loaded: Tables, view: str) -> None:
    found = nodes(plan(loaded, f"SELECT * FROM bi.{view}", analysed=True))
    assert [node["Plan Rows"] < ORDERS / 10 for node in found if node["Node Type"] == "Append"] == [True]


@pytest.mark.parametrize("analysed", [False, True])
def test_an_order_in_both_lists_is_searched_for_by_its_number_alone(loaded: Tables, *, analysed: bool) -> None:
    found = nodes(plan(loaded, "SELECT also_listed_as FROM bi.orders", analysed=analysed))
    conditions = [node["Index Cond"] for node in found if "Index Cond" in node]
    assert conditions == ["(order_no = o.order_no)"]


@pytest.mark.parametrize("analysed", [False, True])
def test_lines_of_one_shop_and_hour_are_found_by_keys(loaded: Tables, *, analysed: bool) -> None:
    query = """SELECT * FROM bi.order_lines
    WHERE account = 'a' AND ordered_at >= bi.day_start('2026-11-03')
      AND ordered_at < bi.day_start('2026-11-03') + interval '1 hour'"""
    read = [
        node["Relation Name"]
        for node in nodes(plan(loaded, query, analysed=analysed))
        if "Seq Scan" in node["Node Type"]
    ]
    assert set(read) <= {"order_statuses"}


def test_unknown_statuses_are_found_without_reading_all_orders(loaded: Tables) -> None:
    found = [
        node.get("Index Name")
        for node in nodes(plan(loaded, "SELECT * FROM bi.check_unknown_statuses", analysed=True))
        if node.get("Relation Name") == "orders" or "Index Name" in node
    ]
    assert "ix_orders_status_group_created_at" in found


def test_the_version_before_is_looked_up_by_the_key_and_only_where_it_is_asked_for(loaded: Tables) -> None:
    query = "SELECT {} FROM bi.order_versions WHERE order_id = '7'"
    found = [node for node in nodes(plan(loaded, query.format("previous_status"), analysed=True)) if "Alias" in node]
    assert [node.get("Index Name") for node in found if node["Alias"] == "b"] == ["pk_order_history"]
    found = list(nodes(plan(loaded, query.format("status"), analysed=True)))
    assert [node for node in found if node.get("Alias") == "b"] == []
