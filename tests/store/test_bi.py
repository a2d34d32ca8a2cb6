"""Schema `bi`: its views are there, explained, and mean what they say, on orders of all platforms and on odd ones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from orders_sync.store import bi
from tests.support.databases import Tables, made_database
from tests.support.landed import land_world
from tests.support.rows import add_line, add_order, add_version

VIEWS = [each.name for each in bi.definitions() if each.kind == "VIEW"]
CHECKS = [name for name in VIEWS if name.startswith("check_")]


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of the tests here that write odd orders."""
    return emptied_url


@pytest.fixture(scope="module")
def sandbox(server: str, template: str) -> Iterator[Tables]:
    """Orders of all three platforms as they landed, were changed and landed again."""
    with made_database(server, "bi", template) as tables:
        asyncio.run(land_world(tables.url))
        yield tables


# what is there


def test_every_view_and_column_is_explained_in_the_database(tables: Tables) -> None:
    assert (
        tables.query(
            "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
            "AND a.attnum > 0 "
            "WHERE c.relnamespace = 'bi'::regnamespace AND coalesce(col_description(c.oid, a.attnum), '') = ''"
        )
        == []
    )
    assert (
        tables.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'bi'::regnamespace AND obj_description(oid) IS NULL "
            "UNION SELECT proname FROM pg_proc WHERE pronamespace = 'bi'::regnamespace AND obj_description(oid) IS NULL"
        )
        == []
    )


def test_every_description_is_of_a_column_that_is_there(tables: Tables) -> None:
    columns = set(
        tables.query("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'bi'")
    )
    described = {(each.name, column) for each in bi.definitions() for column in each.columns}
    assert described - columns == set()
    assert set(bi.COMMON) - {column for _, column in columns} == set()


def test_every_file_is_a_definition() -> None:
    assert {each.name for each in bi.definitions()} == set(bi.NAMES)
    assert {each.stem for each in Path(next(iter(bi.__path__))).glob("*.sql")} == set(bi.NAMES)


def test_views_of_amounts_tell_sales_and_purchases_apart(tables: Tables) -> None:
    columns = tables.query(
        "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns "
        "WHERE table_schema = 'bi' GROUP BY 1"
    )
    without = {name for name, found in columns if "direction" not in found}
    assert without == {"calendar", "check_directions"}


def test_amounts_say_how_many_places_they_have_so_that_no_client_reads_them_as_floats(tables: Tables) -> None:
    found = tables.query(
        "SELECT relname, attname, format_type(atttypid, atttypmod)"
        " FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid"
        " WHERE relnamespace = 'bi'::regnamespace AND relkind = 'v' AND format_type(atttypid, NULL) = 'numeric'"
    )
    others = {"quantity", "unit_price", "highest_price", "lowest_price", "last_price"}  # with any number of places
    assert len(found) > 30
    assert [each for each in found if each[1] not in others and each[2] != "numeric(18,2)"] == []


PUBLISHED = Path(__file__).with_name("bi_columns.txt")


def test_published_columns_keep_their_names_types_and_places_and_new_ones_come_last(tables: Tables) -> None:
    """Analysts count on them, and `CREATE OR REPLACE VIEW` refuses anything else in a database that has the view."""
    found = tables.query(
        "SELECT c.relname, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)"
        " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind = 'v' GROUP BY 1 ORDER BY 1"
    )
    columns = dict(found)
    published = dict(line.split(": ", 1) for line in PUBLISHED.read_text().splitlines())
    assert {view: columns.get(view, "")[: len(before)] for view, before in published.items()} == published
    assert "\n".join(f"{view}: {each}" for view, each in found) + "\n" == PUBLISHED.read_text(), (
        f"add the new columns, at their view's end, to {PUBLISHED.name}"
    )


# what they read


