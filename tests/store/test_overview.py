"""The state of all accounts in one query, whatever has piled up behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from orders_sync.store import overview
from tests.support.databases import Tables, made_database

ACCOUNTS, DAYS = 200, 365
LARGE = ("windows", "orders", "raw_orders", "order_history")
YEAR = f"""
    INSERT INTO sync.accounts (name, platform, seller, feed, history_from, watermark)
    SELECT 'shop' || n, '1688', 's' || n, 'updated', now() - interval '{DAYS} d', now()
    FROM generate_series(1, {ACCOUNTS}) AS n;
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, finished_at)
    SELECT 'shop' || n, 'incremental', 'updated', now() - d * interval '1 d', now() - (d - 1) * interval '1 d', 'done',
        now() - (d - 1) * interval '1 d'
    FROM generate_series(1, {ACCOUNTS}) AS n, generate_series(1, {DAYS}) AS d;
    INSERT INTO sync.audits (account, starts_at, ends_at, started_at, finished_at, differences)
    SELECT 'shop' || n, now(), now(), now() - d * interval '1 d', now() - d * interval '1 d', 0
    FROM generate_series(1, {ACCOUNTS}) AS n, generate_series(1, 30) AS d;
    INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count)
    SELECT '1688', n || '-' || o, 'shop' || n, 's', 'other', 'CNY', 0
    FROM generate_series(1, {ACCOUNTS}) AS n, generate_series(1, 100) AS o;
    UPDATE sync.accounts SET removed_at = now() WHERE name = 'shop7';
    ANALYZE;
"""


@pytest.fixture(scope="module")
def year(server: str, template: str) -> Iterator[Tables]:
    """The ledger of two hundred accounts after a year."""
    with made_database(server, "year", template) as tables:
        tables.execute(YEAR)
        yield tables


def scans(plan: Any) -> Iterator[tuple[str, str]]:
    """The node type and table of every scan of a plan."""
    if "Relation Name" in plan:
        yield plan["Node Type"], plan["Relation Name"]
    for part in plan.get("Plans", []):
        yield from scans(part)


def test_no_table_that_grows_is_read_whole(year: Tables) -> None:
    [(found,)] = year.query(f"EXPLAIN (FORMAT JSON) {overview.ACCOUNTS}")
    seen = list(scans(found[0]["Plan"]))
    assert {table for _, table in seen} >= {"windows", "audits"}
    assert [(kind, table) for kind, table in seen if kind == "Seq Scan" and table in LARGE] == []


def test_what_is_read_follows_the_number_of_accounts(year: Tables) -> None:
    """A page of 8 kB holds 40 windows or more: the ledger alone has 1,800 of them."""
    [(found,)] = year.query(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {overview.ACCOUNTS}")
    plan = found[0]["Plan"]
    assert plan["Actual Rows"] == ACCOUNTS
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100 * ACCOUNTS


def test_every_account_has_a_row_and_a_count_needs_no_orders(year: Tables) -> None:
    with psycopg.connect(year.url) as connection:
        found = overview.accounts(connection)
    assert [each.name for each in found] == sorted(f"shop{n}" for n in range(1, ACCOUNTS + 1))
    assert {each.history_share for each in found} == {1.0}
    assert [each.name for each in found if each.removed_at] == ["shop7"]
    assert all(each.may_hold_orders and each.audited_at and each.behind is not None for each in found)
