"""The pages of orders: lists, one order, and why one is not here; files of a list or a view."""

from __future__ import annotations

import codecs
import csv
import io
import re
import tempfile
from dataclasses import asdict, replace
from zipfile import ZipFile

import openpyxl
import pytest

from benchmarks.statements import recorded
from orders_sync.console import column_titles
from orders_sync.console.pages import export
from orders_sync.console.words import Words
from orders_sync.domain.statuses import MAY_BE_UNSHIPPED, UNSHIPPED, StatusGroup
from orders_sync.engine.sources import usable
from orders_sync.exports import Selection, source
from orders_sync.store import database, order_numbers, order_traces
from orders_sync.store.console import order_list
from orders_sync.store.console.order_list import OrderFilter
from tests.support.console import Served, served, settings_of
from tests.support.databases import Tables

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def ids(text: str) -> list[str]:
    """The orders that a page links to."""
    return re.findall(r'href="/orders/(\w+/[^"]+)"', text)


async def test_pages_of_the_list_hold_every_order_once_newest_first(shop: Served, landed: Tables) -> None:
    expected = landed.query(
        "SELECT platform || '/' || order_id FROM orders ORDER BY created_at DESC, platform DESC, order_id DESC"
    )
    found: list[str] = []
    path = "/orders"
    async with shop.person(may_see_personal_data=False) as client:
        while path:
            text = (await client.get(path)).text
            found += ids(text)
            following = re.search(r'rel="next" href="([^"]+)"', text)
            path = following[1].replace("&amp;", "&") if following else ""
    assert len(expected) > order_list.PAGE
    assert found == [key for (key,) in expected]


async def test_the_list_is_of_a_shop_a_range_of_days_and_a_state(shop: Served, landed: Tables) -> None:
    [(account, day)] = landed.query(
        "SELECT account, min(created_at AT TIME ZONE 'Asia/Shanghai')::date::text FROM orders "
        "WHERE status_group = 'awaiting_shipment' GROUP BY account ORDER BY 1 LIMIT 1"
    )
    expected = landed.query(
        "SELECT platform || '/' || order_id FROM bi.orders WHERE account = %s AND is_unshipped "
        "AND ordered_day = %s::date",
        account,
        day,
    )
    wanted = {"account": account, "from": day, "to": day, "state": "unshipped"}
    async with shop.person() as client:
        found = ids((await client.get("/orders", params=wanted)).text)
        file = await client.get("/export/file", params={**wanted, "view": "orders", "format": "csv"})
        nothing = await client.get("/orders", params={"from": "2001-01-01", "to": "2001-01-02"})
    assert expected
    assert sorted(found) == sorted(key for (key,) in expected)
    assert sorted(row["order_key"].replace(":", "/", 1) for row in csv.DictReader(io.StringIO(file.text))) == sorted(
        found
    )
    assert "No order lies in this range." in nothing.text


async def test_unshipped_means_the_same_in_the_list_its_files_and_the_views(shop: Served, landed: Tables) -> None:
    columns = "platform, account, order_id, status, status_group, currency, line_count, direction, created_at, paid_at"
    for group in StatusGroup:
        for paid in (None, "2001-03-04 12:00+08"):
            landed.execute(
                f"INSERT INTO orders ({columns}, delivered_at) VALUES ('1688', 'u', %s, 'x', %s, 'CNY', 1, 'sale', "
                "'2001-03-04 11:00+08', %s, NULL), ('1688', 'u', %s, 'x', %s, 'CNY', 1, 'sale', '2001-03-04 11:00+08', "
                "%s, '2001-03-04 13:00+08')",
                *(f"9{group}{paid is None}", group, paid, f"9{group}{paid is None}sent", group, paid),
            )
    wanted = {"from": "2001-03-04", "to": "2001-03-04", "state": UNSHIPPED}
    try:
        expected = {
            order for (order,) in landed.query("SELECT order_id FROM bi.orders WHERE account = 'u' AND is_unshipped")
        }
        groups = landed.query("SELECT DISTINCT status_group FROM bi.orders WHERE account = 'u' AND is_unshipped")
        async with shop.person() as client:
            page = (await client.get("/orders", params=wanted)).text
            files = [
                csv.DictReader(
                    io.StringIO(
                        (await client.get("/export/file", params={**wanted, "view": view, "format": "csv"})).text
                    )
                )
                for view in ("orders", "order_lines", "order_status_periods")
            ]
        rows = [list(file) for file in files]
    finally:
        landed.execute("DELETE FROM orders WHERE account = 'u'")
    assert {group for (group,) in groups} == set(MAY_BE_UNSHIPPED)
    assert {each.split("/")[1] for each in ids(page)} == expected
    assert f"Orders in this list: {len(expected)}<" in page
    assert {row["order_id"] for row in rows[0]} == expected
    assert {row["is_unshipped"] for row in rows[0]} == {"true"}
    assert all({row["order_id"] for row in found} <= expected for found in rows[1:])


