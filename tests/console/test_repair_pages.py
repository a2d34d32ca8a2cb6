"""The pages of rejects, audits and the system, and the actions on orders."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from orders_sync.console.pages import rejects as reject_pages
from orders_sync.domain.reject_reasons import RejectReason
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import PLATFORMS
from orders_sync.sandbox import shop_settings
from orders_sync.settings import Settings
from tests.support.console import Served, served
from tests.support.databases import Tables
from tests.support.landed import a_world

SCRIPT = "<script>alert(1)</script>"


def plain(page: str) -> str:
    """What a person reads of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("<main", 1)[1]))


def add_rejects(console: Served, count: int, payload: str = "{}") -> Tables:
    tables = Tables(console.site.url)
    tables.execute(
        "INSERT INTO sync.rejects (account, platform, order_id, reason, reason_key, payload, payload_hash, read_at) "
        "SELECT 'shop', '1688', NULL, 'baseInfo.id: missing', 'no_order_id', %s, decode(md5(n::text), 'hex'), now() "
        "FROM generate_series(1, %s) AS n",
        payload.encode(),
        count,
    )
    return tables


async def test_a_button_acts_on_as_many_as_it_says_and_no_more(console: Served) -> None:
    tables = add_rejects(console, 3)
    async with console.person() as client:
        text = (await client.get("/rejects", params={"reason": "no_order_id"})).text
        assert "Replay all 3 that match" in text
        assert 'name="shown" value="3"' in text
        columns = "account, platform, reason, reason_key, payload, read_at"
        one_more = f"SELECT {columns}, '\\x99'::bytea FROM sync.rejects LIMIT 1"
        tables.execute(f"INSERT INTO sync.rejects ({columns}, payload_hash) {one_more}")
        refused = await client.post("/rejects/replay", data={"all": "1", "shown": "3", "reason": "no_order_id"})
        assert refused.status_code == 400
        assert "nothing was done" in refused.text
        done = await client.post("/rejects/replay", data={"all": "1", "shown": "4", "reason": "no_order_id"})
        assert done.headers["location"] == "/rejects?reason=no_order_id"
        assert "Still cannot be read: 4." in (await client.get("/rejects")).text
        assert (await client.post("/rejects/replay", data={})).status_code == 400
        many = {"number": [str(n) for n in range(1, reject_pages.MOST_AT_ONCE + 2)]}
        assert (await client.post("/rejects/replay", data=many)).status_code == 400


async def test_rejects_say_what_helps_for_their_reason_and_after_a_replay_that_could_not(console: Served) -> None:
    [(number,)] = add_rejects(console, 1).query("SELECT id FROM sync.rejects")
    helps = "Replay reads the same bytes: it helps only after an update"
    async with console.person() as client:
        assert helps not in (await client.get("/rejects")).text
        assert helps in (await client.get("/rejects", params={"reason": "no_order_id"})).text
        assert helps in (await client.get(f"/rejects/{number}")).text
        await client.post("/rejects/replay", data={"number": [str(number)]})
        text = (await client.get("/rejects")).text
        assert "Still cannot be read: 1." in text
        assert helps in text
        Tables(console.site.url).execute("UPDATE sync.rejects SET reason_key = 'of a later version'")
        assert (await client.get(f"/rejects/{number}")).status_code == 200


async def test_every_reason_says_what_helps() -> None:
    assert set(reject_pages.ADVICE) == set(reject_pages.REASONS) == set(RejectReason)


async def test_the_chosen_are_ignored_and_opened_again_by_a_name_that_is_kept(console: Served) -> None:
    tables = add_rejects(console, 3)
    numbers = [str(row[0]) for row in tables.query("SELECT id FROM sync.rejects ORDER BY id")]
    async with console.person("lin") as client:
        await client.post("/rejects/ignore", data={"number": numbers[:2]})
        assert tables.query("SELECT count(*) FROM sync.rejects WHERE ignored_at IS NOT NULL") == [(2,)]
        assert f"/rejects/{numbers[0]}" in (await client.get("/rejects", params={"state": "ignored"})).text
        assert "/rejects/unignore" in (await client.get(f"/rejects/{numbers[0]}")).text
        await client.post("/rejects/unignore", data={"number": numbers[:1]})
        assert tables.query("SELECT count(*) FROM sync.rejects WHERE ignored_at IS NOT NULL") == [(1,)]
    assert tables.query(
        "SELECT actor, origin, action FROM sync.activity WHERE action LIKE 'rejects%%' ORDER BY id"
    ) == [
        ("lin", "console", "rejects.ignore"),
        ("lin", "console", "rejects.unignore"),
    ]


