"""The platform's own counts against the tables: what is missing is found and read, what is too much is shown."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import ceil, log2

import pytest

from orders_sync.domain.windows import Feed
from orders_sync.engine.audit_results import Audited
from orders_sync.engine.page_client import PageClient
from orders_sync.engine.paging import FetchedPage
from orders_sync.platforms import PLATFORMS, PageQuery
from orders_sync.sandbox.faults import KINDS
from orders_sync.sandbox.orders import SandboxOrder
from tests.support.story import Story, Tell, unlist

MINUTE = timedelta(minutes=1)
TABLES = ("orders", "sub_orders", "product_items", "order_parcels", "order_receivers", "order_history", "raw_orders")
TWO_OF_ONE_HOUR = """
    SELECT unnest((array_agg(order_id))[1:2]) FROM orders WHERE account = %s AND modified_at > created_at
        AND modified_at BETWEEN now() - interval '28 days' AND now() - interval '1 day'
    GROUP BY date_trunc('hour', modified_at) HAVING count(*) >= 2 ORDER BY date_trunc('hour', modified_at) DESC LIMIT 2
"""
OLD = {  # as before the last change
    "raw_orders": "modified_at = modified_at - interval '2 days', payload_hash = '1', rows_hash = '1'",
    "orders": "modified_at = modified_at - interval '2 days', status = 'of before'",
}
SETTLED = """
    SELECT d.starts_at, d.ends_at, d.platform_orders - d.table_orders, d.repaired_at IS NOT NULL
    FROM sync.audit_differences AS d JOIN sync.audits AS a ON a.id = d.audit_id
    WHERE a.account = %s AND d.feed = 'created' ORDER BY a.id
"""
SURVIVED = [kind for kind in KINDS if kind != "firewall"]  # that ends an audit with its reason
AUDITS = (
    "SELECT finished_at IS NOT NULL, platform_orders, table_orders, differences, error FROM sync.audits ORDER BY id"
)


def orders_of(story: Story, account: str) -> list[SandboxOrder]:
    """Oldest first."""
    orders = story.world.shop(account).index.orders.values()
    return sorted(orders, key=lambda order: order.created)


def forget(story: Story, *orders: SandboxOrder) -> None:
    """Take orders out of the tables behind the service's back."""
    ids = [order.order_id for order in orders]
    for table in TABLES:
        story.query(f"WITH gone AS (DELETE FROM {table} WHERE order_id = ANY(%s)) SELECT", ids)


def found(audited: Audited, feed: Feed = Feed.CREATED) -> list[tuple[datetime, datetime]]:
    return [(each.window.start, each.window.end) for each in audited.differences if each.feed is feed]


def calls_by_update(audited: Audited, page_size: int) -> int:
    """The most that comparing by update time may cost where nothing differs.

    Two neighbouring windows hold more than a page together, or are cut by the longest window and the reach; and what
    changed since is listed once.
    """
    return 0 if audited.updates is None else 2 * ceil(audited.updates.found.platform / page_size) + 2 + 1


def minute_of(order: SandboxOrder) -> tuple[datetime, datetime]:
    start = datetime.fromtimestamp(order.created, UTC).replace(second=0)
    return start, start + MINUTE


async def test_tables_that_are_equal_cost_a_call_a_window_and_differ_nowhere(tell: Tell) -> None:
    story = tell(orders=450, days=90)
    await story.sync()
    audits = await story.audit()
    for name, audited in audits.items():
        assert audited.error is None
        assert audited.differences == []
        assert audited.found.platform == audited.found.tables == 150
        assert audited.start is not None
        assert audited.end is not None
        longest = PLATFORMS[story.world.shop(name).platform].longest_window
        by_creation = ceil((audited.end - audited.start) / longest) + 1
        assert audited.calls <= by_creation + calls_by_update(audited, story.page_size)
        if audited.updates is not None:
            assert audited.updates.found.platform == audited.updates.found.tables > 50
    assert story.query(AUDITS) == [(True, 150, 150, 0, None)] * 3


async def test_one_order_missing_among_hundreds_is_found_to_the_minute_for_few_calls_and_repaired_P1(
    tell: Tell,
) -> None:
    story = tell(orders=1500, days=90)
    await story.sync()
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=91)
    for account in ("sandbox-1688", "sandbox-open", "sandbox-ka"):
        lost = orders_of(story, account)[317]
        forget(story, lost)
        before = story.calls.total()
        audited = (await story.audit(account, start=start))[account]
        longest = PLATFORMS[story.world.shop(account).platform].longest_window
        assert found(audited) == [minute_of(lost)], account
        assert {each.missing for each in audited.differences} == {1}, account
        assert story.calls.total() - before == audited.calls, account
        by_creation = ceil(timedelta(days=91) / longest) + 1 + log2(90 * 1440)
        assert audited.calls <= by_creation + calls_by_update(audited, story.page_size), account

        audited = (await story.audit(account, repair=True))[account]
        assert (audited.remaining, len(found(audited))) == ([], 1), account
        assert story.query(
            "SELECT seen > 0 FROM sync.windows WHERE kind = 'repair' AND feed = 'created' AND account = %s", account
        ) == [(True,)]
        assert story.query(SETTLED, account) == [(*minute_of(lost), 1, True)] * 2  # the later audit settled both
    story.assert_equal()