async def test_a_list_says_how_many_orders_it_has_under_every_filter(
    shop: Served, landed: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(account,)] = landed.query("SELECT account FROM orders GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    filters = [
        OrderFilter(),
        OrderFilter(direction="sale"),
        OrderFilter(state=UNSHIPPED, direction="purchase"),
        OrderFilter(state="cancelled"),
        OrderFilter(state="shipped", direction="sale"),
    ]
    async with shop.person() as client:
        for wanted in [*filters, *(replace(each, account=account) for each in filters)]:
            state = {UNSHIPPED: "is_unshipped", None: "true"}.get(wanted.state, f"status_group = '{wanted.state}'")
            [(expected,)] = landed.query(
                f"SELECT count(*) FROM bi.orders WHERE ordered_at IS NOT NULL AND {state} "
                "AND account = coalesce(%s, account) AND coalesce(direction = %s, true)",
                *(wanted.account, wanted.direction),
            )
            asked = {name: value for name, value in asdict(wanted).items() if value}
            exact = (await client.get("/orders", params=asked)).text
            with monkeypatch.context() as limited:
                limited.setattr(order_list, "MOST_EXAMINED", 1)
                least = (await client.get("/orders", params=asked)).text
            assert f"Orders in this list: {expected:,}<" in exact, wanted
            is_narrowed = len(wanted.conditions) - bool(wanted.account or wanted.state)
            shown = min(expected, order_list.PAGE)
            said = f"at least {shown}" if is_narrowed else f"{expected:,}"
            assert f"Orders in this list: {said}<" in least, wanted


@pytest.mark.parametrize(
    "wrong",
    [{"from": "yesterday"}, {"from": "2026-11-02", "to": "2026-11-01"}, {"state": "lost"}, {"from": "0001-01-01"}],
)
async def test_a_field_that_cannot_be_meant_so_is_a_sentence(shop: Served, wrong: dict[str, str]) -> None:
    async with shop.person() as client:
        answer = await client.get("/orders", params=wrong)
    assert answer.status_code in (200, 400)
    assert "Internal error" not in answer.text


@pytest.mark.parametrize("table", ["orders", "sub_orders", "order_parcels"])
async def test_any_number_finds_its_order(shop: Served, landed: Tables, table: str) -> None:
    async with shop.person(may_see_personal_data=False) as client:
        for column in [column for found, column in order_numbers.SEARCHED if found == table]:
            rows = landed.query(f"SELECT platform, order_id, {column} FROM {table} WHERE {column} IS NOT NULL LIMIT 1")
            for _, order_id, number in rows:
                answer = await client.get("/orders", params={"q": f" #{number}\n"})
                assert answer.status_code == 200
                assert order_id in answer.text


