"""Forms: a mistake brings the form back, filled in; a form that waited for a log-in is not done, and comes back too."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from orders_sync.console import access
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import PLATFORMS
from orders_sync.sandbox import shop_settings
from orders_sync.settings import Settings
from tests.support.console import Served, served, settings_of
from tests.support.databases import Tables
from tests.support.landed import a_world

NAME = "zhejiang-1"
DAY = (datetime.now(UTC) - timedelta(days=4)).date().isoformat()


@pytest.fixture
async def shops(url: str) -> AsyncIterator[Served]:
    """A console whose settings have the three shops of a sandbox. Nothing is called."""
    found = [shop_settings(each, "http://127.0.0.1:1") for each in a_world(3).accounts]
    settings = msgspec.structs.replace(Settings(), accounts=found)
    sources = [AccountSource(each.account(), settings.policy(each), PLATFORMS[each.platform]) for each in found]
    async with served(url, settings, sources) as console:
        yield console


@pytest.fixture
async def shop(url: str) -> AsyncIterator[Served]:
    """A console of one shop that was registered, with an audit that found something."""
    tables = Tables(url)
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, host, seller, feed) VALUES (%s, '1688', 'host', %s, 'updated')",
        NAME,
        NAME,
    )
    tables.execute(
        "INSERT INTO sync.audits (id, account, starts_at, ends_at) VALUES (7, %s, now() - interval '1 d', now())", NAME
    )
    async with served(url, settings_of(NAME)) as console:
        yield console


def field(text: str, name: str) -> str:
    """The tag of a field that has a mistake."""
    [found] = [
        each for each in re.findall(r"<(?:input|select|textarea|fieldset)[^>]*>", text) if "aria-invalid" in each
    ]
    assert f'aria-describedby="mistake-{name}"' in found, found
    return found


def beside(text: str, name: str) -> str:
    """The words beside a field."""
    return html.unescape(re.findall(rf'id="mistake-{name}">([^<]+)', text)[0])


NOT_A_DATE = 'must be a date or a time, such as 2026-10-01 or "2026-10-01 12:00" (got "last Tuesday")'


async def test_a_day_that_cannot_be_read_is_said_beside_its_field_which_keeps_it(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    async with shops.person() as client:
        for path in ("/orders?", "/activity?", "/export/file?", f"/backfills/new?account={name}&everything=1&"):
            answer = await client.get(f"{path}from=last+Tuesday&view=orders")
            assert answer.status_code == 400, path
            assert 'value="last Tuesday"' in field(answer.text, "from"), path
            assert 'type="text"' in field(answer.text, "from"), path
            assert beside(answer.text, "from") == NOT_A_DATE, path
    assert f'value="{name}" checked' in answer.text
    assert 'name="everything" value="1" checked' in answer.text


async def test_every_mistake_of_a_filter_is_said_at_once(shops: Served) -> None:
    async with shops.person() as client:
        answer = await client.get("/orders", params={"from": "x", "state": "lost", "to": "y"})
    assert answer.status_code == 400
    assert re.findall(r'id="mistake-(\w+)"', answer.text) == ["from", "to", "state"]


async def test_a_mistake_in_a_backfill_brings_the_form_back(shops: Served) -> None:
    account = shops.site.sources[1].account.name
    mistakes: list[tuple[dict[str, str | list[str]], str, str]] = [
        ({"account": []}, "account", "Choose at least one shop."),
        ({"from": ""}, "from", "From which day?"),
        ({"from": "2199-01-01", "to": ""}, "from", "The range is empty, or lies in the future."),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "from", "The first day lies after the last one."),
        ({"to": "1066-01-01"}, "to", "The year must lie between 1999 and 2200."),
    ]
    async with shops.person() as client:
        for wrong, name, said in mistakes:
            sent: dict[str, str | list[str]] = {"account": [account], "from": DAY, "to": DAY, **wrong}
            answer = await client.get("/backfills/new", params=sent)
            assert answer.status_code == 400, wrong
            assert beside(answer.text, name) == said, wrong
            assert f'name="from" value="{sent["from"]}"' in answer.text, wrong
            assert (f'value="{account}" checked' in answer.text) == bool(sent["account"]), wrong
    assert Tables(shops.site.url).query("SELECT count(*) FROM sync.backfill_plans") == [(0,)]


@pytest.mark.parametrize(
    ("path", "sent", "name", "kept"),
    [
        (f"/accounts/{NAME}/pause", {"because": "stock-taking", "until": "2001-01-01T08:00"}, "until", "stock-taking"),
        (f"/accounts/{NAME}/pause", {"because": "stock-taking", "until": "tomorrow"}, "until", "stock-taking"),
        ("/audits/run", {"account": NAME, "from": "2026-13-01", "to": DAY}, "from", DAY),
    ],
)
async def test_a_mistake_in_what_is_posted_brings_its_page_back_and_nothing_is_done(
    shop: Served, path: str, sent: dict[str, str], name: str, kept: str
) -> None:
    async with shop.person() as client:
        answer = await client.post(path, data=sent)
        here = html.unescape(re.findall(r'data-here="([^"]+)"', answer.text)[0])
        assert (await client.get(here)).status_code == 200
    assert answer.status_code == 400
    assert f'value="{sent[name]}"' in field(answer.text, name)
    assert f'value="{kept}"' in answer.text
    assert "Not done" in answer.text
    tables = Tables(shop.site.url)
    assert tables.query("SELECT action FROM sync.activity WHERE action <> 'console.login'") == []


async def test_what_is_no_number_is_said_beside_the_field_of_single_orders(shops: Served) -> None:
    async with shops.person() as client:
        none = (await client.get("/backfills/orders", params={"numbers": "hello"})).text
        row = (await client.get("/backfills/orders", params={"numbers": "3896000002972612503\t25,740.60\t2"})).text
    assert "There is no number in what was typed." in beside(none, "numbers")
    assert "Not taken as numbers: 25,740.60  2<" in row


async def test_a_mistake_is_said_in_the_language_of_the_person(shop: Served) -> None:
    async with shop.person(language="zh") as client:
        answer = await client.post(f"/accounts/{NAME}/pause", data={"until": "tomorrow"})
        assert beside(answer.text, "until").startswith("必须是日期或时间")
        answer = await client.post(f"/accounts/{NAME}/pause", data={"until": "2001-01-01T08:00"})
        assert beside(answer.text, "until") == "暂停的截止时间 2001-01-01 08:00:00 已经过去"
        answer = await client.post(f"/accounts/{NAME}/resume")
        assert "既没有暂停也没有停用" in answer.text


async def test_the_chosen_records_and_the_filter_stay_when_nothing_was_done(console: Served) -> None:
    async with console.person() as client:
        answer = await client.post("/rejects/replay?account=shop&reason=other_host", data={"reason": "other_host"})
    assert answer.status_code == 400
    assert "Choose at least one record." in answer.text
    assert '<option value="other_host" selected>' in answer.text


async def test_a_plan_that_is_too_old_is_previewed_again(shops: Served) -> None:
    name = shops.site.sources[0].account.name
    async with shops.person() as client:
        text = (await client.get("/backfills/new", params={"account": name, "from": DAY, "to": DAY})).text
        start = html.unescape(re.findall(r'action="(/backfills/start[^"]*)"', text)[0])
        Tables(shops.site.url).execute("UPDATE sync.backfill_plans SET planned_at = planned_at - interval '2 h'")
        answer = await client.post(start, data={"plan": re.findall(r'name="plan" value="(\d+)"', text)[0]})
        assert answer.status_code == 404
        assert "older than an hour" in answer.text
        again = re.findall(r'name="plan" value="(\d+)"', answer.text)[0]
        assert (await client.post(start, data={"plan": again})).status_code == 303


async def logged_in_again(console: Served, client: httpx.AsyncClient, text: str, **changes: str) -> httpx.Response:
    """Log in by the form of a page, with all that it carries."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    sent = {name: html.unescape(value) for name, value in fields.items()}
    return await client.post("/login", data={**sent, "name": "lin", "password": await console.add("lin", may_act=True)})


