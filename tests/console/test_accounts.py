"""The page of a shop: how fresh it is, which hours are complete, what failed and why, and what a person can do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import httpx
import pytest

from orders_sync.console import window_words
from orders_sync.console.words import Words
from orders_sync.domain import local_times
from orders_sync.domain.assumptions import ASSUMPTIONS
from orders_sync.domain.requests import RequestKind
from orders_sync.domain.windows import Feed, WindowKind, WindowState
from orders_sync.store.console.heat_map import CellState
from tests.support.console import Served, served, settings_of
from tests.support.databases import Tables

PATH = "/accounts/shop-a"
ACCOUNT = """
    INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark)
    VALUES ('shop-a', '1688', '127.0.0.1:9', 'shop-a', 'updated', now() - interval '20 d', now() - interval '20 s')
"""
HISTORY = """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, total, seen, rows_new, rows_unchanged,
        calls, attempts, fence, started_at, finished_at)
    VALUES ('shop-a', 'incremental', 'updated', now() - interval '20 d', now() - interval '20 s', 'done', 250, 249, 200,
        48, 4, 1, 1, now(), now())
"""
FAILED = """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, error, attempts, calls, fence,
        finished_at)
    VALUES ('shop-a', 'incremental', 'updated', %s, %s, 'failed', %s, 3, 7, 2, now()) RETURNING id
"""
MESSAGE = """
    INSERT INTO sync.messages (account, digest, body, received_at, message_type, order_no)
    SELECT 'shop-a', n::text::bytea, '', now(), 'ORDER_PAID', 'no-' || n FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def tables(tables: Tables) -> Tables:
    tables.execute(ACCOUNT)
    tables.execute(HISTORY)
    return tables


@pytest.fixture
async def console(url: str) -> AsyncIterator[Served]:
    async with served(url, settings_of("shop-a")) as found:
        yield found