async def test_an_order_is_shown_with_its_lines_and_its_history(shop: Served, landed: Tables) -> None:
    [(platform, order_id)] = landed.query(
        "SELECT platform, order_id FROM order_history GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2 LIMIT 1"
    )
    lines = landed.query("SELECT sub_order_id FROM sub_orders WHERE order_id = %s", order_id)
    versions = landed.query(
        "SELECT count(*) FROM order_history WHERE (platform, order_id) = (%s, %s)", platform, order_id
    )
    async with shop.person(may_see_personal_data=False) as client:
        text = (await client.get(f"/orders/{platform}/{order_id}")).text
        missing = await client.get(f"/orders/{platform}/1{order_id}")
    for (line,) in lines:
        assert line in text
    timeline = text.split('class="timeline"')[1].split("</ol>")[0]
    assert len(re.findall(r"^ *<li><time", timeline, re.M)) == versions[0][0]
    assert " → " in timeline
    assert missing.status_code == 404


async def test_who_may_not_see_personal_data_sees_none(shop: Served, landed: Tables) -> None:
    [(platform, order_id, name)] = landed.query(
        "SELECT platform, order_id, buyer_name FROM orders WHERE buyer_name <> seller_name LIMIT 1"
    )
    async with shop.person(may_see_personal_data=False) as client:
        text = (await client.get(f"/orders/{platform}/{order_id}")).text
        assert name not in text
        refused = await client.get("/export/file", params={"view": "order_persons"})
        assert refused.status_code == 403
        assert "order_persons" not in (await client.get("/export")).text


async def test_an_export_of_personal_data_is_recorded_and_no_other_one(shop: Served, landed: Tables) -> None:
    recorded = "SELECT actor, origin, details FROM sync.activity WHERE action = 'persons.export'"
    async with shop.person(may_see_personal_data=True) as client:
        await client.get("/export/file", params={"view": "orders", "format": "csv"})
        assert landed.query(recorded) == []
        file = await client.get("/export/file", params={"view": "order_persons", "format": "csv"})
        assert "receiver_phone" in file.text
    [(actor, origin, details)] = landed.query(recorded)
    rows = len(list(csv.DictReader(io.StringIO(file.text))))
    assert (bool(actor), origin, details) == (True, "console", {"view": "order_persons", "rows": rows})
    assert rows


async def test_orders_that_were_found_are_fetched_and_exported_as_they_are(shop: Served, landed: Tables) -> None:
    rows = landed.query("SELECT platform, order_id FROM orders ORDER BY order_id DESC LIMIT 3")
    async with shop.person() as client, shop.person("chen", may_act=False) as looker:
        asked = {"q": " ".join(order_id for _, order_id in rows)}
        text = (await client.get("/orders", params=asked)).text
        assert "Fetch these now" in text
        assert "Fetch these now" not in (await looker.get("/orders", params=asked)).text
        wanted = re.findall(r'name="orders" value="([^"]+)"', text)[0]
        for format_ in ("csv", "csv-excel", "xlsx"):
            file = await looker.get("/export/file", params={"view": "orders", "format": format_, "orders": wanted})
            assert "orders_found" in file.headers["content-disposition"]
        file = await looker.get("/export/file", params={"view": "orders", "format": "csv", "orders": wanted})
        found = {(row["platform"], row["order_id"]) for row in csv.DictReader(io.StringIO(file.text))}
        other = await looker.get("/export/file", params={"view": "calendar", "orders": wanted})
        strange = await looker.get("/export/file", params={"view": "orders", "format": "csv", "orders": "' /\\ x"})
    assert found == set(rows)
    assert other.status_code == 400
    assert strange.text.count("\n") == 1


