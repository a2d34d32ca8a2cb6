"""What people ask the running service to do at once is taken by a scheduler or worker, once, and recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest

from orders_sync.domain.activity import Actor, Origin
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.engine.actions import accounts, audits
from orders_sync.engine.run_context import RunContext
from orders_sync.sandbox import SandboxTransport
from orders_sync.service.queue import Queue
from orders_sync.service.worker import Worker
from orders_sync.store import due_accounts, requests
from tests.support.scheduling import DAY, jobs, scheduler, with_interval
from tests.support.story import Story, Tell

ANA = Actor("ana", Origin.CONSOLE)
REQUESTS = (
    "SELECT kind, requested_by, taken_at IS NOT NULL, finished_at IS NOT NULL, error FROM sync.requests ORDER BY id"
)
ACTIVITY = "SELECT action, account, actor, origin FROM sync.activity ORDER BY id"


async def sync_now(story: Story, name: str) -> int:
    async with story.pool.connection() as connection:
        return await accounts.sync_now(connection, ANA, name)


async def audit_now(story: Story, name: str, *, repair: bool = False) -> int:
    async with story.pool.connection() as connection:
        return await audits.request(connection, ANA, name, repair=repair)


def worker(story: Story, queue: Queue) -> Worker:
    http = httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app))
    run_context = RunContext(story.pool, http, story.sources(), story.limits, story.progress)
    return Worker(run_context, queue, story.sources(), DAY)


async def test_an_account_is_read_now_whatever_is_left_of_its_interval_and_of_pauses(tell: Tell, queue: Queue) -> None:
    story = tell()
    await story.sync(story.shop)
    earlier = "UPDATE sync.windows SET starts_at = starts_at - interval '1 h', ends_at = ends_at - interval '1 h'"
    story.query(f"{earlier} RETURNING 1")
    story.query(
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, attempts, finished_at) "
        "VALUES (%s, 'backfill', 'created', '2020-01-01', '2020-01-02', 'failed', 9, now()) RETURNING 1",
        story.shop,
    )
    sources = with_interval(story.sources(story.shop), DAY)
    pairs = [(each.account, each.policy) for each in sources]
    async with story.pool.connection() as connection:
        assert await due_accounts.accounts(connection, pairs) == []
    assert await sync_now(story, story.shop) == await sync_now(story, story.shop)  # one that waits is enough
    newest = "SELECT max(ends_at) FROM sync.windows WHERE kind = 'incremental'"
    before = story.query(newest)
    await scheduler(story, queue, sources).plan_due_accounts()
    assert story.query(newest) > before
    assert story.query("SELECT count(*) FROM sync.windows WHERE state = 'failed'") == [(0,)]
    assert jobs(story) == [("drain", story.shop, "todo")]
    assert story.query(REQUESTS) == [("sync", "ana", True, True, None)]
    assert story.query(ACTIVITY) == [("account.sync", story.shop, "ana", "console")] * 2
    planned = story.query("SELECT count(*) FROM sync.windows")
    await scheduler(story, queue, sources).plan_due_accounts()
    assert story.query("SELECT count(*) FROM sync.windows") == planned


async def test_a_command_that_reads_the_account_does_what_was_asked_for(tell: Tell) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    await sync_now(story, "sandbox-ka")
    await story.sync("sandbox-ka")
    assert story.query(REQUESTS) == [("sync", "ana", True, True, None)]


async def test_an_audit_is_made_by_a_worker_though_none_is_due_and_repairs_if_asked_to(
    tell: Tell, queue: Queue
) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    story.query("DELETE FROM sync.windows WHERE state <> 'done' RETURNING 1")
    one, clock = worker(story, queue), scheduler(story, queue, with_interval(story.sources("sandbox-ka"), DAY))
    await one.audit("sandbox-ka")  # the routine one
    lost = "DELETE FROM orders WHERE order_id = (SELECT min(order_id) FROM orders) RETURNING order_id"
    [(order_id,)] = story.query(lost)
    story.query("DELETE FROM raw_orders WHERE order_id = %s RETURNING 1", order_id)
    for repairs, missing in ((False, 1), (True, 0)):
        await audit_now(story, "sandbox-ka", repair=repairs)
        await clock.plan_due_accounts()
        assert jobs(story) == [("audit", "sandbox-ka", "todo")]
        await one.audit("sandbox-ka")
        story.query("DELETE FROM sync_jobs.procrastinate_jobs RETURNING 1")
        await one.audit("sandbox-ka")  # nothing is asked for any more
        assert len(story.query("SELECT 1 FROM sync.audits WHERE NOT is_routine")) == (2 if repairs else 1)
        found = story.query("SELECT count(*) FROM orders WHERE order_id = %s", order_id)
        assert found == [(1 - missing,)]
    assert story.query(REQUESTS) == [("audit", "ana", True, True, None)] * 2
    assert [row[0] for row in story.query(ACTIVITY)] == ["audit.run", "audit.run"]


async def test_a_found_audit_is_repaired_by_another_one_of_its_range(tell: Tell, queue: Queue) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    lost = "DELETE FROM orders WHERE order_id = (SELECT min(order_id) FROM orders) RETURNING order_id"
    [(order_id,)] = story.query(lost)
    story.query("DELETE FROM raw_orders WHERE order_id = %s RETURNING 1", order_id)
    await story.audit("sandbox-ka")
    [(number, start, end)] = story.query("SELECT id, starts_at, ends_at FROM sync.audits")
    async with story.pool.connection() as connection:
        await audits.repair(connection, ANA, int(str(number)))
        with pytest.raises(NotFoundError, match="there is no audit 999"):
            await audits.repair(connection, ANA, 999)
    await worker(story, queue).audit("sandbox-ka")
    assert story.query("SELECT starts_at, ends_at FROM sync.audits WHERE id <> %s", number) == [(start, end)]
    assert story.query("SELECT count(*) FROM sync.audit_differences WHERE repaired_at IS NULL") == [(0,)]
    story.assert_equal("sandbox-ka")
    async with story.pool.connection() as connection:
        with pytest.raises(UsageError, match="nothing to repair"):
            await audits.repair(connection, ANA, int(str(number)))


EMPTY_AUDITS = (
    (timedelta(days=1), None, "lies in the future"),
    (timedelta(days=36500), timedelta(days=36501), "lies in the future"),
    (timedelta(minutes=-30), None, "nothing to compare, it is synced to"),
    (None, timedelta(days=-5000), "what was read without a gap begins at"),
)


async def test_an_audit_that_cannot_compare_anything_is_refused_when_it_is_asked_for(tell: Tell) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    story.query("UPDATE sync.accounts SET watermark = watermark - interval '1 h' RETURNING 1")
    hour = "interval '1 h'"
    story.query(f"UPDATE sync.windows SET starts_at = starts_at - {hour}, ends_at = ends_at - {hour} RETURNING 1")
    [(now,)] = story.query("SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    for start, end, why in EMPTY_AUDITS:
        async with story.pool.connection() as connection:
            first, last = (None if each is None else now + each for each in (start, end))
            with pytest.raises(UsageError, match=why) as raised:
                await audits.request(connection, ANA, "sandbox-ka", first, last)
        assert raised.value.argument == "from", why
        assert (story.query(REQUESTS), story.query(ACTIVITY)) == ([], []), why


async def test_an_audit_of_a_shop_of_which_nothing_was_read_is_refused(tell: Tell) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    story.query("UPDATE sync.accounts SET watermark = NULL, proven_from = NULL RETURNING 1")
    story.query("DELETE FROM sync.windows RETURNING 1")
    async with story.pool.connection() as connection:
        with pytest.raises(UsageError, match="nothing is synced yet"):
            await audits.request(connection, ANA, "sandbox-ka")


async def test_an_audit_that_waits_or_could_not_begin_is_listed_with_its_reason(tell: Tell, queue: Queue) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    await audit_now(story, "sandbox-ka")
    one = worker(story, queue)
    async with story.pool.connection() as connection:
        [waits] = await requests.audits_asked(connection)
        assert (waits.account, waits.requested_by, waits.finished_at, waits.error) == ("sandbox-ka", "ana", None, None)
        assert await requests.audits_asked(connection, "other") == []
        story.query("UPDATE sync.requests SET starts_at = now() + interval '1 h' RETURNING 1")  # the clock was set back
        await one.audit("sandbox-ka")
        [failed] = await requests.audits_asked(connection, "sandbox-ka")
        assert "lies in the future" in str(failed.error)
        await audit_now(story, "sandbox-ka")
        await one.audit("sandbox-ka")
        assert [each.id for each in await requests.audits_asked(connection)] == [failed.id]  # the other is an audit


async def test_an_audit_that_fails_says_why_and_is_over(tell: Tell, queue: Queue) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    await audit_now(story, "sandbox-ka")
    story.with_limits(tries=1)
    story.faults.set_rates({"http_5xx": 1.0})
    await worker(story, queue).audit("sandbox-ka")
    [(kind, _, is_taken, is_finished, error)] = story.query(REQUESTS)
    assert (kind, is_taken, is_finished) == ("audit", True, True)
    assert "sandbox-ka" in str(error)


async def test_an_audit_whose_worker_died_is_taken_again(tell: Tell, queue: Queue) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    await audit_now(story, "sandbox-ka")
    async with story.pool.connection() as connection:
        assert await requests.take_audit(connection, "sandbox-ka") is not None
        assert await requests.with_audits(connection, ["sandbox-ka"]) == []
        await connection.execute("UPDATE sync.requests SET taken_at = now() - interval '11 minutes'")
        assert await requests.with_audits(connection, ["sandbox-ka"]) == ["sandbox-ka"]
        [waiting] = await requests.not_ended(connection, ["sandbox-ka", "sandbox-open"])
        assert (waiting.account, waiting.requested_by) == ("sandbox-ka", "ana")
    await worker(story, queue).audit("sandbox-ka")
    assert story.query(REQUESTS) == [("audit", "ana", True, True, None)]


UNREADABLE = (
    ("paused_at = now()", "is paused"),
    ("suspended_at = now(), suspended_because = 'no'", "is suspended"),
    ("removed_at = now()", "is not in the settings any more"),
    ("retired_at = now()", "is not in the settings any more"),
)


async def test_an_account_that_nobody_may_read_is_refused_with_what_to_do(tell: Tell) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    none = "paused_at = NULL, suspended_at = NULL, suspended_because = NULL, removed_at = NULL, retired_at = NULL"
    for column, words in UNREADABLE:
        for change in (none, column):
            story.query(f"UPDATE sync.accounts SET {change} WHERE name = 'sandbox-ka' RETURNING 1")
        for ask in (sync_now, audit_now):
            with pytest.raises(UsageError, match=f"sandbox-ka {words}"):
                await ask(story, "sandbox-ka")
            with pytest.raises(NotFoundError, match="no account is known as nobody"):
                await ask(story, "nobody")
    assert story.query("SELECT count(*) FROM sync.requests") == [(0,)]
    assert story.query(ACTIVITY) == []


async def test_a_pause_that_is_over_refuses_nothing(tell: Tell) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    story.query(
        "UPDATE sync.accounts SET paused_at = now() - interval '2 h', paused_until = now() - interval '1 h' RETURNING 1"
    )
    assert await sync_now(story, "sandbox-ka") == 1


async def test_nothing_is_enqueued_for_an_account_that_was_paused_after_it_was_asked_for(
    tell: Tell, queue: Queue
) -> None:
    story = tell()
    await story.sync("sandbox-ka")
    await audit_now(story, "sandbox-ka")
    story.query("UPDATE sync.accounts SET paused_at = now() RETURNING 1")
    await scheduler(story, queue, with_interval(story.sources("sandbox-ka"), timedelta(days=1))).plan_due_accounts()
    assert jobs(story) == []
