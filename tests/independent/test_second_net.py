"""Changes that a list by update time never brings are found by creation time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from orders_sync.domain.sweeps import Sweep
from tests.independent.installation import Installation
from tests.independent.platform import orders_every

Install = Callable[..., Installation]
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
