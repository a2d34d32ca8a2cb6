"""The delay with which the platform lists orders, measured when a read brings what an earlier one did not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from orders_sync.domain.windows import SECOND, Feed, Window, WindowKind, whole_second
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.store import lateness, ledger, overview
from orders_sync.store.tables import BUSINESS
from tests.support.messages import KA, drain
from tests.support.story import Story, Tell

SHOP = "sandbox-1688"
MINUTE = timedelta(minutes=1)
LATE = "SELECT kind, late_by FROM sync.windows WHERE late_by IS NOT NULL"
REPAIRED = "SELECT account FROM sync.windows WHERE kind = 'repair' AND state = 'done' GROUP BY account ORDER BY account"
SO_LATE = """
SELECT max(started_at) - %s FROM sync.windows
WHERE account = %s AND kind = 'incremental' AND starts_at <= %s AND ends_at > %s
"""


@pytest.fixture
def story(tell: Tell) -> Story:
    return tell(orders=120)


def ago(minutes: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - minutes * MINUTE


def read_without(story: Story, account: str, own: datetime) -> timedelta:
    """Return the time from an order's own time to the start of its last read in the ledger."""
    [(since,)] = story.query(SO_LATE, own, account, own, own)
    assert isinstance(since, timedelta)
    return since


async def read(story: Story, account: str, kind: WindowKind, feed: Feed, window: Window) -> None:
    async with story.pool.connection() as connection:
        await ledger.plan(connection, account, kind, feed, [window])
    await drain(story, account)


async def test_an_order_that_the_overlap_finds_is_as_late_as_the_read_that_missed_it(story: Story) -> None:
    story.world.create(1, own := ago(5), KA, index_delay=60 * 60)
    await story.sync(KA)
    least = read_without(story, KA, own)
    story.world.publish(datetime.now(UTC) + timedelta(hours=1))
    await story.sync(KA)
    [(kind, late_by)] = story.query(LATE)
    assert kind == WindowKind.INCREMENTAL
    assert isinstance(late_by, timedelta)
    assert abs(late_by - least) < MINUTE
    assert late_by > 4 * MINUTE


async def test_a_change_that_the_confirming_pass_finds_is_measured_by_its_modify_time(story: Story) -> None:
    order = [each for each in story.world.shop(SHOP).index.orders.values() if not each.quirk][-1]
    story.world.change(SHOP, order.order_id, "write_memo", own := ago(40), index_delay=60 * 60)
    await story.sync(SHOP)
    least = read_without(story, SHOP, own)
    story.world.publish(datetime.now(UTC) + timedelta(hours=1))
    await read(story, SHOP, WindowKind.CONFIRM, Feed.UPDATED, Window(own - MINUTE, own + MINUTE))
    assert story.query(LATE) == [(WindowKind.CONFIRM, least)]


async def test_what_is_listed_in_time_is_not_late(story: Story) -> None:
    await story.sync()
    for each in story.world.accounts:
        story.world.create(1, datetime.now(UTC), each.name)
    await story.sync()
    story.assert_equal()
    assert story.query(LATE) == []


async def test_an_order_that_was_listed_before_as_a_reject_is_not_late(story: Story) -> None:
    [order] = story.world.create(1, own := ago(5), KA, index_delay=60 * 60)
    await story.sync(KA)
    story.execute(
        "INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at) "
        f"VALUES ('{KA}', 'xportcn_ka', '{order.order_id}', '', '', 'odd', now() - interval '1 hour')"
    )
    story.world.publish(datetime.now(UTC) + timedelta(hours=1))
    await read(story, KA, WindowKind.CONFIRM, Feed.CREATED, Window(own, own + SECOND))
    assert held(story, order) == 1
    assert story.query(LATE) == []


async def test_a_change_without_its_modify_time_moving_is_not_late(story: Story) -> None:
    """It says nothing of when it was made."""
    await story.sync(SHOP)
    [(order_id, created)] = story.query(
        "SELECT order_id, created_at FROM orders WHERE account = %s ORDER BY order_id LIMIT 1", SHOP
    )
    assert isinstance(created, datetime)
    second = whole_second(created)
    for kind in (WindowKind.SWEEP, WindowKind.REPAIR):
        story.execute(
            f"UPDATE raw_orders SET payload_hash = '', rows_hash = '' WHERE order_id = '{order_id}';"
            f"UPDATE orders SET status = 'another' WHERE order_id = '{order_id}'"
        )
        await read(story, SHOP, kind, Feed.CREATED, Window(second, second + SECOND))
        assert story.query("SELECT rows_changed FROM sync.windows WHERE kind = %s", kind) == [(1,)], kind
        assert story.query(LATE) == [], kind


