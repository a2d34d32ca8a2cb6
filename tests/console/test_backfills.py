"""The pages of backfills: a plan that is shown is what is started; progress, cancel, and again."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from orders_sync.console import window_words
from orders_sync.console.pages import backfills as pages
from orders_sync.domain import local_times
from orders_sync.domain.windows import Feed
from orders_sync.sandbox import shop_settings
from orders_sync.settings import Settings
from tests.support.console import Served, served, sources_of
from tests.support.databases import Tables
from tests.support.landed import a_world

DAY = (datetime.now(UTC) - timedelta(days=4)).date().isoformat()
RANGE = {"from": DAY, "to": DAY}


@pytest.fixture
async def shops(url: str) -> AsyncIterator[Served]:
    """A console whose settings have the three shops of a sandbox. Nothing is called."""
    world = a_world(3)
    found = [shop_settings(each, "http://127.0.0.1:1") for each in world.accounts]
    settings = msgspec.structs.replace(Settings(), accounts=found)
    async with served(url, settings, sources_of(settings)) as console:
        yield console


def windows(console: Served) -> list[tuple[object, ...]]:
    return Tables(console.site.url).query("SELECT account, starts_at, ends_at FROM sync.windows ORDER BY 1, 2")


def plan(text: str) -> str:
    return re.findall(r'name="plan" value="(\d+)"', text)[0]


async def previewed(client: httpx.AsyncClient, *accounts: str, **more: str) -> str:
    answer = await client.get("/backfills/new", params={**RANGE, **more, "account": list(accounts)})
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_what_is_started_is_what_was_shown_and_who_started_it_is_shown(shops: Served) -> None:
    names = [each.account.name for each in shops.site.sources][:2]
    async with shops.person("lin") as client:
        text = await previewed(client, *names)
        assert [text.count(f'value="{name}" checked') for name in names] == [1, 1]
        assert windows(shops) == []
        answer = await client.post("/backfills/start", data={"plan": plan(text)})
        page = await client.get(answer.headers["location"])
    assert {row[0] for row in windows(shops)} == set(names)
    start = datetime.fromisoformat(f"{DAY}T00:00:00+08:00")
    assert {(row[1], row[2]) for row in windows(shops)} == {(start, start + timedelta(days=1))}
    assert "<dd>lin<br>" in page.text
    assert "data-events" in page.text


async def test_a_shop_that_is_complete_stands_in_one_line_and_the_others_in_the_table(shops: Served) -> None:
    done, behind = (each.account.name for each in shops.site.sources[:2])
    async with shops.person() as client:
        await client.post("/backfills/start", data={"plan": plan(await previewed(client, done))})
        Tables(shops.site.url).execute("UPDATE sync.windows SET state = 'done', seen = 5, finished_at = now()")
        both, again = [await previewed(client, done, behind, **more) for more in ({}, {"everything": "1"})]
    row = '<a href="/accounts/{}">'
    assert [row.format(name) in both.partition("</form>")[2] for name in (done, behind)] == [False, True]
    assert f": complete, nothing to read, for {done}</p>" in both
    assert [row.format(name) in again for name in (done, behind)] == [True, True]


async def test_days_that_were_read_and_lack_an_order_of_an_audit_are_not_said_to_be_here(shops: Served) -> None:
    name, tables = shops.site.sources[0].account.name, Tables(shops.site.url)
    async with shops.person() as client:
        await client.post("/backfills/start", data={"plan": plan(await previewed(client, name))})
        tables.execute("UPDATE sync.windows SET state = 'done', seen = 5, finished_at = now()")
        assert "all that the platform listed was read" in await previewed(client, name)
        tables.execute(
            "INSERT INTO sync.audits (id, account, starts_at, ends_at, finished_at) VALUES (8, %s, %s, %s, now())",
            name,
            f"{DAY}T00:00+08:00",
            f"{DAY}T12:00+08:00",
        )
        tables.execute(
            "INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders, missing, "
            "missing_ids) SELECT id, starts_at, ends_at, 2, 1, 1, '{4711}' FROM sync.audits"
        )
        text = await previewed(client, name)
        assert "all that the platform listed was read" not in text
        assert "audit 8 found orders of these days that are missing here: 1." in text
        assert '<form method="post" action="/audits/8/repair">' in text
        tables.execute("UPDATE sync.audit_differences SET acknowledged_at = now()")
        assert "all that the platform listed was read" in await previewed(client, name)


async def test_days_of_placing_are_read_by_the_list_of_creation_whatever_the_shop_is_read_by(shops: Served) -> None:
    by_change = next(each for each in shops.site.sources if each.platform.feed is Feed.UPDATED).account.name
    feeds = "SELECT DISTINCT feed FROM sync.windows WHERE kind = 'backfill' ORDER BY 1"
    async with shops.person() as client:
        form = (await client.get("/backfills")).text
        assert f"The list of {by_change} goes by the day of the last change" in form
        text = await previewed(client, by_change, by="created")
        assert '<option value="created" selected>' in text
        await client.post("/backfills/start", data={"plan": plan(text)})
        assert Tables(shops.site.url).query(feeds) == [("created",)]
        await client.post("/backfills/start", data={"plan": plan(await previewed(client, by_change))})
        assert Tables(shops.site.url).query(feeds) == [("created",), ("updated",)]


async def test_a_plan_is_started_once_and_not_when_something_else_would_be_read(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    async with shops.person() as client:
        number = plan(await previewed(client, name))
        assert (await client.post("/backfills/start", data={"plan": number})).status_code == 303
        again = await client.post("/backfills/start", data={"plan": number})
        assert again.status_code == 400
        assert "was started already" in again.text
        older = plan(await previewed(client, name, everything="1"))
        Tables(shops.site.url).execute("UPDATE sync.backfill_plans SET planned_at = planned_at - interval '2 h'")
        assert (await client.post("/backfills/start", data={"plan": older})).status_code == 404
        for wrong in ("", "x", "9" * 30, "0"):
            assert (await client.post("/backfills/start", data={"plan": wrong})).status_code in (400, 404)
    assert len(windows(shops)) == 1


async def test_a_range_that_cannot_be_meant_so_is_a_sentence(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    wrong: tuple[tuple[dict[str, str | list[str]], int], ...] = (
        ({"account": []}, 400),
        ({"account": ["nobody"]}, 404),
        ({"from": ""}, 400),
        ({"from": "2199-01-01"}, 400),
        ({"from": "2026-02-30"}, 400),
        ({"from": "2026-11-02", "to": "2026-11-01"}, 400),
        ({"from": "0001-01-01"}, 400),
    )
    async with shops.person() as client:
        for changed, code in wrong:
            answer = await client.get("/backfills/new", params={**RANGE, "account": [name], **changed})
            assert answer.status_code == code, changed


async def test_progress_is_sent_until_the_request_is_over(shops: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "WATCH_SECONDS", 0.01)
    name = shops.site.sources[0].account.name
    tables = Tables(shops.site.url)
    async with shops.person() as client:
        answer = await client.post("/backfills/start", data={"plan": plan(await previewed(client, name))})
        path = answer.headers["location"]
        async with client.stream("GET", f"{path}/events") as stream:
            lines = stream.aiter_lines()
            seen = [line async for line in _until(lines, "</section>")]
            assert any("Parts read: 0 of 1" in line for line in seen)
            tables.execute("UPDATE sync.windows SET state = 'done', seen = 7, finished_at = now()")
            tables.execute("UPDATE sync.backfills SET state = 'done', finished_at = now()")
            rest = [line async for line in _until(lines, "event: end")]
        assert any("Parts read: 1 of 1" in line for line in rest)
        text = (await client.get(path)).text
        assert "data-events" not in text
        assert "Read all of it again" in text
        again = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', text))
        assert (
            await client.get("/backfills/new", params={k: v for k, v in again.items() if k != "next"})
        ).status_code == 200


async def _until(lines: AsyncIterator[str], end: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if end in line:
            return


async def test_a_request_is_cancelled_with_all_of_its_shops(shops: Served) -> None:
    names = [each.account.name for each in shops.site.sources]
    async with shops.person() as client:
        answer = await client.post("/backfills/start", data={"plan": plan(await previewed(client, *names))})
        path = answer.headers["location"]
        await client.post(f"{path}/cancel")
        assert f"Stopped: {', '.join(sorted(names))}. What is being read" in (await client.get(path)).text
        assert (await client.post(f"{path}/cancel")).status_code == 404
        assert (await client.get("/backfills/999")).status_code == 404
        assert (await client.get("/backfills/x")).status_code == 404
    assert Tables(shops.site.url).query("SELECT DISTINCT state FROM sync.backfills") == [("cancelled",)]


async def test_rows_that_are_half_filled_are_shown(console: Served) -> None:
    tables = Tables(console.site.url)
    for state in ("requested", "planned", "done", "failed", "cancelled"):
        tables.execute(
            "INSERT INTO sync.backfills (account, feed, starts_at, ends_at, state) VALUES ('gone', 'created', "
            "date_trunc('hour', now()), date_trunc('hour', now()) + interval '1 h', %s)",
            state,
        )
    async with console.person(language="zh") as client:
        assert (await client.get("/backfills")).status_code == 200
        for (number,) in tables.query("SELECT id FROM sync.backfills"):
            assert (await client.get(f"/backfills/{number}")).status_code == 200


async def test_the_list_says_who_asked_for_what_and_what_came_of_it(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    tables = Tables(shops.site.url)
    async with shops.person("lin") as client:
        await client.post("/backfills/start", data={"plan": plan(await previewed(client, name))})
        tables.execute(
            "UPDATE sync.windows SET state = 'done', seen = 7, rows_new = 2, rows_changed = 1, finished_at = now()"
        )
        tables.execute("UPDATE sync.backfills SET state = 'done', finished_at = now()")
        tables.execute(
            "INSERT INTO sync.backfills (account, feed, starts_at, ends_at, state) VALUES (%s, 'created', "
            "date_trunc('hour', now()), date_trunc('hour', now()) + interval '1 h', 'requested')",
            name,
        )
        text = (await client.get("/backfills")).text
    by_sql, by_lin = re.findall(r'<tr><td data-label="Request">.*?</tr>', text, re.DOTALL)
    assert 'data-label="Asked for by">lin<' in by_lin
    assert f"<span>{DAY}<br>" in by_lin
    assert "7 read: 2 new, 1 changed, 4 as before" in by_lin
    assert 'data-label="Asked for by">postgres<' in by_sql
    assert ":00:00 – " in by_sql


async def test_single_orders_are_a_number_in_the_list_and_links_on_their_page(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    async with shops.person("lin") as client:
        answer = await client.post("/backfills/start", data={"plan": plan(await previewed(client, name))})
        Tables(shops.site.url).execute("UPDATE sync.windows SET orders = ARRAY['12', '13']")
        assert "single orders: 2" in (await client.get("/backfills")).text
        text = (await client.get(answer.headers["location"])).text
    assert "single orders: 2" in text
    assert 'href="/orders?q=13"' in text
    assert "not complete" not in text


FOUND, GONE, NEW, WAITING, ODD = "found", "not_listed", "asked_again", "waits", "rejected"
ORDERS = {"PO-10001": FOUND, "PO-10002": GONE, "PO-10003": NEW, "PO-10004": WAITING, "PO-10005": ODD}


async def test_the_page_of_fetched_numbers_says_what_came_of_each(shops: Served) -> None:
    tables, name = Tables(shops.site.url), shops.site.sources[0].account.name
    for at, number in enumerate(ORDERS):
        tables.execute(
            "INSERT INTO orders (platform, account, order_id, order_no, status, status_group, currency, line_count, "
            "created_at) VALUES (%s, %s, %s, %s, 'x', 'other', 'CNY', 0, now() - %s * interval '1 hour')",
            shops.site.sources[0].platform.name,
            name,
            f"7700{at}",
            number,
            at + 1,
        )
    asked = " ".join([*ORDERS, "PO-99999"])
    async with shops.person("lin") as client:
        number = plan((await client.get("/backfills/orders", params={"numbers": asked})).text)
        answer = await client.post("/backfills/orders/start", data={"plan": number})
        waiting = (await client.get(answer.headers["location"])).text
        tables.execute("UPDATE sync.windows SET state = 'done', started_at = now() WHERE NOT orders @> '{77003}'")
        tables.execute(
            "INSERT INTO sync.missing_orders (platform, order_id, missing_since, window_id) "
            "SELECT platform, order_id, now() + interval '1 s', 1 FROM orders WHERE order_no = 'PO-10002'"
        )
        tables.execute(
            "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, orders, repeats) "
            "VALUES (%s, 'repair', 'created', now(), now() + interval '1 s', '{77002}', 1)",
            name,
        )
        tables.execute(
            "INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at) "
            "SELECT account, platform, order_id, '', '', 'odd', now() FROM orders WHERE order_no = 'PO-10005'"
        )
        text = (await client.get(answer.headers["location"])).text
    assert "<dd>lin<br>" in text
    assert waiting.count("· waiting") == len(ORDERS)
    rows = dict(re.findall(r">(PO-\d+)</a>.*?</td>.*?<span[^>]*>(.*?)</span>", text, re.DOTALL))
    words = {each: " ".join(window_words.FETCHED[outcome][1:]) for each, outcome in ORDERS.items()}
    assert rows == words | {"PO-99999": "– not read"}
    assert f'href="/orders/{shops.site.sources[0].platform.name}/77000?number=PO-10001"' in text
    assert 'href="/orders?q=PO-10002"' in text


@pytest.mark.parametrize(("column", "word"), [("paused_at", "paused"), ("suspended_at", "suspended")])
async def test_a_backfill_of_a_shop_that_is_not_read_says_so_everywhere_and_offers_to_resume(
    shops: Served, column: str, word: str
) -> None:
    name = shops.site.sources[0].account.name
    tables = Tables(shops.site.url)
    async with shops.person("lin") as client:
        first = await client.post("/backfills/start", data={"plan": plan(await previewed(client, name))})
        await client.post(first.headers["location"] + "/cancel")
        tables.execute(
            f"UPDATE sync.accounts SET {column} = now(), paused_until = NULL, paused_by = 'lin' WHERE name = %s", name
        )
        shown = await previewed(client, name)
        assert f"{name} is {word}" in shown
        answer = await client.post("/backfills/start", data={"plan": plan(shown)})
        page = (await client.get(answer.headers["location"])).text
        assert "The backfill waits" in page
        assert f"{name} is {word}" in page
        back = await client.post(f"/accounts/{name}/resume", data={"next": answer.headers["location"]})
        assert back.headers["location"] == answer.headers["location"]
        assert f"{name} is {word}" not in (await client.get(answer.headers["location"])).text
        for elsewhere in ("//evil.example", "https://evil.example", "/login"):
            tables.execute(
                f"UPDATE sync.accounts SET {column} = now(), paused_until = NULL, paused_by = 'lin' WHERE name = %s",
                name,
            )
            back = await client.post(f"/accounts/{name}/resume", data={"next": elsewhere})
            assert back.headers["location"] == f"/accounts/{name}"


async def test_a_request_for_the_same_range_is_named_by_the_number_of_its_page(shops: Served) -> None:
    names = [each.account.name for each in shops.site.sources]
    async with shops.person("lin") as client:
        answer = await client.post("/backfills/start", data={"plan": plan(await previewed(client, *names))})
        path = answer.headers["location"]
        text = await previewed(client, names[-1])
        assert f'request <a href="{path}">{path.rsplit("/", 1)[1]}</a>, planned, asks for the same range' in text


async def test_a_remark_that_is_stored_is_shown_in_the_language_of_the_person(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    async with shops.person("lin", language="zh") as client:
        answer = await client.post("/backfills/start", data={"plan": plan(await previewed(client, name))})
        Tables(shops.site.url).execute(
            "UPDATE sync.backfills SET notice = 'request 7, done, asks for the same range. The platform said so'"
        )
        unknown = (await client.get(answer.headers["location"])).text
        Tables(shops.site.url).execute(
            "UPDATE sync.backfills SET notice = 'request 7, done, asks for the same range. request 8, planned, asks "
            "for the same range'"
        )
        known = (await client.get(answer.headers["location"])).text
    assert "The platform said so" in unknown
    assert '请求 <a href="/backfills/7">7</a>（完成）' in known
    assert '。请求 <a href="/backfills/8">8</a>' in known
    assert "asks for" not in known


async def test_shops_of_both_kinds_say_what_is_read_of_each(shops: Served) -> None:
    names = {str(each.platform.feed): each.account.name for each in shops.site.sources}
    assert set(names) == {"updated", "created"}
    words = {"updated": "orders changed on these days", "created": "orders placed on these days"}
    async with shops.person() as client:
        answer = await client.post("/backfills/start", data={"plan": plan(await previewed(client, *names.values()))})
        one = (await client.get(answer.headers["location"])).text
        every = (await client.get("/backfills")).text
    for feed, name in names.items():
        assert f"{name}: {words[feed]}" in one
        assert f"{name}: {words[feed]}" in every
        assert re.search(rf'{name}</a><br><span class="hint">{words[feed]}<', one)


async def test_the_number_of_a_part_leads_to_its_request(shops: Served) -> None:
    names = [each.account.name for each in shops.site.sources]
    async with shops.person() as client:
        started = await client.post("/backfills/start", data={"plan": plan(await previewed(client, *names))})
        ids = Tables(shops.site.url).query("SELECT id FROM sync.backfills ORDER BY id")
        for (number,) in ids[1:]:
            answer = await client.get(f"/backfills/{number}")
            assert (answer.status_code, answer.headers["location"]) == (303, started.headers["location"])
        assert (await client.get(f"/backfills/{ids[-1][0] + 1}")).status_code == 404


async def test_a_complete_range_can_be_read_again_all_the_same(shops: Served) -> None:
    names = [each.account.name for each in shops.site.sources][:2]
    tables = Tables(shops.site.url)
    async with shops.person("lin") as client:
        await client.post("/backfills/start", data={"plan": plan(await previewed(client, *names))})
        tables.execute("UPDATE sync.windows SET state = 'done', seen = 7, total = 7, finished_at = now()")
        tables.execute("UPDATE sync.backfills SET state = 'done', finished_at = now()")
        text = await previewed(client, *names)
        assert "these days are complete" in text
        [again] = re.findall(r'href="(/backfills/new[^"]+everything=1)#preview"', text)
        text = (await client.get(html.unescape(again))).text
    assert plan(text)
    assert [text.count(f'value="{name}" checked') for name in names] == [1, 1]


async def test_who_may_only_look_previews_and_starts_nothing(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    async with shops.person(may_act=False) as client:
        assert "You may look" in (await client.get("/backfills")).text
        text = await previewed(client, name)
        [(number,)] = Tables(shops.site.url).query("SELECT id FROM sync.backfill_plans")
        refused = await client.post("/backfills/start", data={"plan": str(number)})
    assert "Somebody who may act starts it." in text
    assert 'name="plan"' not in text
    assert refused.status_code == 403
    assert windows(shops) == []


async def test_a_button_fills_the_days_of_the_form_and_keeps_the_rest(shops: Served) -> None:
    names = [each.account.name for each in shops.site.sources][:2]
    async with shops.person() as client:
        for value, first, last in (("yesterday", 1, 1), ("week", 6, 0)):
            asked = {"account": names, "from": "", "to": "2020-01-01", "days": value}
            today = None
            while today != local_times.date_of(datetime.now(UTC)):  # a day may begin meanwhile
                today = local_times.date_of(datetime.now(UTC))
                answer = await client.get("/backfills/new", params=asked)
            found = httpx.URL(answer.headers["location"]).params
            assert found.get_list("account") == names
            assert [found["from"], found["to"]] == [str(today - timedelta(days=ago)) for ago in (first, last)]
            assert "days" not in found


async def test_the_system_page_names_backfills_that_wait_for_a_paused_shop(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    async with shops.person() as client:
        answer = await client.post("/backfills/start", data={"plan": plan(await previewed(client, name))})
        assert "is paused or suspended" not in (await client.get("/system")).text
        Tables(shops.site.url).execute("UPDATE sync.accounts SET paused_at = now(), paused_by = 'lin'")
        text = (await client.get("/system")).text
    assert f'<a href="{answer.headers["location"]}">' in text.split("is paused or suspended")[1]


async def test_what_cannot_be_started_is_not_called_complete(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    soon = local_times.shown(datetime.now(UTC) - timedelta(seconds=2))
    async with shops.person() as client:
        young = await client.get("/backfills/new", params={"account": name, "from": soon})
        assert "Nothing can be read of these days yet." in young.text


def again_of(text: str) -> list[tuple[str, str]]:
    """The fields of the form on a request's page that asks for it again."""
    [form] = re.findall(r'<form action="/backfills/new">(.*?)</form>', text, re.DOTALL)
    return re.findall(r'name="(\w+)" value="([^"]+)"', form)