async def test_a_record_is_shown_as_received_to_who_may_see_it_and_that_is_recorded(console: Served) -> None:
    payload = f'{{"baseInfo": {{"buyer": "{SCRIPT}"}}}}'
    tables = add_rejects(console, 1, payload)
    [(number,)] = tables.query("SELECT id FROM sync.rejects")
    async with console.person(may_see_personal_data=False) as client:
        text = (await client.get(f"/rejects/{number}")).text
        assert "alert(1)" not in text
        assert (await client.post(f"/rejects/{number}/record")).status_code == 403
    async with console.person("chen") as client:
        assert "alert(1)" not in (await client.get(f"/rejects/{number}")).text
        text = (await client.post(f"/rejects/{number}/record")).text
        assert SCRIPT not in text
        assert "&lt;script&gt;alert(1)" in text
        assert "<mark>" in text
        for wrong in ("999", "x", "9" * 40):
            assert (await client.get(f"/rejects/{wrong}")).status_code == 404
    assert tables.query("SELECT actor, subject FROM sync.activity WHERE action = 'persons.reveal'") == [
        ("chen", f"reject {number}")
    ]


@pytest.fixture
async def shops(url: str) -> AsyncIterator[Served]:
    found = [shop_settings(each, "http://127.0.0.1:1") for each in a_world(3).accounts]
    settings = msgspec.structs.replace(Settings(), accounts=found)
    sources = [AccountSource(each.account(), settings.policy(each), PLATFORMS[each.platform]) for each in found]
    tables = Tables(url)
    for each in sources:
        identity = each.account.identity
        tables.execute(
            "INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark) "
            "VALUES (%s, %s, %s, %s, %s, '2020-01-01Z', now() - interval '1 h')",
            each.account.name,
            identity.platform,
            identity.host,
            identity.seller,
            each.platform.feed,
        )
    tables.execute(
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, finished_at) "
        "SELECT name, 'incremental', feed, history_from, watermark, 'done', now() FROM sync.accounts"
    )
    async with served(url, settings, sources) as console:
        yield console