def plan(tables: Tables, query: str) -> list[str]:
    return [line for (line,) in tables.query(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query}")]


def test_daily_figures_are_read_where_they_are_kept_and_not_from_the_orders(sandbox: Tables) -> None:
    reads = [line for line in plan(sandbox, "SELECT * FROM bi.daily_sales") if " on orders" in line]
    assert reads
    assert all("never executed" in line for line in reads)


@pytest.mark.parametrize("condition", ["account = 'a'", "direction = 'sale'", "ordered_at > '2026-11-01'"])
def test_time_in_a_status_is_made_only_of_the_orders_that_are_asked_for(sandbox: Tables, condition: str) -> None:
    found = plan(sandbox, f"SELECT * FROM bi.order_status_periods WHERE {condition}")
    name = condition.split()[0].replace("ordered_at", "created_at")
    asked = next(place for place, line in enumerate(found) if re.search(rf"(Cond|Filter): .*\b{name}\b", line))
    assert asked > max(place for place, line in enumerate(found) if "WindowAgg" in line)


# what they mean


def test_an_undocumented_status_falls_out_of_no_view_and_is_reported(tables: Tables) -> None:
    add_order(
        tables,
        "a",
        status="invented",
        status_group="other",
        total_amount=5,
        paid_at="2026-11-01 13:00:00+08",
        buyer_id="b",
    )
    add_line(tables, "a", "a-1", amount=5)
    tables.execute("UPDATE orders SET line_count = 1")
    for view in ("orders", "order_lines", "daily_sales", "product_sales", "buyers", "order_funnel", "order_persons"):
        assert len(tables.query(f"SELECT * FROM bi.{view}")) == 1, view
    assert tables.query("SELECT status_name_en, is_known_status, is_valid, is_final FROM bi.orders") == [
        ("invented", False, True, None)
    ]
    assert tables.query("SELECT platform, status, orders FROM bi.check_unknown_statuses") == [("1688", "invented", 1)]


def test_personal_data_stands_in_one_view_alone_and_each_value_under_its_own_name(tables: Tables) -> None:
    add_order(tables, "a", buyer_name="cust***", buyer_id="u1", seller_name="our login", seller_memo="call warehouse")
    add_order(tables, "b", "xportcn_open", buyer_name="N*** T***")
    add_order(tables, "c", "xportcn_ka", buyer_name="sifu:ap1", buyer_id="22", seller_name="a supplier")
    assert tables.query("SELECT order_id, customer_login, ordered_by FROM bi.order_persons ORDER BY 1") == [
        ("a", "cust***", None),
        ("b", None, "N*** T***"),
        ("c", None, "sifu:ap1"),
    ]
    for view in set(VIEWS) - {"order_persons"}:
        shown = str(tables.query(f"SELECT v::text FROM bi.{view} AS v"))
        assert not any(name in shown for name in ("cust***", "N*** T***", "sifu:ap1", "our login", "warehouse")), view
    assert tables.query("SELECT order_id, customer_id, supplier_name FROM bi.orders ORDER BY 1") == [
        ("a", "u1", None),
        ("b", None, None),
        ("c", None, "a supplier"),
    ]
    assert tables.query("SELECT customer_id FROM bi.buyers") == [("u1",)]


def test_an_order_in_both_lists_of_xportcn_names_the_other(tables: Tables) -> None:
    add_order(tables, "1", "xportcn_open", order_no="N1")
    add_order(tables, "2", "xportcn_ka", order_no="N1")
    add_order(tables, "3", "xportcn_ka", order_no="N2")
    add_order(tables, "N1", "1688", order_no="N1")
    assert tables.query("SELECT order_id, also_listed_as FROM bi.orders ORDER BY 1") == [
        ("1", "xportcn_ka:2"),
        ("2", "xportcn_open:1"),
        ("3", None),
        ("N1", None),
    ]


def test_goods_of_a_line_hold_no_postage_on_any_platform(tables: Tables) -> None:
    for platform, amount in (("1688", 10), ("xportcn_open", 10), ("xportcn_ka", 13)):
        add_order(
            tables, "a", platform, total_amount=13, line_count=1, shipping_amount=3 if platform == "1688" else None
        )
        add_line(tables, "a", "a-1", platform, amount=amount, shipping_amount=3)
    assert set(tables.query("SELECT goods_amount, shipping_amount, order_payable_once FROM bi.order_lines")) == {
        (Decimal(10), Decimal(3), Decimal(13))
    }
    assert tables.query("SELECT * FROM bi.check_lines") == []


def test_several_products_and_removed_lines_count_an_order_once(tables: Tables) -> None:
    add_order(tables, "a", total_amount=30, line_count=2)
    add_line(tables, "a", "a-0", amount=7, line_no=1, removed_at="2026-11-02")
    add_line(tables, "a", "a-1", amount=10, line_no=1)
    add_line(tables, "a", "a-2", amount=20, line_no=2)
    for line, items in (("a-1", 2), ("a-2", 1), ("a-0", 1)):
        for item in range(1, items + 1):
            tables.execute(
                "INSERT INTO product_items (platform, order_id, sub_order_id, item_no, currency) "
                "VALUES ('1688', 'a', %s, %s, 'CNY')",
                line,
                item,
            )
    assert tables.query(
        "SELECT count(*), sum(goods_amount), sum(order_payable_once) FROM bi.order_lines WHERE NOT is_removed"
    ) == [(3, Decimal(30), Decimal(30))]
    assert tables.query("SELECT sub_order_id FROM bi.order_lines WHERE is_removed") == [("a-0",)]


def test_refunds_of_an_order_add_up_to_it(tables: Tables) -> None:
    add_order(tables, "a", total_amount=30, line_count=2)
    tables.execute(
        "UPDATE orders SET refund_amount = 12, refund_status = 'refundsuccess', synced_at = '2026-11-02 05:00:00Z'"
    )
    add_line(tables, "a", "a-1", amount=10, refund_amount=10, refund_status="REFUND_SUCCESS", refund_id="TQ1")
    add_line(tables, "a", "a-2", amount=20, line_no=2)
    first = "2026-11-03 05:00:00Z"
    add_order(tables, "k", "xportcn_ka", refund_status="100", total_amount=5, line_count=1, synced_at=first)
    add_line(tables, "k", "k-1", "xportcn_ka", amount=5, refund_status="100")
    add_line(tables, "k", "k-2", "xportcn_ka", amount=5, refund_status="0")
    add_version(tables, "a", "2026-11-01 05:00:00Z", refund_amount=0)
    add_version(tables, "a", "2026-11-02 05:00:00Z", refund_amount=12, changed=["refund_amount"])
    assert tables.query(
        "SELECT order_id, sub_order_id, refund_state, refund_amount, refunded_day::text, is_refund_day_estimated "
        "FROM bi.refunds ORDER BY 1, 2"
    ) == [
        ("a", "a-1", "refunded", Decimal(10), "2026-11-02", False),
        ("a", None, "refunded", Decimal(2), "2026-11-02", False),
        ("k", "k-1", "refunded", None, "2026-11-03", True),
    ]
    assert tables.query("SELECT order_id, net_amount FROM bi.orders ORDER BY 1") == [("a", Decimal(18)), ("k", None)]


def test_rows_of_one_refund_share_its_number_and_say_whether_money_went_back(tables: Tables) -> None:
    add_order(tables, "a", total_amount=30, refund_amount=12, refund_status="refundsuccess", refund_id="TQ1")
    for number in ("1", "2"):
        add_line(tables, "a", number, refund_status="REFUND_SUCCESS", refund_id="TQ1")
    add_order(tables, "b", total_amount=9, refund_amount=9, status="cancel", status_group="cancelled")
    add_order(tables, "c", total_amount=8, refund_amount=0, refund_status="waitselleragree", refund_id="TQ2")
    assert tables.query(
        "SELECT order_id, count(*), count(DISTINCT coalesce(refund_id, order_key)), bool_and(is_refunded)"
        " FROM bi.refunds GROUP BY 1 ORDER BY 1"
    ) == [("a", 3, 1, True), ("b", 1, 1, True), ("c", 1, 1, False)]
    assert tables.query("SELECT refund_state FROM bi.refunds WHERE order_id = 'b'") == [("none",)]
    assert tables.query("SELECT order_id FROM bi.orders WHERE is_refunded ORDER BY 1") == [("a",), ("b",)]


def test_only_a_refund_that_was_made_or_may_have_been_hides_the_net_amount_of_ka(tables: Tables) -> None:
    cases = [("100", None), ("-10", 7), ("-20", 7), ("10", 7), ("30", 7), ("invented", None), (None, 7)]
    for number, (status, _) in enumerate(cases):
        add_order(tables, str(number), "xportcn_ka", refund_status=status, total_amount=7)
    assert tables.query("SELECT refund_status, net_amount FROM bi.orders ORDER BY order_id") == cases


def test_daily_sales_name_the_day_of_each_figure(tables: Tables) -> None:
    add_order(tables, "a", total_amount=30, created_at="2026-10-31 15:59:59Z", paid_at="2026-10-31 16:00:00Z")
    tables.execute("UPDATE orders SET refund_amount = 12, modified_at = '2026-11-04 05:00:00Z'")
    tables.execute("UPDATE orders SET modified_at = '2026-11-06 05:00:00Z'")
    add_order(tables, "p", "xportcn_ka", total_amount=7, created_at="2026-10-31 12:00:00Z")
    assert tables.query(
        "SELECT day::text, valid_amount_by_ordered_day, refund_by_ordered_day, orders_by_paid_day, amount_by_paid_day, "
        "refund_by_refunded_day FROM bi.daily_sales WHERE direction = 'sale' ORDER BY day"
    ) == [
        ("2026-10-31", 30, 12, 0, 0, 0),
        ("2026-11-01", 0, 0, 1, 30, 0),
        ("2026-11-04", 0, 0, 0, 0, 12),
    ]
    assert tables.query(
        "SELECT day::text, valid_amount_by_ordered_day FROM bi.daily_sales WHERE direction = 'purchase'"
    ) == [("2026-10-31", 7)]


def test_the_net_amount_of_a_day_is_that_of_the_orders_that_count(tables: Tables) -> None:
    add_order(tables, "a", total_amount=30, refund_amount=12)
    add_order(tables, "b", total_amount=10)
    add_order(tables, "gone", total_amount=50, refund_amount=50, status="cancel", status_group="cancelled")
    day = "valid_amount_by_ordered_day, refund_by_ordered_day, valid_refund_by_ordered_day, net_amount_by_ordered_day"
    assert tables.query(f"SELECT {day} FROM bi.daily_sales WHERE day = '2026-11-01'") == [(40, 62, 12, 28)]
    assert tables.query("SELECT sum(net_amount) FROM bi.orders WHERE is_valid") == [(28,)]


def test_kilos_and_pieces_of_a_product_are_not_added_up(tables: Tables) -> None:
    for order_id, unit, quantity in (("a", "个", 3), ("b", "千克", 0.5), ("c", "个", 1)):
        add_order(tables, order_id, total_amount=1, line_count=1)
        add_line(tables, order_id, "1", amount=1)
        tables.execute(
            "INSERT INTO product_items"
            " (platform, order_id, sub_order_id, item_no, currency, product_id, unit, quantity)"
            " VALUES ('1688', %s, '1', 1, 'CNY', 'p', %s, %s)",
            order_id,
            unit,
            quantity,
        )
    for view in ("products", "product_sales"):
        found = tables.query(f"SELECT unit, sum(quantity), count(*) FROM bi.{view} GROUP BY unit ORDER BY 2")
        assert found == [("千克", Decimal("0.5"), 1), ("个", 4, 1)], view


def test_an_order_without_a_time_of_creation_is_in_the_daily_figures_without_a_day(tables: Tables) -> None:
    add_order(tables, "a", total_amount=30, created_at=None)
    assert tables.query("SELECT day, orders_by_ordered_day FROM bi.daily_sales") == [(None, 1)]
    assert tables.query("SELECT * FROM bi.check_daily_sales") == []


def test_orders_as_of_a_moment_say_what_they_are_based_on(tables: Tables) -> None:
    add_order(tables, "a", total_amount=30, status="success")
    add_version(tables, "a", "2026-11-01 05:00:00Z", status="waitbuyerpay", total_amount=31)
    add_version(tables, "a", "2026-11-03 05:00:00Z", status="success", total_amount=30, changed=["status"])
    add_order(tables, "late", created_at="2026-10-01 00:00:00Z")
    add_version(tables, "late", "2026-11-04 05:00:00Z", status="success")
    add_order(tables, "gone", created_at="2026-10-01 00:00:00Z", status="success")
    add_order(tables, "future", created_at="2026-12-01 00:00:00Z")
    add_version(tables, "future", "2026-12-01 05:00:00Z", status="success")
    query = "SELECT order_id, basis, status, payable_amount FROM bi.orders_as_of('2026-11-02 00:00:00Z') ORDER BY 1"
    assert tables.query(query) == [
        ("a", "history", "waitbuyerpay", Decimal(31)),
        ("gone", "no history", "success", None),
        ("late", "not read yet", None, None),
    ]


def test_products_are_named_and_priced_by_their_newest_lines_that_say_it(tables: Tables) -> None:
    moments = ("2026-11-01 01:00:00Z", "2026-11-02 01:00:00Z", "2026-11-02 01:00:00Z", None)
    for n in range(48):
        add_order(tables, f"o{n}", created_at=moments[n % 4])
        for item_no, product in enumerate(("p1", f"p{n % 7}", None), start=1):
            add_line(
                tables, f"o{n}", f"{n}-{item_no}", line_no=item_no, removed_at="2026-11-03" if n % 11 == 5 else None
            )
            values = {
                "platform": "1688",
                "order_id": f"o{n}",
                "sub_order_id": f"{n}-{item_no}",
                "item_no": 1,
                "product_id": product,
                "sku_id": f"s{n % 5}" if n % 3 else None,
                "title": f"title {n}" if n % 2 else None,
                "sku_text": f"sku {n}" if n % 8 == 4 else None,
                "unit": "kg" if n % 9 == 1 else None,
                "unit_price": n if n % 6 else None,
                "currency": "CNY",
            }
            tables.execute(
                f"INSERT INTO product_items ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})",
                *values.values(),
            )
    key = "direction, platform, product_id, sku_id, currency, unit"
    newest = "ORDER BY ordered_at DESC NULLS LAST, order_id, sub_order_id"
    expected = tables.query(
        f"""SELECT {key}, (array_agg(title {newest}) FILTER (WHERE title IS NOT NULL))[1],
            (array_agg(sku_text {newest}) FILTER (WHERE sku_text IS NOT NULL))[1], (array_agg(unit_price {newest}))[1]
        FROM bi.order_lines WHERE NOT is_removed AND (product_id IS NOT NULL OR sku_id IS NOT NULL)
        GROUP BY {key} ORDER BY {key}"""
    )
    assert len(expected) > 40
    assert tables.query(f"SELECT {key}, title, sku_text, last_price FROM bi.products ORDER BY {key}") == expected


def test_a_product_is_on_its_line_alone_however_alike_the_numbers_of_lines_are(tables: Tables) -> None:
    add_order(tables, "a")
    lines = ["1", "10", "1 ", "1-", "A", "a", "ä", "Ä", "①"]
    for line in lines:
        add_line(tables, "a", line)
        tables.execute(
            "INSERT INTO product_items (platform, order_id, sub_order_id, item_no, product_id, currency)"
            " VALUES ('1688', 'a', %s, 1, %s, 'CNY')",
            line,
            line,
        )
    found = tables.query("SELECT sub_order_id, product_id FROM bi.order_lines")
    assert sorted(found) == sorted((line, line) for line in lines)


def test_orders_as_of_a_moment_have_the_columns_of_versions_with_places_of_amounts(tables: Tables) -> None:
    columns = (
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"
    )
    with psycopg.connect(tables.url) as connection:
        connection.execute("CREATE TEMPORARY VIEW as_of AS SELECT * FROM bi.orders_as_of(now())")
        found = connection.execute(columns, ["as_of"]).fetchall()
        assert found == connection.execute(columns, ["bi.order_versions"]).fetchall()
    assert ("payable_amount", "numeric(18,2)") in found


def test_a_version_was_shipped_when_its_parcels_were_sent_as_far_as_they_were_known(tables: Tables) -> None:
    add_order(tables, "a", status_group="shipped", order_no="N")
    add_version(tables, "a", "2026-11-01 05:00:00Z", status_group="awaiting_shipment")
    add_version(tables, "a", "2026-11-03 05:00:00Z", status_group="shipped", changed=["status"])
    add_version(tables, "a", "2026-11-05 05:00:00Z", status_group="shipped", changed=["order_parcels"])
    for parcel, delivered_at, removed_at in (
        ("1", "2026-11-02 01:00:00Z", None),
        ("2", "2026-11-03 01:00:00Z", "2026-11-04 00:00:00Z"),
        ("3", "2026-11-04 01:00:00Z", None),
    ):
        tables.execute(
            "INSERT INTO order_parcels (platform, order_id, parcel_id, delivered_at, removed_at)"
            " VALUES ('1688', 'a', %s, %s, %s)",
            parcel,
            delivered_at,
            removed_at,
        )
    days = "SELECT order_no, (shipped_at AT TIME ZONE 'UTC')::date::text FROM"
    assert tables.query(f"{days} bi.order_versions ORDER BY seen_at") == [
        ("N", None),
        ("N", "2026-11-03"),
        ("N", "2026-11-04"),
    ]
    assert tables.query(f"{days} bi.orders_as_of('2026-11-04')") == [("N", "2026-11-03")]
    tables.execute("DELETE FROM order_history")
    assert tables.query(f"{days} bi.orders_as_of('2026-11-06')") == [("N", "2026-11-04")]


def test_the_time_in_each_status_is_that_between_its_versions(tables: Tables) -> None:
    add_order(tables, "a")
    for seen_at, status, changed in (
        ("2026-11-01 05:00:00Z", "waitbuyerpay", None),
        ("2026-11-01 06:00:00Z", "waitbuyerpay", ["buyer_memo"]),
        ("2026-11-01 08:00:00Z", "waitsellersend", ["status"]),
    ):
        add_version(tables, "a", seen_at, status=status, status_group=status, changed=changed)
    assert tables.query(
        "SELECT status, extract(epoch FROM seen_until - seen_from)::int, is_first_read "
        "FROM bi.order_status_periods ORDER BY seen_from"
    ) == [("waitbuyerpay", 3 * 3600, True), ("waitsellersend", None, False)]


def test_freshness_has_a_row_for_every_account_with_a_verdict(tables: Tables) -> None:
    for name, values in {
        "fresh": "now()",
        "behind": "now() - interval '2 hours'",
        "new": "NULL",
    }.items():
        tables.execute(
            "INSERT INTO sync.accounts (name, platform, seller, feed, watermark) "
            f"VALUES (%s, '1688', %s, 'updated', {values})",
            name,
            name,
        )
    assert tables.query("SELECT account, direction, verdict, is_fresh FROM bi.sync_freshness ORDER BY 1") == [
        ("behind", "sale", "behind", False),
        ("fresh", "sale", "fresh", True),
        ("new", "sale", "reading history", False),
    ]
    assert len(tables.query("SELECT * FROM bi.sync_health")) == len(tables.query("SELECT * FROM bi.shops")) == 3


@pytest.mark.parametrize(
    ("verdict", "windows"),
    [
        ("to be confirmed", ["'done', '3 hours', '0 hours', NULL", "'planned', '900 days', '800 days', now()"]),
        ("to be confirmed", ["'planned', '900 days', '0 hours', now()", "'running', '10 minutes', '0 hours', NULL"]),
        ("reading history", ["'done', '3 hours', '0 hours', NULL", "'planned', '900 days', '800 days', NULL"]),
        ("failing", ["'done', '3 hours', '0 hours', NULL", "'failed', '900 days', '800 days', NULL"]),
        ("behind", ["'planned', '3 hours', '0 hours', NULL", "'planned', '900 days', '800 days', now()"]),
        ("behind", ["'done', '9 hours', '8 hours', NULL", "'planned', '900 days', '800 days', now()"]),
    ],
)
def test_ranges_that_await_their_second_read_are_no_delay(tables: Tables, verdict: str, windows: list[str]) -> None:
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, history_from, proven_from, watermark)"
        " VALUES ('shop', '1688', 's', 'updated', now() - interval '999 days', NULL, now() - interval '990 days')"
    )
    for each in windows:
        state, begins, ends, not_before = each.split(", ")
        tables.execute(
            "INSERT INTO sync.windows (account, kind, feed, state, starts_at, ends_at, not_before) VALUES"
            f" ('shop', 'incremental', 'updated', {state}, now() - interval {begins}, now() - interval {ends},"
            f" {not_before})"
        )
    query = "SELECT verdict, is_fresh, complete_from = history_from FROM bi.sync_freshness JOIN sync.accounts ON"
    assert tables.query(f"{query} name = account") == [(verdict, False, True)]
    tables.execute("UPDATE sync.accounts SET paused_at = now(), proven_from = now() - interval '991 days'")
    assert tables.query(f"{query} name = account") == [("paused", False, False)]


