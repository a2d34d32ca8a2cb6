"""The tables as analysts and loaders count on them: columns, keys and indexes (design, section 3)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import psycopg
import pytest
from sqlalchemy import Numeric, Table

from orders_sync.domain.rows import OrderRow, ParcelRow, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.store import order_numbers, statements, tables
from orders_sync.store.tables import (
    metadata,
    order_history,
    order_parcels,
    order_receivers,
    order_statuses,
    orders,
    product_items,
    raw_orders,
    sub_orders,
)

ROOT = Path(__file__).parent.parent.parent
OURS = ["removed_at", "synced_at", "direction"]
OF_ROWS = [
    pytest.param(
        orders,
        OrderRow,
        ["platform", "account"],
        ["unread_version_since", *OURS[1:], "changed_xid", "refunded_at"],
        id="orders",
    ),
    pytest.param(sub_orders, SubOrderRow, ["platform"], OURS, id="sub_orders"),
    pytest.param(product_items, ProductItemRow, ["platform"], OURS, id="product_items"),
    pytest.param(order_parcels, ParcelRow, ["platform"], OURS, id="order_parcels"),
    pytest.param(order_receivers, ReceiverRow, ["platform"], OURS, id="order_receivers"),
]

KEYS = {
    "sync.activity": ["id"],
    "sync.backfills": ["id"],
    "sync.backfill_plans": ["id"],
    "sync.audits": ["id"],
    "sync.audit_differences": ["audit_id", "feed", "starts_at"],
    "sync.processes": ["id"],
    "sync.view_sets": ["fingerprint"],
    "sync.daily_figures": ["id"],
    "sync.daily_zone": ["time_zone"],
    "sync.product_figures": ["id"],
    "sync.outdated_product_weeks": ["id"],
    "sync.rates": ["key"],
    "sync.requests": ["id"],
    "sync.messages": ["id"],
    "sync.console_people": ["id"],
    "sync.console_sessions": ["key_hash"],
    "sync.console_logins": ["id"],
    "sync.views": ["name"],
    "sync.notices": ["kind", "subject"],
    "sync.outgoing_notices": ["id"],
    "orders": ["platform", "order_id"],
    "sub_orders": ["platform", "order_id", "sub_order_id"],
    "product_items": ["platform", "order_id", "sub_order_id", "item_no"],
    "order_parcels": ["platform", "order_id", "parcel_id"],
    "order_receivers": ["platform", "order_id"],
    "order_history": ["platform", "order_id", "seen_at"],
    "order_statuses": ["platform", "status"],
    "raw_orders": ["platform", "order_id"],
    "sync.accounts": ["name"],
    "sync.change_feed": ["id"],
    "sync.deleted_orders": ["changed_xid", "platform", "order_id"],
    "sync.windows": ["id"],
    "sync.rejects": ["id"],
    "sync.missing_orders": ["platform", "order_id"],
    "sync.older_versions": ["platform", "order_id"],
    "sync.shared_orders": ["platform", "order_id", "account"],
}

INDEXES = {
    # what people search an order by
    ("messages", "order_no"),
    ("messages", "order_id"),
    *order_numbers.SEARCHED,
    ("product_items", "product_id"),
    ("product_items", "sku_id"),
    # what is sent to people
    ("outgoing_notices", "try_at"),
    ("outgoing_notices", "made_at"),
    # what reports go by
    ("orders", "account, created_at"),
    ("orders", "status_group, created_at"),
    ("orders", "created_at"),
    ("orders", "modified_at"),
    ("orders", "paid_at"),
    ("order_history", "seen_at"),
    ("daily_figures", "account, day"),
    ("product_figures", "account, week"),
    # what downstream loads page on
    ("orders", "changed_xid, platform, order_id"),
    # what the engine and the service ask
    ("windows", "account, kind, starts_at"),
    ("windows", "account, kind, ends_at, starts_at"),
    ("rejects", "account, payload_hash"),
    ("rejects", "platform, order_id"),
    ("rejects", "account"),
    ("rejects", "reason_key, id, account, platform, ignored_at"),
    ("backfills", "account"),
    ("backfills", "request_id"),
    ("windows", "account, fence"),
    ("windows", "backfill_id"),
    ("windows", "account, finished_at"),
    ("audits", "account, started_at"),
    ("audit_differences", "audit_id"),
    ("messages", "account, digest"),
    ("messages", "account, id"),
    ("messages", "received_at"),
    ("accounts", "platform, host, seller"),
    ("shared_orders", "account"),
    ("activity", "account, id"),
    # what the console asks
    ("console_people", "name"),
    ("console_sessions", "person_id"),
    ("console_sessions", "seen_at"),
    ("console_logins", "at"),
    ("requests", "account, kind"),
    # what retention asks
    ("requests", "finished_at"),
    ("activity", "at"),
    ("backfill_plans", "planned_at"),
    ("windows", "finished_at"),
    ("rejects", "resolved_at"),
    ("rejects", "window_id"),
}


@pytest.mark.parametrize(("table", "row", "before", "after"), OF_ROWS)
def test_columns_are_the_fields_of_the_row_in_the_same_order_between_ours(
    table: Table, row: type, before: list[str], after: list[str]
) -> None:
    assert table.columns.keys() == [*before, *(each.name for each in msgspec.structs.fields(row)), *after]


# by statements and defaults
FILLED = {
    "synced_at",
    "changed_xid",
    "refunded_at",
    "removed_at",
    "seen_at",
    "unread_version_since",
    "time_went_back_at",
}


@pytest.mark.parametrize("target", statements.OF.values(), ids=lambda target: target.name)
def test_what_landing_knows_of_a_table_is_what_the_table_is(target: statements.Target) -> None:
    table = metadata.tables[target.name]
    assert list(target.key) == table.primary_key.columns.keys()
    assert sorted(target.columns) == sorted(column.name for column in table.columns if column.name not in FILLED)


def test_history_holds_columns_of_orders_under_the_same_names_and_types() -> None:
    ours = {"seen_at", "read_at", "window_id", "changed", "changed_xid"}
    held = [column for column in order_history.columns if column.name not in ours]
    assert [column.name for column in held if column.name not in orders.columns] == []
    assert [column.name for column in held if str(column.type) != str(orders.columns[column.name].type)] == []
    assert {"status", "refund_status", "total_amount", "paid_at", "line_count"} <= {column.name for column in held}


def test_every_table_has_the_key_it_is_documented_by() -> None:
    assert {name: table.primary_key.columns.keys() for name, table in metadata.tables.items()} == KEYS


def test_no_foreign_key_leaves_an_order_so_that_tables_can_be_distributed() -> None:
    assert [table.name for table in metadata.tables.values() if table.foreign_keys] == []


def test_tables_of_orders_stand_in_public_and_all_others_in_sync() -> None:
    assert {table.name for table in tables.BUSINESS} == {name for name in KEYS if "." not in name}
    assert {table.schema for table in tables.BUSINESS} == {None}
    assert {table.schema for table in metadata.tables.values()} - {None} == {"sync"}


def test_sales_and_purchases_are_told_apart_in_every_business_table() -> None:
    assert [table.name for table in tables.BUSINESS if "direction" not in table.columns] == []


def test_every_money_column_holds_two_places() -> None:
    amounts = [
        column
        for table in tables.BUSINESS
        for column in table.columns
        if column.name.endswith(("_amount", "_price")) or column.name == "amount"
    ]
    assert len(amounts) > 20
    for column in amounts:
        assert isinstance(column.type, Numeric), column
        places = (None, None) if column.name == "unit_price" else (18, 2)  # a price keeps what was sent
        assert (column.type.precision, column.type.scale) == places, column


@pytest.mark.parametrize("table", [orders, sub_orders, product_items, order_parcels, order_receivers, raw_orders])
def test_synced_at_is_filled_by_the_database(table: Table) -> None:
    assert not table.columns["synced_at"].nullable
    assert table.columns["synced_at"].server_default is not None


def test_every_index_a_question_needs_is_in_the_database(url: str) -> None:
    query = """
        SELECT t.relname, string_agg(a.attname, ', ' ORDER BY k.place)
        FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
        CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute AS a ON (a.attrelid, a.attnum) = (t.oid, k.attnum)
        WHERE n.nspname IN ('public', 'sync') AND NOT i.indisprimary AND i.indisvalid GROUP BY t.relname, i.indexrelid
    """
    with psycopg.connect(url) as connection:
        assert set(connection.execute(query).fetchall()) - {("alembic_version", "version_num")} == INDEXES


@pytest.mark.parametrize("table", tables.BUSINESS, ids=lambda table: table.name)
def test_every_index_of_orders_names_the_query_that_needs_it(table: Table) -> None:
    for each in table.indexes:
        file, _, _ = each.info["needed_by"].partition(": ")
        root = ROOT if file.startswith("docs/") else ROOT / "orders_sync"
        assert (root / file).is_file(), f"{each.name}: {file}"
        if not file.startswith("docs/"):  # documents ask the views, whose columns have other names
            said = (root / file).read_text()
            assert all(column.name in said for column in each.columns), f"{each.name} is not used in {file}"


def test_the_payload_is_kept_byte_for_byte(url: str) -> None:
    said = '{"b": 1.50, "a":  "订单", "a": null}'
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, read_at, payload)
            VALUES ('1688', 'a', '1', '', '', now(), %s::json)
            """,
            [said],
        )
        assert connection.execute("SELECT payload::text FROM raw_orders").fetchone() == (said,)


def test_statuses_can_be_joined_to_orders() -> None:
    for name in ("platform", "status", "status_group"):
        assert str(order_statuses.columns[name].type) == str(orders.columns[name].type)
