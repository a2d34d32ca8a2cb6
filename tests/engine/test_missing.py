"""Orders that were to be read and were not listed: read for twice more, then shown by commands that concern them."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from orders_sync.domain.sweeps import Sweep
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.sandbox.states import State
from orders_sync.store import overview
from orders_sync.store.unlisted import UnlistedOrders
from tests.support.messages import KA, WAITING, asked, outcomes, some_order, when_due
from tests.support.status_sweeps import orders_in
from tests.support.story import Story, Tell, unlist

MISSING = "SELECT order_id FROM sync.missing_orders ORDER BY order_id"
NOTES = "SELECT error FROM sync.windows WHERE state = 'done' AND error IS NOT NULL"


@pytest.fixture
def story(tell: Tell) -> Story:
    return tell()


async def gone_after_a_message(story: Story) -> SandboxOrder:
    await story.sync(KA)
    unlist(story, KA, order := some_order(story))
    await asked(story, order)
    for _ in range(2):
        assert story.query(MISSING) == []
        assert (await when_due(story))[0] == 1
    return order


async def test_an_order_that_three_reads_for_a_message_did_not_bring_is_said_to_be_missing(story: Story) -> None:
    order = await gone_after_a_message(story)
    assert story.query(WAITING) == []
    assert story.query(MISSING) == [(order.order_id,)]
    assert story.query(NOTES) == [(f"not listed in any of three complete reads: order {order.order_id}",)]
    assert outcomes(story) == [f"its order is read again: order {order.order_id} was not listed in any of three reads"]


async def test_one_that_is_listed_again_is_not_missing_any_more_though_it_did_not_change(story: Story) -> None:
    order = await gone_after_a_message(story)
    story.world.shop(KA).index.put(order)
    versions = story.row_versions()
    await story.sync(KA, sweep=Sweep.OPEN)
    assert story.query(MISSING) == []
    assert story.row_versions() == versions


async def test_a_sweep_finds_it_too_and_costs_no_more_once_it_is_known(story: Story) -> None:
    await story.sync(KA)
    unlist(story, KA, order := some_order(story))
    await story.sync(KA, sweep=Sweep.OPEN)
    assert story.query(WAITING) == [([order.order_id], 1, 10)]
    due = story.query("SELECT id, not_before FROM sync.windows WHERE repeats = 1")
    await story.sync(KA, sweep=Sweep.OPEN)  # while the repeat waits: it is not put off
    assert story.query("SELECT id, not_before FROM sync.windows WHERE repeats = 1") == due
    assert await when_due(story) == (1, 0)
    assert await when_due(story) == (1, 0)
    assert story.query(MISSING) == [(order.order_id,)]
    await story.sync(KA, sweep=Sweep.OPEN)
    assert story.query(WAITING) == []
    assert story.query(MISSING) == [(order.order_id,)]


async def test_a_final_order_that_the_platform_lists_no_more_is_no_finding(story: Story) -> None:
    await story.sync(KA)
    unlist(story, KA, orders_in(story, State.TERMINATED)[0])
    await story.sync(KA, sweep=Sweep.ALL)
    assert story.query(WAITING) == []


async def test_an_order_that_landed_while_the_window_was_read_is_not_missing_from_it(story: Story) -> None:
    """Land an order as if another worker had done so after the list was made."""
    await story.sync(KA)
    unlist(story, KA, order := some_order(story))
    story.execute(f"UPDATE raw_orders SET read_at = now() + interval '1 hour' WHERE order_id = '{order.order_id}'")
    await story.sync(KA, sweep=Sweep.OPEN)
    assert story.query(WAITING) == []


async def test_a_list_with_a_record_that_names_no_order_says_nothing_of_those_it_lacks(story: Story) -> None:
    await story.sync(KA)
    unlist(story, KA, order := some_order(story))
    story.faults.set_rates({"malformed": 1.0})
    await story.sync(KA, sweep=Sweep.OPEN)
    assert story.query(MISSING) == []
    assert order.order_id not in {row[0] for row in story.query("SELECT unnest(orders) FROM sync.windows")}


async def test_a_change_that_comes_by_another_list_ends_it(tell: Tell) -> None:
    """1688 lists changes by update time, and the daily pass by creation time."""
    story = tell()
    await story.sync(story.shop)
    order = next(each for each in story.world.shop(story.shop).index.orders.values() if not each.quirk)
    story.execute(
        f"INSERT INTO sync.missing_orders SELECT platform, order_id, now(), 1 FROM orders WHERE order_id = "
        f"'{order.order_id}'"
    )
    assert len(shown(story)) == 1
    story.world.change(story.shop, order.order_id, "write_memo", datetime.now(UTC))
    await story.sync(story.shop)
    assert shown(story) == []


def shown(story: Story) -> list[UnlistedOrders]:
    with psycopg.connect(story.url) as connection:
        return [each.unlisted for each in overview.accounts(connection) if each.unlisted]
