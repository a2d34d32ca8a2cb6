"""Orders on the border of windows: whether the last second belongs to one is not documented (P1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.sweeps import Sweep
from tests.independent.installation import Installation
from tests.independent.oddities import begin_exclusive, end_exclusive
from tests.independent.platform import Oddity, Order, orders_every

Install = Callable[..., Installation]
SECOND = timedelta(seconds=1)
FRACTION = timedelta(milliseconds=448)


def with_fractions(orders: Iterable[Order]) -> list[Order]:
    found = list(orders)
    for order in found:
        order.created += FRACTION
        order.modified += FRACTION
    return found


async def _fill_the_borders(shop: Installation, fraction: timedelta = timedelta(0)) -> int:
    """Put an order into the last second before each border of the windows that were read, to be read once more."""
    borders = shop.query("SELECT ends_at FROM sync.windows WHERE state = 'done' ORDER BY ends_at")[:-1]
    for number, (border,) in enumerate(borders):
        assert isinstance(border, datetime)
        at = border - SECOND + fraction
        shop.fake.orders.append(Order(2 * 10**15 + number, at, at, shop.fake.orders[0].status))
    shop.query("UPDATE sync.windows SET state = 'planned' WHERE state = 'done' RETURNING id")
    return len(borders)


@pytest.mark.parametrize("kind", ["1688", "xportcn_open"])
@pytest.mark.parametrize("oddity", [end_exclusive(), begin_exclusive()])
async def test_orders_at_the_borders_of_windows_land_whichever_ends_are_inclusive_P1(
    install: Install, kind: str, oddity: Oddity
) -> None:
    shop = install(kind, orders_every(timedelta(minutes=50), 420), oddity)
    shop.shrink(10)
    await shop.sync()
    assert await _fill_the_borders(shop) > 1
    await shop.sync()
    shop.assert_holds_the_truth()


@pytest.mark.parametrize("oddities", [(), (end_exclusive(),)])
async def test_orders_behind_a_whole_second_land_at_the_borders_too_P1(
    install: Install, oddities: tuple[Oddity, ...]
) -> None:
    shop = install("1688", with_fractions(orders_every(timedelta(minutes=50), 420)), *oddities)
    shop.shrink(10)
    await shop.sync()
    assert await _fill_the_borders(shop, FRACTION) > 1
    await shop.sync()
    shop.assert_holds_the_truth()


@pytest.mark.parametrize("oddities", [(), (end_exclusive(),)])
async def test_a_change_is_found_though_its_second_is_kept_with_a_fraction_P1(
    install: Install, oddities: tuple[Oddity, ...]
) -> None:
    """An order that is read alone is asked for by the one second its record shows."""
    end = datetime.now(UTC).replace(minute=51, second=0, microsecond=0) - timedelta(hours=30)  # all in one hour
    orders = with_fractions(orders_every(timedelta(seconds=20), 150, end=end, status="4"))
    orders[70].status = "10"
    shop = install("xportcn_open", orders, *oddities)
    await shop.sync()
    shop.fake.calls.clear()
    orders[70].status = "11"
    await shop.sync(Sweep.OPEN)
    shop.assert_holds_the_truth()
    assert any(call.end - call.start == SECOND for call in shop.fake.calls)


@pytest.mark.parametrize("oddities", [(), (end_exclusive(),)])
async def test_an_audit_calls_no_order_on_a_border_a_difference(install: Install, oddities: tuple[Oddity, ...]) -> None:
    shop = install("1688", orders_every(timedelta(minutes=7), 600), *oddities, history=timedelta(days=3))
    start = shop.history_from
    for days in (1, 2):  # in its search for what is missing the audit halves at midnights and hours
        at = (start + timedelta(days=days)).replace(minute=0, second=0)
        shop.fake.orders.append(Order(3 * 10**15 + days, at, at, "waitsellersend"))
    await shop.sync()
    assert not (await shop.audit()).differences
    lost = shop.fake.orders[500]
    for table in ("raw_orders", "sub_orders", "orders"):
        shop.query(f"DELETE FROM {table} WHERE order_id = %s RETURNING 1", str(lost.number))
    audited = await shop.audit(repair=True)
    assert [(each.feed, each.missing) for each in audited.differences] == [("created", 1), ("updated", 1)]
    assert not audited.remaining