@pytest.fixture
async def lin(console: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with console.person() as client:
        yield client


def plain(page: str) -> str:
    """What a person reads of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("<main", 1)[-1]))


async def shown(client: httpx.AsyncClient, path: str = PATH) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def shown_days(page: str) -> list[str]:
    """The days of the table of hours, in its order."""
    return re.findall(r'<text x="0"[^>]*>([\d-]+)</text>', page)


def hour_ago(hours: int) -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)


def fail(tables: Tables, hours: int = 30, error: str | None = "HTTP 500") -> int:
    start = hour_ago(hours)
    [[number]] = tables.query(FAILED, start, start + timedelta(hours=1), error)
    return int(number)


def done(tables: Tables) -> list[str]:
    return [action for (action,) in tables.query("SELECT action FROM sync.activity ORDER BY id")]


async def test_state_and_freshness_stand_in_words_beside_the_chart(tables: Tables, lin: httpx.AsyncClient) -> None:
    page = await shown(lin)
    found = plain(page)
    assert "Its orders are here from" in found
    assert "Promised: at most 1 min 10 s old; late from 6 min 10 s on." in found
    assert 'class="chart sawtooth"' in page
    assert 'class="promised"' in page


async def test_the_part_that_is_live_comes_alone_where_it_alone_is_asked_for(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    part = (await lin.get(PATH, headers={"X-Part": "now"})).text
    assert part.strip().startswith('<div id="now" data-refresh="5">')
    assert "<table" not in part
    assert part.split("<svg")[0].split('"facts"')[0] in await shown(lin) or "old" in part


async def test_an_unknown_shop_is_a_page_that_says_so(tables: Tables, lin: httpx.AsyncClient) -> None:
    answer = await lin.get("/accounts/nobody")
    assert answer.status_code == 404
    assert "There is no shop nobody." in answer.text


async def test_a_shop_that_was_never_read_has_a_page(url: str) -> None:
    async with served(url, settings_of("fresh")) as console, console.person() as lin:
        found = plain(await shown(lin, "/accounts/fresh"))
    assert "Nothing of it has been read yet." in found
    assert "Nothing was planned for it yet." in found


async def test_a_failed_hour_shows_a_sign_and_leads_to_its_windows(tables: Tables, lin: httpx.AsyncClient) -> None:
    fail(tables, error="HTTP 500: <b>down</b>")
    page = await shown(lin)
    [link] = re.findall(r'<a class="cell-failed" href="([^"]*)"', page)
    assert "hour=" in link
    opened = await shown(lin, link.replace("&amp;", "&"))
    windows = plain(opened.split('id="hour"')[1].split("</section>")[0])
    assert "✗ failed changes and history" in windows
    assert "HTTP 500: &lt;b&gt;down&lt;/b&gt;" in windows
    assert "It is tried again by itself at" in windows
    assert "Read again now" in windows
    assert "✓ complete changes and history" in windows
    assert re.search(r"250 249 248 \d+ 4 1 ", windows), "platform total, seen, stored, pages, calls, attempts"


async def test_hours_are_those_that_clocks_show_here_and_the_map_goes_back(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    page = await shown(lin)
    today = local_times.date_of(datetime.now(UTC))
    days = shown_days(page)
    assert next(datetime.fromisoformat(day).date() for day in days) in (today, today - timedelta(days=1))
    assert all(first > second for first, second in pairwise(days))
    [link] = re.findall(r'href="([^"]*)#hours">Earlier days', page)
    earlier = await shown(lin, link.replace("&amp;", "&"))
    assert shown_days(earlier)[0] < days[-1]
    assert "before the synced history" in earlier
    assert "Later days" in earlier


async def test_whatever_stands_in_the_url_is_a_page(tables: Tables, lin: httpx.AsyncClient) -> None:
    for query in (
        "until=0001-01-01",
        "until=9999-12-31",
        "until=x",
        "hour=x",
        "hour=0001-01-01T00:00:00",
        "hour=2026-01-01T00:30:00",
        "hour=9999-12-31T23:00:00",
        "feed=x",
        "feed=created",
        "messages=-1",
        "messages=99999999999999999999",
    ):
        assert "Its orders are here from" in plain(await shown(lin, f"{PATH}?{query}")), query


async def test_a_window_that_is_half_filled_is_shown(tables: Tables, lin: httpx.AsyncClient) -> None:
    columns = [
        column
        for (column,) in tables.query(
            "SELECT column_name FROM information_schema.columns WHERE is_nullable = 'YES' AND table_schema = 'sync' "
            "AND table_name = 'windows'"
        )
    ]
    start = hour_ago(30)
    for number, (state, kind) in enumerate(product(WindowState, WindowKind)):
        begin = start + timedelta(minutes=number)
        tables.execute(
            "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, fence) "
            "VALUES ('shop-a', %s, 'updated', %s, %s, %s, 1)",
            kind,
            begin,
            begin + timedelta(minutes=1),
            state,
        )
    nothing = ", ".join(f"{column} = NULL" for column in columns)
    tables.execute(f"UPDATE sync.windows SET {nothing}")
    tables.execute(MESSAGE, 1)
    tables.execute("INSERT INTO sync.audits (account, starts_at, ends_at) VALUES ('shop-a', now(), now())")
    for table in ("accounts", "messages", "audits"):
        for (column,) in tables.query(
            "SELECT column_name FROM information_schema.columns WHERE is_nullable = 'YES' AND table_schema = 'sync' "
            "AND table_name = %s",
            table,
        ):
            tables.execute(f"UPDATE sync.{table} SET {column} = NULL")
    page = await shown(lin, f"{PATH}?hour={local_times.local(start).isoformat()}")
    for _, sign, word in window_words.STATES.values():
        assert f"{sign} {word}" in plain(page)


async def test_a_person_pauses_and_resumes_a_shop_with_reason_and_end(tables: Tables, lin: httpx.AsyncClient) -> None:
    answer = await lin.post(f"{PATH}/pause", data={"because": "stock-taking <b>", "until": "2099-01-01 08:00"})
    assert answer.headers["location"] == PATH
    page = await shown(lin)
    found = plain(page)
    assert ['value="stock-taking &lt;b&gt;"' in page, 'value="2099-01-01T08:00"' in page] == [True, True]  # to change
    assert "paused until 2099-01-01 08:00:00, since " in found
    assert " by lin: stock-taking &lt;b&gt; Nothing of it is read until it is resumed." in found
    assert "orders-sync" not in found
    assert "‖ paused" in found
    await lin.post(f"{PATH}/resume")
    assert "‖ paused" not in plain(await shown(lin))
    assert done(tables)[-2:] == ["account.pause", "account.resume"]


@pytest.mark.parametrize(
    ("until", "why"), [("2001-01-01", "lies in the past"), ("tomorrow", "must be a date or a time")]
)
async def test_an_end_of_a_pause_that_cannot_be_is_refused(
    tables: Tables, lin: httpx.AsyncClient, until: str, why: str
) -> None:
    answer = await lin.post(f"{PATH}/pause", data={"until": until})
    assert answer.status_code == 400
    assert why in answer.text
    assert tables.query("SELECT paused_at FROM sync.accounts") == [(None,)]


async def test_a_shop_that_is_not_in_the_settings_cannot_be_paused(tables: Tables, lin: httpx.AsyncClient) -> None:
    tables.execute("UPDATE sync.accounts SET name = 'old'")
    assert (await lin.post("/accounts/old/pause")).status_code == 404
    assert "/accounts/old/pause" not in await shown(lin, "/accounts/old")


async def test_sync_and_audit_are_asked_for_once_and_shown_until_the_service_takes_them(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    for path in ("sync", "sync", "audit"):
        assert (await lin.post(f"{PATH}/{path}")).status_code == 303
    found = plain(await shown(lin))
    assert found.count("asked for by lin at") == 2
    assert found.count("waits for the service") == 2
    assert f"{PATH}/sync" in await shown(lin)
    tables.execute("UPDATE sync.accounts SET suspended_at = now()")
    assert f"{PATH}/sync" not in await shown(lin)
    refused = await lin.post(f"{PATH}/sync")
    assert (refused.status_code, "is suspended" in refused.text) == (400, True)


async def test_one_failed_window_or_all_are_read_again_from_where_they_are_shown(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    first, second = fail(tables, 30), fail(tables, 40)
    waits = "SELECT id FROM sync.windows WHERE state = 'failed' ORDER BY id"
    assert f'value="{first}"' in await shown(lin)
    assert (await lin.post(f"{PATH}/retry", data={"window": str(first)})).status_code == 303
    assert done(tables).count("windows.retry") == 1
    assert (await lin.post(f"{PATH}/retry", data={"window": "all"})).status_code == 303
    assert tables.query(waits) in ([(first,), (second,)], [(second,)], [])
    assert done(tables).count("windows.retry") == 2
    assert (await lin.post(f"{PATH}/retry", data={"window": "x"})).status_code == 400
    assert (await lin.post(f"{PATH}/retry")).status_code == 400


async def test_who_may_only_look_sees_no_buttons(tables: Tables, console: Served) -> None:
    fail(tables)
    async with console.person("chen", may_act=False) as client:
        page = (await shown(client, f"{PATH}?hour={local_times.local(hour_ago(30)).isoformat()}")).split("<main")[1]
    assert re.findall(r"<button[^>]*>([^<]*)", page) == ["Show this hour"]


async def test_messages_are_paged_and_their_text_stays_text(tables: Tables, lin: httpx.AsyncClient) -> None:
    tables.execute(MESSAGE, 25)
    tables.execute("UPDATE sync.messages SET message_type = '<script>alert(1)</script>'")
    page = await shown(lin)
    assert "<script>alert" not in page
    seen = re.findall(r">(no-\d+)<", page)
    [link] = re.findall(r'href="([^"]*)#messages">Older', page)
    seen += re.findall(r">(no-\d+)<", await shown(lin, link.replace("&amp;", "&")))
    assert sorted(seen) == sorted(f"no-{n}" for n in range(1, 26))


async def test_what_was_seen_of_the_platform_is_shown_with_what_to_do(tables: Tables, lin: httpx.AsyncClient) -> None:
    assert "Not checked yet" in plain(await shown(lin))
    tables.execute(
        """UPDATE sync.accounts SET observed = '{"page_size": 50, "probe": {"probed_at": "2026-01-01T00:00:00Z",
        "answers": {
        "order": {"verdict": "otherwise", "said": "it is not", "remedy": "set row_times"},
        "filter": {"verdict": "holds"}, "newer": {"verdict": "unknown"}}}}'"""
    )
    found = plain(await shown(lin))
    assert "at most 50 orders a page" in found
    assert "a list is arranged by its time or by its number ! otherwise it is not set row_times" in found
    assert "✓ as assumed" in found


