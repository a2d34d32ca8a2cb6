"""The overview: is everything here, which shop needs somebody and why, and 500 shops in one list."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from orders_sync.console import shop_words
from orders_sync.console.words import Words
from orders_sync.domain.problems import AccountState, ProblemKind
from tests.support.console import Served, served, settings_of
from tests.support.databases import Tables

SHOPS = """
    WITH made AS (
        INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark)
        SELECT name, CASE WHEN n %% 2 = 0 THEN '1688' ELSE 'xportcn_ka' END, 'h', name, 'updated',
            now() - interval '9 d', now() - make_interval(secs => seconds)
        FROM unnest(%s::text[], %s::int[]) WITH ORDINALITY AS s (name, seconds, n) RETURNING *
    )
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, finished_at)
    SELECT name, 'incremental', feed, history_from, watermark, 'done', now() FROM made
"""
SERVICE = """
    INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at)
    VALUES ('one', ARRAY['scheduler', 'worker', 'console'], '0.1.0', '0001', 'one', 7, now() + interval '1 h')
"""
AUDIT = """
    INSERT INTO sync.audits (account, starts_at, ends_at, started_at, finished_at, platform_orders, table_orders)
    VALUES (%s, now() - interval '9 d', now(), now(), now(), %s, %s)
"""
DIFFERENCE = """
    INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders)
    SELECT id, starts_at, ends_at, 1, 0 FROM sync.audits WHERE account = %s
"""
REJECT = """
    INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at)
    VALUES (%s, '1688', '', gen_random_uuid()::text::bytea, 'odd', now())
"""


ORDERS = """
    INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count, created_at)
    SELECT '1688', 'o' || n, %s, 'x', 'other', 'CNY', 0, now() - n * interval '16 min' FROM generate_series(1, 5) AS n
"""


@pytest.fixture
def tables(tables: Tables) -> Tables:
    tables.execute(SERVICE)
    return tables


@pytest.fixture
async def lin(console: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with console.person() as client:
        yield client


def shop(tables: Tables, name: str, behind: int = 20, **columns: object) -> None:
    tables.execute(SHOPS, [name], [behind])
    for column, value in columns.items():
        tables.execute(f"UPDATE sync.accounts SET {column} = %s WHERE name = %s", value, name)


async def text(client: httpx.AsyncClient, path: str = "/", **query: str) -> str:
    answer = await client.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    return answer.text


def plain(page: str) -> str:
    """What a person reads of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("<main", 1)[1]))


def listed(page: str) -> list[str]:
    """The shops of the list, in its order."""
    return re.findall(r'href="/accounts/([^"]+)"', page.split('id="list"')[1].replace("</a></p>", ""))


async def test_one_sentence_says_that_all_is_here_and_up_to_when(tables: Tables, lin: httpx.AsyncClient) -> None:
    shop(tables, "shop-a")
    shop(tables, "shop-b", 90)
    found = plain(await text(lin))
    sentence = r"All is here: the orders of all 2 shops from \S+ \S+ up to \S+ \S+, (?:(\d) min )?(\d+) s ago\."
    [(minutes, seconds)] = re.findall(sentence, found)
    assert 60 * int(minutes or 0) + int(seconds) >= 80  # as old as the older one
    assert "What needs somebody" not in found


async def test_an_installation_without_shops_says_what_to_do(tables: Tables, lin: httpx.AsyncClient) -> None:
    found = plain(await text(lin))
    assert "No shop is set up yet" in found
    assert "No shop fits." in found


async def test_trouble_is_on_top_in_words_with_what_to_do(tables: Tables, lin: httpx.AsyncClient) -> None:
    for number in range(12):
        shop(tables, f"good{number:02}")
    shop(tables, "late", 7200)
    shop(tables, "refused", suspended_at="2026-01-01", suspended_because="sign error")
    page = await text(lin)
    found = plain(page)
    assert "2 of 14 shops need somebody: refused, late." in found
    assert "✗ The platform refused the credentials" in found
    assert "sign error" in found
    assert "! Later than promised" in found
    assert listed(page)[:2] == ["refused", "late"]
    assert "✗ suspended" in found
    assert "! behind" in found