async def test_a_form_whose_session_has_ended_is_not_done_and_comes_back_filled_in(shop: Served) -> None:
    sent = {"because": "stock-taking <b>", "until": "2099-01-01T08:00"}
    async with shop.person("lin") as client:
        Tables(shop.site.url).execute("DELETE FROM sync.console_sessions")
        answer = await client.post(f"/accounts/{NAME}/pause?feed=created", data=sent)
        assert answer.status_code == 401
        assert "what you sent was not done" in answer.text
        assert "stock-taking" not in str(answer.url)
        wrong = await client.post(
            "/login",
            data={
                "name": "lin",
                "password": "wrong",
                "unsent_path": f"/accounts/{NAME}/pause",
                "unsent_body": "because=stock",
            },
        )
        assert 'name="unsent_body" value="because=stock"' in wrong.text
        back = await logged_in_again(shop, client, answer.text)
        assert back.status_code == 200
        assert "nothing was done" in back.text
        assert 'name="because" value="stock-taking &lt;b&gt;"' in back.text
        assert 'name="until" value="2099-01-01T08:00"' in back.text
        assert f'data-here="/accounts/{NAME}?feed=created"' in back.text
        assert (await client.get(f"/accounts/{NAME}")).status_code == 200
    assert Tables(shop.site.url).query("SELECT paused_at FROM sync.accounts") == [(None,)]