async def test_sales_and_purchases_can_be_told_apart_in_the_list_and_in_its_file(shop: Served, landed: Tables) -> None:
    async with shop.person() as client:
        for direction in ("sale", "purchase"):
            wanted = {"direction": direction, "from": "2000-01-01"}
            text = (await client.get("/orders", params=wanted)).text
            file = await client.get("/export/file", params={**wanted, "view": "orders", "format": "csv"})
            [(count,)] = landed.query("SELECT count(*) FROM orders WHERE direction = %s", direction)
            assert count
            assert f"Orders in this list: {count:,}<" in text
            assert {row["direction"] for row in csv.DictReader(io.StringIO(file.text))} == {direction}
            assert f"direction={direction}" in text.split("Export this list:")[1].split("</p>")[0]
        assert (await client.get("/orders", params={"direction": "sideways"})).status_code == 400
        without = await client.get("/export/file", params={"view": "calendar", "direction": "sale"})
        assert 'id="mistake-direction"' in without.text
        assert "direction=sale&amp;state=unshipped" in (await client.get("/orders")).text


async def test_a_paused_shop_is_said_where_its_orders_are_listed_exported_and_chosen(url: str) -> None:
    tables = Tables(url)
    for name, paused in (("a", "now()"), ("b", "NULL"), ("c", "now() - interval '2 h'")):
        tables.execute(
            "INSERT INTO sync.accounts (name, platform, host, seller, feed, paused_at, paused_by, paused_because) "
            f"VALUES (%s, '1688', 'h', %s, 'updated', {paused}, 'ana in the console as orders', 'stocktaking')",
            name,
            name,
        )
    tables.execute("UPDATE sync.accounts SET paused_until = now() - interval '1 h' WHERE name = 'c'")
    settings = settings_of("a", "b")
    async with served(url, settings, usable(settings)) as console, console.person() as client:
        pages = {path: (await client.get(path)).text for path in ("/orders", "/export", "/audits", "/backfills")}
        chosen = (await client.get("/orders", params={"account": "b"})).text
    for path, text in pages.items():
        assert re.search(r">\s*a \(paused\)<", text), path
        assert not re.search(r"[bc] \(paused\)", text)
    for path in ("/orders", "/export"):
        assert re.search(
            r"<li>a: paused since [^<]* by ana: stocktaking\. Its orders are as they were then\.", pages[path]
        )
    assert "stocktaking" not in chosen


@pytest.mark.parametrize("path", ["/orders", "/export"])
async def test_states_and_views_are_chosen_by_words(shop: Served, path: str) -> None:
    async with shop.person() as client:
        options = re.findall(r"<option[^>]*>(.*?)</option>", (await client.get(path)).text)
    assert "awaiting payment" in options
    assert [each for each in options if "_" in each] == []


async def test_the_sheet_of_a_workbook_is_named_after_its_view(shop: Served) -> None:
    async with shop.person() as client:
        book = await client.get("/export/file", params={"view": "refunds", "format": "xlsx"})
    assert b'name="refunds"' in ZipFile(io.BytesIO(book.content)).read("xl/workbook.xml")


async def test_a_number_that_no_order_has_is_explained(shop: Served) -> None:
    async with shop.person() as client:
        answer = await client.get("/orders", params={"q": "9876532491611498999"})
        nothing = await client.get("/orders", params={"q": ","})
        many = await client.get("/orders", params={"q": " ".join(str(10**17 + n) for n in range(300))})
    assert answer.status_code == 200
    assert "Not here" in answer.text
    assert "<li>" in answer.text.split("<h1>Not here")[1]
    assert (nothing.status_code, many.status_code) == (400, 400)


async def test_text_of_a_platform_is_never_html(shop: Served, landed: Tables) -> None:
    columns = (
        "platform, account, order_id, order_no, status, close_reason, status_group, currency, line_count, created_at"
    )
    values = "'1688', 'shop', '901', %s, %s, %s, 'other', 'CNY', 1, now() + interval '1 h'"
    landed.execute(f"INSERT INTO orders ({columns}) VALUES ({values})", SCRIPT, SCRIPT, SCRIPT)
    columns = "platform, order_id, sub_order_id, item_no, currency, title"
    landed.execute(f"INSERT INTO product_items ({columns}) VALUES ('1688', '901', '1', 1, 'CNY', %s)", SCRIPT)
    try:
        async with shop.person() as client:
            for path in ("/orders", "/orders/1688/901", "/orders?q=901"):
                text = (await client.get(path)).text
                assert "<script>alert" not in text
                assert "<img" not in text
                assert "&lt;script&gt;alert(1)" in text
    finally:
        for table in ("orders", "product_items"):
            landed.execute(f"DELETE FROM {table} WHERE order_id = '901'")


