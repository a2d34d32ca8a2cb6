"""Schema `bi`: what analysts ask of orders and lines, answered as the dictionary says it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.databases import Tables
from tests.support.rows import add_line, add_order, add_version


@pytest.fixture
def tables(url: str) -> Tables:
    return Tables(url)


def add_item(tables: Tables, order_id: str, line: str, platform: str = "1688", item: int = 1, **values: Any) -> None:
    given = {
        "platform": platform,
        "order_id": order_id,
        "sub_order_id": line,
        "item_no": item,
        "currency": "CNY",
        "direction": "sale" if platform == "1688" else "purchase",
        **values,
    }
    names, marks = ", ".join(given), ", ".join(["%s"] * len(given))
    tables.execute(f"INSERT INTO product_items ({names}) VALUES ({marks})", *given.values())


PAID = {"paid_at": "2026-11-01 13:00:00+08"}


@pytest.mark.parametrize(
    ("group", "values", "unshipped"),
    [
        ("awaiting_shipment", PAID, True),
        ("partly_shipped", PAID, True),
        ("partly_shipped", {**PAID, "refund_amount": 5}, True),
        ("other", PAID, True),
        ("other", {}, False),
        ("other", {**PAID, "delivered_at": "2026-11-02 13:00:00+08"}, False),
        ("awaiting_confirmation", PAID, True),
        ("awaiting_confirmation", {}, False),
        ("awaiting_payment", {}, False),
        ("shipped", PAID, False),
        ("completed", PAID, False),
        ("cancelled", PAID, False),
    ],
)
def test_paid_orders_that_nothing_says_were_sent_are_unshipped_in_whatever_group(
    tables: Tables, group: str, values: dict[str, Any], unshipped: bool
) -> None:
    add_order(tables, "a", status="any", status_group=group, **values)
    assert tables.query("SELECT is_unshipped FROM bi.orders") == [(unshipped,)]


@pytest.mark.parametrize(("removed_at", "unshipped"), [(None, False), ("2026-11-03", True)])
def test_an_order_in_an_undocumented_status_was_sent_where_a_listed_parcel_was(
    tables: Tables, removed_at: str | None, unshipped: bool
) -> None:
    add_order(tables, "a", status="invented", status_group="other", **PAID)
    tables.execute(
        "INSERT INTO order_parcels (platform, order_id, parcel_id, delivered_at, removed_at)"
        " VALUES ('1688', 'a', '1', '2026-11-02', %s)",
        removed_at,
    )
    assert tables.query("SELECT is_unshipped FROM bi.orders") == [(unshipped,)]


SUCCESS = {"refund_status": "REFUND_SUCCESS"}


@pytest.mark.parametrize(
    ("order", "lines", "refunded"),
    [
        # the line says it
        ({"refund_amount": 5}, [SUCCESS, {}], [True, False]),
        ({"refund_amount": 5}, [{"after_sale_refund_status": "REFUND_SUCCESS"}, {}], [True, False]),
        ({"refund_amount": 5}, [{"refund_status": "REFUND_CLOSED", "refund_amount": 5}, {}], [True, False]),
        # only the order says it
        ({"refund_amount": 5, "status_group": "cancelled"}, [{}, {}], [True, True]),
        (
            {"refund_amount": 5, "status_group": "cancelled"},
            [{"refund_status": "REFUND_CLOSED"}, SUCCESS],
            [True, True],
        ),
        ({"refund_amount": 30}, [{}, {}], [True, True]),
        ({"refund_amount": 5}, [{}], [True]),
        # nobody says which line
        ({"refund_amount": 5}, [{}, {"refund_status": "REFUND_CLOSED"}], [None, None]),
        # nothing went back
        ({"refund_status": "waitselleragree"}, [{"refund_status": "WAIT_SELLER_AGREE"}, {}], [False, False]),
        ({"status_group": "cancelled"}, [{}, {}], [False, False]),
        ({"status_group": "cancelled", "refund_amount": 0}, [{}], [False]),
    ],
)
def test_a_line_went_back_where_it_says_so_or_its_order_leaves_no_other(
    tables: Tables, order: dict[str, Any], lines: list[dict[str, Any]], refunded: list[bool | None]
) -> None:
    add_order(tables, "a", total_amount=30, line_count=len(lines), **order)
    for number, line in enumerate(lines, 1):
        add_line(tables, "a", str(number), line_no=number, amount=10, **line)
    add_line(tables, "a", "gone", line_no=9, removed_at="2026-11-02")
    assert [value for (value,) in tables.query("SELECT is_refunded FROM bi.order_lines ORDER BY line_no")] == [
        *refunded,
        False,
    ]
    assert tables.query("SELECT count(*) FROM bi.check_refunded_lines") == [(0,)]


def test_lines_of_a_product_that_went_back_are_counted_by_the_rule_of_lines(tables: Tables) -> None:
    add_order(tables, "a", total_amount=10, line_count=1, refund_amount=10, refund_status="refundsuccess")
    add_order(tables, "b", total_amount=10, line_count=1)
    for order_id in ("a", "b"):
        add_line(tables, order_id, "1", amount=10)
        add_item(tables, order_id, "1", product_id="p", title="cup")
    assert tables.query("SELECT lines, refunded_lines FROM bi.product_sales") == [(2, 1)]


@pytest.mark.parametrize(
    ("order", "line"),
    [
        ({}, SUCCESS),
        ({"refund_status": "waitselleragree", "refund_amount": 0}, SUCCESS),
        ({"refund_amount": 3}, {"refund_amount": 4}),
    ],
)
def test_a_line_refunded_beyond_its_order_is_found(tables: Tables, order: dict[str, Any], line: dict[str, Any]) -> None:
    add_order(tables, "a", total_amount=10, line_count=1, **order)
    add_line(tables, "a", "1", amount=10, removed_at="2026-11-02", **line)
    assert tables.query("SELECT order_id FROM bi.check_refunded_lines") == []
    tables.execute("UPDATE sub_orders SET removed_at = NULL")
    assert tables.query("SELECT order_id FROM bi.check_refunded_lines") == [("a",)]


def test_a_purchase_of_several_suppliers_names_each_on_its_line(tables: Tables) -> None:
    add_order(tables, "k", "xportcn_ka", seller_name="first", total_amount=30, line_count=2)
    for line, shop in (("1", "first"), ("2", "second"), ("3", None)):
        add_line(tables, "k", line, "xportcn_ka", line_no=int(line), amount=10)
        add_item(tables, "k", line, "xportcn_ka", shop_name=shop)
    add_order(tables, "s", seller_name="our login", line_count=1)
    add_line(tables, "s", "1", amount=10)
    assert tables.query(
        "SELECT direction, supplier_name, sum(goods_amount) FROM bi.order_lines GROUP BY 1, 2 ORDER BY 1, 2"
    ) == [("purchase", "first", Decimal(20)), ("purchase", "second", Decimal(10)), ("sale", None, Decimal(10))]


def test_a_product_has_the_name_and_attributes_of_the_newest_order_that_has_any(tables: Tables) -> None:
    for day, title, text in ((1, "old", "red"), (2, "new", "blue"), (3, "newest", None), (4, None, None)):
        add_order(tables, str(day), created_at=f"2026-11-0{day} 12:00:00+08", line_count=1)
        add_line(tables, str(day), "1", amount=10)
        add_item(tables, str(day), "1", product_id="p", sku_id="s", title=title, sku_text=text)
    assert tables.query("SELECT title, sku_text FROM bi.products") == [("newest", "blue")]


@pytest.mark.parametrize(
    ("day", "complete"), [("10-31", False), ("11-01", False), ("11-02", True), ("11-03", True), ("11-04", False)]
)
def test_a_day_is_complete_where_all_of_it_is_proven(tables: Tables, day: str, complete: bool) -> None:
    """Proven from noon of the first to the end of the third, in Asia/Shanghai."""
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, history_from, proven_from, watermark) VALUES"
        " ('shop', '1688', 's', 'updated', '2026-01-01', '2026-11-01 12:00+08', '2026-11-04 00:00+08'),"
        " ('new', '1688', 'n', 'updated', '2026-01-01', NULL, NULL)"
    )
    for account in ("shop", "new", "unknown"):
        add_order(tables, account, account=account, created_at=f"2026-{day} 13:00:00+08")
    assert tables.query("SELECT account, is_complete FROM bi.daily_sales ORDER BY account") == [
        ("new", False),
        ("shop", complete),
        ("unknown", False),
    ]


def test_an_order_without_a_day_is_on_no_complete_day(tables: Tables) -> None:
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, history_from, watermark)"
        " VALUES ('shop', '1688', 's', 'updated', '2026-01-01', now())"
    )
    add_order(tables, "a", created_at=None)
    assert tables.query("SELECT day, is_complete FROM bi.daily_sales") == [(None, False)]


def test_what_changed_is_found_by_the_conditions_that_the_dictionary_gives(tables: Tables) -> None:
    done = {"status": "success", "status_group": "completed"}
    for order_id, created_at in (("old", "2026-01-01"), ("new", "2026-11-02"), ("seen done", "2026-01-01")):
        add_order(tables, order_id, created_at=created_at)
    add_version(tables, "old", "2026-11-01", status="waitbuyerreceive", status_group="shipped")
    add_version(tables, "old", "2026-11-03", **done, changed=["status", "completed_at"])
    add_version(tables, "old", "2026-11-05", **done, changed=["refund_amount"])
    add_version(tables, "new", "2026-11-03", status="waitsellersend", status_group="awaiting_shipment")
    add_version(tables, "seen done", "2026-11-03", **done)
    found = "SELECT order_id, seen_at::date::text FROM bi.order_versions WHERE {} ORDER BY 1, 2"
    assert tables.query(found.format("seen_at > '2026-11-02' AND changed IS NOT NULL")) == [
        ("old", "2026-11-03"),
        ("old", "2026-11-05"),
    ]
    assert tables.query(found.format("changed IS NULL AND ordered_at > '2026-11-01'")) == [("new", "2026-11-03")]
    after_completion = "status_group = 'completed' AND NOT 'status' = ANY (changed)"
    assert tables.query(found.format(after_completion)) == [("old", "2026-11-05")]