def test_an_account_that_a_running_process_cannot_read_for_its_settings_is_misconfigured(tables: Tables) -> None:
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, watermark, paused_at)"
        " VALUES ('shop', '1688', 's', 'updated', now(), now())"
    )
    tables.execute(
        "INSERT INTO sync.processes (id, parts, version, tables, host, pid, misconfigured, seen_at)"
        " VALUES (gen_random_uuid(), '{worker}', '1', '1', 'h', 1, '{\"shop\": \"no secret\"}',"
        " now() + interval '1 hour')"
    )
    query = "SELECT verdict, is_fresh FROM bi.sync_freshness"
    assert tables.query(query) == [("misconfigured", False)]
    tables.execute("UPDATE sync.processes SET seen_at = now() - interval '1 hour'")  # it was killed
    assert tables.query(query) == [("paused", False)]
    tables.execute("UPDATE sync.processes SET seen_at = now(), misconfigured = '{}'")
    assert tables.query(query) == [("paused", False)]


def test_the_funnel_takes_the_first_read_of_an_order_for_no_time_of_its_cancellation(tables: Tables) -> None:
    for order_id, changed in (("before", None), ("seen", ["status"])):
        add_order(tables, order_id, status="cancel", status_group="cancelled")
        add_version(tables, order_id, "2026-11-05 05:00:00Z", status_group="cancelled", changed=changed)
    assert tables.query("SELECT order_id, cancelled_at IS NULL, is_valid FROM bi.order_funnel ORDER BY 1") == [
        ("before", True, False),
        ("seen", False, False),
    ]


