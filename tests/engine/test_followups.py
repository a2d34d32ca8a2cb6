"""Lists that lag behind messages: what is found unchanged, or not at all, is read again, twice at most."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.ledger import Wanted
from orders_sync.domain.sweeps import Sweep
from orders_sync.domain.windows import SECOND, Feed, Window, WindowKind
from orders_sync.sandbox.states import State
from orders_sync.store import claims, closing, followups
from tests.support.messages import KA, WAITING, asked, change, drain, some_order, when_due
from tests.support.status_sweeps import happens, mostly_closed, orders_in, swept
from tests.support.story import Story, Tell, unlist


@pytest.fixture
def story(tell: Tell) -> Story:
    return tell()


async def test_a_list_that_lags_behind_a_message_is_read_again_after_the_overlap_and_the_change_lands_P1(
    story: Story,
) -> None:
    await story.sync(KA)
    order = some_order(story)
    await asked(story, order)
    assert story.query(WAITING) == [([order.order_id], 1, 10)]
    assert (await drain(story)).calls == 0  # not before
    change(story, order)
    assert await when_due(story) == (1, 1)
    assert story.query(WAITING) == []
    story.assert_equal(KA)


async def test_one_that_lags_longer_is_read_an_hour_later_and_then_never_again(story: Story) -> None:
    await story.sync(KA)
    order = some_order(story)
    await asked(story, order)
    assert await when_due(story) == (1, 0)
    assert story.query(WAITING) == [([order.order_id], 2, 60)]
    assert await when_due(story) == (1, 0)
    assert story.query(WAITING) == []
    assert await when_due(story) == (0, 0)


async def test_a_change_ends_it_whichever_read_brought_it(story: Story) -> None:
    await story.sync(KA)
    order = some_order(story)
    await asked(story, order)
    change(story, order)
    await story.sync(KA, sweep=Sweep.OPEN)
    story.assert_equal(KA)
    assert await when_due(story) == (1, 0)
    assert story.query(WAITING) == []


async def test_an_order_that_changed_at_once_is_not_read_again(story: Story) -> None:
    await story.sync(KA)
    change(story, order := some_order(story))
    await asked(story, order)
    assert story.query(WAITING) == []


async def test_an_order_that_is_not_listed_at_all_is_sought_again(story: Story) -> None:
    await story.sync(KA)
    unlist(story, KA, order := some_order(story))
    await asked(story, order)
    assert story.query(WAITING) == [([order.order_id], 1, 10)]
    story.world.shop(KA).index.put(order)
    change(story, order)
    assert await when_due(story) == (1, 1)
    assert story.query(WAITING) == []


async def test_of_several_orders_only_those_unchanged_are_read_again(story: Story) -> None:
    await story.sync(KA)
    first = some_order(story)
    second = orders_in(story, State.SHIPPED)[0]
    happens(story, second, "terminate")
    await asked(story, first, second)
    assert story.query(WAITING) == [([first.order_id], 1, 10)]


async def test_ten_messages_of_a_day_about_one_order_leave_one_repeat_waiting(story: Story) -> None:
    """The next message's own read supersedes what waits, and is repeated itself."""
    await story.sync(KA)
    order = some_order(story)
    for _ in range(10):
        await asked(story, order)
    assert story.query(WAITING) == [([order.order_id], 1, 10)]
    assert await when_due(story) == (1, 0)
    assert await when_due(story) == (1, 0)
    assert await when_due(story) == (0, 0)


async def test_the_parts_of_a_split_window_are_read_for_its_orders(story: Story) -> None:
    await story.sync(KA)
    order = some_order(story)
    second = datetime.fromtimestamp(order.created, UTC)
    window, wanted = Window(second - SECOND, second + SECOND), [Wanted(order.order_id, second)]
    async with story.pool.connection() as connection, connection.transaction():
        await followups.plan(connection, KA, WindowKind.HOOK, [window], wanted)
        claim = await claims.claim(connection, KA, "somebody")
        assert claim is not None
        assert claim.orders == [order.order_id]
        parts = [Window(second - SECOND, second), Window(second, second + SECOND)]
        await closing.split(connection, claim, parts, total=9, calls=1)
    await drain(story)
    assert story.query(WAITING) == [([order.order_id], 1, 10)]
    assert story.query("SELECT starts_at FROM sync.windows WHERE repeats = 1") == [(second,)]


async def test_what_left_a_list_by_status_and_is_found_unchanged_is_read_again_as_well(tell: Tell) -> None:
    """The list of its status no longer brings an order, and the list by creation time shows it as before: one lags."""
    story = await mostly_closed(tell)
    order = orders_in(story, State.TERMINATED)[0]
    story.execute(f"UPDATE orders SET status = '11' WHERE order_id = '{order.order_id}'")
    await swept(story)
    assert story.query(WAITING) == [([order.order_id], 1, 10)]
    assert story.query("SELECT kind FROM sync.windows WHERE repeats = 1") == [(WindowKind.REPAIR,)]
    await swept(story)  # which takes out sweeps that wait
    assert story.query(WAITING) == [([order.order_id], 1, 10)]
    assert await when_due(story) == (1, 1)  # a repair compares rows too: what was changed by hand above comes back


async def test_a_repeat_proves_nothing_of_its_second(story: Story) -> None:
    await story.sync(KA)
    order = some_order(story)
    await asked(story, order)
    second = datetime.fromtimestamp(order.created, UTC)
    rows = story.query("SELECT kind, feed, starts_at, ends_at FROM sync.windows WHERE repeats = 1")
    assert rows == [(WindowKind.HOOK, Feed.CREATED, second, second + timedelta(seconds=1))]
