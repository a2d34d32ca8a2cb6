"""Due windows are planned once, by whichever scheduler is first, and a job to read them is queued."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from orders_sync.engine import planner
from orders_sync.engine.sources import AccountSource
from orders_sync.service.liveness import Liveness
from orders_sync.service.queue import Queue
from orders_sync.store import due_accounts, suspensions
from orders_sync.store.database import Connection
from tests.support.scheduling import DAY, jobs, scheduler, with_interval
from tests.support.story import Story, Tell


async def due_now(story: Story, sources: list[AccountSource]) -> list[str]:
    async with story.pool.connection() as connection:
        return await due_accounts.accounts(connection, [(each.account, each.policy) for each in sources])


async def test_a_new_account_is_planned_and_put_into_the_queue(tell: Tell, queue: Queue) -> None:
    story = tell()
    await scheduler(story, queue).plan_due_accounts()
    assert story.query("SELECT DISTINCT account FROM sync.windows WHERE state = 'planned' ORDER BY 1") == [
        (each.name,) for each in sorted(story.world.accounts, key=lambda each: each.name)
    ]
    assert sorted(jobs(story)) == [("drain", name, "todo") for name in sorted(s.name for s in story.world.accounts)]


async def test_any_number_of_schedulers_plan_what_is_due_once(tell: Tell, queue: Queue) -> None:
    story = tell()
    await asyncio.gather(*[scheduler(story, queue).plan_due_accounts() for _ in range(5)])
    twice = "SELECT account, kind, starts_at FROM sync.windows GROUP BY 1, 2, 3 HAVING count(*) > 1"
    assert story.query(twice) == []
    assert len(jobs(story)) == 3


async def test_nothing_is_due_before_the_interval_is_over(tell: Tell) -> None:
    story = tell()
    await story.sync()
    assert await due_now(story, with_interval(story.sources(), DAY)) == []
    assert len(await due_now(story, with_interval(story.sources(), timedelta(0)))) == 3


async def test_a_tick_with_nothing_due_writes_nothing(tell: Tell, queue: Queue) -> None:
    story = tell()
    await story.sync()
    look = "SELECT string_agg(concat(ctid, xmin, xmax), ' ') FROM sync.accounts", "SELECT count(*) FROM sync.windows"
    before = [story.query(each) for each in look]
    await scheduler(story, queue, with_interval(story.sources(), DAY)).plan_due_accounts()
    assert [story.query(each) for each in look] == before
    assert jobs(story) == []


async def test_figures_of_products_are_made_of_the_weeks_of_which_orders_changed(tell: Tell, queue: Queue) -> None:
    story = tell()
    await story.sync()
    outdated = "SELECT count(*) > 0 FROM sync.outdated_product_weeks"
    assert story.query(outdated) == [(True,)]
    await scheduler(story, queue).remake_product_figures()
    assert story.query(outdated) == [(False,)]
    assert story.query("SELECT count(*) > 0 FROM sync.product_figures") == [(True,)]


def put_clock_back(story: Story, account: str, hours: int) -> None:
    """Move the plan into the future, as a clock that was put back sees it."""
    story.query(
        "UPDATE sync.windows AS w SET starts_at = starts_at + d, ends_at = ends_at + d "
        "FROM (SELECT %s * interval '1 hour' AS d) AS d WHERE account = %s RETURNING 1",
        hours,
        account,
    )


async def test_a_clock_put_back_stops_the_account_with_a_sentence_until_it_has_caught_up(
    tell: Tell, queue: Queue, capfd: pytest.CaptureFixture[str]
) -> None:
    story = tell()
    await story.sync()
    put_clock_back(story, story.shop, 6)
    sources = with_interval(story.sources(), DAY)
    assert await due_now(story, sources) == [story.shop]
    await scheduler(story, queue, sources).plan_due_accounts()
    error = "SELECT last_error FROM sync.accounts WHERE name = %s"
    [(said,)] = story.query(error, story.shop)
    assert str(said).startswith(f"{story.shop}: it is planned up to 20")
    assert "the clock was put back" in str(said)
    assert "Traceback" not in "".join(capfd.readouterr())
    assert jobs(story) == []
    outcomes = await story.sync()
    assert outcomes[story.shop].errors == [said]
    assert [each.errors for name, each in outcomes.items() if name != story.shop] == [[], []]
    assert story.query(error, story.shop) == [(said,)]

    put_clock_back(story, story.shop, -6)
    outcomes = await story.sync()
    assert outcomes[story.shop].errors == []
    assert story.query(error, story.shop) == [(None,)]


async def test_a_sync_of_a_clock_put_back_keeps_the_sentence_for_status(tell: Tell) -> None:
    story = tell()
    await story.sync()
    put_clock_back(story, story.shop, 1)
    await story.sync()
    [(said,)] = story.query("SELECT last_error FROM sync.accounts WHERE name = %s", story.shop)
    assert "the clock was put back" in str(said)


async def test_a_backfill_asked_for_in_sql_is_due_at_once(tell: Tell, queue: Queue) -> None:
    story = tell()
    await story.sync()
    story.query("SELECT sync.request_backfill(%s, '2024-05-01', '2024-05-02', 'updated', true)", story.shop)
    sources = with_interval(story.sources(), DAY)
    assert await due_now(story, sources) == [story.shop]
    await scheduler(story, queue, sources).plan_due_accounts()
    assert jobs(story) == [("drain", story.shop, "todo")]


async def test_a_suspended_account_is_left_alone_until_its_credentials_change_P6(tell: Tell, queue: Queue) -> None:
    story = tell()
    sources = story.sources(story.shop)
    await scheduler(story, queue, sources).plan_due_accounts()
    async with story.pool.connection() as connection:
        await suspensions.suspend(connection, sources[0].account, "no")
    assert await due_now(story, sources) == []
    other = [replace(each, account=replace(each.account, app_secret="another one")) for each in sources]
    assert await due_now(story, other) == [story.shop]


async def test_an_account_whose_windows_fail_one_after_the_other_rests_P6(tell: Tell, queue: Queue) -> None:
    story = tell(samples=True)
    story.with_limits(tries=1)
    story.faults.set_rates({"http_5xx": 1.0})
    await story.sync(story.shop, retry=False)
    story.query(
        "UPDATE sync.windows SET finished_at = finished_at - interval '1 day' WHERE state = 'failed' RETURNING 1"
    )
    assert story.query("SELECT rests_until > now() FROM sync.accounts") == [(True,)]
    sources = with_interval(story.sources(story.shop), DAY)
    await scheduler(
        story, queue, sources
    ).plan_due_accounts()  # what failed may be read again by now, but not while it rests
    assert jobs(story) == []
    story.query("UPDATE sync.accounts SET rests_until = now() - interval '1 second' RETURNING 1")
    await scheduler(story, queue, sources).plan_due_accounts()
    assert jobs(story) == [("drain", story.shop, "todo")]


async def test_an_account_that_was_never_audited_is_audited_and_then_not_for_a_day(tell: Tell, queue: Queue) -> None:
    story = tell()
    clock = scheduler(story, queue)
    await clock.enqueue_audits()
    assert jobs(story) == []  # nothing has landed yet
    await story.sync()
    await clock.enqueue_audits()
    await clock.enqueue_audits()
    assert sorted(jobs(story)) == [
        ("audit", each.name, "todo") for each in sorted(story.world.accounts, key=lambda each: each.name)
    ]


async def test_what_an_audit_found_missing_is_settled_within_a_minute_of_the_read_that_brings_it(
    tell: Tell, queue: Queue
) -> None:
    story = tell()
    await story.sync()
    [(here,)] = story.query("SELECT min(order_id) FROM orders WHERE account = %s", story.shop)
    audit = "INSERT INTO sync.audits (account, starts_at, ends_at, finished_at) VALUES (%s, now(), now(), now())"
    [(number,)] = story.query(f"{audit} RETURNING id", story.shop)
    for place, order_id in enumerate((here, "not here")):
        story.query(
            "INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders, missing, "
            "missing_ids) VALUES (%s, now() + %s * interval '1 h', now() + interval '9 h', 1, 0, 1, %s) RETURNING 1",
            number,
            place,
            [order_id],
        )
    await scheduler(story, queue).settle_differences()
    left = "SELECT missing_ids FROM sync.audit_differences WHERE repaired_at IS NULL"
    assert story.query(left) == [(["not here"],)]


@pytest.mark.parametrize("ending", ["finished_at = NULL", "error = 'no answer'"])
async def test_an_audit_that_did_not_end_well_is_made_again_an_hour_later(
    tell: Tell, queue: Queue, ending: str
) -> None:
    story = tell()
    await story.sync()
    names = [each.name for each in story.world.accounts]
    made = "INSERT INTO sync.audits (account, starts_at, ends_at, is_routine, started_at, finished_at) VALUES "
    for name in names:
        story.query(f"{made} (%s, now() - interval '1 day', now(), true, now(), now()) RETURNING 1", name)
    bad = f"UPDATE sync.audits SET {ending}, started_at = started_at - %s * interval '1 minute' WHERE account = %s"
    story.query(f"{bad} RETURNING 1", 50, story.shop)
    await scheduler(story, queue).enqueue_audits()
    assert jobs(story) == []
    story.query(f"{bad} RETURNING 1", 11, story.shop)
    await scheduler(story, queue).enqueue_audits()
    assert jobs(story) == [("audit", story.shop, "todo")]


async def test_an_account_that_cannot_be_planned_stops_no_other(
    tell: Tell, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = tell()
    plan_due = planner.plan_due

    async def broken(connection: Connection, source: AccountSource) -> bool:
        if source.account.name == story.shop:
            raise ValueError("a window lies on whole seconds")
        return await plan_due(connection, source)

    monkeypatch.setattr(planner, "plan_due", broken)
    story.query(
        "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES (%s, '1688', 's', 'updated') RETURNING 1",
        story.shop,
    )
    liveness = Liveness()
    await scheduler(story, queue, liveness=liveness).plan_due_accounts()
    assert sorted(jobs(story)) == [("drain", "sandbox-ka", "todo"), ("drain", "sandbox-open", "todo")]
    [(error,)] = story.query("SELECT last_error FROM sync.accounts WHERE name = %s", story.shop)
    assert "whole seconds" in str(error)
    assert liveness.planning_errors == {story.shop: error}


async def test_a_process_with_the_old_name_of_a_shop_says_at_once_that_it_cannot_plan_it(
    tell: Tell, queue: Queue
) -> None:
    """No account of the tables has that name, so that no row could hold the error."""
    story = tell()
    await story.sync(story.shop)
    story.execute(f"UPDATE sync.accounts SET name = 'new-name' WHERE name = '{story.shop}'")
    liveness = Liveness()
    await scheduler(story, queue, liveness=liveness).plan_due_accounts()
    assert list(liveness.planning_errors) == [story.shop]
    assert "by another name" in liveness.planning_errors[story.shop]