async def test_an_order_of_which_nothing_is_known_but_its_key_is_shown(console: Served) -> None:
    tables = Tables(console.site.url)
    tables.execute(
        "INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count, created_at) "
        "VALUES ('1688', 'shop', '902', 'x', 'other', 'CNY', 0, now())"
    )
    async with console.person() as client:
        for path in ("/orders", "/orders/1688/902"):
            assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_every_state_can_be_chosen(shop: Served, language: str) -> None:
    async with shop.person(language=language) as client:
        for state in ("", "unshipped", *StatusGroup):
            assert (await client.get("/orders", params={"state": state})).status_code == 200, state


async def test_a_workbook_and_every_view_can_be_had(shop: Served) -> None:
    async with shop.person() as client:
        book = await client.get("/export/file", params={"view": "orders", "format": "xlsx"})
        assert "xl/workbook.xml" in ZipFile(io.BytesIO(book.content)).namelist()
        assert 'filename="orders.xlsx"' in book.headers["content-disposition"]
        views = re.findall(r'<option value="(\w+)"', (await client.get("/export")).text.split("</select>")[0])
        for view in views:
            answer = await client.get("/export/file", params={"view": view, "format": "csv"})
            assert answer.status_code == 200, answer.text
        assert (await client.get("/export/file", params={"view": "pg_shadow"})).status_code == 400
        assert (await client.get("/export/file", params={"view": "orders", "format": "exe"})).status_code == 400


async def test_csv_for_excel_keeps_long_numbers_and_chinese_as_they_are(shop: Served, landed: Tables) -> None:
    [(order_id,)] = landed.query("SELECT order_id FROM orders WHERE order_id ~ '^[0-9]{18,}$' ORDER BY 1 LIMIT 1")
    async with shop.person() as client:
        file = await client.get("/export/file", params={"view": "orders", "format": "csv-excel", "headings": "names"})
        assert 'filename="orders_excel.csv"' in file.headers["content-disposition"]
        assert file.content.startswith(codecs.BOM_UTF8)
        rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
        assert f'="{order_id}"' in {row["order_id"] for row in rows}
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", rows[0]["ordered_at"])
        plain = await client.get("/export/file", params={"view": "orders", "format": "csv"})
        assert not plain.content.startswith(codecs.BOM_UTF8)


async def test_a_file_is_named_after_what_it_holds_and_the_list_says_how_many(shop: Served, landed: Tables) -> None:
    [(day, name, count)] = landed.query(
        "SELECT ordered_day::text, account, count(*) FROM bi.orders WHERE is_unshipped "
        "GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1"
    )
    wanted = {"from": day, "to": day, "account": name, "state": "unshipped"}
    async with shop.person() as client:
        page = (await client.get("/orders", params=wanted)).text
        assert f"Orders in this list: {count}<" in page
        assert page.index(">XLSX<") < page.index(">CSV for Excel<") < page.index(">CSV<")
        for format_, ending in {"xlsx": ".xlsx", "csv-excel": "_excel.csv", "csv": ".csv"}.items():
            file = await client.get("/export/file", params={**wanted, "view": "orders", "format": format_})
            assert f'filename="orders_{name}_unshipped_{day}{ending}"' in file.headers["content-disposition"]
        for name_of, query in (("to", {"to": day}), ("from", {"from": day})):
            file = await client.get("/export/file", params={**query, "view": "orders", "format": "csv"})
            assert f'filename="orders_{name_of}_{day}.csv"' in file.headers["content-disposition"]
        assert "Orders in this list: " in (await client.get("/orders")).text


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_every_column_of_every_view_has_a_title_of_its_own_in_both_languages(
    shop: Served, landed: Tables, language: str
) -> None:
    titles = column_titles.titles(Words(language))
    with database.session(landed.url) as session:
        for view in source.views():
            with source.stream(session, Selection(view, titles=titles)) as rows:
                named = [each.title for each in rows.columns]
            assert None not in named
            assert len(set(named)) == len(named)
            assert language == "en" or all(re.search("[一-鿿]", str(each)) for each in named)