async def test_a_change_that_only_a_sweep_finds_is_late_too(story: Story) -> None:
    """Of 1688, whose sweeps list by creation time: its modify time was read by the list of changes, without it."""
    order = [each for each in story.world.shop(SHOP).index.orders.values() if not each.quirk][-1]
    story.world.change(SHOP, order.order_id, "write_memo", own := ago(50), index_delay=60 * 60)
    await story.sync(SHOP)
    least = read_without(story, SHOP, own)
    story.world.publish(datetime.now(UTC) + timedelta(hours=1))
    second = datetime.fromtimestamp(order.created, UTC)
    await read(story, SHOP, WindowKind.SWEEP, Feed.CREATED, Window(second, second + SECOND))
    assert story.query(LATE) == [(WindowKind.SWEEP, least)]


def late(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, timedelta]:
    return {each.name: each.late_by for each in overview.accounts(connection) if each.late_by}


async def test_only_the_last_seven_days_are_said_and_nothing_of_a_repair_or_backfill(story: Story) -> None:
    """An earlier version measured those, too."""
    await story.sync(KA)
    story.execute("UPDATE sync.windows SET late_by = '2 hours', finished_at = now() - interval '8 days'")
    with psycopg.connect(story.url) as connection:
        assert late(connection) == {}
        connection.execute("UPDATE sync.windows SET finished_at = now() - interval '6 days'")
        assert late(connection) == {KA: timedelta(hours=2)}
        for kind in (WindowKind.REPAIR, WindowKind.BACKFILL):
            connection.execute("UPDATE sync.windows SET kind = %s WHERE state = 'done'", [kind])
            assert late(connection) == {}, kind


@pytest.mark.parametrize(
    ("late", "confirm", "is_near"),
    [(59, 180, False), (60, 180, True), (500, 180, True), (4, 0, False), (5, 0, True), (5, 10, True)],
)
def test_half_of_what_the_passes_still_find_is_near(late: int, confirm: int, is_near: bool) -> None:
    """Two thirds of `confirm`, or the overlap of ten minutes where that is longer."""
    assert lateness.is_near(late * MINUTE, 10 * MINUTE, confirm * MINUTE) is is_near


def held(story: Story, order: SandboxOrder) -> object:
    return story.query("SELECT count(*) FROM orders WHERE order_id = %s", order.order_id)[0][0]


async def test_an_order_that_somebody_deleted_was_not_listed_late(story: Story) -> None:
    await story.sync(SHOP, KA)
    for emptied in (["orders"], ["orders", "raw_orders", "sub_orders", "product_items"]):
        for account in (SHOP, KA):
            newest = f"SELECT order_id FROM orders WHERE account = '{account}' ORDER BY created_at DESC LIMIT 20"
            lost = "order_id IN ({})".format(", ".join(f"'{order_id}'" for (order_id,) in story.query(newest)))
            for table in emptied:
                story.execute(f"DELETE FROM {table} WHERE {lost}")
        await story.audit(SHOP, KA, repair=True)
        story.assert_equal(SHOP, KA)
        assert story.query(REPAIRED) == [(SHOP,), (KA,)], emptied
        assert story.query(LATE) == [], emptied
        story.execute("DELETE FROM sync.windows WHERE kind = 'repair'")


WHOLE = [table.name for table in BUSINESS if "order_id" in table.columns]
AGAIN = [WindowKind.CONFIRM, WindowKind.SWEEP, WindowKind.REPAIR, WindowKind.BACKFILL]


async def test_an_order_that_was_deleted_with_its_history_was_not_listed_late(story: Story) -> None:
    await story.sync(SHOP, KA)
    for account in (SHOP, KA):
        oldest = "SELECT order_id, created_at FROM orders WHERE account = %s ORDER BY created_at LIMIT %s"
        for kind, (order_id, created) in zip(AGAIN, story.query(oldest, account, len(AGAIN)), strict=True):
            assert isinstance(created, datetime)
            for table in WHOLE:
                story.execute(f"DELETE FROM {table} WHERE order_id = '{order_id}'")
            second = whole_second(created)
            await read(story, account, kind, Feed.CREATED, Window(second, second + SECOND))
            read_again = "SELECT rows_new FROM sync.windows WHERE account = %s AND kind = %s AND state = 'done'"
            assert story.query(read_again, account, kind) == [(1,)], (account, kind)
            assert story.query(LATE) == [], (account, kind)


async def test_an_order_that_a_repair_lands_first_is_not_counted_as_late(story: Story) -> None:
    """Whether it was listed late, or deleted without a trace, no table tells."""
    [order] = story.world.create(1, own := ago(5), KA, index_delay=60 * 60)
    await story.sync(KA)
    story.world.publish(datetime.now(UTC) + timedelta(hours=1))
    await read(story, KA, WindowKind.REPAIR, Feed.CREATED, Window(own, own + SECOND))
    assert held(story, order) == 1
    assert story.query(LATE) == []