async def test_a_button_whose_session_has_ended_is_not_pressed_by_the_log_in(shop: Served) -> None:
    async with shop.person("lin") as client:
        Tables(shop.site.url).execute("DELETE FROM sync.console_sessions")
        for path, title in {
            f"/accounts/{NAME}/sync": NAME,
            "/orders/fetch": "Orders",
            "/nothing": "Overview",
        }.items():
            answer = await client.post(path, data={"platform": "1688"})
            back = await logged_in_again(shop, client, answer.text)
            page = back if back.status_code == 200 else await client.get(back.headers["location"])
            assert "nothing was done" in page.text
            assert f"<title>{title}" in page.text
            Tables(shop.site.url).execute("DELETE FROM sync.console_sessions")
    assert Tables(shop.site.url).query("SELECT count(*) FROM sync.requests") == [(0,)]


async def test_a_form_that_is_too_long_to_keep_is_not_kept_and_that_is_not_promised(shop: Served) -> None:
    async with shop.nobody() as client:
        answer = await client.post(f"/accounts/{NAME}/pause", data={"because": "x" * (access.LONGEST_FORM + 1)})
        assert "was not done." in answer.text
        assert "It is kept" not in answer.text
        back = await logged_in_again(shop, client, answer.text)
        assert back.status_code == 200
        assert "nothing was done" in back.text


async def test_a_log_in_leads_to_no_other_site_whatever_it_carries(shop: Served) -> None:
    token = await shop.add("lin")
    for path in ("https://evil.example/accounts/x/pause", "//evil.example", "/login", "/\\evil"):
        async with shop.nobody() as client:
            sent = {"unsent_path": path, "unsent_body": "a=%ff&b=%00", "next": path}
            answer = await client.post("/login", data={"name": "lin", "password": token, **sent})
        assert answer.headers["location"] == "/", path


async def test_a_page_left_open_says_that_the_session_has_ended(shop: Served) -> None:
    async with shop.person("lin") as client:
        assert "has ended" not in (await client.get("/login")).text
        Tables(shop.site.url).execute("DELETE FROM sync.console_sessions")
        answer = await client.get("/orders?state=shipped", follow_redirects=True)
    assert "Your session has ended." in answer.text
    assert 'name="next" value="/orders?state=shipped"' in answer.text
