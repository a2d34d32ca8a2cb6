"""The flattened tables made anew from the payloads after a normalizer changed (P2, P3, P4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orders_sync.domain.directions import Direction
from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.rows import OrderRows, SubOrderRow
from orders_sync.domain.sweeps import Sweep
from orders_sync.engine.renormalize import Rebuilt, renormalize
from orders_sync.engine.replay import Replayed, replay
from orders_sync.platforms import PLATFORMS
from orders_sync.store import load, rebuild, reject_lists
from orders_sync.store.flat_orders import LandingSource
from orders_sync.store.reject_lists import Chosen
from tests.support.story import Silent, Story, Tell

Change = Callable[[OrderRows], None]
Code = Callable[[Change | None], None]
KA, PLATFORM = "sandbox-ka", "xportcn_ka"
TODAY = PLATFORMS[PLATFORM]
OPEN = "SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL"
RAW = "SELECT order_id, payload::text, payload_hash, read_at, window_id, synced_at FROM raw_orders ORDER BY 1"


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Code:
    """From here on KA is normalized with this change made to the rows; by today's code without one."""

    def install(change: Change | None) -> None:
        def normalize(record: bytes) -> OrderRows:
            rows = TODAY.normalize(record)
            if change:
                change(rows)
            return rows

        monkeypatch.setitem(PLATFORMS, PLATFORM, replace(TODAY, normalize=normalize))

    return install


def otherwise(rows: OrderRows) -> None:
    """Change the tables as if older code had read: another status group, no first line, a line nobody listed."""
    rows.order.status_group = "of old"
    first, *others = rows.sub_orders
    rows.product_items = [item for item in rows.product_items if item.sub_order_id != first.sub_order_id]
    rows.sub_orders = [*others, SubOrderRow(order_id=rows.order.order_id, sub_order_id="of old", line_no=99)]


def every_other(rows: OrderRows) -> None:
    if int(rows.order.order_id) % 2:
        otherwise(rows)


def refuse(_: OrderRows) -> None:
    raise InvalidRecordError("is not known to this version", "status")


def overflow(rows: OrderRows) -> None:
    rows.order.total_amount = Decimal("1e17")


async def rebuilt(story: Story, account: str | None = None, platform: str = PLATFORM) -> Rebuilt:
    async with story.pool.connection() as connection:
        return await renormalize(connection, platform, account, story.progress)


async def test_rows_of_older_code_become_those_of_todays_and_payloads_stay(tell: Tell, code: Code) -> None:
    story = tell(orders=90)
    code(otherwise)
    await story.sync(KA)
    assert not story.verify(KA)[KA].is_equal
    before = story.query(RAW)
    code(None)
    orders = len(before)
    assert await rebuilt(story) == Rebuilt(PLATFORM, orders, rebuilt=orders, equal=0, rejected=0, moved=0)
    story.assert_equal(KA)
    assert story.query(RAW) == before
    assert story.query("SELECT count(*) FROM sub_orders WHERE sub_order_id = 'of old' AND removed_at IS NULL") == [(0,)]
    history = "FROM order_history h JOIN raw_orders r USING (platform, order_id) WHERE changed IS NOT NULL"
    assert story.query(
        f"SELECT DISTINCT 'status_group' = ANY(changed), 'sub_orders' = ANY(changed), "
        f"h.read_at = r.read_at, h.window_id {history}"
    ) == [(True, True, True, None)]
    assert story.query(f"SELECT count(*) {history}") == [(orders,)]


async def test_orders_with_equal_rows_are_neither_written_nor_locked_P3(tell: Tell, code: Code) -> None:
    story = tell(orders=90)
    code(every_other)
    await story.sync(KA)
    code(None)
    untouched = (
        "SELECT order_id, concat(r.ctid, r.xmin, r.xmax, o.ctid, o.xmin, o.xmax) "
        "FROM raw_orders r JOIN orders o USING (platform, order_id) WHERE mod(order_id::bigint, 2) = 0 ORDER BY 1"
    )
    before = story.query(untouched)
    first = await rebuilt(story)
    assert (first.equal, first.rebuilt > 0) == (len(before), True)
    assert story.query(untouched) == before
    versions = story.row_versions()
    assert (await rebuilt(story)).equal == first.looked_at
    assert story.row_versions() == versions


