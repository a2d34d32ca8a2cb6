"""A range asked for by hand: stored, read where nothing is proven yet, cut off and taken up again, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from orders_sync.domain.windows import Feed, Window
from orders_sync.store import backfills
from tests.engine.story import Story

Tell = Callable[..., Story]
DAY = timedelta(days=1)
STATES = "SELECT state FROM sync.backfills ORDER BY id"


def last_days(number: int) -> Window:
    now = datetime.now(UTC).replace(microsecond=0)
    return Window(now - number * DAY, now)


async def ask(story: Story, window: Window, account: str = "sandbox-1688", *, everything: bool = False) -> int:
    feed = Feed.UPDATED if account == "sandbox-1688" else Feed.CREATED
    async with story.pool.connection() as connection:
        return await backfills.request(connection, account, feed, window, everything=everything)


async def test_what_is_complete_is_not_read_again_and_the_request_is_done_at_once(tell: Tell) -> None:
    story = tell()
    await story.sync(story.shop)
    end = story.query("SELECT watermark FROM sync.accounts WHERE name = %s", story.shop)[0][0]
    assert isinstance(end, datetime)
    await ask(story, Window(end - 20 * DAY, end))
    outcomes = await story.sync(story.shop)
    assert story.query(STATES) == [("done",)]
    assert outcomes[story.shop].calls <= 2


async def test_only_what_no_complete_window_covers_is_read(tell: Tell) -> None:
    story = tell(orders=450)
    await story.sync(story.shop)
    whole = last_days(20)
    middle = Window(whole.start + 8 * DAY, whole.start + 12 * DAY)
    for window in (middle, whole):
        async with story.pool.connection() as connection:
            await backfills.request(connection, story.shop, Feed.CREATED, window, everything=False)
        await story.sync(story.shop)
    assert story.query("SELECT starts_at, ends_at FROM sync.windows WHERE feed = 'created' ORDER BY id") == [
        (middle.start, middle.end),
        (whole.start, middle.start),
        (middle.end, whole.end),
    ]
    assert story.query(STATES) == [("done",), ("done",)]


async def test_a_backfill_that_was_cut_off_goes_on_with_the_next_pass(tell: Tell) -> None:
    story = tell(orders=450)
    await story.sync()
    await ask(story, last_days(30), everything=True)
    story.faults.set_rates({"http_5xx": 1.0})
    story.with_limits(tries=1)
    await story.sync(story.shop)
    assert story.query(STATES) == [("planned",)]
    story.faults.clear()
    await story.sync(story.shop)
    assert story.query(STATES) == [("done",)]
    story.assert_equal(story.shop)


async def test_cancelled_means_that_nothing_of_it_is_read_any_more_parts_of_a_split_included(tell: Tell) -> None:
    story = tell(orders=450)
    await story.sync()
    number = await ask(story, last_days(30), everything=True)
    story.with_limits(window_rows=20)  # the first answer says: split

    def cancel() -> None:
        if not story.query("SELECT 1 FROM sync.windows WHERE backfill_id = %s AND state = 'running'", number):
            return
        story.world.between_calls = None
        with psycopg.connect(story.url) as connection:
            connection.execute("UPDATE sync.backfills SET state = 'cancelled' WHERE id = %s", [number])
            connection.execute("DELETE FROM sync.windows WHERE backfill_id = %s AND state = 'planned'", [number])

    story.world.between_calls = cancel
    await story.sync(story.shop)
    assert story.query("SELECT state FROM sync.windows WHERE backfill_id = %s", number) == [("split",)]
    assert story.query(STATES) == [("cancelled",)]


async def test_plain_sql_asks_for_the_same(tell: Tell) -> None:
    story = tell()
    await story.sync()
    assert story.query("SELECT sync.request_backfill('sandbox-ka', '2026-10-01', '2026-10-02')") == [(1,)]
    assert story.query("SELECT feed, starts_at, ends_at FROM sync.backfills") == [
        ("created", datetime(2026, 9, 30, 16, tzinfo=UTC), datetime(2026, 10, 1, 16, tzinfo=UTC))
    ]
    await story.sync("sandbox-ka")
    assert story.query(STATES) == [("done",)]
    with pytest.raises(psycopg.errors.RaiseException, match="no account is named nobody"):
        story.query("SELECT sync.request_backfill('nobody', '2026-10-01', '2026-10-02')")


async def test_a_time_the_platform_does_not_list_by_is_said_on_the_request(tell: Tell) -> None:
    story = tell()
    await story.sync()
    story.query("SELECT sync.request_backfill('sandbox-ka', '2026-10-01', '2026-10-02', 'updated')")
    await story.sync("sandbox-ka")
    [(state, error)] = story.query("SELECT state, error FROM sync.backfills")
    assert state == "failed"
    assert "does not list by updated time" in str(error)