async def test_a_lost_stretch_is_one_range_and_one_read(tell: Tell) -> None:
    story = tell(orders=450)
    await story.sync("sandbox-open")
    lost = orders_of(story, "sandbox-open")[50:100]
    forget(story, *lost)
    audited = (await story.audit("sandbox-open", repair=True))["sandbox-open"]
    assert sum(each.missing for each in audited.differences) == 50
    assert len(audited.differences) <= 3  # more than one where a border of the bisection lies in the stretch
    assert audited.remaining == []
    story.assert_equal("sandbox-open")


async def test_an_order_the_platform_lists_no_more_is_shown_and_never_called_repaired(tell: Tell) -> None:
    story = tell(samples=True)
    await story.sync(story.shop)
    gone, lost = orders_of(story, story.shop)[30], orders_of(story, story.shop)[60]
    unlist(story, story.shop, gone)
    forget(story, lost)
    audited = (await story.audit(story.shop, repair=True))[story.shop]
    assert found(audited) == [minute_of(gone), minute_of(lost)]
    assert [each.not_listed_ids for each in audited.remaining] == [(gone.order_id,)]
    assert story.query(
        "SELECT feed, platform_orders - table_orders, repaired_at IS NULL FROM sync.audit_differences ORDER BY 1, 2"
    ) == [("created", -1, True), ("created", 1, False), ("updated", 1, False)]
    assert story.query("SELECT count(*) FROM orders WHERE order_id = %s", gone.order_id) == [(1,)]


async def test_open_rejects_explain_what_the_tables_miss(tell: Tell) -> None:
    story = tell(orders=450)
    story.faults.set_rates({"malformed": 0.1})
    await story.sync()
    for audited in (await story.audit()).values():
        assert audited.differences == []
        assert audited.found.rejects > 0
        assert audited.found.platform == audited.found.tables == 150
    rejects = {name: audited.found.rejects for name, audited in (await story.audit()).items()}
    kept = story.query("SELECT DISTINCT account, rejects, table_orders FROM sync.audits ORDER BY account")
    assert kept == [(name, count, 150) for name, count in sorted(rejects.items())]


async def test_what_the_next_sync_reads_anyway_is_no_difference(tell: Tell) -> None:
    """An order younger than the overlap was indexed late; one of 1688 changed and left its window unread."""
    story = tell(lag=timedelta(minutes=1))
    now = datetime.now(UTC)
    changing = orders_of(story, story.shop)[-2]
    story.world.change(story.shop, changing.order_id, "write_memo", now=now)
    await story.sync()
    assert story.query("SELECT count(*) FROM orders WHERE order_id = %s", changing.order_id) == [(0,)]
    story.world.create(1, now - timedelta(minutes=5), "sandbox-open")
    audits = await story.audit()
    assert [audited.differences for audited in audits.values()] == [[], [], []]
    assert {name: audited.found.awaited for name, audited in audits.items()} == {
        "sandbox-1688": 1,
        "sandbox-open": 1,
        "sandbox-ka": 0,
    }
    assert story.query("SELECT account, awaited FROM sync.audits ORDER BY account") == [
        ("sandbox-1688", 1),
        ("sandbox-ka", 0),
        ("sandbox-open", 1),
    ]


async def test_what_is_younger_than_the_watermark_is_not_compared(tell: Tell) -> None:
    story = tell(samples=True)
    await story.sync("sandbox-ka")
    story.world.create(3, datetime.now(UTC) + timedelta(minutes=2), "sandbox-ka")
    far = datetime.now(UTC) + timedelta(days=1)
    audited = (await story.audit("sandbox-ka", end=far))["sandbox-ka"]
    assert story.query("SELECT watermark FROM sync.accounts") == [(audited.end,)]
    assert (audited.found.platform, audited.differences) == (100, [])


async def test_an_account_never_synced_or_a_range_never_synced_is_said(tell: Tell) -> None:
    story = tell()
    assert "nothing is synced yet" in str((await story.audit(story.shop))[story.shop].error)
    await story.sync(story.shop)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert "lies in the future" in str((await story.audit(story.shop, start=later))[story.shop].error)
    assert story.query(AUDITS) == []


async def test_each_fault_of_the_platform_is_survived_and_lost_orders_are_found_P1(tell: Tell) -> None:
    """Two are lost: a total that is too low by just as many as the tables miss is what no count can tell."""
    story = tell(orders=450, page_size=10)
    story.with_limits(tries=6, attempts=8)
    await story.sync("sandbox-ka")
    lost = orders_of(story, "sandbox-ka")[77:79]
    for kind in SURVIVED:
        forget(story, *lost)
        story.faults.clear()
        story.faults.script(*[kind, "ok", "ok", kind, "ok", "ok", "ok", kind], account="sandbox-ka")
        audited = (await story.audit("sandbox-ka", repair=True))["sandbox-ka"]
        assert story.faults.counts[kind] >= 2, kind
        assert audited.error is None, kind
        assert sum(each.missing for each in audited.differences) == 2, kind
        assert audited.remaining == [], kind
        assert story.verify("sandbox-ka")["sandbox-ka"].is_equal, kind