@pytest.mark.parametrize("breaking", [refuse, overflow])
async def test_a_payload_that_cannot_be_normalized_keeps_its_rows_and_becomes_a_reject_P4(
    tell: Tell, code: Code, breaking: Change
) -> None:
    story = tell(orders=60)
    await story.sync(KA)
    story.assert_equal(KA)
    told_apart = ("raw_orders", "orders")  # their rows are locked
    tables = {name: rows for name, rows in story.row_versions().items() if name not in told_apart}
    code(breaking)
    result = await rebuilt(story)
    assert result.rejected == result.looked_at > 0
    assert {name: rows for name, rows in story.row_versions().items() if name not in told_apart} == tables
    assert story.query(OPEN) == [(result.looked_at,)]
    outcomes = await story.sync(KA, sweep=Sweep.ALL)  # the same bytes again confirm nothing
    assert outcomes[KA].rows.rejected == result.looked_at
    assert story.query(OPEN) == [(result.looked_at,)]


async def fixed_by_renormalize(story: Story) -> None:
    await rebuilt(story)


async def fixed_by_replay(story: Story) -> None:
    result = Replayed()
    async with story.pool.connection() as connection:
        for number in await reject_lists.numbers(connection, Chosen()):
            await replay(connection, number, result)


async def fixed_by_sync(story: Story) -> None:
    await story.sync(KA, sweep=Sweep.ALL)


@pytest.mark.parametrize("fix", [fixed_by_renormalize, fixed_by_replay, fixed_by_sync])
async def test_rejects_of_renormalize_are_settled_by_code_that_reads_them_P4(
    tell: Tell, code: Code, fix: Callable[[Story], Awaitable[None]]
) -> None:
    story = tell(orders=60)
    code(otherwise)
    await story.sync(KA)
    code(refuse)
    await rebuilt(story)
    await story.sync(KA, sweep=Sweep.ALL)
    assert story.query(OPEN) > [(0,)]
    code(None)
    await fix(story)
    assert story.query(OPEN) == [(0,)]
    story.assert_equal(KA)


async def test_an_order_that_landed_meanwhile_is_left_to_what_landed_P2(tell: Tell, code: Code) -> None:
    story = tell(orders=60)
    code(otherwise)
    await story.sync(KA)
    code(None)
    async with story.pool.connection() as connection:
        [page] = [page async for page in rebuild.pages(connection, PLATFORM, None)]
        story.world.mutate(40, datetime.now(UTC))
        outcomes = await story.sync(KA, sweep=Sweep.ALL)
        async with connection.transaction():
            landed = await load.rebuild(
                connection, LandingSource(PLATFORM, KA, None, PLATFORMS[PLATFORM].normalize, Direction.PURCHASE), page
            )
    assert landed.stale == outcomes[KA].rows.changed > 0
    assert landed.changed == len(page) - landed.stale
    story.assert_equal(KA)


async def test_an_order_deleted_meanwhile_stays_deleted(tell: Tell, code: Code) -> None:
    story = tell(orders=30)
    code(otherwise)
    await story.sync(KA)
    code(None)
    async with story.pool.connection() as connection:
        [page] = [page async for page in rebuild.pages(connection, PLATFORM, None)]
        story.query("DELETE FROM raw_orders WHERE order_id = %s RETURNING 1", page[0].order_id)
        async with connection.transaction():
            landed = await load.rebuild(
                connection, LandingSource(PLATFORM, KA, None, PLATFORMS[PLATFORM].normalize, Direction.PURCHASE), page
            )
    assert (landed.stale, landed.changed) == (1, len(page) - 1)


async def test_cut_off_it_goes_on_where_it_was(tell: Tell, code: Code, monkeypatch: pytest.MonkeyPatch) -> None:
    story = tell(orders=90)
    code(otherwise)
    await story.sync(KA)
    code(None)
    monkeypatch.setattr(rebuild, "BATCH", 10)

    class CutOff(Silent):
        def landed(self, account: str, orders: int) -> None:
            raise asyncio.CancelledError

    progress, story.progress = story.progress, CutOff()
    with pytest.raises(asyncio.CancelledError):
        await rebuilt(story)
    story.progress = progress
    second = await rebuilt(story)
    assert (second.equal, second.rebuilt) == (10, second.looked_at - 10)
    story.assert_equal(KA)


async def test_only_the_account_asked_for_is_normalized(tell: Tell, code: Code) -> None:
    story = tell(orders=60)
    code(otherwise)
    await story.sync()
    code(None)
    async with story.pool.connection() as connection:
        counts = await rebuild.count(connection, None, KA)
    assert counts == {PLATFORM: len(story.world.expected_orders(KA))}
    versions = story.row_versions()
    assert (await rebuilt(story, "another")).looked_at == 0
    assert story.row_versions() == versions
    assert (await rebuilt(story, KA)).rebuilt == counts[PLATFORM]
