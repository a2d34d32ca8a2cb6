"""A plan is shown, then started as it was shown; when something else would be read by then, it is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.activity import Actor, Origin
from orders_sync.domain.errors import ChangedError, NotFoundError, UsageError
from orders_sync.domain.windows import Feed, Window
from orders_sync.engine import backfill
from orders_sync.engine.actions import backfills as actions
from orders_sync.engine.actions.backfills import Requested
from orders_sync.engine.backfill import BackfillPreview
from orders_sync.engine.sources import AccountSource
from tests.support.story import Story, Tell

ANA = Actor("ana", Origin.CONSOLE)
DAY = timedelta(days=1)
WINDOWS = "SELECT account, starts_at, ends_at FROM sync.windows WHERE kind = 'backfill' ORDER BY account, starts_at"


def last_days(number: int) -> Window:
    now = datetime.now(UTC).replace(microsecond=0)
    return Window(now - number * DAY, now)


async def preview(story: Story, window: Window, *names: str, everything: bool = False) -> BackfillPreview:
    async with story.pool.connection() as connection:
        return await backfill.preview(
            connection, story.sources(*names), window, Feed.CREATED, datetime.now(UTC), everything=everything
        )


async def start(story: Story, number: int, sources: list[AccountSource] | None = None) -> Requested:
    async with story.pool.connection() as connection:
        return await actions.start(connection, ANA, story.sources() if sources is None else sources, number)


async def test_exactly_what_was_shown_is_planned_and_read(tell: Tell) -> None:
    story = tell(orders=60)
    window = last_days(20)
    shown = await preview(story, window, "sandbox-1688", "sandbox-ka")
    requested = await start(story, shown.plan)
    planned = story.query(WINDOWS)
    assert len(planned) == sum(each.windows for each in shown.previews) == 2
    assert {name for name, *_ in planned} == {"sandbox-1688", "sandbox-ka"}
    assert story.query("SELECT id, coalesce(request_id, id), state FROM sync.backfills ORDER BY id") == [
        (number, requested.number, "planned") for number in requested.backfills
    ]
    assert story.query("SELECT account, subject, actor FROM sync.activity ORDER BY id") == [
        (name, f"request {requested.number}", "ana") for name in requested.accounts
    ]
    await story.sync()
    assert story.query("SELECT DISTINCT state FROM sync.backfills") == [("done",)]


async def test_a_plan_is_started_once(tell: Tell) -> None:
    story = tell(orders=60)
    shown = await preview(story, last_days(3))
    requested = await start(story, shown.plan)
    with pytest.raises(ChangedError, match=f"started already, as request {requested.number}"):
        await start(story, shown.plan)
    assert story.query("SELECT count(*) FROM sync.backfills") == [(3,)]


async def window_of_an_hour(story: Story, state: str, ago: timedelta) -> None:
    start_ = datetime.now(UTC).replace(microsecond=0) - ago
    story.query(
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, seen, attempts, finished_at) "
        "VALUES ('sandbox-ka', 'repair', 'created', %s, %s, %s, 1, 1, now()) RETURNING 1",
        start_,
        start_ + timedelta(minutes=10),
        state,
    )


async def test_a_plan_is_refused_when_another_thing_would_be_read(tell: Tell) -> None:
    story = tell(orders=60)
    await story.sync("sandbox-open")
    shown = await preview(story, last_days(3))
    await window_of_an_hour(story, "done", ago=2 * DAY)
    before = story.query("SELECT count(*) FROM sync.windows")
    with pytest.raises(ChangedError, match="preview the backfill again"):
        await start(story, shown.plan)
    assert story.query("SELECT count(*) FROM sync.backfills") == [(0,)]
    assert story.query("SELECT count(*) FROM sync.windows") == before
    assert story.query("SELECT count(*) FROM sync.activity") == [(0,)]
    await start(story, (await preview(story, last_days(3))).plan)


async def test_a_plan_is_refused_when_its_windows_would_be_others(tell: Tell) -> None:
    story = tell(orders=60)
    shown = await preview(story, last_days(3))
    changed = [
        replace(each, policy=replace(each.policy, longest_window=timedelta(hours=1))) for each in story.sources()
    ]
    with pytest.raises(ChangedError):
        await start(story, shown.plan, changed)


@pytest.mark.parametrize("everything", [False, True])
async def test_what_was_read_in_the_last_hour_refuses_no_plan_and_is_read_as_it_was_shown(
    tell: Tell, everything: bool
) -> None:
    """Changes are read all the time: a plan up to now could never be started else."""
    story = tell(orders=60)
    window = last_days(3)
    shown = await preview(story, window, everything=everything)
    await window_of_an_hour(story, "done", ago=timedelta(minutes=30))
    await start(story, shown.plan)
    assert story.query("SELECT max(ends_at) FROM sync.windows WHERE kind = 'backfill'") == [(window.end,)]


async def test_everything_is_read_again_whatever_became_complete(tell: Tell) -> None:
    story = tell(orders=60)
    window = last_days(3)
    shown = await preview(story, window, "sandbox-ka", everything=True)
    await story.sync("sandbox-ka")
    await start(story, shown.plan)
    assert story.query(WINDOWS)[0][1:] == (window.start, window.end)


async def test_an_old_plan_an_unknown_one_and_one_of_a_removed_account_say_what_to_do(tell: Tell) -> None:
    story = tell(orders=60)
    shown = await preview(story, last_days(3))
    with pytest.raises(NotFoundError, match="there is no plan 999"):
        await start(story, 999)
    with pytest.raises(NotFoundError, match="sandbox-ka: not in the settings"):
        await start(story, shown.plan, story.sources("sandbox-1688", "sandbox-open"))
    story.query("UPDATE sync.backfill_plans SET planned_at = now() - interval '61 min' RETURNING 1")
    with pytest.raises(NotFoundError, match="older than an hour"):
        await start(story, shown.plan)
    await preview(story, last_days(3))
    assert len(story.query("SELECT id FROM sync.backfill_plans")) == 1


async def test_an_account_with_nothing_to_read_is_done_at_once(tell: Tell) -> None:
    story = tell(orders=60)
    await story.sync("sandbox-ka")
    window = Window(last_days(3).start, last_days(2).start)
    shown = await preview(story, window, "sandbox-ka", "sandbox-open")
    assert {each.account: each.windows for each in shown.previews} == {"sandbox-ka": 0, "sandbox-open": 1}
    await start(story, shown.plan)
    assert story.query("SELECT account, state FROM sync.backfills ORDER BY account") == [
        ("sandbox-ka", "done"),
        ("sandbox-open", "planned"),
    ]


async def test_accounts_of_one_app_take_their_calls_one_after_the_other(tell: Tell) -> None:
    story = tell(orders=60)
    story.per_second = 2
    shown = await preview(story, last_days(3))
    of_app: dict[str, float] = {}
    for source, each in zip(story.sources(), shown.previews, strict=True):
        key = source.account.rate_key
        of_app[key] = of_app.get(key, 0.0) + each.seconds
    assert shown.seconds == pytest.approx(max(of_app.values()))


async def test_a_plan_with_nothing_to_read_is_not_called_done(tell: Tell) -> None:
    story = tell(orders=60)
    later = datetime.now(UTC).replace(microsecond=0) + DAY
    shown = await preview(story, Window(later, later + DAY), everything=True)
    assert all("lies in the future" in each.remarks[0] for each in shown.previews)
    with pytest.raises(UsageError, match="has yet to come"):
        await start(story, shown.plan)
    assert story.query("SELECT count(*) FROM sync.backfills") == [(0,)]


async def test_a_feed_that_a_platform_does_not_list_by_is_refused_before_anything_is_planned(tell: Tell) -> None:
    story = tell(orders=60)
    async with story.pool.connection() as connection:
        with pytest.raises(UsageError, match="does not list by updated time"):
            await backfill.preview(connection, story.sources(), last_days(3), Feed.UPDATED, datetime.now(UTC))
    assert story.query("SELECT count(*) FROM sync.backfill_plans") == [(0,)]