async def test_files_for_people_are_headed_in_words_and_begin_with_the_columns_of_the_list(shop: Served) -> None:
    async with shop.person(language="zh") as client:
        asked = {"view": "orders", "format": "csv-excel"}
        heads = {}
        for headings in ("", "words", "names"):
            file = await client.get("/export/file", params={**asked, "headings": headings})
            heads[headings] = file.content.decode("utf-8-sig").split("\n")[0].split(",")
        assert heads[""] == heads["words"]
        assert heads["words"][:4] == ["订单号", "平台订单号", "店铺", "方向"]
        assert heads["names"][:2] == ["order_key", "platform"]
        assert len(heads["words"]) == len(heads["names"])
        book = await client.get("/export/file", params={"view": "orders", "format": "xlsx"})
        sheet = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets[0]
        assert [cell.value for cell in next(sheet.iter_rows())] == heads["words"]
        plain = await client.get("/export/file", params={"view": "orders", "format": "csv", "headings": "words"})
        assert plain.text.startswith("order_key,")
        wrong = await client.get("/export/file", params={**asked, "headings": "x"})
        assert wrong.status_code == 400


async def test_a_mistake_in_an_export_brings_its_form_back(shop: Served) -> None:
    wanted = {"view": "refunds", "format": "csv-excel", "from": "2026-02-30", "state": "shipped"}
    async with shop.person() as client:
        answer = await client.get("/export/file", params=wanted)
    assert answer.status_code == 400
    assert 'id="mistake-from"' in answer.text
    for chosen in (
        '<option value="refunds" selected>Refunds<',
        '<option value="csv-excel" selected',
        '<option value="shipped" selected',
    ):
        assert chosen in answer.text


@pytest.mark.parametrize(
    ("wanted", "name", "said"),
    [
        ({"view": "shops", "state": "shipped"}, "state", "视图 bi.shops 没有订单状态：不要选择订单状态"),
        ({"view": "calendar", "account": "{account}"}, "account", "视图 bi.calendar 没有店铺：不要选择店铺"),
        ({"view": "sync_health", "from": "2026-01-01"}, "from", "视图 bi.sync_health 不能按日期选择：不要填写日期"),
    ],
)
async def test_what_a_view_does_not_have_is_said_beside_the_field(
    shop: Served, landed: Tables, wanted: dict[str, str], name: str, said: str
) -> None:
    [(account,)] = landed.query("SELECT min(name) FROM sync.accounts")
    async with shop.person(language="zh") as client:
        answer = await client.get(
            "/export/file", params={key: value.format(account=account) for key, value in wanted.items()}
        )
    assert answer.status_code == 400
    assert f'id="mistake-{name}">{said}<' in answer.text


async def test_the_views_are_described_in_the_language_of_the_person(shop: Served) -> None:
    async with shop.person(language="zh") as client:
        text = (await client.get("/export")).text
    descriptions = re.findall(r"<dd>(.*?)</dd>", text)
    assert descriptions
    assert [each for each in descriptions if not re.search("[一-鿿]", each)] == []