async def test_a_service_that_does_not_run_is_no_well_being(tables: Tables, lin: httpx.AsyncClient) -> None:
    shop(tables, "shop-a")
    tables.execute("UPDATE sync.processes SET parts = ARRAY['scheduler', 'console']")
    found = plain(await text(lin))
    assert "No shop has trouble, but the service itself does." in found
    assert "no worker is running" in found
    assert "All is here" not in found


async def test_a_shop_that_is_only_in_the_settings_is_listed_as_not_read(url: str, tables: Tables) -> None:
    async with served(url, settings_of("fresh")) as console, console.person() as lin:
        shop(tables, "shop-a")
        page = await text(lin)
    assert listed(page)[0] == "fresh"
    assert "Not every shop has been read yet." in plain(page)


async def test_figures_of_both_sides_stand_beside_their_difference(tables: Tables, lin: httpx.AsyncClient) -> None:
    for name, platform, ours in (("a", 1234, 1234), ("b", 1300, 1234), ("c", 5, 7), ("d", None, 3)):
        shop(tables, name)
        tables.execute(AUDIT, name, platform, ours)
    for name, platform, ours in (("b", 70, 4), ("c", 5, 7)):
        tables.execute(DIFFERENCE, name)
        where = "WHERE audit_id IN (SELECT id FROM sync.audits WHERE account = %s)"
        tables.execute(
            f"UPDATE sync.audit_differences SET platform_orders = %s, table_orders = %s {where}", platform, ours, name
        )
    shop(tables, "e")
    found = plain(await text(lin))
    assert "✓ 0 platform 1,234, ours 1,234 as of" in found
    assert "✗ 66 missing platform 1,300, ours 1,234 as of" in found
    assert "! 1 range differs platform 5, ours 7 as of" in found
    assert "not known platform –, ours 3 as of" in found
    assert "Last full audit not compared yet Orders today" in found


async def test_figures_of_an_audit_say_how_many_orders_were_placed_since(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    shop(tables, "a")
    tables.execute(AUDIT, "a", 2, 2)
    tables.execute("UPDATE sync.audits SET ends_at = now() - interval '1 h'")
    tables.execute(ORDERS, "a")
    assert re.search(r"platform 2, ours 2 as of \S+ \S+ placed since then: 3 ", plain(await text(lin)))


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({"paused_at": "2026-01-01", "paused_by": "ana in the console as orders"}, "paused"),
        ({"suspended_at": "2026-01-01"}, "suspended"),
    ],
)
async def test_a_shop_that_nobody_reads_is_in_the_sentence_and_before_those_that_are_well(
    tables: Tables, lin: httpx.AsyncClient, columns: dict[str, object], state: str
) -> None:
    shop(tables, "a-well")
    shop(tables, "b-unread", 440, **columns)
    page = await text(lin)
    found = plain(page)
    assert re.search(rf"b-unread \({state}\): its orders end at \S+ \S+, 7 min \d+ s ago\.", found)
    assert "Shops that are read: 1. Their orders are here from " in found
    assert "All is here" not in found
    assert listed(page)[0] == "b-unread"


