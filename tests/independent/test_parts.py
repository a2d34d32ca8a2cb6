"""The parts of a window that was split bring together what the whole counted; else the range is not proven (P1, P5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain import emptiness
from orders_sync.domain.windows import Feed, Window
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.page_client import RetryPolicy
from orders_sync.store import backfills
from orders_sync.store.database import Pool
from tests.independent.installation import ACCOUNT, Installation
from tests.independent.oddities import hidden_in_ranges_of
from tests.independent.platform import Oddity, Order, Query, Response, orders_every
from tests.support.backfills import request_backfill

Install = Callable[..., Installation]
COUNT = 198
STEP = timedelta(hours=3)  # all of them: nearly the whole history of 25 days
LONG = timedelta(days=20)  # only the whole history is longer
WHOLES = "SELECT state, total, part_rows, parts_again_at IS NOT NULL FROM sync.windows WHERE part_rows IS NOT NULL"


@pytest.fixture(autouse=True)
def empty_ranges_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emptiness, "ONE_ANSWER", timedelta(days=10_000))


def limits(window_rows: int = 400) -> Limits:
    return Limits(window_rows=window_rows, retry_policy=RetryPolicy(tries=2, first_delay=0.001))


def orders(step: timedelta, count: int) -> list[Order]:
    """Return orders of which none is on the border of two windows, where both would bring it."""
    return orders_every(step, count, end=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30, seconds=13))


def installed(install: Install, kind: str, *oddities: Oddity) -> Installation:
    return shrunk(install(kind, orders(STEP, COUNT), *oddities, limits=limits()))


def shrunk(shop: Installation) -> Installation:
    shop.shrink(5)
    return shop


def counts_of_the_whole(shop: Installation) -> int:
    return sum(query.end - query.start > LONG for query in shop.fake.calls)


def is_middle(shop: Installation) -> Callable[[Order], bool]:
    number = shop.fake.orders[COUNT // 2].number
    return lambda order: order.number == number


@pytest.mark.parametrize("kind", ["1688", "xportcn_open", "xportcn_ka"])
async def test_an_order_that_the_parts_hid_once_is_found_and_the_range_proven_P1(install: Install, kind: str) -> None:
    shop = installed(install, kind)
    shop.fake.add(hidden_in_ranges_of(LONG, is_middle(shop), while_=lambda: counts_of_the_whole(shop) < 2))
    outcome = await shop.sync()
    assert (outcome.errors, outcome.failed_windows) == ([], [])
    shop.assert_holds_the_truth()
    assert shop.is_current()
    assert shop.query(WHOLES) == [("split", COUNT, COUNT - 1, True)]


@pytest.mark.parametrize("kind", ["1688", "xportcn_open"])
async def test_a_range_whose_parts_stay_short_is_not_proven_and_says_so_P5(install: Install, kind: str) -> None:
    shop = installed(install, kind)
    shop.fake.add(hidden_in_ranges_of(LONG, is_middle(shop)))
    outcome = await shop.sync()
    assert len(shop.held()) == COUNT - 1
    (reason,) = shop.reasons()
    assert f"counts {COUNT} records in this range, but its parts together brought {COUNT - 1}" in reason
    assert reason in outcome.errors[0]
    assert len(outcome.failed_windows) == 1
    assert not shop.is_current()
    assert shop.query("SELECT watermark <= history_from FROM sync.accounts") == [(True,)]


async def test_a_range_whose_parts_stay_short_costs_one_call_a_try_and_holds_up_nothing_newer(install: Install) -> None:
    shop = installed(install, "xportcn_open")
    shop.fake.add(hidden_in_ranges_of(LONG, is_middle(shop)))
    await shop.sync()
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=3)
    for passes in range(3):
        shop.fake.orders.append(Order(7_000_000_000_000_000_000 + passes, now, now, "10"))
        shop.fake.calls.clear()
        outcome = await shop.sync()
        assert len(shop.fake.calls) <= 3  # the count, and the changes
        assert len(outcome.failed_windows) == 1
    assert len(shop.held()) == COUNT + 2


async def test_a_range_whose_parts_stayed_short_is_proven_once_the_platform_agrees(install: Install) -> None:
    shop = installed(install, "xportcn_open")
    usual = shop.fake.stages.select
    shop.fake.add(hidden_in_ranges_of(LONG, is_middle(shop)))
    await shop.sync()
    del shop.fake.orders[COUNT // 2]
    shop.fake.stages.select = usual
    assert not (await shop.sync()).errors
    assert shop.is_current()
    assert shop.query(WHOLES) == [("split", COUNT - 1, COUNT - 1, True)]


async def test_a_count_of_the_whole_that_was_too_high_for_a_moment_costs_a_call_and_no_second_read(
    install: Install,
) -> None:
    shop = installed(install, "xportcn_open")
    shop.fake.stages.total = too_high_once(shop.fake.stages.total)
    await shop.sync()
    assert shop.is_current()
    assert shop.query(WHOLES) == [("split", COUNT, COUNT, False)]
    assert shop.query("SELECT max(attempts) FROM sync.windows") == [(1,)]


async def test_rows_that_left_a_range_of_update_time_since_it_was_counted_are_no_loss(install: Install) -> None:
    shop = installed(install, "1688")
    shop.policy |= {"lag": timedelta(minutes=1)}  # nothing is read of what changes now
    usual = shop.fake.stages.select

    def select(query: Query, orders: list[Order]) -> list[Order]:
        if len(shop.fake.calls) == 2:  # the whole was counted
            now = datetime.now(UTC).replace(microsecond=0)
            for order in shop.fake.orders[100:140]:
                order.modified = now
        return usual(query, orders)

    shop.fake.stages.select = select
    assert not (await shop.sync()).errors
    await shop.sync(passes=2)
    assert shop.query(WHOLES) == [("split", COUNT - 40, COUNT - 40, False)]
    assert shop.is_current()


async def test_a_loss_in_a_part_that_was_split_itself_is_seen_where_it_was_lost_P1(install: Install) -> None:
    shop = shrunk(install("xportcn_open", orders(timedelta(minutes=15), 398), limits=limits()))
    lost = shop.fake.orders[200].number
    shop.fake.add(hidden_in_ranges_of(timedelta(hours=20), lambda order: order.number == lost))
    await shop.sync()
    assert len(shop.held()) == 397
    lengths = "SELECT state, ends_at - starts_at FROM sync.windows WHERE part_rows IS NOT NULL"
    [(state, length)] = shop.query(lengths)
    assert state == "failed"
    assert timedelta(days=1) <= length < timedelta(days=1, minutes=1)  # type: ignore[operator]
    shop.fake.orders = [order for order in shop.fake.orders if order.number != lost]
    await shop.sync()
    assert shop.is_current()


async def test_a_loss_that_only_the_whole_of_all_parts_shows_is_seen_too_P1(install: Install) -> None:
    shop = shrunk(install("xportcn_open", orders(timedelta(hours=2), 298), limits=limits(200)))
    lost = shop.fake.orders[150].number
    shop.fake.add(hidden_in_ranges_of(LONG, lambda order: order.number == lost, lambda: counts_of_the_whole(shop) < 2))
    await shop.sync()
    shop.assert_holds_the_truth()
    assert shop.is_current()
    assert shop.query(WHOLES) == [("split", 298, 297, True)]


async def test_a_backfill_is_not_done_and_its_range_not_proven_while_its_parts_are_short_P5(
    install: Install, pool: Pool
) -> None:
    shop = installed(install, "1688")
    shop.history_from = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    await shop.sync()
    end = shop.history_from
    wanted = Window(end - timedelta(days=24), end)
    number = shop.fake.orders[COUNT // 2].number
    counted = sum(wanted.start <= order.created <= end for order in shop.fake.orders)
    shop.fake.add(hidden_in_ranges_of(LONG, lambda order: order.number == number))
    async with pool.connection() as connection:
        await request_backfill(connection, ACCOUNT, Feed.CREATED, wanted, everything=True)
    await shop.sync()
    assert shop.query("SELECT state FROM sync.backfills") == [("planned",)]
    async with pool.connection() as connection:
        assert await backfills.unproven(connection, ACCOUNT, Feed.CREATED, wanted) == [wanted]
    shop.fake.orders = [order for order in shop.fake.orders if order.number != number]
    await shop.sync()
    assert shop.query("SELECT state FROM sync.backfills") == [("done",)]
    assert shop.query("SELECT total, part_rows FROM sync.windows WHERE part_rows IS NOT NULL") == [
        (counted - 1, counted - 1)
    ]
    async with pool.connection() as connection:
        assert await backfills.unproven(connection, ACCOUNT, Feed.CREATED, wanted) == []


async def test_an_error_while_a_whole_is_counted_again_splits_nothing_and_it_is_counted_later(
    install: Install,
) -> None:
    shop = installed(install, "xportcn_open")
    shop.fake.stages.total = too_high_once(shop.fake.stages.total)
    is_broken = [True]

    def respond(query: Query, body: Callable[[], bytes]) -> Response:
        if counts_of_the_whole(shop) > 1 and query.end - query.start > LONG and is_broken[0]:
            return Response(b"", 502)
        return Response(body())

    shop.fake.stages.respond = respond
    outcome = await shop.sync(passes=3)
    assert len(outcome.failed_windows) == 1
    parts = shop.query("SELECT count(*) FROM sync.windows WHERE parent_id IS NOT NULL")
    is_broken.clear()
    is_broken.append(False)
    await shop.sync()
    assert shop.is_current()
    assert shop.query(WHOLES) == [("split", COUNT, COUNT, False)]
    assert shop.query("SELECT count(*) FROM sync.windows WHERE parent_id IS NOT NULL") == parts


async def test_what_is_to_be_counted_again_is_not_taken_for_changes_nobody_claimed(install: Install) -> None:
    """The whole ends where the account is planned to; the next plan must not make it longer and read it anew."""
    shop = installed(install, "xportcn_open")
    shop.fake.stages.total = too_high_once(shop.fake.stages.total)
    await shop.sync()
    shop.query("UPDATE sync.windows SET state = 'planned', attempts = 0 WHERE part_rows IS NOT NULL RETURNING 1")
    shop.query("DELETE FROM sync.windows WHERE parent_id IS NULL AND part_rows IS NULL RETURNING 1")
    shop.fake.calls.clear()
    await shop.sync()
    assert len(shop.fake.calls) == 2
    assert shop.query(WHOLES) == [("split", COUNT, COUNT, False)]


def too_high_once(usual: Callable[..., int]) -> Callable[..., int]:
    more = [7]
    return lambda query, found: usual(query, found) + (more.pop() if more else 0)