async def test_a_file_that_would_be_too_long_is_refused_and_leaves_nothing(
    shop: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(export, "MOST", dict.fromkeys(export.MOST, 10))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with shop.person() as client:
        answer = await client.get("/export/file", params={"view": "orders", "format": "csv"})
        assert answer.status_code == 400
        assert "More than 10 rows" in answer.text
    assert list(tmp_path.iterdir()) == []  # type: ignore[attr-defined]


async def test_the_dictionary_finds_a_column_by_its_meaning(shop: Served) -> None:
    async with shop.person(may_see_personal_data=False) as client:
        text = (await client.get("/dictionary", params={"q": "postage"})).text
        assert "bi.orders" in text
        assert "shipping_amount" in text
        assert "Nothing has this name" in (await client.get("/dictionary", params={"q": "no such thing"})).text
        assert "sync.windows" in (await client.get("/dictionary")).text


@pytest.mark.parametrize(
    ("term", "column"), [("付款", "paid_at"), ("退款金额", "refund_amount"), ("运费", "shipping_amount")]
)
async def test_the_dictionary_is_searched_by_chinese_words_and_names_its_views_in_chinese(
    shop: Served, term: str, column: str
) -> None:
    async with shop.person(language="zh") as client:
        text = (await client.get("/dictionary", params={"q": term})).text
    assert f">{column}<" in text
    assert '<span class="id">bi.orders</span> · 订单：' in text
    assert "各列的含义为英文" in text


async def test_log_ins_are_activity_that_everybody_sees(console: Served) -> None:
    async with console.person("lin") as client:
        text = (await client.get("/activity", params={"actor": "lin"})).text
        assert "logged in" in text.split("<tbody>")[1]
        assert "127.0.0.1" in text
        assert "logged in" not in (await client.get("/activity", params={"actor": "chen"})).text.split("<tbody>")[1]
        for wrong in ({"before": "x"}, {"before": "9" * 30}, {"action": "none"}, {"account": "none"}):
            assert (await client.get("/activity", params=wrong)).status_code == 200


@pytest.mark.parametrize("are_here", [True, False])
async def test_many_numbers_take_as_many_statements_as_one(shop: Served, landed: Tables, are_here: bool) -> None:
    numbers = [number for (number,) in landed.query("SELECT order_id FROM orders ORDER BY order_id LIMIT 30")]
    if not are_here:
        numbers = [f"77{number}" for number in numbers]
    counts = []
    async with shop.person() as client:
        for asked in (numbers[:1], numbers[:1], numbers):  # the first one opens connections
            with recorded() as recorder:
                text = (await client.get("/orders", params={"q": " ".join(asked)})).text
            counts.append(recorder.count)
            assert all(number in text for number in asked)
    assert counts[1] == counts[2]


def test_traces_are_told_apart_by_number_in_one_question(url: str) -> None:
    tables = Tables(url)
    tables.execute("INSERT INTO sync.accounts (name, platform, host, seller, feed) VALUES ('s', '1688', 'h', 's', 'x')")
    for place, (order, payload) in enumerate(
        [("10000001", b"-"), (None, b"no 10000002"), (None, b"10000002 10000003")]
    ):
        tables.execute(
            "INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, reason_key, read_at)"
            " VALUES ('s', '1688', %s, %s, %s, 'r', 'other', now() - %s * interval '1 h')",
            *(order, payload, bytes([place]), place),
        )
    for place, (no, order) in enumerate([("10000001", "1"), ("2", "10000001"), ("10000003", "10000003")]):
        tables.execute(
            "INSERT INTO sync.messages (account, digest, order_no, order_id, body, received_at) "
            "VALUES ('s', %s, %s, %s, '10000002', now() - %s * interval '1 h')",
            *(bytes([place]), no, order, place),
        )
    numbers = ["10000001", "10000002", "10000003", "10000004"]
    with database.session(tables.url) as session:
        rejects, messages = order_traces.rejects(session, numbers), order_traces.messages(session, numbers)
        rejects_by_text, messages_by_text = order_traces.by_text(session, numbers[1:])
    found = [rejects, messages, rejects_by_text, messages_by_text]
    ids = [{number: [each.id for each in those] for number, those in kind.items()} for kind in found]  # type: ignore[attr-defined]
    assert ids == [
        {"10000001": [1]},
        {"10000001": [1, 2], "10000003": [3]},
        {"10000002": [2, 3], "10000003": [3]},
        {"10000002": [1, 2, 3]},
    ]