async def test_of_many_shops_that_nobody_reads_some_are_named_and_the_rest_counted(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    for number in range(5):
        shop(tables, f"shop{number}", 425 + number, paused_at="2026-01-01", paused_by="ana")
    found = plain(await text(lin))
    assert found.count("its orders end at") == 3
    assert "shop4 (paused): its orders end at" in found
    assert "2 more shops are not being read." in found


async def test_a_range_listed_as_empty_is_not_said_to_be_here_before_a_second_read_was_empty_too(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    shop(tables, "shop-a")
    tables.execute("UPDATE sync.accounts SET history_from = '2024-05-06 00:00+08'")
    tables.execute(
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, not_before) VALUES ('shop-a', "
        "'incremental', 'updated', '2024-05-06 00:00+08', '2025-01-01 00:00+08', 'planned', now() + interval '1 min')"
    )
    tables.execute("UPDATE sync.windows SET starts_at = '2025-01-01 00:00+08' WHERE state = 'done'")
    found = plain(await text(lin))
    assert "shops from 2025-01-01 up to " in found
    assert "long ranges were listed as empty (1)" in found


async def test_what_a_platform_does_not_list_is_not_said_to_be_here(tables: Tables, lin: httpx.AsyncClient) -> None:
    shop(tables, "shop-a")
    shop(tables, "shop-b")
    tables.execute("UPDATE sync.accounts SET proven_from = '2026-10-26 21:00+08' WHERE name = 'shop-b'")
    tables.execute("UPDATE sync.accounts SET history_from = '2024-05-06 00:00+08'")
    tables.execute("UPDATE sync.windows SET starts_at = '2024-05-06 00:00+08'")
    found = plain(await text(lin))
    assert "All is here: the orders of all 2 shops from 2026-10-26 21:00:00 up to " in found
    assert "shop-b : complete only from 2026-10-26 21:00:00 on. The settings ask for history from 2024-05-06" in found
    assert "without a gap from 2024-05-06 00:00:00" in found


async def test_a_difference_that_is_awaited_or_settled_since_is_no_alarm(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    shop(tables, "a")
    tables.execute(AUDIT, "a", 9, 7)
    tables.execute("UPDATE sync.audits SET awaited = 2")
    assert "… 2 awaited then" in plain(await text(lin))
    tables.execute("UPDATE sync.audits SET finished_at = now() - interval '1 h'")
    assert "✓ 2 read since" in plain(await text(lin))
    tables.execute("UPDATE sync.audits SET awaited = 1")
    tables.execute(DIFFERENCE, "a")
    assert "✗ 1 missing" in plain(await text(lin))
    tables.execute("UPDATE sync.audit_differences SET repaired_at = now()")
    assert "✓ 2, settled since" in plain(await text(lin))


async def test_an_order_that_an_audit_found_missing_is_said_everywhere_until_a_read_brings_it(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    shop(tables, "a", platform="1688")
    tables.execute(AUDIT, "a", 100, 100)  # of everything
    tables.execute(AUDIT, "a", 2, 1)
    tables.execute("UPDATE sync.audits SET starts_at = now() - interval '1 h' WHERE platform_orders = 2")
    tables.execute(
        "INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders, missing, "
        "missing_ids) SELECT id, starts_at, ends_at, 2, 1, 1, '{o1}' FROM sync.audits WHERE platform_orders = 2"
    )
    [(number,)] = tables.query("SELECT id FROM sync.audits WHERE platform_orders = 2")
    for path in ("/", "/accounts/a"):
        page = await text(lin, path)
        assert f'<a href="/audits/{number}">Missing among them: 1 order that an audit found.</a>' in page
        assert f'<a class="sign bad" href="/audits/{number}">! 1 missing</a>' in page
        assert f"1 order is missing: audit {number} found o1 at the platform" in page
        assert f'<a href="/audits/{number}">Open the audit</a>' in page
        assert f"✗ 1 missing Audit {number} platform 100, ours 100 as of" in plain(page)
    tables.execute("UPDATE sync.accounts SET paused_at = now(), paused_by = 'ana'")
    assert "Missing among them: 1 order that an audit found." in await text(lin)
    assert f"1 order is missing: audit {number} found o1" in await text(lin)
    tables.execute("UPDATE sync.accounts SET paused_at = NULL")
    tables.execute(ORDERS, "a")
    page = await text(lin)
    assert "All is here" in page
    assert "missing" not in plain(page)


async def test_orders_that_audits_of_several_shops_miss_lead_to_the_list_of_them(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    for name in "ab":
        shop(tables, name)
        tables.execute(AUDIT, name, 1, 0)
        tables.execute(DIFFERENCE, name)
    page = await text(lin)
    assert '<a href="/audits?open=1">Missing among them: 2 orders that audits found.</a>' in page


async def test_an_alert_on_the_page_of_a_shop_leads_to_where_it_is_mended(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    shop(tables, "a", 7200)
    tables.execute(REJECT, "a")
    page = await text(lin, "/accounts/a")
    assert '<a href="/rejects?account=a">Open the rejects</a>' in page
    assert "Below: what is being read, what failed. Sync now reads it at once." in page
    assert "The page of the shop shows" not in page


async def test_records_that_are_no_orders_are_said_not_to_be_here(tables: Tables, lin: httpx.AsyncClient) -> None:
    shop(tables, "a")
    tables.execute(AUDIT, "a", 9, 9)
    tables.execute("UPDATE sync.audits SET rejects = 2")
    assert "✓ 0" in plain(await text(lin))  # they landed since
    assert "Not among them" not in await text(lin)
    tables.execute(REJECT, "a")
    for path in ("/", "/accounts/a"):
        found = plain(await text(lin, path))
        assert "Not among them: 1 record that is no order yet." in found
        assert "✓ current ! rejects: 1" in found
        assert "! 2 not here: rejects platform 9, ours 7" in found
    tables.execute(REJECT, "a")
    assert "Not among them: 2 records that are no orders yet." in plain(await text(lin))


async def test_rejects_of_a_shop_that_nobody_reads_are_said_of_it_and_stay_an_alert(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    shop(tables, "a")
    shop(tables, "b", paused_at="2026-01-01", paused_by="ana")
    shop(tables, "c", removed_at="2026-01-01")
    tables.execute(ORDERS, "c")
    tables.execute(REJECT, "b")
    tables.execute(REJECT, "c")
    tables.execute(REJECT, "c")
    found = plain((await text(lin)).split('id="list"')[0])
    assert re.search(
        r"b \(paused\): its orders end at [^.]+ ago\. Not among them: 1 record that is no order yet\.", found
    )
    assert re.search(r"c \(removed\): its orders end at [^.]+ ago\. Not among them: 2 records", found)
    assert re.search(r"Shops that are read: 1\. Their orders are here from [^.]+ ago\. (?!Not among)", found)
    assert "Records that are no orders yet (2 shops)" in found
    assert "all 3 trouble 2 current 1" in found
    for name in ("d", "e", "f"):
        shop(tables, name, paused_at="2026-01-01", paused_by="ana")
        tables.execute(REJECT, name)
    assert re.search(r"2 more shops are not being read\. Not among them: \d records", plain(await text(lin)))


async def test_every_shop_is_in_one_filter(tables: Tables, lin: httpx.AsyncClient) -> None:
    shop(tables, "a")
    shop(tables, "b")
    shop(tables, "c", paused_at="2026-01-01", paused_by="ana")
    tables.execute(REJECT, "b")
    assert "all 3 trouble 1 current 1 paused 1" in plain(await text(lin))
    for state, name in {"trouble": "b", "current": "a", "paused": "c"}.items():
        assert set(listed(await text(lin, state=state))) == {name}


async def test_the_filters_are_renewed_with_the_sentence(tables: Tables, lin: httpx.AsyncClient) -> None:
    shop(tables, "a")
    for count in range(2):
        now = (await lin.get("/", params={"state": "paused"}, headers={"X-Part": "now"})).text
        now = plain("<main" + now.split('id="now"')[1].split('id="list"')[0])
        assert f"paused {count}" in now
        tables.execute("UPDATE sync.accounts SET paused_at = now(), paused_by = 'ana'")


@pytest.mark.parametrize(("shops", "is_list"), [(1, False), (11, False), (12, True)])
async def test_cards_are_for_few_shops(tables: Tables, lin: httpx.AsyncClient, shops: int, is_list: bool) -> None:
    for number in range(shops):
        shop(tables, f"shop{number:02}")
    page = await text(lin)
    assert ("<table" in page, 'class="card"' in page) == (is_list, not is_list)
    assert len(set(listed(page))) == shops


async def test_500_shops_are_searched_filtered_and_paged_by_the_url(tables: Tables, lin: httpx.AsyncClient) -> None:
    tables.execute(SHOPS, [f"shop{n}" for n in range(1, 501)], [7200] * 60 + [20] * 440)
    seen: list[str] = []
    path = "/?state=trouble"
    for _ in range(2):
        page = await text(lin, path)
        seen += dict.fromkeys(listed(page))
        following = re.search(r'href="([^"]*after=[^"]*)">Next page', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert path == ""
    assert sorted(seen) == sorted(f"shop{n}" for n in range(1, 61))
    found = await text(lin, q="shop49 KA")
    assert sorted(set(listed(found))) == ["shop49", *(f"shop{n}" for n in range(491, 500, 2))]
    assert 'value="shop49 KA"' in found
    assert "trouble 60 current 440" in plain(found)
    assert "60 shops, trouble first." in plain(await text(lin, state="trouble"))
    assert "60 shops, trouble first." in plain(await text(lin, kind="behind"))
    assert "500 shops, trouble first." in plain(await text(lin, state="nonsense", kind="%", after="gone"))
    assert re.search(r"60 of 500 shops need somebody: shop\d+, shop\d+, shop\d+ and 57 more\.", plain(found))
    assert "(60 shops)" in plain(found)


async def test_text_of_a_platform_stays_text(tables: Tables, lin: httpx.AsyncClient) -> None:
    shop(tables, "shop-a", last_error='<script>alert("x")</script>\u202e')
    page = await text(lin)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;&lt;U+202E&gt;" in page


async def test_a_row_that_is_half_filled_is_shown(tables: Tables, lin: httpx.AsyncClient) -> None:
    shop(tables, "shop-a")
    tables.execute(AUDIT, "shop-a", 1, 1)
    tables.execute(REJECT, "shop-a")
    nullable = "SELECT table_name, column_name FROM information_schema.columns WHERE is_nullable = 'YES' AND "
    where = "table_schema = 'sync' AND table_name IN ('accounts', 'audits', 'rejects')"
    for table, column in tables.query(nullable + where):
        tables.execute(f"UPDATE sync.{table} SET {column} = NULL")
        assert "shop-a" in listed(await text(lin))


async def test_open_rejects_lead_to_them_and_a_held_rate_says_how_long(url: str, tables: Tables) -> None:
    async with served(url, settings_of("shop-a", "shop-b")) as console, console.person() as lin:
        shop(tables, "shop-a")
        tables.execute(REJECT, "shop-a")
        key = console.site.settings.accounts[0].account().rate_key
        tables.execute("INSERT INTO sync.rates VALUES (%s, now() + interval '59 min 45 s')", key)
        page = await text(lin)
    assert 'href="/rejects?account=shop-a">1</a>' in page
    assert re.search(r"late from \S+ \S+ \S+ \S+ on ! waits 59 min", plain(page))


async def test_the_overview_is_in_chinese_too(tables: Tables, console: Served) -> None:
    shop(tables, "shop-a", suspended_at="2026-01-01")
    async with console.person(language="zh") as client:
        found = plain(await text(client))
    assert "1 个店铺中有 1 个需要处理：shop-a。" in found
    assert "平台拒绝了凭证" in found


@pytest.mark.parametrize("kind", ProblemKind)
def test_every_kind_of_problem_is_named_and_has_advice(kind: ProblemKind) -> None:
    words = shop_words.KINDS[kind]
    for each in filter(None, (words.title, words.advice, words.here, words.link)):
        assert Words("zh")(each) != each


def test_every_state_has_a_sign_beside_its_colour() -> None:
    assert set(shop_words.SIGNS) == set(AccountState)
    assert all(sign for _, sign in shop_words.SIGNS.values())


async def test_parts_of_the_page_are_live_and_the_upper_one_comes_without_the_list(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    shop(tables, "late", int(timedelta(hours=3).total_seconds()))
    page = await text(lin)
    assert re.findall(r'id="(\w+)" data-refresh="5"', page) == ["now", "list"]
    upper = (await lin.get("/", headers={"X-Part": "now"})).text
    assert "1 of 1 shops needs somebody: late." in upper
    assert listed(upper) == []
    assert listed((await lin.get("/", headers={"X-Part": "list"})).text)[0] == "late"


async def test_a_page_that_renews_itself_says_that_it_does_not_without_a_script(
    tables: Tables, lin: httpx.AsyncClient
) -> None:
    shop(tables, "a")
    page = await text(lin)
    assert "<noscript>" in page
    assert "reload it for newer" in page.split("<noscript>")[1].split("</noscript>")[0]
    assert '<span class="hint">xportcn_ka</span>' in page.split('class="card"')[1]