async def test_the_page_is_in_chinese_too(tables: Tables, console: Served) -> None:
    fail(tables)
    async with console.person(language="zh") as client:
        found = plain(await shown(client))
    assert "失败的时间段" in found
    assert "对账" in found


def test_every_state_kind_and_check_is_translated() -> None:
    looks = (window_words.STATES, window_words.AUDITS, window_words.PROBE_RESULTS)
    words = [
        *(look[2] for each in looks for look in each.values()),
        *window_words.CELLS.values(),
        *window_words.KINDS.values(),
        *window_words.FEEDS.values(),
        *ASSUMPTIONS.values(),
        *RequestKind,
    ]
    assert [word for word in words if Words("zh")(word) == word] == []


def test_every_state_kind_and_feed_has_a_word() -> None:
    assert set(window_words.CELLS) == set(CellState)
    assert set(window_words.STATES) == set(WindowState)
    assert set(window_words.KINDS) == set(WindowKind)
    assert set(window_words.FEEDS) == set(Feed)


async def test_an_hour_says_how_many_orders_were_placed_in_it_and_leads_to_them(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    start = hour_ago(30)
    tables.execute(
        "INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count, created_at) "
        "SELECT '1688', 'o' || n, %s, 'x', 'other', 'CNY', 0, %s::timestamptz + n * interval '20 min' "
        "FROM generate_series(0, 3) AS n",
        "shop-a",
        start,
    )
    opened = (await lin.get(PATH, params={"hour": local_times.iso(start)})).text
    assert "Orders placed in this hour: 3 " in plain(opened)
    link = re.findall(r'href="(/orders[^"]*from=[^"]*)"', opened.split('id="hour"')[1])[0].replace("&amp;", "&")
    assert "Orders in this list: 3 " in plain((await lin.get(link)).text)
