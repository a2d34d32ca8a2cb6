"""Messages of a platform: the order they speak of is read again at once, and only what the list says lands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.ledger import PlannedTimes
from orders_sync.domain.messages import COMES_WITH_CHANGES, NEVER_LISTED, KnownOrder, Message, MessageContent
from orders_sync.domain.sweeps import SweepPolicy
from orders_sync.domain.windows import SECOND, Feed, Window, WindowKind, merge
from orders_sync.engine import planner
from orders_sync.engine.messages import AROUND, decide_reads
from orders_sync.engine.results import AccountResult
from orders_sync.platforms import PLATFORMS
from orders_sync.store import backfills, claims, ledger, messages
from tests.support.messages import KA, body, change, come, drain, outcomes, some_order, tick
from tests.support.story import AHEAD, Story, Tell

LAG = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
POLICY = SyncPolicy(
    NOON - timedelta(days=30),
    requests_per_second=5.0,
    page_size=100,
    longest_window=timedelta(days=30),
    interval=MINUTE,
    lag=LAG,
    overlap=10 * MINUTE,
    confirm=timedelta(hours=3),
    sweeps=SweepPolicy(),
)


@pytest.fixture
def story(tell: Tell) -> Story:
    return tell()


async def synced(story: Story, *accounts: str) -> None:
    """Read everything of these accounts, or of KA, as if a minute ago.

    What comes now comes after it, though a clock is set back some seconds.
    """
    await story.sync(*(accounts or (KA,)))
    story.execute("UPDATE raw_orders SET read_at = read_at - interval '1 minute'")


def hooked(story: Story) -> list[tuple[object, ...]]:
    """Windows that messages asked for, without repeats: state, calls, rows changed."""
    return story.query(
        "SELECT state, calls, rows_changed FROM sync.windows WHERE kind = 'hook' AND repeats = 0 ORDER BY starts_at"
    )


async def test_a_known_order_is_read_again_with_one_call_and_its_change_lands(story: Story) -> None:
    await synced(story)
    order = some_order(story)
    for times, number in enumerate(("order_no", "order_id", "purchase_id", "outer_id"), start=1):
        change(story, order)
        await come(story, body(str(getattr(order, number))))
        is_there, read = await tick(story)
        assert is_there, number
        assert (read.calls, read.rows.changed) == (1, 1), number
        assert hooked(story) == [("done", 1, 1)] * times, number
        assert outcomes(story) == ["its order is read again"] * times, number
        story.assert_equal(KA)


async def test_a_message_that_the_platforms_package_fails_on_holds_up_no_other(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await synced(story)
    order = some_order(story)
    change(story, order)
    service = PLATFORMS["xportcn_ka"].messages
    assert service is not None

    def parse(message: bytes) -> MessageContent:
        if message == b"odd":
            raise KeyError("orderId")
        return service.parse(message)

    broken = replace(PLATFORMS["xportcn_ka"], messages=replace(service, parse=parse))
    monkeypatch.setitem(PLATFORMS, "xportcn_ka", broken)
    await come(story, b"odd")
    await come(story, body(order.order_no))
    await tick(story)
    assert sorted(outcomes(story)) == [
        "its order is read again",
        "nothing to read: the package of the platform fails on it (KeyError); please report it",
    ]
    story.assert_equal(KA)


async def test_the_other_list_of_xportcn_takes_them_too(story: Story) -> None:
    await synced(story, "sandbox-open")
    order = some_order(story, "sandbox-open")
    change(story, order, "sandbox-open")
    await come(story, body(orderId=order.order_no), account="sandbox-open")
    await tick(story, "sandbox-open")
    story.assert_equal("sandbox-open")


async def test_a_sync_from_cron_acts_on_them_as_well(story: Story) -> None:
    await synced(story)
    change(story, order := some_order(story))
    await come(story, body(order.order_no), b"garbage")
    await story.sync(KA)
    assert outcomes(story) == ["its order is read again", "nothing to read: the message is not JSON"]
    story.assert_equal(KA)


async def test_ten_messages_about_one_order_are_one_read(story: Story) -> None:
    await synced(story)
    order = some_order(story)
    await come(story, *(body(order.order_no, orderStatus=number) for number in range(10)))
    await tick(story)
    assert len(hooked(story)) == 1
    assert len(outcomes(story)) == 10


async def test_what_comes_while_it_is_being_read_is_read_again_afterwards_P1(story: Story) -> None:
    """A read that began before a message may have seen the order as it was before."""
    await synced(story)
    order = some_order(story)
    await come(story, body(order.order_no))
    [source] = story.sources(KA)
    async with story.pool.connection() as connection:
        async with connection.transaction():
            await planner.plan_due(connection, source)
        claim = await claims.claim(connection, KA, "another")
        assert claim is not None
        await come(story, body(order.order_no, orderStatus="later"))
        async with connection.transaction():
            await planner.plan_due(connection, source)
        assert len(hooked(story)) == 1  # not yet: one batch at a time
        await claims.release(connection, claim, calls=0)
    await drain(story)
    change(story, order)
    await tick(story)
    assert len(hooked(story)) == 2
    story.assert_equal(KA)


async def test_a_hint_read_late_does_not_replace_what_is_newer_P2(story: Story) -> None:
    await synced(story)
    order = some_order(story)
    before = story.query("SELECT total_amount FROM orders WHERE order_id = %s", order.order_id)
    change(story, order)
    await come(story, body(order.order_no))
    [source] = story.sources(KA)
    async with story.pool.connection() as connection, connection.transaction():
        await planner.plan_due(connection, source)
        await connection.execute(
            "UPDATE raw_orders SET read_at = now() + interval '1 hour' WHERE order_id = %s", [order.order_id]
        )
    read = await drain(story)
    assert (read.rows.stale, read.rows.changed) == (1, 0)
    assert story.query("SELECT total_amount FROM orders WHERE order_id = %s", order.order_id) == before


async def test_what_a_message_says_of_an_order_is_not_believed(story: Story) -> None:
    await synced(story)
    before = story.row_versions()
    order = some_order(story)
    await come(story, body(order.order_no, orderStatus="CANCEL", totalAmount=1))
    await tick(story)
    assert hooked(story) == [("done", 1, 0)]
    assert story.row_versions() == before


async def test_an_order_nobody_heard_of_lands_with_the_changes_which_are_due_at_once(story: Story) -> None:
    story.lag = timedelta(0)
    await synced(story)
    [order] = story.world.create(1, datetime.now(UTC), KA)
    assert await tick(story) == (False, AccountResult(KA))  # the interval is not over
    await come(story, body(order.order_no))
    story.lag = AHEAD  # as if the next tick came half a minute later
    is_there, _ = await tick(story)
    assert is_there
    assert outcomes(story) == ["its order was not known: it comes with the changes up to then"]
    assert story.query("SELECT count(*) FROM sync.windows WHERE kind = 'hook'") == [(0,)]
    story.assert_equal(KA)


async def test_an_order_younger_than_the_lag_is_sought_where_the_message_says(story: Story) -> None:
    """It lands at once; the message waits until changes reach past it all the same."""
    story.lag = timedelta(hours=1)
    await synced(story)
    now = datetime.now(UTC).replace(microsecond=0)
    [order] = story.world.create(1, now, KA)
    placed = (now + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
    await come(story, body("unknown", orderId="unknown", tbCreateTime=placed))
    await tick(story)
    assert story.query("SELECT count(*) FROM orders WHERE order_id = %s", order.order_id) == [(1,)]
    assert outcomes(story) == []
    await tick(story)
    assert len(hooked(story)) == 1  # looked for once
    assert story.query("SELECT outcome FROM sync.messages") == [("its order is not known yet",)]
    story.lag = AHEAD
    await tick(story)
    assert len(outcomes(story)) == 1


async def test_an_order_that_landed_since_its_message_came_is_not_read_again(story: Story) -> None:
    story.lag = timedelta(hours=1)
    await synced(story)
    [order] = story.world.create(1, datetime.now(UTC), KA)
    await come(story, body(order.order_no))
    await tick(story)
    async with story.pool.connection() as connection:
        second = datetime.fromtimestamp(order.created, UTC)
        await ledger.plan(connection, KA, WindowKind.REPAIR, Feed.CREATED, [Window(second, second + SECOND)])
    await drain(story)
    await tick(story)
    assert outcomes(story) == ["its order was read since it came"]
    assert hooked(story) == []


async def test_1688_orders_garbage_and_unknown_types_are_closed_with_the_reason_and_stop_nobody(story: Story) -> None:
    await synced(story)
    change(story, order := some_order(story))
    calls = sum(story.calls.values())
    await come(
        story,
        body("77", platform=1),
        b"\x00 garbage",
        body(None, refundId="TQ1"),
        body("78", tbCreateTime="2001-01-01 00:00:00"),
        body(order.order_no, platform=1),
    )
    await tick(story)
    assert outcomes(story) == [
        "its order is not known, and is a 1688 order of Xportcn: it is in none of the lists read here",
        "nothing to read: the message is not JSON",
        "nothing to read: it names no order",
        "its order is not known, and older than what is synced",
        "its order is read again",
    ]
    assert sum(story.calls.values()) == calls + 1
    assert await tick(story) == (False, AccountResult(KA))


async def test_messages_are_read_before_everything_else_and_changes_before_the_next_messages(story: Story) -> None:
    story.with_limits(slots=1)
    await synced(story)
    first, *_, second = story.world.shop(KA).index.orders.values()
    await come(story, body(first.order_no))
    [source] = story.sources(KA)
    async with story.pool.connection() as connection:
        async with connection.transaction():
            at_once = replace(source, policy=replace(source.policy, interval=timedelta(0)))
            await planner.plan_due(connection, at_once)
        await come(story, body(second.order_no))
        async with connection.transaction():
            await planner.plan_due(connection, source)
    story.progress.closed_windows.clear()
    await drain(story)
    await tick(story)
    assert [each.claim.kind for each in story.progress.closed_windows] == ["hook", "incremental", "hook"]


async def test_a_flood_of_messages_leaves_changes_their_turn(story: Story) -> None:
    """Whatever comes due while a batch of messages is read waits for one of its windows, not for all of them."""
    story.with_limits(slots=1)
    await synced(story)
    flood = [order for order in story.world.shop(KA).index.orders.values() if not order.quirk][:20]
    await come(story, *(body(order.order_no) for order in flood))
    [source] = story.sources(KA)
    at_once = replace(source, policy=replace(source.policy, interval=timedelta(0)))
    [new] = story.world.create(1, datetime.now(UTC), KA)
    story.progress.closed_windows.clear()
    async with story.pool.connection() as connection, connection.transaction():
        await planner.plan_due(connection, at_once)
    assert len(hooked(story)) > 10
    await drain(story)
    kinds = [each.claim.kind for each in story.progress.closed_windows]
    assert kinds[:3] == ["hook", "incremental", "hook"]
    assert story.query("SELECT count(*) FROM orders WHERE order_id = %s", new.order_id) == [(1,)]
    story.assert_equal(KA)


async def test_another_accounts_orders_are_not_meant(story: Story) -> None:
    await synced(story, KA, "sandbox-open")
    foreign, own = some_order(story, "sandbox-open"), some_order(story)
    async with story.pool.connection() as connection:
        await connection.execute("UPDATE orders SET account = 'other' WHERE order_id = %s", [own.order_id])
    await come(story, body(foreign.order_no), body(own.order_no))
    await tick(story)
    assert hooked(story) == []


async def test_what_is_read_for_a_message_proves_nothing_to_a_backfill_P1(story: Story) -> None:
    """It may be too young for everything of its second to be listed."""
    await synced(story)
    second = Window(NOON, NOON + SECOND)
    async with story.pool.connection() as connection:
        for kind, left in ((WindowKind.HOOK, [second]), (WindowKind.SWEEP, [])):
            await ledger.plan(connection, "shop", kind, Feed.CREATED, [second])
            await connection.execute("UPDATE sync.windows SET state = 'done' WHERE account = 'shop'")
            assert await backfills.unproven(connection, "shop", Feed.CREATED, second) == left


@pytest.mark.parametrize(
    ("planned_to", "received", "is_handled", "are_changes_due"),
    [
        (NOON - MINUTE, NOON - 2 * MINUTE, True, False),  # planned past it already
        (NOON - MINUTE, NOON - LAG - SECOND, True, True),
        (NOON - MINUTE, NOON - LAG, False, False),  # changes of its own second are not complete yet
        (None, NOON - MINUTE, True, True),
        (None, NOON, False, False),
    ],
)
def test_a_message_of_an_unknown_order_waits_until_changes_reach_past_it(
    planned_to: datetime | None, received: datetime, is_handled: bool, are_changes_due: bool
) -> None:
    planned = PlannedTimes(NOON, None, planned_to, None)
    made = decide_reads(Message(1, b"", received, None), MessageContent("ANY", "7"), [], planned, POLICY)
    assert (made.is_handled, made.are_changes_due, made.windows) == (is_handled, are_changes_due, ())


def test_an_order_that_should_have_been_there_is_sought_where_changes_do_not_reach_P1() -> None:
    planned = PlannedTimes(NOON, POLICY.history_from, NOON - MINUTE, None)
    message = Message(1, b"", NOON - 2 * MINUTE, None)
    for age, windows in ((timedelta(hours=1), 1), (timedelta(minutes=3), 0)):
        made = decide_reads(message, MessageContent("ANY", "7", created=NOON - age), [], planned, POLICY)
        assert [each.start for each in made.windows] == [NOON - age - AROUND] * windows
        assert made.is_handled


def test_an_order_with_several_purchases_is_read_for_each_and_one_read_since_for_none() -> None:
    orders = [
        KnownOrder("7", NOON, None),
        KnownOrder("7", NOON + MINUTE, NOON - LAG),
        KnownOrder("7", NOON + 2 * MINUTE, NOON + LAG),
    ]
    made = decide_reads(
        Message(1, b"", NOON, None), MessageContent("ANY", "7"), orders, PlannedTimes(NOON, None, None, None), POLICY
    )
    assert {each.start for each in made.windows} == {NOON, NOON + MINUTE}


def test_windows_that_meet_are_merged_and_others_are_not() -> None:
    def window(start: int, end: int) -> Window:
        return Window(NOON + start * SECOND, NOON + end * SECOND)

    assert merge([window(9, 10), window(0, 5), window(5, 6), window(1, 2), window(0, 5)]) == [
        window(0, 6),
        window(9, 10),
    ]
    assert merge([]) == []


async def test_an_order_that_a_message_named_and_no_list_ever_brought_is_a_finding(story: Story) -> None:
    story.lag = timedelta(0)
    await synced(story)
    [order] = story.world.create(1, datetime.now(UTC), KA)
    await come(story, body(order.order_no), body("that never was"), body("that is late"))
    story.lag = AHEAD
    await tick(story)
    story.assert_equal(KA)
    story.execute(
        "UPDATE sync.messages SET received_at = received_at - interval '5 hours' WHERE order_no <> 'that is late'"
    )
    async with story.pool.connection() as connection:
        assert await messages.record_never_listed(connection) == [messages.NeverListed(KA, 1, "that never was")]
        assert await messages.record_never_listed(connection) == []
    assert outcomes(story) == [COMES_WITH_CHANGES, NEVER_LISTED, COMES_WITH_CHANGES]


async def test_nothing_is_said_of_an_order_before_everything_up_to_its_message_was_read(story: Story) -> None:
    story.lag = timedelta(0)
    await synced(story)
    await come(story, body("that never was"))
    story.lag = AHEAD
    await tick(story)
    story.execute(
        "UPDATE sync.messages SET received_at = received_at - interval '5 hours';"
        "UPDATE sync.accounts SET watermark = now() - interval '6 hours'"
    )
    async with story.pool.connection() as connection:
        assert await messages.record_never_listed(connection) == []
