"""Why an order is not here, and the buttons that fetch it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from orders_sync.domain import local_times
from tests.support.console import Served, served, settings_of, sources_of
from tests.support.databases import Tables

NUMBER = "3896000009999999999"
ACCOUNTS = """
    INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark, paused_at, paused_by)
    VALUES ('kept', '1688', 'h', 's1', 'created', now() - interval '9 days', now(), NULL, NULL),
        ('held', '1688', 'h', 's2', 'created', now() - interval '9 days', now(), now(), 'lin')
"""
WINDOWS = """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, started_at)
    SELECT name, 'incremental', 'created', date_trunc('second', now()) - interval '9 days',
        date_trunc('second', now()), 'done', now()
    FROM sync.accounts
"""


@pytest.fixture
def shops(url: str) -> Tables:
    """Two shops that are read without a gap, the second of them paused."""
    tables = Tables(url)
    tables.execute(ACCOUNTS)
    tables.execute(WINDOWS)
    return tables


def day(tables: Tables, ago: int) -> str:
    """The day so long before the end of what was read: the same one, also where another begins meanwhile."""
    [(end,)] = tables.query("SELECT max(ends_at) FROM sync.windows")
    return local_times.day(end - timedelta(days=ago))


def reasons(text: str) -> list[str]:
    """The reasons with their buttons, in their order."""
    return re.findall(r"<li.*?</li>", text.split('<ul class="reasons">')[1], re.S)


async def test_a_paused_shop_comes_first_with_a_button_that_resumes_it(shops: Tables) -> None:
    async with served(shops.url, settings_of("kept", "held")) as console, console.person() as client:
        text = (await client.get("/orders", params={"q": NUMBER})).text
        first, *_ = reasons(text)
        assert re.search(r"held: paused since [^;]+ by lin[^;]*; ", first)
        assert '"/accounts/held/resume"' in first
        async with console.person("guest", may_act=False) as guest:
            looked = (await guest.get("/orders", params={"q": NUMBER})).text
    assert "/resume" not in looked
    assert "You may only look" in looked
    assert "orders-sync " not in text.split("<main")[1]


async def test_the_day_and_the_shop_narrow_the_answer_and_lead_to_its_backfill(shops: Tables) -> None:
    async with served(shops.url, settings_of("kept", "held")) as console, console.person() as client:

        async def asked(ago: int, account: str = "kept") -> list[str]:
            query = {"q": NUMBER, "placed": day(shops, ago), "account": account}
            return reasons((await client.get("/orders", params=query)).text)

        [within] = await asked(5)
        assert "read completely, and it is not here: the platform did not list it" in within
        one = day(shops, 5)
        assert f"/backfills/new?everything=1&amp;account=kept&amp;from={one}&amp;to={one}" in within
        [before] = await asked(30)
        assert "it was placed before" in before
        assert f"/backfills/new?account=kept&amp;from={day(shops, 30)}" in before
        [today] = await asked(0)
        assert "/accounts/kept/sync" in today
        assert "did not list it" not in today
        assert len(await asked(5, "")) == 2
        future = await client.get("/orders", params={"q": NUMBER, "placed": day(shops, -2)})
    assert (future.status_code, "future" in future.text) == (400, True)


async def test_numbers_of_one_reason_share_it(shops: Tables) -> None:
    async with served(shops.url, settings_of("kept")) as console, console.person() as client:
        text = (await client.get("/orders", params={"q": f"{NUMBER} 3896000009999999998"})).text
    assert text.count('<ul class="reasons">') == 1
    assert 'href="/audits?account=kept"' in text
    assert "3896000009999999998" in text.split("<main")[1].split("<h2>")[1]


async def test_copied_rows_of_the_list_find_their_orders_alone(shop: Served, landed: Tables) -> None:
    landed.execute(
        "UPDATE orders SET seller_order_no = '1' "
        "WHERE order_id = (SELECT max(order_id) FROM orders WHERE platform = '1688')"
    )
    orders = landed.query("SELECT order_id, account, total_amount, created_at FROM orders ORDER BY 1 LIMIT 3")
    rows = "\n".join(f"{number}\t{name}\tsale\t{amount:.2f} CNY\t1\t{at:%F %T}" for number, name, amount, at in orders)
    async with shop.person() as client:
        text = (await client.get("/orders", params={"q": rows})).text
    main = text.split("<main")[1]
    assert sorted(set(re.findall(r'href="/orders/\w+/(\d+)[?"]', main))) == [number for number, *_ in orders]
    assert "Not taken as numbers:" in main
    assert "Not here" not in main


REJECT = """
    INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at, window_id)
    SELECT 'kept', '1688', %s, '', %s, %s, now(), (SELECT max(id) FROM sync.windows WHERE account = %s)
"""


async def test_a_reject_can_be_fetched_and_replayed_where_it_explains_the_number(shops: Tables) -> None:
    shops.execute(REJECT, NUMBER, b"", "createTime: not a time", "kept")
    settings = settings_of("kept")
    async with served(shops.url, settings, sources_of(settings)) as console, console.person() as client:
        [only] = reasons((await client.get("/orders", params={"q": NUMBER})).text)
        await client.post("/rejects/ignore", data={"number": "1"})
        [ignored] = reasons((await client.get("/orders", params={"q": NUMBER})).text)
    assert "createTime: not a time" in only
    assert ["ignored" in only, "kept as reject 1, which lin ignored, and can still" in ignored] == [False, True]
    for button in (f"/orders/fetch?q={NUMBER}", "/rejects/replay", "/rejects/1"):
        assert f'"{button}"' in only


async def test_a_number_that_cannot_be_read_by_itself_leads_to_audits_and_the_reason_is_chinese(shops: Tables) -> None:
    shops.execute(REJECT, NUMBER, b"", "refused by the database: value too long", "nobody")
    settings = settings_of("kept")
    async with (
        served(shops.url, settings, sources_of(settings)) as console,
        console.person(language="zh") as client,
    ):
        shown = (await client.get("/orders", params={"q": NUMBER})).text
        refused = await client.post("/orders/fetch", params={"q": NUMBER}, data={"order_id": NUMBER})
    assert "被数据库拒绝：value too long" in shown
    for text in (shown, refused.text):
        assert 'action="/orders/fetch' not in text
        assert '"/audits?account=kept"' in text
    assert refused.status_code == 400
    [mistake] = re.findall(r'role="alert">(.*?)</div>', refused.text, re.DOTALL)
    assert set(re.findall(r"[a-z]{2,}", re.sub(r"<[^>]+>", " ", mistake))) <= {"kept"}


@pytest.mark.parametrize("ago", [None, 5, 30, 0])
async def test_in_chinese_every_reason_is(shops: Tables, ago: int | None) -> None:
    shops.execute("UPDATE sync.windows SET state = 'failed' WHERE account = 'held'")
    async with served(shops.url, settings_of("kept", "held")) as console, console.person(language="zh") as client:
        asked = {"q": NUMBER} | ({} if ago is None else {"placed": day(shops, ago)})
        text = (await client.get("/orders", params=asked)).text
    main = re.sub(r"<[^>]+>", " ", text.split("</header>")[1])
    assert set(re.findall(r"[a-z]{2,}", main)) <= {"kept", "held", "lin"}
