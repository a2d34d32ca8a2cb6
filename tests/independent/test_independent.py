"""The engine and the independent platform agree on what both read in the same documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.sweeps import Sweep
from tests.independent.installation import Installation
from tests.independent.oddities import (
    last_page_repeated,
    reversed_order,
    total_capped,
    total_is,
)
from tests.independent.platform import SHAPES, Oddity, orders_every

KINDS = sorted(SHAPES)
MINUTES = timedelta(minutes=1)
Install = Callable[..., Installation]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_order_lands_and_the_account_is_current_P1(install: Install, kind: str) -> None:
    shop = install(kind, orders_every(9 * MINUTES, 520))
    outcome = await shop.sync()
    assert not outcome.errors
    shop.assert_holds_the_truth()
    assert shop.is_current()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_change_is_brought_by_the_next_pass_P1(install: Install, kind: str) -> None:
    shop = install(kind, orders_every(60 * MINUTES, 30))
    await shop.sync()
    order = shop.fake.orders[11]
    order.status = "cancel" if kind == "1688" else "4"
    order.modified = datetime.now(UTC) - timedelta(seconds=5)
    await shop.sync(Sweep.OPEN)
    shop.assert_holds_the_truth()


@pytest.mark.parametrize("oddity", [last_page_repeated(), reversed_order(), total_capped(150), total_is(0)])
async def test_oddities_that_lose_nothing_land_everything_P1(install: Install, oddity: Oddity) -> None:
    shop = install("xportcn_open", orders_every(7 * MINUTES, 270), oddity)
    await shop.sync()
    shop.assert_holds_the_truth()