async def test_an_audit_is_requested_of_the_running_service(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    tables = Tables(shops.site.url)
    async with shops.person("lin") as client:
        answer = await client.post(
            "/audits/run", data={"account": name, "from": "2021-10-01", "to": "2021-10-02", "repair": "1"}
        )
        assert answer.status_code == 303, answer.text
        assert (await client.post("/audits/run", data={"account": "nobody"})).status_code in (400, 404)
        assert (await client.post("/audits/run", data={"account": name, "from": "x"})).status_code == 400
    [(account, start, end, repair, person)] = tables.query(
        "SELECT account, starts_at, ends_at, repair, requested_by FROM sync.requests"
    )
    assert (account, end - start, repair, person) == (name, timedelta(days=2), True, "lin")


async def test_an_audit_that_cannot_be_made_is_refused_in_place_and_one_that_could_not_is_listed(shops: Served) -> None:
    name, tables = shops.site.sources[0].account.name, Tables(shops.site.url)
    async with shops.person("lin") as client:
        refused = await client.post("/audits/run", data={"account": name, "from": "2098-11-25", "to": "2098-11-27"})
        assert (refused.status_code, "the range lies in the future" in refused.text) == (400, True)
        assert 'value="2098-11-25"' in refused.text
        assert (await client.post("/audits/run", data={"account": ""})).status_code == 400
        asked = "SELECT 1 FROM sync.requests UNION ALL SELECT 1 FROM sync.activity WHERE action = 'audit.run'"
        assert tables.query(asked) == []
        tables.execute("UPDATE sync.accounts SET paused_at = now(), paused_by = 'lin' WHERE name = %s", name)
        paused = await client.post("/audits/run", data={"account": name})
        assert (paused.status_code, f'action="/accounts/{name}/resume"' in paused.text) == (400, True)
        await client.post(f"/accounts/{name}/resume")
        await client.post("/audits/run", data={"account": name})
        text = (await client.get("/audits")).text
        assert "waits for the service" in text
        tables.execute(
            "UPDATE sync.requests SET taken_at = now(), finished_at = now(), error = %s", f"no such place {SCRIPT}"
        )
        for shop in ("", name):
            text = (await client.get("/audits", params={"account": shop})).text
            assert "✗ not done" in text
            assert "asked for by lin" in text
            assert "no such place &lt;script&gt;" in text
        assert "not done" not in (await client.get("/audits", params={"account": "other"})).text


async def test_the_figures_of_an_audit_add_up_and_say_what_was_read_since(shops: Served) -> None:
    name, tables = shops.site.sources[0].account.name, Tables(shops.site.url)
    tables.execute(
        "INSERT INTO sync.audits (id, account, starts_at, ends_at, finished_at, platform_orders, table_orders, "
        "rejects) VALUES (8, %s, '2021-10-01Z', '2021-10-02Z', now(), 28, 25, 1)",
        name,
    )
    tables.execute(
        "INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders, missing, "
        "missing_ids) VALUES (8, '2021-10-01Z', '2021-10-02Z', 28, 25, 2, '{801,802}')"
    )
    order = (
        "INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count) "
        "SELECT platform, %s, name, 'x', 'other', 'CNY', 0 FROM sync.accounts WHERE name = %s"
    )
    async with shops.person() as client:
        one = plain((await client.get("/audits/8")).text)
        assert "At the platform 28 Here 24 Not here: rejects 1 Missing then 2 Left to the next pass 1" in one
        assert "Still missing: 2" in one
        assert "28 24 2 1 1 ✗ 2" in plain((await client.get("/audits")).text)
        assert " 28 24 2 1 " in plain((await client.get(f"/accounts/{name}")).text)
        tables.execute(order, "801", name)
        one = plain((await client.get("/audits/8")).text)
        assert "Still missing: 1" in one
        assert "Read since: 1." in one
        assert "open still missing: 802" in one
        assert "28 24 2 1 1 ✗ 1 read since: 1" in plain((await client.get("/audits")).text)
        tables.execute(order, "802", name)
        one = plain((await client.get("/audits/8")).text)
        assert "✓ Nothing of it is missing any more. Read since: 2." in one
        assert "801 802 read since" in one
        assert (await client.post("/audits/8/repair")).status_code == 400  # there is nothing to repair


async def test_audits_are_shown_acknowledged_and_repaired(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    tables = Tables(shops.site.url)
    tables.execute(
        "INSERT INTO sync.audits (account, starts_at, ends_at, started_at, finished_at) "
        "VALUES (%s, '2021-10-01Z', '2021-10-02Z', now(), now())",
        name,
    )
    [(number,)] = tables.query("SELECT id FROM sync.audits")
    tables.execute(
        "INSERT INTO sync.audit_differences (audit_id, feed, starts_at, ends_at, "
        "platform_orders, table_orders, missing, missing_ids) "
        "VALUES (%s, 'created', '2021-10-01Z', '2021-10-02Z', 2, 1, 1, '{801}')",
        number,
    )
    async with shops.person() as client:
        assert f"/audits/{number}" in (await client.get("/audits", params={"open": "1"})).text
        text = (await client.get(f"/audits/{number}")).text
        assert 'href="/orders?q=801"' in text
        assert (await client.post(f"/audits/{number}/acknowledge", data={"because": " "})).status_code == 400
        assert (await client.post(f"/audits/{number}/repair")).status_code == 303
        await client.post(f"/audits/{number}/acknowledge", data={"because": "the platform confirms it"})
        assert "the platform confirms it" in (await client.get(f"/audits/{number}")).text
        assert f"/audits/{number}" not in (await client.get("/audits", params={"open": "1"})).text.split('id="live"')[1]
        for wrong in ("999", "x", "9" * 40):
            assert (await client.get(f"/audits/{wrong}")).status_code == 404
    assert tables.query("SELECT kind, repair FROM sync.requests") == [("audit", True)]


async def test_an_audit_says_that_rejects_are_not_here_and_that_what_was_awaited_was_read(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    tables = Tables(shops.site.url)
    tables.execute(
        "INSERT INTO sync.audits (account, starts_at, ends_at, finished_at, platform_orders, table_orders, rejects, "
        "awaited) VALUES (%s, '2021-10-01Z', '2021-10-02Z', now(), 302, 299, 3, 3)",
        name,
    )
    tables.execute("UPDATE sync.accounts SET history_from = '2021-10-01Z'")
    [(number,)] = tables.query("SELECT id FROM sync.audits")
    async with shops.person() as client:
        text = (await client.get(f"/audits/{number}")).text
        assert "Left to the next pass" in text
        assert '<dd class="figure">296</dd>' in text
        assert f'<a href="/rejects?account={name}">3</a>' in text
        assert "what the platform counts is here" not in text
        assert "3 records are rejects" in text
        tables.execute(
            "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state) "
            "VALUES (%s, 'incremental', 'updated', '2021-10-01Z', now() + interval '1 h', 'done')",
            name,
        )
        assert "Not here then, read since" in (await client.get(f"/audits/{number}")).text
        assert f'<a href="/rejects?account={name}">3</a>' in (await client.get("/audits")).text
        tables.execute("UPDATE sync.audits SET rejects = 0")
        assert "what the platform counts is here" not in (await client.get(f"/audits/{number}")).text
        tables.execute("UPDATE sync.audits SET awaited = 0")
        assert "what the platform counts is here" in (await client.get(f"/audits/{number}")).text


async def test_audits_that_are_half_filled_are_shown(console: Served) -> None:
    tables = Tables(console.site.url)
    tables.execute(
        "INSERT INTO sync.audits (account, starts_at, ends_at) VALUES ('gone', '2021-10-01Z', '2021-10-02Z')"
    )
    tables.execute(
        "INSERT INTO sync.audit_differences (audit_id, feed, starts_at, ends_at, platform_orders, table_orders) "
        "SELECT id, 'created', starts_at, ends_at, 1, 0 FROM sync.audits"
    )
    async with console.person(language="zh") as client:
        assert (await client.get("/audits")).status_code == 200
        [(number,)] = tables.query("SELECT id FROM sync.audits")
        assert (await client.get(f"/audits/{number}")).status_code == 200


@pytest.mark.parametrize("may_see_personal_data", [False, True])
async def test_the_system_page_names_processes_database_and_people(
    console: Served, may_see_personal_data: bool
) -> None:
    tables = Tables(console.site.url)
    tables.execute(
        "INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at) VALUES "
        "('a:1:x', '{worker}', '0.1.0', '0001', %s, 1, now())",
        SCRIPT,
    )
    async with console.person("lin", may_see_personal_data=may_see_personal_data) as client:
        text = (await client.get("/system")).text
    assert SCRIPT not in text
    for words in ("worker", "public.orders", "lin", "PostgreSQL"):
        assert words in text


async def test_an_order_is_fetched_and_its_personal_data_is_shown_once_asked_for(landed: Tables) -> None:
    [(platform, order_id, account, name)] = landed.query(
        "SELECT platform, order_id, account, buyer_name FROM orders WHERE buyer_name <> seller_name "
        "ORDER BY 1, 2 LIMIT 1"
    )
    settings = Settings()
    async with served(landed.url, settings) as console, console.person("chen") as client:
        key = {"platform": platform, "order_id": order_id}
        assert name not in (await client.get(f"/orders/{platform}/{order_id}")).text.split("Every column")[0]
        text = (await client.post("/orders/persons", data=key)).text
        assert name in text
        assert "Payload as received" in text
        refused = await client.post("/orders/fetch", data=key)
        assert refused.status_code == 400, "its account is in no settings"
    recorded = landed.query(
        "SELECT account, subject FROM sync.activity WHERE action = 'persons.reveal' AND actor = 'chen'"
    )
    assert recorded == [(account, f"order {order_id}")]


async def test_numbers_are_previewed_and_what_cannot_be_read_says_why(shops: Served) -> None:
    async with shops.person() as client:
        answer = await client.get("/backfills/orders", params={"numbers": "801 802\n803"})
        nothing = await client.get("/backfills/orders", params={"numbers": ","})
    assert answer.status_code == 200
    assert re.findall(r'class="id">(80\d)<', answer.text) == ["801", "802", "803"]
    assert nothing.status_code == 400


async def test_a_page_without_rejects_says_what_it_has_none_of(console: Served) -> None:
    async with console.person() as client:
        assert "every record of a platform has become an order" in (await client.get("/rejects")).text
        add_rejects(console, 1)
        page = (await client.get("/rejects", params={"state": "ignored"})).text
        assert "No record is ignored that fits." in page
        assert "every record" not in page
        assert ">no order number where it belongs<" in page
        assert "none of this shop" in (await client.get("/rejects", params={"account": "other"})).text


async def test_a_replayed_record_leads_to_its_order_and_each_shop_has_its_own_numbers(landed: Tables) -> None:
    [(payload, order_id)] = landed.query(
        "SELECT payload::text, order_id FROM raw_orders WHERE platform = %s LIMIT 1", "1688"
    )
    [(owner,)] = landed.query("SELECT account FROM orders WHERE platform = '1688' AND order_id = %s", order_id)
    add = (
        "INSERT INTO sync.rejects (account, platform, reason, reason_key, payload, payload_hash, read_at) "
        "VALUES (%s, '1688', 'x', 'database', %s, %s, now()) RETURNING id"
    )
    [(good,)] = landed.query(add, owner, payload.encode(), b"1")
    [(bad,)] = landed.query(add, "other", b"{}", b"2")
    async with served(landed.url, Settings()) as console, console.person("lin") as client:
        answer = await client.post("/rejects/replay", data={"number": str(good)})
        page = (await client.get(answer.headers["location"])).text
        await client.post("/rejects/ignore", data={"number": [str(good), str(bad)]})
    assert answer.headers["location"] == f"/rejects/{good}"
    assert f'href="/orders?q={order_id}"' in page
    query = "SELECT account, details -> 'ids' FROM sync.activity WHERE action = 'rejects.ignore' ORDER BY account"
    assert sorted(landed.query(query)) == sorted([(owner, [good]), ("other", [bad])])
