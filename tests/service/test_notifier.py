"""People get each notice once, whatever restarts, however many schedulers run and however a messenger behaves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from structlog.testing import capture_logs

from orders_sync.domain.problems import ProblemKind
from orders_sync.domain.quiet_hours import QuietHours
from orders_sync.domain.secret import Secret
from orders_sync.service.channels import open_channels
from orders_sync.service.metrics import Metrics
from orders_sync.service.notifier import Notifier
from orders_sync.settings import NotifySettings, Settings
from orders_sync.settings.models import ConsoleSettings
from orders_sync.store import database
from orders_sync.store.database import Connection, Pool
from tests.support.ledgers import fill
from tests.support.messenger import Messenger, messenger
from tests.support.scrape import samples

NO_DELAY = timedelta()
ACCOUNT = """
INSERT INTO sync.accounts (name, platform, seller, feed, history_from, suspended_at, suspended_because)
VALUES (%s, '1688', %s, 'updated', now(), now(), 'Wang Fang, 13800138000: no such app')
"""
BACKFILL = """
INSERT INTO sync.backfills (account, feed, starts_at, ends_at, everything, request_id, state, finished_at)
VALUES (%s, 'updated', '2026-01-01', '2026-01-02', false, %s, %s, now()) RETURNING id
"""


@pytest.fixture
def shop() -> Iterator[Messenger]:
    with messenger() as made:
        yield made


class Desk:
    """Notifiers over one database, with the settings of the test."""

    def __init__(self, pool: Pool, shop: Messenger) -> None:
        self.pool, self.shop = pool, shop
        self.metrics = Metrics()
        self.is_failing = False
        self.now = datetime.now(UTC)
        self.notify = NotifySettings(urls=(Secret(shop.url()),), delay=NO_DELAY)

    def settings(self, **changes: object) -> None:
        values = {key: getattr(self.notify, key) for key in self.notify.__struct_fields__}
        self.notify = NotifySettings(**{**values, **changes})

    def notifier(self, pool: Pool | None = None) -> Notifier:
        channels, mistakes = open_channels(self.notify)
        assert mistakes == []
        fits = asyncio.Event()
        fits.set()
        settings = Settings(notify=self.notify)
        return Notifier(
            pool or self.pool, settings, channels, self.metrics, lambda: self.is_failing, fits, lambda: self.now
        )

    async def execute(self, query: str, *values: object) -> list[tuple[object, ...]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(query.encode(), values)
            return list(await cursor.fetchall()) if cursor.description else []

    async def suspend(self, *names: str) -> None:
        for name in names:
            await self.execute(ACCOUNT, name, name)

    async def outgoing(self) -> list[tuple[object, ...]]:
        query = "SELECT channels, tries, sent_at IS NOT NULL, error FROM sync.outgoing_notices ORDER BY id"
        return await self.execute(query)

    async def try_again(self) -> None:
        await self.execute("UPDATE sync.outgoing_notices SET try_at = now()")


@pytest.fixture
async def desk(pool: Pool, shop: Messenger) -> Desk:
    return Desk(pool, shop)


async def test_shops_with_one_problem_are_one_notice_and_its_end_is_another(desk: Desk) -> None:
    await desk.suspend("a", "b", "c")
    for _ in range(3):
        await desk.notifier().run_once()
    [text] = desk.shop.texts
    assert text.startswith("orders-sync: 3 new problems\nSuspended: a, b, c\n")
    await desk.execute("UPDATE sync.accounts SET suspended_at = NULL, suspended_because = NULL, history_from = NULL")
    await desk.execute("UPDATE sync.accounts SET retired_at = now() WHERE name = 'c'")
    await desk.notifier().run_once()
    assert re.search(r"Over: Suspended: a \(after \d+ \w+\), b \(after \d+ \w+\)", desk.shop.texts[1])


async def test_notices_hold_no_text_of_a_platform(desk: Desk, connection: Connection) -> None:
    await fill(connection)
    await desk.suspend("shop")
    for language in ("en", "zh"):
        await desk.execute("DELETE FROM sync.notices")
        desk.settings(language=language)
        await desk.notifier().run_once()
    assert len(desk.shop.got) == 2
    assert all("shop" in text for text in desk.shop.texts)
    for private in ("Wang", "13800138000", "odd", "no such app"):
        assert private not in "".join(desk.shop.texts)


async def test_what_was_said_is_said_once_over_restarts_and_by_any_number_of_schedulers(desk: Desk, url: str) -> None:
    await desk.suspend("a")
    async with database.connected(url, size=4) as other:
        await asyncio.gather(*(desk.notifier(each).run_once() for each in (desk.pool, other, desk.pool, other)))
        await desk.notifier(other).run_once()
    assert len(desk.shop.got) == 1


async def test_a_problem_of_less_than_the_delay_waits_and_what_has_vanished_is_never_said(desk: Desk) -> None:
    desk.settings(delay=timedelta(minutes=5))
    await desk.suspend("a", "b")
    await desk.notifier().run_once()
    await desk.execute("UPDATE sync.accounts SET suspended_at = NULL, retired_at = now() WHERE name = 'b'")
    await desk.notifier().run_once()
    await desk.execute("UPDATE sync.notices SET began_at = began_at - interval '5 min'")
    assert desk.shop.got == []
    await desk.notifier().run_once()
    assert "Suspended: a\n" in desk.shop.texts[0]


async def test_a_notice_ends_with_a_link_where_the_console_has_an_address(desk: Desk) -> None:
    await desk.suspend("a")
    notifier = desk.notifier()
    notifier.settings = Settings(notify=desk.notify, console=ConsoleSettings(url="https://orders.example.com"))
    await notifier.run_once()
    assert desk.shop.texts[0].splitlines()[-2] == "More: https://orders.example.com"


async def test_kinds_that_nobody_chose_are_not_said(desk: Desk) -> None:
    desk.settings(kinds=(ProblemKind.BEHIND,))
    await desk.suspend("a")
    await desk.notifier().run_once()
    assert desk.shop.got == []


async def test_a_pass_without_news_writes_nothing(desk: Desk) -> None:
    await desk.suspend("a")
    await desk.notifier().run_once()
    versions = "SELECT string_agg(concat(ctid, xmin), ' ') FROM sync."
    before = [await desk.execute(versions + table) for table in ("notices", "outgoing_notices")]
    await desk.notifier().run_once()
    assert [await desk.execute(versions + table) for table in ("notices", "outgoing_notices")] == before


async def test_a_channel_that_fails_gets_the_notice_again_and_the_others_do_not(desk: Desk) -> None:
    desk.settings(urls=(Secret(desk.shop.url("/ok")), Secret(desk.shop.url("/broken")), Secret("json://127.0.0.1:1/")))
    desk.shop.answers = {"/broken": (500, "")}
    await desk.suspend("a")
    await desk.notifier().run_once()
    [(channels, tries, is_sent, error)] = await desk.outgoing()
    assert (channels, tries, is_sent) == (["json-2", "json-3"], 1, False)
    assert error == "json-3: it cannot be reached"
    await desk.notifier().run_once()  # not before its time
    assert (desk.shop.at("/ok"), desk.shop.at("/broken")) == (1, 1)
    desk.shop.answers = {}
    await desk.try_again()
    await desk.notifier().run_once()
    assert (desk.shop.at("/ok"), desk.shop.at("/broken")) == (1, 2)
    assert [each[0] for each in await desk.outgoing()] == [["json-3"]]
    found = samples(desk.metrics.exposition())
    assert found["orders_sync_notices_sent_total"] == {("json",): 1, ("json-2",): 1}
    assert found["orders_sync_notices_failed_total"] == {("json-2",): 1, ("json-3",): 2}


async def test_pauses_between_tries_grow_and_after_a_day_a_notice_is_given_up(desk: Desk) -> None:
    desk.settings(urls=(Secret(desk.shop.url("/broken")),))
    desk.shop.answers = {"/broken": (500, "")}
    await desk.suspend("a")
    pauses = []
    pause = "SELECT round(extract(epoch FROM try_at - clock_timestamp()) / 30)::int FROM sync.outgoing_notices"
    for _ in range(7):
        await desk.notifier().run_once()
        pauses += await desk.execute(pause)
        await desk.try_again()
    assert [each for (each,) in pauses] == [1, 2, 4, 8, 16, 30, 30]
    await desk.execute("UPDATE sync.outgoing_notices SET made_at = made_at - interval '25 h'")
    with capture_logs() as said:
        await desk.notifier().run_once()
    assert "given up" in said[-1]["event"]
    await desk.try_again()
    tries = desk.shop.at("/broken")
    await desk.notifier().run_once()
    assert desk.shop.at("/broken") == tries


async def test_a_notice_whose_sender_was_killed_is_sent_by_another_once_its_lease_is_over(desk: Desk) -> None:
    await desk.suspend("a")
    desk.settings(urls=(Secret(desk.shop.url("/silent")),))
    desk.shop.silent = {"/silent"}
    sender = asyncio.create_task(desk.notifier().run_once())
    await asyncio.to_thread(desk.shop.asked.wait)
    sender.cancel()
    desk.shop.silent = set()
    await desk.notifier().run_once()
    assert len(desk.shop.got) == 1
    await desk.try_again()
    await desk.notifier().run_once()
    assert (len(desk.shop.got), (await desk.outgoing())[0][2]) == (2, True)


async def test_a_messenger_that_never_answers_holds_up_no_other(desk: Desk) -> None:
    desk.settings(urls=(Secret(desk.shop.url("/silent")), Secret(desk.shop.url("/ok"))))
    desk.shop.silent = {"/silent"}
    await desk.suspend("a")
    notifier = desk.notifier()
    for each in notifier.channels:
        each.seconds = 0.3 if each.label == "json" else 20.0
    await notifier.run_once()
    assert desk.shop.at("/ok") == 1
    assert [each[0] for each in await desk.outgoing()] == [["json"]]


async def test_in_quiet_hours_nothing_is_sent_and_afterwards_what_is_still_there(desk: Desk) -> None:
    desk.settings(quiet_hours=QuietHours(time(22), time(8)))
    await desk.suspend("a", "b")
    desk.now = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai
    desk.is_failing = True
    await desk.notifier().run_once()
    desk.is_failing = False
    await desk.notifier().run_once()
    await desk.execute("UPDATE sync.accounts SET retired_at = now() WHERE name = 'b'")
    assert desk.shop.got == []
    desk.now = datetime(2026, 11, 27, 0, 0, tzinfo=UTC)  # 08:00
    await desk.notifier().run_once()
    [text] = desk.shop.texts
    assert "Suspended: a\n" in text


async def test_a_request_for_a_backfill_is_one_notice_once_all_of_it_has_ended(desk: Desk) -> None:
    [(first,)] = await desk.execute(BACKFILL, "a", None, "done")
    await desk.execute(BACKFILL, "b", first, "planned")
    await desk.execute(BACKFILL, "c", first, "failed")
    await desk.execute(BACKFILL, "d", None, "cancelled")
    await desk.notifier().run_once()
    assert desk.shop.got == []
    await desk.execute("UPDATE sync.backfills SET state = 'done', finished_at = now() WHERE account = 'b'")
    for _ in range(2):
        await desk.notifier().run_once()
    [text] = desk.shop.texts
    assert text.splitlines()[:3] == [
        "orders-sync: 1 backfill ended",
        f"Backfill {first}: done for 2 accounts",
        f"Backfill {first}: failed for 1 account: `orders-sync backfill list --request {first}`",
    ]


async def test_backfills_that_ended_before_notices_were_wanted_are_not_said(desk: Desk) -> None:
    await desk.execute(BACKFILL, "a", None, "done")
    await desk.execute("UPDATE sync.backfills SET finished_at = now() - interval '2 days'")
    await desk.notifier().run_once()
    assert desk.shop.got == []


async def test_a_database_that_is_away_is_said_from_memory_once_and_once_when_it_is_back(desk: Desk) -> None:
    desk.settings(delay=timedelta(minutes=5))
    notifier = desk.notifier()
    desk.is_failing = True
    start = desk.now
    for minute in range(20):
        desk.now = start + timedelta(minutes=minute)
        await notifier.run_once()
    desk.is_failing = False
    for minute in range(20, 40):
        desk.now = start + timedelta(minutes=minute)
        await notifier.run_once()
    first, second = desk.shop.texts
    assert "\nDatabase\n  It does not answer" in first
    assert "Over: Database (after 20 min)" in second
    assert await desk.outgoing() == []


async def test_a_notice_on_the_database_is_tried_again_until_it_is_accepted(desk: Desk) -> None:
    desk.settings(urls=(Secret(desk.shop.url("/broken")),))
    desk.shop.answers = {"/broken": (500, "")}
    notifier = desk.notifier()
    desk.is_failing = True
    start = desk.now
    for seconds in (0, 29, 30, 60, 91):
        desk.now = start + timedelta(seconds=seconds)
        await notifier.run_once()
    assert desk.shop.at("/broken") == 3
    desk.shop.answers = {}
    for seconds in (230, 500):
        desk.now = start + timedelta(seconds=seconds)
        await notifier.run_once()
    assert desk.shop.at("/broken") == 4


async def test_a_statement_that_the_database_refuses_is_a_problem_of_the_database_and_ends_nothing(desk: Desk) -> None:
    await desk.execute("ALTER TABLE sync.notices RENAME TO away")
    notifier = desk.notifier()
    with capture_logs() as said:
        await notifier.run_once()
    assert [each["event"] for each in said][:1] == ["notices wait for the database"]
    assert "Database" in desk.shop.texts[0]
    await desk.execute("ALTER TABLE sync.away RENAME TO notices")
    await desk.suspend("a")
    await notifier.run_once()
    assert any("Suspended: a" in text for text in desk.shop.texts)
