"""Sweeps by status: fewer calls where little is open; nothing is lost that leaves a list or moves while it is paged."""

from __future__ import annotations

from datetime import datetime

import psycopg
import pytest

from orders_sync.domain.ledger import Claim
from orders_sync.domain.sweeps import Sweep
from orders_sync.domain.windows import Feed, Window
from orders_sync.engine import planner
from orders_sync.sandbox.states import State
from orders_sync.store import backfills, closing, followups
from orders_sync.store.database import Connection
from tests.support.status_sweeps import LISTS, SHOP, happens, mostly_closed, orders_in, swept
from tests.support.story import Tell

STATUS = "SELECT status FROM orders WHERE order_id = %s"
SPENT = "SELECT sum(calls) FROM sync.windows WHERE kind = 'sweep'"
READ_AGAIN = (
    "SELECT starts_at, ends_at FROM sync.windows WHERE kind = 'sweep' AND status IS NULL AND id > %s ORDER BY id"
)


async def test_orders_that_change_status_are_found_and_for_fewer_calls_than_by_creation_P2(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await mostly_closed(tell)
    moved, closed = orders_in(story, State.TO_SHIP)[:3], orders_in(story, State.SHIPPED)[:3]
    for order in moved:
        happens(story, order, "ship")
    for order in closed:
        happens(story, order, "terminate")
    await swept(story)
    story.assert_equal(SHOP)
    [(by_status,)] = story.query(SPENT)

    monkeypatch.setattr(planner, "choose_cheaper", lambda creation, *_: creation)
    await story.sync(SHOP, sweep=Sweep.OPEN)
    [(both,)] = story.query(SPENT)
    assert 2 * int(str(by_status)) < int(str(both))


async def test_an_order_that_moved_on_is_brought_by_its_new_status_and_only_what_closed_is_read_again(
    tell: Tell,
) -> None:
    story = await mostly_closed(tell)
    happens(story, orders_in(story, State.TO_SHIP)[0], "ship")
    closed = orders_in(story, State.SHIPPED)[0]
    happens(story, closed, "terminate")
    [(newest,)] = story.query("SELECT max(id) FROM sync.windows")
    await swept(story)
    story.assert_equal(SHOP)
    [(start, end)] = story.query(
        READ_AGAIN,
        story.query("SELECT max(id) FROM sync.windows WHERE status IS NOT NULL")[0][0],
    )
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    assert start.timestamp() <= closed.created < end.timestamp()
    assert len(story.query(READ_AGAIN, newest)) <= 3  # and the statuses nobody documents


async def test_a_change_of_a_line_within_the_same_status_is_found_P2(tell: Tell) -> None:
    story = await mostly_closed(tell)
    order = orders_in(story, State.SHIPPED)[-1]
    happens(story, order, "ask_refund")
    await swept(story)
    assert story.query("SELECT status, refund_status FROM orders WHERE order_id = %s", order.order_id) == [("11", "10")]
    story.assert_equal(SHOP)


async def test_orders_that_leave_and_enter_a_list_while_it_is_paged_are_not_lost_P1(tell: Tell) -> None:
    """After its last page was read, one order of that page leaves and a young one enters.

    The rows between slide one place back, one of them into the page that was read, and the total is what it was.
    """
    story = await mostly_closed(tell)
    shipped = orders_in(story, State.SHIPPED)
    for order in shipped[1:]:
        happens(story, order, "ask_refund")
    young = orders_in(story, State.TO_SHIP)[-1]
    assert len(shipped) > 15
    assert young.created > shipped[-5].created
    calls = 0

    def move() -> None:
        nonlocal calls
        calls += bool(story.query("SELECT FROM sync.windows WHERE state = 'running' AND status = '11'"))
        if calls == 2:  # the total, then the last page
            story.world.between_calls = None
            happens(story, shipped[0], "terminate")
            happens(story, young, "ship")

    story.world.between_calls = move
    story.with_limits(slots=1)
    await swept(story)
    # two lists where the border of two months lies among the orders
    lists = "SELECT bool_and(seen = total), max(attempts) FROM sync.windows WHERE status = '11'"
    assert story.query(lists) == [(True, 1)]
    refunds = "SELECT count(*) FROM orders WHERE order_id = ANY(%s) AND refund_status = '10'"
    assert story.query(refunds, [order.order_id for order in shipped[1:]]) == [(len(shipped) - 1,)]
    await swept(story)
    story.assert_equal(SHOP)


async def test_a_list_that_never_adds_up_lands_what_it_brought_and_the_rest_is_read_again_P1(tell: Tell) -> None:
    story = await mostly_closed(tell)
    for order in orders_in(story, State.SHIPPED):
        happens(story, order, "ask_refund")

    def lose_rows() -> None:
        if story.query("SELECT FROM sync.windows WHERE state = 'running' AND status = '11'"):
            story.faults.script("missing_rows", account=SHOP)

    story.world.between_calls = lose_rows
    story.with_limits(slots=1, attempts=2)
    await swept(story)
    lists = "SELECT DISTINCT state, seen < total FROM sync.windows WHERE status = '11' AND total > 0"
    assert story.query(lists) == [("done", True)]
    story.assert_equal(SHOP)


async def test_no_list_is_closed_before_what_left_it_is_planned_P5(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    story = await mostly_closed(tell)
    order = orders_in(story, State.SHIPPED)[0]
    happens(story, order, "terminate")
    plan, finish = followups.plan, closing.finish
    closed = []

    async def finish_and_note(connection: Connection, claim: Claim, **figures: object) -> None:
        await finish(connection, claim, **figures)  # type: ignore[arg-type]
        closed.append(claim.status)

    async def gone(*values: object, **options: object) -> None:
        if "11" in closed:
            raise psycopg.OperationalError("the server closed the connection unexpectedly")
        await plan(*values, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(closing, "finish", finish_and_note)
    monkeypatch.setattr(followups, "plan", gone)
    with pytest.raises(psycopg.OperationalError):
        await story.sync(SHOP, sweep=Sweep.OPEN)
    assert story.query("SELECT count(*) FROM sync.windows WHERE status = '11' AND state = 'done'") == [(0,)]
    monkeypatch.undo()
    story.execute("UPDATE sync.windows SET lease_until = now() WHERE state = 'running'")  # half a minute later
    await swept(story)
    assert story.query(STATUS, order.order_id) == [("4",)]


async def test_a_list_too_full_is_split_and_its_parts_ask_for_the_same_status_P7(tell: Tell) -> None:
    story = await mostly_closed(tell)
    happens(story, orders_in(story, State.SHIPPED)[0], "terminate")
    story.with_limits(window_rows=8)
    await swept(story)
    assert story.query("SELECT count(*) > 1 FROM sync.windows WHERE status = '11' AND parent_id IS NOT NULL") == [
        (True,)
    ]
    story.assert_equal(SHOP)


async def test_a_small_shop_is_swept_by_creation_window(tell: Tell) -> None:
    story = tell(orders=60)
    await story.sync()
    await story.sync(sweep=Sweep.OPEN)
    assert story.query(LISTS) == [(0,)]
    assert story.query("SELECT count(*) > 0 FROM sync.windows WHERE kind = 'sweep'") == [(True,)]


async def test_1688_is_never_swept_by_status(tell: Tell) -> None:
    story = tell(orders=300, page_size=10)
    await story.sync(story.shop)
    await story.sync(story.shop, sweep=Sweep.ALL)
    assert story.query("SELECT count(*) FROM sync.windows WHERE kind = 'sweep'") == [(0,)]


async def test_a_list_by_status_proves_nothing_of_its_range_P5(tell: Tell) -> None:
    story = await mostly_closed(tell)
    await swept(story)
    story.query("DELETE FROM sync.windows WHERE status IS NULL RETURNING 1")
    [(start, end)] = story.query("SELECT min(starts_at), max(ends_at) FROM sync.windows WHERE state = 'done'")
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    window = Window(start, end)
    async with story.pool.connection() as connection:
        assert await backfills.unproven(connection, SHOP, Feed.CREATED, window) == [window]


async def test_what_is_a_reject_is_read_again_by_its_creation_alone_until_it_lands_P4(tell: Tell) -> None:
    story = await mostly_closed(tell)
    order = orders_in(story, State.SHIPPED)[0]
    story.world.malform(SHOP, order.order_id, "two_ids")
    happens(story, order, "ask_refund")
    await swept(story)
    assert story.query("SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL") == [(1,)]
    story.world.malform(SHOP, order.order_id, None)
    await swept(story)
    assert story.query("SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL") == [(0,)]
    assert story.query(
        "SELECT max(ends_at - starts_at) < interval '1 day' FROM sync.windows WHERE kind = 'sweep' AND status IS NULL"
    ) == [(True,)]
    story.assert_equal(SHOP)


async def test_final_orders_that_may_be_refunded_are_still_read_by_creation(tell: Tell) -> None:
    story = await mostly_closed(tell)
    await story.sync(SHOP, sweep=Sweep.ALL)
    final = """
        SELECT count(*) FROM orders AS o WHERE status = '4' AND NOT EXISTS (
            SELECT FROM sync.windows AS w WHERE kind = 'sweep' AND w.status IS NULL
              AND o.created_at >= w.starts_at AND o.created_at < w.ends_at)
    """
    assert story.query(final) == [(0,)]