async def test_a_cancelled_backfill_keeps_its_parts_and_offers_the_shops_that_were_not_read(shops: Served) -> None:
    done, stopped = (each.account.name for each in shops.site.sources[:2])
    tables = Tables(shops.site.url)
    async with shops.person() as client:
        await client.post("/backfills/start", data={"plan": plan(await previewed(client, done, stopped))})
        tables.execute("UPDATE sync.windows SET state = 'done', seen = 5, total = 5, finished_at = now()")
        tables.execute("UPDATE sync.backfills SET state = 'done', finished_at = now()")
        text = await previewed(client, done, stopped, everything="1")
        path = (await client.post("/backfills/start", data={"plan": plan(text)})).headers["location"]
        tables.execute(
            "UPDATE sync.windows SET state = 'done', seen = 5, total = 5, finished_at = now() WHERE account = %s", done
        )
        tables.execute("UPDATE sync.backfills SET state = 'done', finished_at = now() WHERE account = %s", done)
        await client.post(f"{path}/cancel")
        page = (await client.get(path)).text
        assert 'value="0.5"' in page
        assert "Parts read: 1 of 2, cancelled: 1" in page
        again = again_of(page)
        by = [("by", "created")] if ("by", "created") in again else []
        assert sorted(again) == sorted([("account", stopped), *RANGE.items(), ("everything", "1"), *by])
        form = (await client.get("/backfills/new", params=list(again))).text
    assert plan(form)
    assert f'value="{stopped}" checked' in form
    assert f'value="{done}" checked' not in form
    assert [f'type="date" name="{name}" value="{DAY}"' in form for name in RANGE] == [True, True]