# checks


@pytest.mark.parametrize("check", CHECKS)
def test_checks_find_nothing_on_the_sandbox_but_its_undocumented_status(sandbox: Tables, check: str) -> None:
    found = sandbox.query(f"SELECT * FROM bi.{check} LIMIT 5")
    assert [row[:3] for row in found] == ([("1688", "sale", "waitselleract")] if "statuses" in check else [])


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers_on_the_sandbox(sandbox: Tables, view: str) -> None:
    rows = sandbox.query(f"SELECT * FROM bi.{view}")
    assert rows or view.startswith("check_")


def test_the_calendar_adds_up_to_the_daily_sales(sandbox: Tables) -> None:
    columns = [
        name
        for (name,) in sandbox.query(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'bi'"
            " AND table_name = 'daily_calendar' AND column_name LIKE '%_day' ORDER BY 1"
        )
    ]
    assert len(columns) == 7
    sums = ", ".join(f"sum({name})" for name in columns)
    query = f"SELECT account, currency, {sums} FROM bi.{{}} WHERE day IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
    assert sandbox.query(query.format("daily_calendar")) == sandbox.query(query.format("daily_sales"))


def test_no_order_of_the_sandbox_falls_out_of_a_view(sandbox: Tables) -> None:
    orders = sandbox.query("SELECT count(*) FROM public.orders")
    for view in ("orders", "order_persons", "order_funnel"):
        assert sandbox.query(f"SELECT count(*) FROM bi.{view}") == orders
    lines = sandbox.query("SELECT count(*) FROM public.product_items")
    assert sandbox.query("SELECT count(*) FROM bi.order_lines") == lines
    assert sandbox.query("SELECT count(*) FROM bi.orders_as_of(now())") == orders


DAMAGES = (
    ("check_amounts", "UPDATE orders SET product_amount = product_amount + 1"),
    ("check_lines", "UPDATE orders SET line_count = 2"),
    ("check_lines", "UPDATE sub_orders SET amount = amount + 5"),
    ("check_refunds", "UPDATE orders SET refund_amount = 100"),
    ("check_directions", "UPDATE orders SET direction = NULL"),
    ("check_unknown_statuses", "UPDATE orders SET status = 'invented', status_group = 'other'"),
)


def test_a_check_finds_what_it_is_for(tables: Tables) -> None:
    add_order(tables, "a", product_amount=10, shipping_amount=2, discount_amount=-1, total_amount=11, line_count=1)
    add_line(tables, "a", "a-1", amount=9)
    for check, damage in DAMAGES:
        assert tables.query(f"SELECT * FROM bi.{check}") == []
        assert len(tables.tried(damage, f"SELECT * FROM bi.{check}")) == 1, damage
