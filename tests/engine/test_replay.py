"""Rejects normalized again by another version's code, and landed (P2, P4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from orders_sync.domain.directions import Direction
from orders_sync.domain.records import Head, Record
from orders_sync.domain.windows import Feed
from orders_sync.engine.replay import Replayed
from orders_sync.platforms import PLATFORMS
from orders_sync.store import load
from orders_sync.store.flat_orders import LandingSource
from tests.support.replaying import refuse_all, replay_all
from tests.support.story import Story, Tell

KA = "sandbox-ka"
OPEN = "SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL"


def refuse_identity(_: bytes, feed: Feed) -> Head:
    return Head(None, None, "id: is not known to this version")


@pytest.mark.parametrize("change", [{"normalize": refuse_all}, {"identify": refuse_identity}], ids=" ".join)
async def test_what_an_older_version_could_not_read_lands_by_replay_P4(
    tell: Tell, old_code: Callable[..., None], change: dict[str, object]
) -> None:
    story = tell(orders=60)
    old_code(**change)
    await story.sync(KA)
    orders = story.query(OPEN)[0][0]
    assert orders == len(story.world.expected_orders(KA))
    assert story.query("SELECT count(*) FROM orders") == [(0,)]
    old_code()
    assert await replay_all(story) == Replayed(landed=orders)
    assert story.query(OPEN) == [(0,)]
    story.assert_equal(KA)
    assert story.query(
        "SELECT DISTINCT r.read_at = x.read_at AND r.window_id = x.window_id FROM raw_orders r "
        "JOIN sync.rejects x USING (payload_hash)"
    ) == [(True,)]


async def test_what_still_cannot_be_read_stays_open_once_with_todays_reason_P4(
    tell: Tell, old_code: Callable[..., None]
) -> None:
    story = tell(orders=30)
    old_code(identify=refuse_identity)
    await story.sync(KA)
    old_code(normalize=refuse_all)
    before = story.query("SELECT count(*) FROM sync.rejects")
    result = await replay_all(story)
    assert (result.landed, result.older, [(len(result.rejected),)]) == (0, 0, before)
    assert {each.reason for each in result.rejected} == {"status: is not known to this version"}
    assert all(each.order_id for each in result.rejected)  # at least its id can be read by now
    assert story.query(OPEN) == story.query("SELECT count(*) FROM sync.rejects") == before


async def test_a_replay_never_replaces_what_was_read_later_and_settles_the_reject_P2(
    tell: Tell, old_code: Callable[..., None]
) -> None:
    story = tell(orders=60)
    old_code(identify=refuse_identity)
    await story.sync(KA)
    rejected = story.query(OPEN)[0][0]
    old_code()
    story.world.mutate(100, datetime.now(UTC))
    async with story.pool.connection() as connection:
        [(now,)] = story.query("SELECT clock_timestamp()")
        assert isinstance(now, datetime)
        newer = [Record(*each, now) for each in listed(story)]
        async with connection.transaction():
            await load.land(
                connection,
                LandingSource("xportcn_ka", KA, None, PLATFORMS["xportcn_ka"].normalize, Direction.PURCHASE),
                newer,
            )
    story.assert_equal(KA)
    result = await replay_all(story)
    assert (result.landed + result.older, result.rejected) == (rejected, [])
    assert result.older > 0
    assert story.query(OPEN) == [(0,)]
    story.assert_equal(KA)


def listed(story: Story) -> list[tuple[str, bytes]]:
    """Every order of KA as the platform would send it now."""
    shop = story.world.shop(KA)
    return [(order.order_id, shop.served_record(order)) for order in shop.index.orders.values()]
