"""Changes that a list by update time never brings, or too late, are found by creation time, and by its counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil

import pytest

from orders_sync.domain.sweeps import Sweep
from orders_sync.engine.claimed_window import Limits
from tests.independent.installation import Installation
from tests.independent.oddities import answers, counted_never_listed, filter_ignored, reach_capped, total_is
from tests.independent.platform import Oddity, Order, Query, Response, Stages, orders_every

Install = Callable[..., Installation]
DAY = timedelta(days=1)
BACK = (
    "UPDATE sync.windows SET starts_at = starts_at - interval '1 day', ends_at = ends_at - interval '1 day' RETURNING 1"
)


@pytest.mark.parametrize("moved", [timedelta(0), timedelta(days=-3)], ids=["not at all", "listed days late"])
async def test_a_change_without_its_time_is_found_within_a_day_P1(install: Install, moved: timedelta) -> None:
    shop = install("1688", orders_every(timedelta(hours=6), 60), history=timedelta(days=20))
    await shop.sync()
    order = shop.fake.orders[20]
    order.status = "success"
    order.modified += moved and (shop.fake.orders[-1].modified - order.modified + moved)
    await shop.sync(Sweep.DUE)
    shop.query(BACK)  # the last plan was yesterday's
    await shop.sync(Sweep.DUE)
    shop.assert_holds_the_truth()


def of_a_month(step: timedelta = timedelta(hours=6)) -> list[Order]:
    return orders_every(step, timedelta(days=15) // step, end=datetime.now(UTC).replace(microsecond=0) - DAY)


def miss(shop: Installation, order: Order, at: datetime) -> None:
    """The order changed at that moment, and was not listed until that range was read."""
    order.status, order.modified = "success", at


@pytest.mark.parametrize("later", [timedelta(hours=3), timedelta(days=3, minutes=9), timedelta(seconds=1)])
async def test_a_change_listed_too_late_is_found_by_update_time_and_repaired_P1(
    install: Install, later: timedelta
) -> None:
    """By creation time nothing differs. Where days fit on a page, old and new time may lie in one of them."""
    shop = install("1688", of_a_month())
    await shop.sync()
    miss(shop, shop.fake.orders[20], shop.fake.orders[20].modified + later)
    found = await shop.audit()
    assert [(each.feed, each.missing, each.window.seconds) for each in found.differences] == [("updated", 1, 60)]
    assert found.differences[0].window.start <= shop.fake.orders[20].modified < found.differences[0].window.end
    assert found.found.differences == []

    found = await shop.audit(repair=True)
    assert (len(found.repaired), found.remaining) == (1, [])
    assert shop.query("SELECT feed, seen FROM sync.windows WHERE kind = 'repair'") == [("updated", 1)]
    assert shop.query("SELECT feed, repaired_at IS NULL FROM sync.audit_differences ORDER BY audit_id") == [
        ("updated", False),  # a later audit settles the differences of older ones
        ("updated", False),
    ]
    shop.assert_holds_the_truth()
    assert (await shop.audit()).differences == []


async def test_a_change_of_another_day_is_found_though_days_hold_more_than_a_page_P1(install: Install) -> None:
    """A count of a range that holds both its old and its new time is as it was, so counts are of days."""
    shop = install("1688", of_a_month(timedelta(hours=1)), policy={"page_size": 10})
    await shop.sync()
    miss(shop, shop.fake.orders[100], shop.fake.orders[100].modified + timedelta(days=3, minutes=10))
    shop.fake.calls.clear()
    found = await shop.audit(repair=True)
    assert [(each.feed, each.missing) for each in found.repaired] == [("updated", 1)]
    assert found.remaining == []
    assert max(call.end - call.start for call in shop.fake.calls if call.by == "modified" and call.size == 1) <= DAY
    shop.assert_holds_the_truth()


async def test_changes_since_the_last_sync_and_while_the_audit_runs_are_no_difference(install: Install) -> None:
    shop = install("1688", of_a_month(timedelta(hours=1)), policy={"page_size": 10})
    await shop.sync()
    now = datetime.now(UTC).replace(microsecond=0)
    for order in shop.fake.orders[10:300:3]:
        miss(shop, order, now)
    waiting = iter(shop.fake.orders[11:300:20])

    def change_one(stages: Stages) -> None:
        usual = stages.select

        def select(query: Query, orders: list[Order]) -> list[Order]:
            for order in islice(waiting, query.by == "modified" and query.size == 1):  # days are counted
                miss(shop, order, datetime.now(UTC).replace(microsecond=0))
            return usual(query, orders)

        stages.select = select

    shop.fake.add(change_one)
    found = await shop.audit(repair=True)
    assert next(waiting, None) is None
    assert (found.error, found.differences) == (None, [])
    assert shop.query("SELECT count(*) FROM sync.windows WHERE kind = 'repair'") == [(0,)]


async def test_a_change_since_the_last_sync_hides_no_other_that_is_missing_P1(install: Install) -> None:
    """One order left the day and one came into it that the tables lack there: both count the same."""
    shop = install("1688", of_a_month(timedelta(hours=1)), policy={"page_size": 10})
    await shop.sync()
    lost, there = shop.fake.orders[100], shop.fake.orders[220]
    miss(shop, lost, there.modified + timedelta(minutes=10))
    miss(shop, there, datetime.now(UTC).replace(microsecond=0))
    found = await shop.audit()
    assert [(each.feed, each.missing) for each in found.differences] == [("updated", 1)]


async def test_few_changes_cost_one_call_by_update_time_and_many_at_most_one_a_day(install: Install) -> None:
    """And one for what changed since, which is listed first."""
    shop = install("1688", of_a_month())
    await shop.sync()
    for page_size, calls in ((500, 2), (40, 3), (3, 17 + 1)):
        shop.policy = {"page_size": page_size}
        shop.fake.calls.clear()
        assert (await shop.audit()).differences == []
        assert len([call for call in shop.fake.calls if call.by == "modified"]) == calls
        assert shop.progress.compared_last == (len(shop.fake.calls) - 1,) * 2
    assert shop.query("SELECT calls FROM sync.audits ORDER BY id DESC LIMIT 1") == [(len(shop.fake.calls),)]


@pytest.mark.parametrize("oddity", [reach_capped(40), counted_never_listed(4 * 10**18 + 31), total_is(0)])
async def test_what_cannot_be_read_as_one_window_is_compared_by_days_P1(install: Install, oddity: Oddity) -> None:
    shop = install("1688", of_a_month())
    await shop.sync()
    shop.fake.add(oddity)
    found = await shop.audit()
    assert (found.error, found.differences) == (None, [])
    miss(shop, shop.fake.orders[10], shop.fake.orders[10].modified + timedelta(days=1, minutes=10))
    found = await shop.audit()
    assert (found.error, [(each.feed, each.missing) for each in found.differences]) == (None, [("updated", 1)])


async def test_a_page_that_is_never_answered_leaves_the_other_days_to_be_compared_P1(install: Install) -> None:
    shop = install("1688", of_a_month())
    await shop.sync()
    broken, late = shop.fake.orders[30], shop.fake.orders[10]
    miss(shop, late, late.modified + timedelta(minutes=10))

    def is_met(query: Query) -> bool:
        is_since = query.start > shop.fake.orders[-1].modified
        return query.by == "modified" and query.size > 1 and (is_since or query.start <= broken.modified <= query.end)

    shop.fake.add(answers(Response(b"", 500), when=is_met))
    found = await shop.audit()
    assert (found.error, [(each.feed, each.missing) for each in found.differences]) == (None, [("updated", 1)])


@pytest.mark.parametrize(("rows", "error"), [(1000, None), (20, "ignore the range")])
async def test_an_audit_ends_though_the_platform_ignores_the_range(
    install: Install, rows: int, error: str | None
) -> None:
    """Halves that count as many as the whole are not halved down to the second."""
    days = {"history": 10 * DAY, "policy": {"page_size": 10}, "limits": Limits(window_rows=1000)}
    shop = install("1688", of_a_month()[30:], **days)
    await shop.sync()
    shop.fake.add(filter_ignored())
    shop.limits = Limits(window_rows=rows)
    found = await shop.audit()
    assert found.differences == []
    assert (error or "None") in str(found.error)
    assert found.calls < 200


async def test_an_account_far_behind_lists_once_what_changed_since(install: Install) -> None:
    shop = install("1688", of_a_month(timedelta(hours=2)), limits=Limits(window_rows=50))
    await shop.sync()
    now = datetime.now(UTC).replace(microsecond=0)
    for number, order in enumerate(shop.fake.orders[:130]):
        miss(shop, order, now - timedelta(seconds=number))
    shop.fake.orders[7].record = b'{"baseInfo": {"idOfStr": null}}'
    shop.fake.calls.clear()
    shop.policy = {"page_size": 20}
    found = await shop.audit()
    assert (found.error, found.differences) == (None, [])
    changed = [call for call in shop.fake.calls if call.by == "modified" and call.end >= now]
    assert len(changed) == ceil(130 / 20) + 1


@pytest.mark.parametrize("names_its_order", [True, False])
async def test_a_version_that_is_an_open_reject_is_no_difference_by_update_time(
    install: Install, names_its_order: bool
) -> None:
    shop = install("1688", of_a_month())
    await shop.sync()
    order = shop.fake.orders[30]
    miss(shop, order, datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1))
    if names_its_order:
        shop.query(
            "INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at) "
            "VALUES ('shop', '1688', %s, '', '1', 'no column takes it', now()) RETURNING 1",
            str(order.number),
        )
    else:
        order.record = b'{"baseInfo": {"idOfStr": null}}'
        await shop.sync()
    order.modified = shop.fake.orders[40].modified + timedelta(minutes=9)  # as if it had been read in its range
    found = await shop.audit()
    assert found.updates is not None
    assert (found.differences, found.updates.found.rejects) == ([], 1)


@pytest.mark.parametrize("kind", ["xportcn_open", "xportcn_ka"])
async def test_what_lists_by_creation_time_alone_is_compared_by_it_alone(install: Install, kind: str) -> None:
    shop = install(kind, of_a_month())
    await shop.sync()
    shop.fake.calls.clear()
    found = await shop.audit()
    assert (found.differences, found.updates, found.calls) == ([], None, 1)
    assert [call.by for call in shop.fake.calls] == ["created"]