@pytest.mark.parametrize(("ends", "word", "offer"), [("done", "done", "all of it"), ("split", "cancelled", "what was")])
async def test_what_is_in_flight_when_a_backfill_is_stopped_is_awaited_and_counts_once_it_is_read(
    shops: Served, ends: str, word: str, offer: str
) -> None:
    name, tables = shops.site.sources[0].account.name, Tables(shops.site.url)
    async with shops.person() as client:
        path = (await client.post("/backfills/start", data={"plan": plan(await previewed(client, name))})).headers[
            "location"
        ]
        tables.execute("UPDATE sync.windows SET state = 'running', started_at = now(), attempts = 1")
        await client.post(f"{path}/cancel")
        page = (await client.get(path)).text
        assert [">reading<" in page, "data-events" in page, "Stop it" in page] == [True, True, False]
        assert "Read again" not in page
        tables.execute("UPDATE sync.windows SET state = %s, seen = 5, total = 5, finished_at = now()", ends)
        page = (await client.get(path)).text
    assert [f">{word}<" in page, "data-events" in page] == [True, False]
    assert f"Read {offer}" in page.replace("Read again ", "Read ")


async def test_a_range_of_times_is_asked_for_again_as_it_was(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    times = {"from": f"{DAY} 06:00:00", "to": f"{DAY} 18:30:15"}
    async with shops.person() as client:
        answer = await client.post("/backfills/start", data={"plan": plan(await previewed(client, name, **times))})
        await client.post(answer.headers["location"] + "/cancel")
        again = again_of((await client.get(answer.headers["location"])).text)
        form = (await client.get("/backfills/new", params=list(again))).text
        await client.post("/backfills/start", data={"plan": plan(form)})
    assert {field: text for field, text in again if field != "by"} == {"account": name, **times}
    assert "Until, not included" in form
    [(first, last), *others] = Tables(shops.site.url).query("SELECT starts_at, ends_at FROM sync.backfills ORDER BY id")
    assert others == [(first, last)]


async def test_orders_fetched_by_their_ids_are_shown_by_their_numbers_of_each_shop_its_own(shops: Served) -> None:
    tables = Tables(shops.site.url)
    names = [each.account.name for each in shops.site.sources][:2]
    for at, source in enumerate(shops.site.sources[:2]):
        tables.execute(
            "INSERT INTO orders (platform, account, order_id, order_no, status, status_group, currency, line_count, "
            "created_at) VALUES (%s, %s, %s, %s, 'x', 'other', 'CNY', 0, now() - interval '3 hours')",
            source.platform.name,
            source.account.name,
            f"7700{at}",
            f"PO-1000{at}",
        )
    async with shops.person("lin") as client:
        answer = await client.post("/orders/fetch", data={"numbers": "77000 77001 88888888"})
        page = (await client.get(answer.headers["location"])).text
        activity = (await client.get("/activity", params={"action": "order.fetch"})).text
    shown = re.findall(r'<a class="id"[^>]*>([^<]+)</a>(?:<br>.*?<span class="id">(\d+)<)?', page)
    assert sorted(shown) == [("88888888", ""), ("PO-10000", "77000"), ("PO-10001", "77001")]
    recorded = dict(tables.query("SELECT account, details - 'plan' FROM sync.activity WHERE action = 'order.fetch'"))
    assert recorded == {name: {"numbers": [f"PO-1000{at}"], "not_read": ["88888888"]} for at, name in enumerate(names)}
    assert "order numbers: PO-10000<" in activity
    assert "not read: 88888888<" in activity
