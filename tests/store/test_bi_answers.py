"""Schema `bi`: what analysts ask of orders and lines, answered as the dictionary says it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from orders_sync.platforms import PLATFORMS
from orders_sync.store import order_statuses
from tests.support.databases import Tables
from tests.support.rows import add_item, add_line, add_order, add_version


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


@pytest.fixture
def sendings(tables: Tables) -> Tables:
    """Statuses that the documents name are in the database."""
    with psycopg.connect(tables.url) as connection:
        order_statuses.fill(connection, {each.name: (each.direction, each.statuses) for each in PLATFORMS.values()})
    return tables


PAID = {"paid_at": "2026-11-01 13:00:00+08"}


UNSHIPPED: list[tuple[str, dict[str, Any], bool]] = [
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
]


def test_paid_orders_that_nothing_says_were_sent_are_unshipped_in_whatever_group(tables: Tables) -> None:
    for number, (group, values, _) in enumerate(UNSHIPPED):
        add_order(tables, f"{number:02}", status="any", status_group=group, **values)
    found = tables.query("SELECT is_unshipped FROM bi.orders ORDER BY order_id")
    assert [(*case[:2], *row) for case, row in zip(UNSHIPPED, found, strict=True)] == UNSHIPPED


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


OPEN = {"refund_status": "WAIT_SELLER_AGREE"}
WAITS = {"status": "waitsellersend", "logistics_status": "1"}
SENT = {"status": "waitbuyerreceive", "logistics_status": "2"}
CLOSED = {"status": "cancel", "logistics_status": "1"}


SENDINGS: list[tuple[str, dict[str, Any], bool | None, bool | None]] = [
    # the platform calls the order sent, and one of its lines was not
    ("shipped", {**WAITS, **OPEN}, True, False),
    ("shipped", WAITS, True, False),
    ("shipped", {**WAITS, "logistics_status": "8"}, True, False),
    ("shipped", SENT, False, True),
    ("shipped", {**SENT, "logistics_status": "5"}, True, True),
    ("shipped", {}, False, True),
    ("shipped", CLOSED, False, False),
    ("shipped", {**WAITS, "removed_at": "2026-11-03"}, False, False),
    # a code that no document names says nothing
    ("shipped", {"logistics_status": "9"}, False, True),
    ("partly_shipped", {"logistics_status": "9"}, None, None),
    ("partly_shipped", WAITS, True, False),
    ("partly_shipped", SENT, False, True),
    ("awaiting_shipment", WAITS, True, False),
    ("awaiting_shipment", {"logistics_status": "9"}, True, False),
    ("awaiting_payment", {"status": "waitbuyerpay", "logistics_status": "1"}, False, False),
    ("other", {"status": "waitselleract", "logistics_status": "1"}, True, False),
    ("other", {}, True, None),
    # whether it left is told of what is over, too
    ("completed", {"status": "success", "logistics_status": "3"}, False, True),
    ("completed", {"status": "success", "logistics_status": "8"}, False, True),
    ("completed", {**CLOSED, **OPEN}, False, False),
    ("cancelled", CLOSED, False, False),
    ("cancelled", {"status": "cancel", "logistics_status": "4"}, False, True),
    ("cancelled", {"status": "cancel"}, False, None),
]


def test_a_line_is_unsent_as_its_own_state_says_and_not_as_its_order_does(sendings: Tables) -> None:
    for number, (group, line, _, _) in enumerate(SENDINGS):
        order_id = f"{number:02}"
        add_order(sendings, order_id, status="any", status_group=group, line_count=1, **PAID)
        add_line(sendings, order_id, "1", **line)
    found = sendings.query("SELECT is_unsent, was_sent FROM bi.order_lines ORDER BY order_id")
    assert [(*case[:2], *row) for case, row in zip(SENDINGS, found, strict=True)] == SENDINGS


SENDINGS_OF_KA: list[tuple[str, str, bool | None, bool | None]] = [
    ("shipped", "WAIT_SELLER_SEND_GOODS", True, False),
    ("partly_shipped", "WAIT_BUYER_CONFIRM_GOODS", False, True),
    ("partly_shipped", "TRADE_FINISHED", None, None),
    ("awaiting_shipment", "TRADE_CLOSED", False, None),
    ("shipped", "TRADE_CLOSED", False, None),
]


@pytest.mark.parametrize("column", ["status", "upstream_status"])
def test_a_line_of_xportcn_is_unsent_by_the_words_of_the_market_behind_it(sendings: Tables, column: str) -> None:
    for number, (group, status, _, _) in enumerate(SENDINGS_OF_KA):
        add_order(sendings, str(number), "xportcn_ka", status="any", status_group=group, line_count=1)
        add_line(sendings, str(number), "1", "xportcn_ka", logistics_status="1", **{column: status})
    found = sendings.query("SELECT is_unsent, was_sent FROM bi.order_lines ORDER BY order_id")
    assert [(*case[:2], *row) for case, row in zip(SENDINGS_OF_KA, found, strict=True)] == SENDINGS_OF_KA


SUCCESS = {"refund_status": "REFUND_SUCCESS"}


REFUNDED: list[tuple[dict[str, Any], list[dict[str, Any]], list[bool | None]]] = [
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
]


def test_a_line_went_back_where_it_says_so_or_its_order_leaves_no_other(tables: Tables) -> None:
    for place, (order, lines, _) in enumerate(REFUNDED):
        order_id = f"{place:02}"
        add_order(tables, order_id, total_amount=30, line_count=len(lines), **order)
        for number, line in enumerate(lines, 1):
            add_line(tables, order_id, str(number), line_no=number, amount=10, **line)
        add_line(tables, order_id, "gone", line_no=9, removed_at="2026-11-02")
    found = tables.query(
        "SELECT array_agg(is_refunded ORDER BY line_no) FROM bi.order_lines GROUP BY order_id ORDER BY order_id"
    )
    assert [(*case[:2], said[:-1]) for case, (said,) in zip(REFUNDED, found, strict=True)] == REFUNDED
    assert {said[-1] for (said,) in found} == {False}
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


Lines = list[tuple[str, dict[str, Any]]]
PARTS = "coalesce(goods_amount, 0) + coalesce(shipping_amount, 0) + coalesce(unstated_amount_once, 0)"


SUPPLIERS: list[tuple[Lines, dict[str, int]]] = [
    # no line states an amount
    ([("x", {})], {"x": 30}),
    ([("x", {}), ("x", {})], {"x": 30}),
    # the rest is of the line that states none, and not of the first
    ([("x", {"amount": 10}), ("y", {})], {"x": 10, "y": 20}),
    ([("x", {"amount": 10}), ("y", {"shipping_amount": 3})], {"x": 10, "y": 20}),
    ([("x", {"amount": 0}), ("y", {})], {"x": 0, "y": 30}),
    # all state one: with postage, which a line's amount holds on KA, and without
    ([("x", {"amount": 20, "shipping_amount": 5}), ("y", {"amount": 10})], {"x": 20, "y": 10}),
    ([("x", {"amount": 23, "shipping_amount": 5}), ("y", {"amount": 10})], {"x": 20, "y": 10}),
    # removed lines are of no account
    ([("x", {"removed_at": "2026-11-02"}), ("y", {})], {"y": 30}),
    ([("x", {}), ("y", {"amount": 30, "removed_at": "2026-11-02"})], {"x": 30}),
]


def test_amounts_of_suppliers_add_up_to_the_order_whatever_its_lines_state(tables: Tables) -> None:
    for place, (lines, _) in enumerate(SUPPLIERS):
        order_id = str(place)
        add_order(tables, order_id, "xportcn_ka", seller_name="x", total_amount=30, line_count=len(lines))
        for number, (shop, values) in enumerate(lines, 1):
            add_line(tables, order_id, str(number), "xportcn_ka", line_no=number, **values)
            for item in (1, 2):
                add_item(tables, order_id, str(number), "xportcn_ka", item, shop_name=shop)
    for place, (lines, amounts) in enumerate(SUPPLIERS):
        found = tables.query(
            f"SELECT supplier_name, sum({PARTS}) FROM bi.order_lines WHERE NOT is_removed AND order_id = %s GROUP BY 1",
            str(place),
        )
        assert dict(found) == amounts, lines


def test_a_product_has_the_name_and_attributes_of_the_newest_order_that_has_any(tables: Tables) -> None:
    for day, title, text in ((1, "old", "red"), (2, "new", "blue"), (3, "newest", None), (4, None, None)):
        add_order(tables, str(day), created_at=f"2026-11-0{day} 12:00:00+08", line_count=1)
        add_line(tables, str(day), "1", amount=10)
        add_item(tables, str(day), "1", product_id="p", sku_id="s", title=title, sku_text=text)
    assert tables.query("SELECT title, sku_text FROM bi.products") == [("newest", "blue")]


def test_a_day_is_complete_where_all_of_it_is_proven(tables: Tables) -> None:
    """Proven from noon of the first to the end of the third, in Asia/Shanghai."""
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, history_from, proven_from, watermark) VALUES"
        " ('shop', '1688', 's', 'updated', '2026-01-01', '2026-11-01 12:00+08', '2026-11-04 00:00+08'),"
        " ('new', '1688', 'n', 'updated', '2026-01-01', NULL, NULL)"
    )
    days = ("10-31", "11-01", "11-02", "11-03", "11-04")
    for account in ("shop", "new", "unknown"):
        for day in days:
            add_order(tables, f"{account} {day}", account=account, created_at=f"2026-{day} 13:00:00+08")
    assert tables.query("SELECT account, to_char(day, 'MM-DD'), is_complete FROM bi.daily_sales ORDER BY 1, 2") == [
        (account, day, account == "shop" and day in ("11-02", "11-03"))
        for account in ("new", "shop", "unknown")
        for day in days
    ]


def test_an_order_without_a_day_is_on_no_complete_day(tables: Tables) -> None:
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, history_from, watermark)"
        " VALUES ('shop', '1688', 's', 'updated', '2026-01-01', now())"
    )
    add_order(tables, "a", created_at=None)
    assert tables.query("SELECT day, is_complete FROM bi.daily_sales") == [(None, False)]


ACCOUNT = """
INSERT INTO sync.accounts (name, platform, seller, feed, history_from, proven_from, watermark, removed_at)
VALUES (%s, '1688', %s, 'updated', '2026-10-30 00:00+08', %s, %s, %s)
"""


def test_the_calendar_of_a_shop_has_every_day_and_no_zero_of_a_day_that_was_not_read(tables: Tables) -> None:
    """Proven from the first to the end of the third, removed on the sixth."""
    tables.execute(ACCOUNT, "shop", "s", "2026-11-01 00:00+08", "2026-11-04 00:00+08", "2026-11-06")
    add_order(tables, "early", created_at="2026-10-31 12:00+08", paid_at="2026-11-02 12:00+08", total_amount=5)
    add_order(tables, "a", created_at="2026-11-03 12:00+08", total_amount=10)
    add_order(tables, "late", created_at="2026-11-05 12:00+08", total_amount=20)
    assert tables.query(
        "SELECT to_char(day, 'MM-DD'), currency, orders_by_ordered_day, valid_amount_by_ordered_day::int,"
        " net_cash_by_day::int, is_complete FROM bi.daily_calendar ORDER BY day"
    ) == [
        ("10-30", "CNY", None, None, None, False),
        ("10-31", "CNY", 1, 5, 0, False),
        ("11-01", "CNY", 0, 0, 0, True),
        ("11-02", "CNY", 0, 0, 5, True),
        ("11-03", "CNY", 1, 10, 0, True),
        ("11-04", "CNY", None, None, None, False),
        ("11-05", "CNY", 1, 20, 0, False),
    ]


def test_a_shop_without_an_order_has_days_without_a_currency(tables: Tables) -> None:
    tables.execute(ACCOUNT, "read", "r", None, "2026-10-31 00:00+08", "2026-11-06")
    tables.execute(ACCOUNT, "new", "n", None, None, None)
    assert tables.query(
        "SELECT day::text, currency, orders_by_ordered_day, is_complete FROM bi.daily_calendar WHERE account = 'read'"
        " ORDER BY day"
    ) == [("2026-10-30", None, 0, True), ("2026-10-31", None, None, False)]
    assert (
        tables.query(
            "SELECT account FROM bi.daily_calendar WHERE account = 'new' AND (is_complete OR orders_by_ordered_day = 0)"
        )
        == []
    )


def test_the_calendar_of_a_shop_that_is_read_ends_today(tables: Tables) -> None:
    tables.execute(ACCOUNT.replace("'2026-10-30 00:00+08'", "now() - interval '2 days'"), "new", "n", None, None, None)
    assert tables.query("SELECT max(day) - bi.shop_day(now()), count(*) FROM bi.daily_calendar") == [(0, 3)]


def test_a_day_of_the_calendar_has_a_row_for_each_currency(tables: Tables) -> None:
    tables.execute(ACCOUNT, "shop", "s", None, "2026-11-01 00:00+08", "2026-11-01")
    for day, currency in (("30", "CNY"), ("31", "USD")):
        add_order(tables, day, created_at=f"2026-10-{day} 12:00+08", currency=currency, total_amount=1)
    assert tables.query("SELECT day::text, currency, orders_by_ordered_day FROM bi.daily_calendar ORDER BY 1, 2") == [
        ("2026-10-30", "CNY", 1),
        ("2026-10-30", "USD", 0),
        ("2026-10-31", "CNY", 0),
        ("2026-10-31", "USD", 1),
        ("2026-11-01", "CNY", None),
        ("2026-11-01", "USD", None),
    ]


def test_the_cash_of_a_day_is_what_was_paid_less_what_was_refunded_on_it(tables: Tables) -> None:
    paid, refunded = "2026-11-01 13:00+08", "2026-11-02 13:00+08"
    add_order(tables, "a", total_amount=10, paid_at=paid)
    add_order(tables, "b", total_amount=5, paid_at=paid, refund_amount=3, refunded_at=refunded)
    add_order(tables, "c", total_amount=7, paid_at=refunded, status_group="cancelled")
    assert tables.query(
        "SELECT to_char(day, 'MM-DD'), net_cash_by_day::int, net_amount_by_ordered_day::int"
        " FROM bi.daily_sales ORDER BY 1"
    ) == [("11-01", 15, 12), ("11-02", 4, 0)]


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


def test_a_version_says_what_it_was_before_and_what_changed_in_the_names_of_the_view(tables: Tables) -> None:
    add_order(tables, "a", total_amount=9)
    add_order(tables, "b", total_amount=1)
    versions: list[tuple[str, dict[str, Any]]] = [
        ("2026-11-01", {"status": "waitbuyerpay", "status_group": "awaiting_payment", "total_amount": 10}),
        ("2026-11-02", {"status": "waitsellersend", "status_group": "awaiting_shipment", "total_amount": 9}),
        ("2026-11-03", {"status": "waitbuyerreceive", "status_group": "shipped", "total_amount": 9}),
    ]
    changes = (None, ["status", "total_amount"], ["delivered_at", "status", "sub_orders"])
    for (seen_at, values), changed in zip(versions, changes, strict=True):
        add_version(tables, "a", seen_at, changed=changed, refund_amount=0, **values)
    # whose version before it was removed
    add_version(tables, "b", "2026-11-02", status="success", status_group="completed", changed=["status"])
    columns = "previous_status, previous_status_group, previous_payable_amount, previous_refund_amount, changed_columns"
    expected = [
        (None, None, None, None, None),
        ("waitbuyerpay", "awaiting_payment", Decimal(10), Decimal(0), ["status", "payable_amount"]),
        ("waitsellersend", "awaiting_shipment", Decimal(9), Decimal(0), ["shipped_at", "status", "sub_orders"]),
    ]
    assert tables.query(f"SELECT {columns} FROM bi.order_versions WHERE order_id = 'a' ORDER BY seen_at") == expected
    assert tables.query(f"SELECT {columns} FROM bi.order_versions WHERE order_id = 'b'") == [
        (None, None, None, None, ["status"])
    ]
    for number, (seen_at, _) in enumerate(versions):
        as_of = f"SELECT {columns} FROM bi.orders_as_of('{seen_at} 12:00Z') WHERE order_id = 'a'"
        assert tables.query(as_of) == [expected[number]]
