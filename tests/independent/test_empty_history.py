"""A history that lists no order says so and is read again after 10 minutes, an hour and a day (P1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.engine import planner
from orders_sync.store import due_accounts, progress
from orders_sync.store.database import Pool
from tests.independent.installation import ACCOUNT, Installation
from tests.independent.platform import Order, orders_every

Install = Callable[..., Installation]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MOMENTS = (11 * MINUTE, 61 * MINUTE, 25 * HOUR)  # just after it is read again
HISTORY_READS = "SELECT count(*) FROM sync.windows WHERE kind = 'confirm' AND starts_at <= now() - interval '9 days'"
SINCE = "SELECT empty_since IS NOT NULL, empty_read_at IS NOT NULL FROM sync.accounts"


def not_listed_yet(install: Install, kind: str, count: int = 30) -> Installation:
    """A shop with orders of five days, none of which is listed so far."""
    shop = install(kind, orders_every(4 * HOUR, count), history=10 * DAY)
    for order in shop.fake.orders:
        order.is_listed = False
    return shop


def passes(shop: Installation, time: timedelta) -> None:
    """Let so much time go by, as far as the emptiness of the history is concerned."""
    shop.query(
        "UPDATE sync.accounts SET empty_since = empty_since - %s, empty_read_at = empty_read_at - %s RETURNING 1",
        time,
        time,
    )
    shop.query("UPDATE sync.windows SET not_before = not_before - %s WHERE state = 'planned' RETURNING 1", time)


async def history_reads(shop: Installation) -> int:
    """Run one more pass and return how often all of the history was read again so far."""
    outcome = await shop.sync()
    assert outcome.errors == []
    ((count,),) = shop.query(HISTORY_READS)
    return int(str(count))


async def remarks(pool: Pool) -> list[str]:
    async with pool.connection() as connection:
        found = await progress.progress(connection, ACCOUNT)
    assert found is not None
    return list(map(str, progress.remarks(found)))


@pytest.mark.parametrize("kind", ["1688", "xportcn_open", "xportcn_ka"])
@pytest.mark.parametrize("late", MOMENTS)
async def test_orders_that_are_listed_only_a_while_after_the_authorisation_are_found_P1(
    install: Install, kind: str, late: timedelta
) -> None:
    shop = not_listed_yet(install, kind)
    assert (await shop.sync()).found_empty
    passed = 3 * MINUTE
    passes(shop, passed)
    await shop.sync()  # the second answer is empty too: the history counts as proven
    assert shop.is_current()
    for moment in MOMENTS[: MOMENTS.index(late) + 1]:
        for order in shop.fake.orders:
            order.is_listed = moment >= late
        passes(shop, moment - passed)
        passed = moment
        await shop.sync()
    shop.assert_holds_the_truth()
    assert shop.query(SINCE) == [(False, False)]


async def test_an_empty_history_is_read_again_three_times_and_then_no_more(install: Install) -> None:
    shop = not_listed_yet(install, "xportcn_open")
    counts = [await history_reads(shop)]
    for time in (5 * MINUTE, 6 * MINUTE, 40 * MINUTE, 10 * MINUTE, 20 * HOUR, 4 * HOUR, 30 * DAY):
        passes(shop, time)
        counts.append(await history_reads(shop))
    #                 first 5 min 11 51 61 21 h 25 h a month
    assert counts == [0, 0, 1, 1, 2, 2, 3, 3]


async def test_a_service_that_slept_reads_an_empty_history_once_for_all_it_missed(install: Install) -> None:
    shop = not_listed_yet(install, "xportcn_open")
    await shop.sync()
    passes(shop, 2 * HOUR)
    assert [await history_reads(shop), await history_reads(shop)] == [1, 1]
    passes(shop, 23 * HOUR)
    assert [await history_reads(shop), await history_reads(shop)] == [2, 2]


async def test_once_an_order_was_listed_nothing_is_read_again(install: Install) -> None:
    shop = not_listed_yet(install, "xportcn_open")
    await shop.sync()
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=2)
    shop.fake.orders.append(Order(7_000_000_000_000_000_000, now, now, "10"))
    await shop.sync()
    assert shop.query(SINCE) == [(False, False)]
    passes(shop, 25 * HOUR)
    assert await history_reads(shop) == 0


@pytest.mark.parametrize("listed", ["an order", "an order another account keeps", "a record that is no order"])
async def test_an_account_that_lists_anything_is_not_empty(install: Install, listed: str) -> None:
    shop = install("xportcn_open", orders_every(HOUR, 3), history=10 * DAY)
    if listed == "a record that is no order":
        for order in shop.fake.orders:
            order.record = b"{}"
    outcome = await shop.sync()
    if listed == "an order another account keeps":
        shop.query("UPDATE orders SET account = 'another' RETURNING 1")
        shop.query(
            "INSERT INTO sync.shared_orders SELECT platform, order_id, %s, '', now() FROM orders RETURNING 1", ACCOUNT
        )
        outcome = await shop.sync()
    assert not outcome.found_empty
    assert shop.query(SINCE) == [(False, False)]


async def test_a_history_that_could_not_be_read_is_not_empty(install: Install, pool: Pool) -> None:
    shop = not_listed_yet(install, "xportcn_open")
    shop.fake.stages.total = lambda query, found: "no number"  # type: ignore[assignment, return-value]
    assert not (await shop.sync()).found_empty
    assert shop.query(SINCE) == [(False, False)]
    assert not [said for said in await remarks(pool) if "no order" in said]


async def test_an_empty_history_is_said_in_one_sentence_with_the_time_of_the_next_read(
    install: Install, pool: Pool
) -> None:
    shop = not_listed_yet(install, "xportcn_open")
    assert (await shop.sync()).found_empty
    assert not (await shop.sync()).found_empty  # it is news once
    ((next_read,),) = shop.query(
        "SELECT to_char(empty_since AT TIME ZONE 'Asia/Shanghai' + '10 min', 'HH24:MI:SS') FROM sync.accounts"
    )
    (said,) = await remarks(pool)
    assert "no order is listed in all of its history" in said
    assert f"{next_read} +08:00 reads it again" in said
    passes(shop, 25 * HOUR)
    await shop.sync()
    (said,) = await remarks(pool)
    assert "the credentials belong to another shop" in said


async def test_the_service_reads_an_empty_history_again_when_its_time_has_come(install: Install, pool: Pool) -> None:
    shop = install("xportcn_open", [], history=10 * DAY, policy={"interval": 7 * DAY})
    await shop.sync()
    passes(shop, 3 * MINUTE)
    await shop.sync()
    asked = [(shop.source.account, shop.source.policy)]
    async with pool.connection() as connection:
        assert await due_accounts.accounts(connection, asked) == []
        passes(shop, 8 * MINUTE)
        assert await due_accounts.accounts(connection, asked) == [ACCOUNT]
        await shop.sync()
        assert await due_accounts.accounts(connection, asked) == []


async def test_no_two_processes_read_an_empty_history_for_the_same_time(install: Install, pool: Pool) -> None:
    shop = not_listed_yet(install, "xportcn_open")
    await shop.sync()
    passes(shop, 11 * MINUTE)
    async with pool.connection() as one, pool.connection() as other:
        for connection in (one, other):
            async with connection.transaction():
                await planner.plan_due(connection, shop.source)
    assert shop.query(HISTORY_READS) == [(1,)]
