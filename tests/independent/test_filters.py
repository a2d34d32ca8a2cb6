"""A range that means something else to the platform proves nothing, and says what it seems to mean (P1, P5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.independent.installation import Installation
from tests.independent.oddities import (
    filter_by_created,
    filter_by_date_only,
    filter_ignored,
    random_order,
    reversed_order,
    times_taken_as_utc,
)
from tests.independent.platform import Oddity, orders_every

Install = Callable[..., Installation]
HOUR = timedelta(hours=1)
DAYS = {"longest_window": timedelta(days=2, hours=5)}


@pytest.mark.parametrize("kind", ["1688", "xportcn_open", "xportcn_ka"])
@pytest.mark.parametrize(
    ("oddity", "cause"),
    [
        (times_taken_as_utc(), "as UTC"),
        (filter_by_date_only(), "the day alone"),
        (filter_ignored(), "ignore the range"),
    ],
)
async def test_rows_of_another_range_land_and_prove_nothing_P5(
    install: Install, kind: str, oddity: Oddity, cause: str
) -> None:
    shop = install(kind, orders_every(HOUR, 300), oddity, history=timedelta(days=13), policy=DAYS)
    await shop.sync()
    assert len(shop.held()) > 150
    assert not shop.is_current()
    assert any(cause in reason for reason in shop.reasons())
    assert all('row_times = "ignored"' in reason for reason in shop.reasons())
    assert len(shop.fake.calls) < 60


async def test_rows_of_another_range_are_believed_where_the_settings_say_so(install: Install) -> None:
    policy = DAYS | {"trusts_filter": True}
    shop = install("1688", orders_every(HOUR, 300), filter_by_date_only(), history=timedelta(days=13), policy=policy)
    assert not (await shop.sync()).errors
    shop.assert_holds_the_truth()
    assert shop.is_current()


async def test_a_list_by_creation_where_changes_were_asked_for_is_noticed(install: Install) -> None:
    orders = orders_every(HOUR, 300)
    for order in orders[:100]:
        order.modified += timedelta(days=4)
    shop = install("1688", orders, filter_by_created(), history=timedelta(days=13), policy=DAYS)
    await shop.sync()
    assert not shop.is_current()
    assert any("another time" in reason for reason in shop.reasons())


@pytest.mark.parametrize("kind", ["1688", "xportcn_open"])
async def test_a_list_in_the_other_order_is_read_all_the_same_P1(install: Install, kind: str) -> None:
    shop = install(kind, orders_every(HOUR, 260), reversed_order())
    shop.shrink(5)
    assert not (await shop.sync()).errors
    shop.assert_holds_the_truth()


async def test_a_list_in_no_order_is_read_in_windows_of_a_page_P1(install: Install) -> None:
    shop = install("xportcn_open", orders_every(2 * HOUR, 200), random_order())
    shop.shrink(2)
    await shop.sync(passes=2)
    shop.assert_holds_the_truth()
    ((most, proven),) = shop.query("SELECT max(total), sum(total)::int FROM sync.windows WHERE state = 'done'")
    assert most <= 50  # type: ignore[operator]
    assert proven >= 200  # type: ignore[operator]
