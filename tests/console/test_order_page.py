"""The page of an order: the number that was asked for, its history in words, and how it was on a day."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain import local_times
from tests.support.console import Served
from tests.support.databases import Tables

DAY = datetime(2026, 3, 2, 4, tzinfo=UTC)  # noon in Shanghai
ORDER = """
    INSERT INTO orders (platform, order_id, order_no, account, status, status_group, currency, line_count, total_amount,
        created_at, paid_at)
    VALUES ('1688', '77001', 'PO-77', 'shop', 'waitsellersend', 'awaiting_shipment', 'CNY', 1, 25.5, %s, %s)
"""
HISTORY = """
    INSERT INTO order_history
        (platform, order_id, seen_at, read_at, changed, status, status_group, total_amount, paid_at)
    VALUES ('1688', '77001', %(first)s, %(first)s, NULL, 'waitbuyerpay', 'awaiting_payment', 20, NULL),
        ('1688', '77001', %(second)s, %(second)s,
            '{status,status_group,total_amount,paid_at,order_parcels,strange_column}',
            'waitsellersend', 'awaiting_shipment', 25.5, %(second)s)
"""


@pytest.fixture
def order(console: Served) -> Tables:
    """An order that was placed on Sunday, first read on Monday and paid on Wednesday, at noon."""
    tables = Tables(console.site.url)
    tables.execute(ORDER, DAY - timedelta(days=1), DAY + timedelta(days=2))
    tables.execute(HISTORY.replace("%(first)s", f"'{DAY}'").replace("%(second)s", f"'{DAY + timedelta(days=2)}'"))
    return tables


def plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text.split("</header>")[1]).split())


def as_it_was(text: str) -> str:
    """What a page says of its order at the time that was asked for."""
    return plain("</header>" + text.split('<section class="said"')[1].split("</section>")[0])


async def test_the_page_is_headed_by_the_number_of_the_order_that_was_asked_for_and_names_the_others(
    console: Served, order: Tables
) -> None:
    async with console.person() as client:
        for path, heading, other in (
            ("/orders?q=PO-77", "PO-77", "77001"),
            ("/orders?q=77001", "77001", "PO-77"),
            ("/orders/1688/77001", "PO-77", "77001"),
            ("/orders/1688/77001?number=77001", "77001", "PO-77"),
            ("/orders/1688/77001?number=another", "PO-77", "77001"),
        ):
            text = plain((await client.get(path)).text)
            assert f"Order {heading} " in text
            assert f" {other} " in text.split("Shop is current to")[1].split("Lines")[0]


async def test_a_number_says_which_of_the_numbers_of_the_order_it_is(console: Served, order: Tables) -> None:
    order.execute(
        "INSERT INTO sub_orders (platform, order_id, sub_order_id, line_no, currency) VALUES "
        "('1688', '77001', '12', 1, 'CNY')"
    )
    order.execute(
        "INSERT INTO order_parcels (platform, order_id, parcel_id, status) VALUES "
        "('1688', '77001', '13', 'alreadysend')"
    )
    async with console.person() as client:
        for number, name in (("12", "Line number"), ("13", "Parcel")):
            text = plain((await client.get("/orders", params={"q": number})).text)
            assert f"Order PO-77 The number {number} is its: {name} " in text
        text = plain((await client.get("/orders", params={"q": "PO-77"})).text)
        assert "is its:" not in plain((await client.get("/orders", params={"q": "77001"})).text)
    assert "is its:" not in text
    assert "alreadysend (code of the platform)" in text


async def test_two_orders_with_one_number_are_told_apart_by_their_ids(console: Served, order: Tables) -> None:
    order.execute(
        "INSERT INTO orders (platform, order_id, order_no, account, status, status_group, currency, line_count, "
        "created_at) "
        "SELECT platform, '77002', order_no, account, status, status_group, currency, 1, created_at FROM orders"
    )
    async with console.person() as client:
        for path in ("/orders", "/orders?q=PO-77"):
            text = plain((await client.get(path)).text)
            assert "Id at the platform 77001" in text
            assert "Id at the platform 77002" in text
        order.execute("UPDATE orders SET order_no = 'PO-78' WHERE order_id = '77002'")
        assert "Id at the platform" not in plain((await client.get("/orders")).text)


async def test_history_is_in_words_of_the_person_with_what_changed(console: Served, order: Tables) -> None:
    [(zh, en)] = order.query("SELECT name_zh, name_en FROM order_statuses WHERE status = 'waitbuyerpay'")
    paid = local_times.shown(DAY + timedelta(days=2))
    async with console.person() as client, console.person("wang", language="zh") as other:
        text = plain((await client.get("/orders/1688/77001")).text).split("History")[1].split("Every column")[0]
        chinese = plain((await other.get("/orders/1688/77001")).text)
    assert f"Status: {en} → " in text
    assert "Amount: 20.00 CNY → 25.50 CNY" in text
    assert f"Paid: – → {paid}" in text
    assert "Changed too: Parcels , strange_column" in text.replace("Parcels,", "Parcels ,")
    assert "First read here: what it was before is not known." in text
    for code in ("waitbuyerpay", "awaiting_", "status_group", "paid_at"):
        assert code not in text
    assert f"状态: {zh} → " in chinese
    assert "首次入库" in chinese


async def test_an_order_is_shown_as_it_was_at_the_end_of_a_day(console: Served, order: Tables) -> None:
    async with console.person() as client:
        for days, said, not_said in (
            (-2, "It was placed later than", "As it was known"),
            (-1, "Its history here begins on 2026-03-02 12:00:00", "As it was known"),
            (0, "20.00 CNY", "25.50 CNY"),
            (1, "20.00 CNY", "25.50 CNY"),
            (2, "25.50 CNY", "20.00 CNY"),
            (300, "25.50 CNY", "20.00 CNY"),
        ):
            asked = {"as_of": local_times.day(DAY + timedelta(days=days))}
            then = as_it_was((await client.get("/orders/1688/77001", params=asked)).text)
            assert said in then, days
            assert not_said not in then, days
            assert ("until then: Placed 2026-03-01 12:00:00" in then) == (days > -2), days
        wrong = await client.get("/orders/1688/77001", params={"as_of": "Monday"})
    assert wrong.status_code == 400


async def test_an_order_is_shown_as_it_was_at_a_time_of_day(console: Served, order: Tables) -> None:
    async with console.person() as client:
        for day, time, said, not_said in (
            ("2026-03-04", "11:59", "at 2026-03-04 11:59: ", "25.50 CNY"),
            ("2026-03-04", "12:01", "25.50 CNY", "not over"),
            ("2026-03-04 12:01:00", None, "25.50 CNY", "not over"),
            ("2026-03-02", "11:59", "Its history here begins on", "As it was known"),
            ("2199-01-01", None, "2199-01-01 is not over yet. As it is known here now: ", "at the end"),
            ("2199-01-01", "08:00", "2199-01-01 08:00 lies in the future. As it is known here now: ", "at the end"),
        ):
            asked = {"as_of": day} if time is None else {"as_of": day, "as_of_time": time}
            then = as_it_was((await client.get("/orders/1688/77001", params=asked)).text) + " "
            assert said in then, (day, time)
            assert not_said not in then, (day, time)
        wrong = await client.get("/orders/1688/77001", params={"as_of": "2026-03-04", "as_of_time": "noon"})
    assert wrong.status_code == 400


async def test_today_is_not_over(console: Served, order: Tables) -> None:
    async with console.person() as client:
        text = (await client.get("/orders/1688/77001", params={"as_of": local_times.day(datetime.now(UTC))})).text
    assert "is not over yet" in text or local_times.day(datetime.now(UTC)) not in text


async def test_tables_have_words_as_headings_and_leave_out_what_is_empty(console: Served, order: Tables) -> None:
    order.execute(
        "INSERT INTO sub_orders (platform, order_id, sub_order_id, line_no, currency, amount, status) "
        "VALUES ('1688', '77001', '77001-1', 1, 'CNY', 25.5, 'waitbuyerpay')"
    )
    async with console.person() as client:
        text = (await client.get("/orders/1688/77001")).text
        persons = await client.post("/orders/persons", data={"platform": "1688", "order_id": "77001"})
    assert re.findall(r"<th>(.*?)</th>", text) == ["Line", "Line number", "Status", "Amount"]
    assert "<dt>sub_order_id</dt>" in text.split('<details id="columns">')[1]
    assert "Customer&#39;s login" in persons.text
    assert local_times.shown(DAY - timedelta(days=1)) in persons.text
    assert "+00:00" not in plain(persons.text)