async def test_each_fault_of_the_platform_is_survived_and_missing_versions_are_found_P1(tell: Tell) -> None:
    """Two of one hour: of those of two days each might hide behind a total that is too low by one."""
    story = tell(orders=450, page_size=10)
    story.with_limits(tries=6, attempts=8)
    await story.sync(story.shop)
    lost = [str(row[0]) for row in story.query(TWO_OF_ONE_HOUR, story.shop)]
    by_creation = ["ok", "ok"]
    for kind in SURVIVED:
        for table, old in OLD.items():
            story.query(f"UPDATE {table} SET {old} WHERE order_id = ANY(%s) RETURNING 1", lost)
        story.faults.clear()
        story.faults.script(*by_creation, *[kind, "ok", "ok", "ok"] * 6, account=story.shop)
        audited = (await story.audit(story.shop, repair=True))[story.shop]
        assert story.faults.counts[kind] >= 2, kind
        assert audited.error is None, kind
        assert sum(each.missing for each in audited.differences if each.feed is Feed.UPDATED) == 2, kind
        assert audited.remaining == [], kind
        assert story.verify(story.shop)[story.shop].is_equal, kind


async def test_a_platform_that_stays_down_ends_the_audit_with_its_account_and_window(tell: Tell) -> None:
    story = tell()
    await story.sync()
    story.with_limits(tries=2)
    story.faults.set_rates({"http_5xx": 1.0}, account="sandbox-open")
    audits = await story.audit()
    error = str(audits["sandbox-open"].error)
    assert error.startswith("sandbox-open, ")
    assert " .. " in error
    assert audits["sandbox-1688"].error is audits["sandbox-ka"].error is None
    assert story.query("SELECT finished_at, error FROM sync.audits WHERE account = 'sandbox-open'") == [(None, error)]


async def test_an_audit_that_waits_for_the_platform_says_so(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    monkeypatch.setattr("orders_sync.engine.audit.HEARTBEAT_SECONDS", 0.01)
    ask, told, goes_on = PageClient.page, [], asyncio.Event()

    async def page(client: PageClient, asked: PageQuery) -> FetchedPage:
        story.execute("UPDATE sync.audits SET seen_at = '2000-01-01'")
        await goes_on.wait()
        return await ask(client, asked)

    def show(account: str, text: str) -> None:
        told.append(f"{account}: {text}")
        goes_on.set()

    monkeypatch.setattr(PageClient, "page", page)
    monkeypatch.setattr(story.progress, "show", show)
    await story.audit("sandbox-ka")
    assert told[0].startswith("sandbox-ka: the audit still waits for the platform: 0 calls so far")


async def test_a_cancellation_that_is_lost_in_a_heartbeat_ends_the_audit_all_the_same(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = tell(orders=30)
    await story.sync("sandbox-ka")
    ask, begun = PageClient.page, asyncio.Event()

    async def answered_when_cancelled_first(*_: object) -> None:
        with suppress(*() if begun.is_set() else (asyncio.CancelledError,)):
            begun.set()
            await asyncio.Event().wait()

    async def page(client: PageClient, asked: PageQuery) -> FetchedPage:
        await begun.wait()
        return await ask(client, asked)

    monkeypatch.setattr("orders_sync.engine.audit.HEARTBEAT_SECONDS", 0.001)
    monkeypatch.setattr("orders_sync.store.audits.record_heartbeat", answered_when_cancelled_first)
    monkeypatch.setattr(PageClient, "page", page)
    async with asyncio.timeout(120) as limit:
        await story.audit("sandbox-ka")
    assert not limit.expired()


async def test_refused_credentials_cost_one_call_P6(tell: Tell) -> None:
    story = tell()
    await story.sync()
    story.secret = lambda secret: secret + "x"
    for name, audited in (await story.audit()).items():
        assert audited.calls == 1
        assert f"check the credentials of {name}" in str(audited.error)


@pytest.mark.parametrize("answer", ["nothing", "an error"])
async def test_what_lies_beyond_the_reach_of_1688_is_said_and_not_called_a_difference(tell: Tell, answer: str) -> None:
    story = tell(days=90)
    await story.sync(story.shop)
    start, reach = (datetime.now(UTC).replace(microsecond=0) - timedelta(days=days) for days in (89, 31))
    if answer == "nothing":
        for order in orders_of(story, story.shop):
            if order.created < reach.timestamp():
                unlist(story, story.shop, order)
    else:
        story.faults.script("ok", "ok", "http_5xx", account=story.shop)
        story.with_limits(tries=1)
    audited = (await story.audit(story.shop, start=start))[story.shop]
    assert audited.differences == []
    assert audited.error is None
    assert "documented to list 31 d back" in str(audited.beyond)
    assert audited.start is not None
    assert abs(audited.start - reach) < timedelta(minutes=5)
    assert story.query("SELECT starts_at FROM sync.audits") == [(audited.start,)]
