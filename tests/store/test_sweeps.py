"""Sweeps in the ledger: a new plan replaces what waits of the one before and keeps its place in the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.sweep_cost import PlannedRead
from orders_sync.domain.sweeps import SweepRange
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.store import claims, closing, ledger, sweeps
from orders_sync.store.database import Connection

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SHOP = "kingdo"
SHIPPED = "11"


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


def at(hours: float) -> datetime:
    return BEGIN + timedelta(hours=hours)


def hours(first: float, last: float) -> Window:
    return Window(at(first), at(last))


async def register(connection: Connection) -> None:
    await ledger.register(connection, Account(SHOP, "xportcn_ka", "", "7", "key", "secret"), Feed.CREATED)


async def plan_list(connection: Connection, window: Window, status: str = SHIPPED) -> None:
    look = SweepRange(window.start, window.end, with_final=False)
    await sweeps.plan_status_lists(connection, SHOP, [look], [PlannedRead(window, 1, status)])


async def waiting(connection: Connection) -> list[tuple[Window, str | None]]:
    query = "SELECT starts_at, ends_at, status FROM sync.windows WHERE state = 'planned' ORDER BY starts_at, id"
    rows = await (await connection.execute(query)).fetchall()
    return [(Window(start, end), status) for start, end, status in rows]  # type: ignore[arg-type, misc]


async def read(connection: Connection, windows: int) -> list[Window]:
    """Claim so many windows one after the other, as far as there are any, and finish each."""
    found: list[Window] = []
    while len(found) < windows and (claim := await claims.claim(connection, SHOP, "worker")):
        found.append(claim.window)
        await closing.finish(connection, claim, total=0, seen=0, calls=1, landed=LoadCounts())
    return found


async def test_a_sweep_that_waits_is_replaced_by_the_next_one_and_nothing_else_is(connection: Connection) -> None:
    await register(connection)
    await sweeps.plan_windows(connection, SHOP, [hours(0, 1)])
    await ledger.plan(connection, SHOP, WindowKind.INCREMENTAL, Feed.CREATED, [hours(0, 1)])
    await sweeps.plan_windows(connection, SHOP, [hours(-1, 1)])
    assert await waiting(connection) == [(hours(-1, 1), None), (hours(0, 1), None)]
    kinds = await (await connection.execute("SELECT kind FROM sync.windows ORDER BY starts_at")).fetchall()
    assert kinds == [(WindowKind.SWEEP,), (WindowKind.INCREMENTAL,)]


async def test_a_sweep_planned_again_and_again_before_it_is_done_reaches_its_youngest_orders_P2(
    connection: Connection,
) -> None:
    """Each period two of six windows are read: after three periods every one was, and then the oldest again."""
    await register(connection)
    whole = [hours(n, n + 1) for n in range(6)]
    periods = []
    for _ in range(4):
        await sweeps.plan_windows(connection, SHOP, whole)
        periods.append(await read(connection, 2))
    assert periods == [whole[0:2], whole[2:4], whole[4:6], whole[0:2]]


async def test_a_window_that_grows_keeps_the_place_of_the_one_that_has_waited_longest(connection: Connection) -> None:
    await register(connection)
    await sweeps.plan_windows(connection, SHOP, [hours(4, 5), hours(8, 9)])
    await sweeps.plan_windows(connection, SHOP, [hours(0, 1), hours(3, 6), hours(8, 10)])
    await sweeps.plan_windows(connection, SHOP, [hours(0, 2), hours(3, 6), hours(7, 10)])
    assert await read(connection, 9) == [hours(3, 6), hours(7, 10), hours(0, 2)]


async def test_parts_of_a_sweep_keep_the_place_of_the_whole(connection: Connection) -> None:
    await register(connection)
    await sweeps.plan_windows(connection, SHOP, [hours(4, 6)])
    claim = await claims.claim(connection, SHOP, "worker")
    assert claim is not None
    await sweeps.plan_windows(connection, SHOP, [hours(0, 1)])
    async with connection.transaction():
        await closing.split(connection, claim, [hours(4, 5), hours(5, 6)], total=9, calls=1)
    assert await read(connection, 9) == [hours(4, 5), hours(5, 6), hours(0, 1)]


async def test_younger_sweeps_wait_for_a_long_one_no_longer_than_it_takes(connection: Connection) -> None:
    """A sweep of young orders that is due again and again neither stops a long sweep nor waits for ever."""
    await register(connection)
    old, young = [hours(n, n + 1) for n in range(6)], hours(9, 10)
    await sweeps.plan_windows(connection, SHOP, [*old, young])
    done = []
    for _ in range(4):
        done += await read(connection, 2)
        await sweeps.plan_windows(connection, SHOP, [young])
    assert done == [*old, young]
    assert await waiting(connection) == [(young, None)]


async def test_a_list_planned_again_before_it_is_read_keeps_its_place_though_its_borders_move_on(
    connection: Connection,
) -> None:
    """A month each, ten minutes later with every plan: one is read a period, and none twice before all were."""
    await register(connection)
    month, read_at = 720.0, []
    for period in range(4):
        late = period / 6
        look = SweepRange(at(late), at(late + 3 * month), with_final=False)
        parts = [PlannedRead(hours(late + n * month, late + (n + 1) * month), 1, SHIPPED) for n in range(3)]
        await sweeps.plan_status_lists(connection, SHOP, [look], parts)
        (window,) = await read(connection, 1)
        read_at.append(round((window.start - at(late)) / timedelta(hours=month)))
    assert read_at == [0, 1, 2, 0]


async def test_a_list_keeps_the_place_of_its_own_status_alone(connection: Connection) -> None:
    await register(connection)
    await plan_list(connection, hours(0, 1), "1")
    await plan_list(connection, hours(1, 2), "10")
    lists = [PlannedRead(hours(0, 1), 1, "10"), PlannedRead(hours(0, 2), 1, "1")]
    await sweeps.plan_status_lists(connection, SHOP, [SweepRange(at(0), at(2), with_final=False)], lists)
    assert await read(connection, 9) == [hours(0, 2), hours(0, 1)]


async def test_a_sweep_of_all_orders_takes_the_place_of_the_lists_it_replaces(connection: Connection) -> None:
    await register(connection)
    await plan_list(connection, hours(4, 5))
    await sweeps.plan_windows(connection, SHOP, [hours(0, 1)])
    await sweeps.plan_windows(connection, SHOP, [hours(0, 1), hours(4, 6)])
    assert await read(connection, 9) == [hours(4, 6), hours(0, 1)]


async def test_lists_that_wait_are_taken_out_where_the_range_is_read_again(connection: Connection) -> None:
    await register(connection)
    for window in (hours(0, 4), hours(3, 6), hours(-1, 2), hours(5, 8)):
        await ledger.plan(connection, SHOP, WindowKind.SWEEP, Feed.CREATED, [window], status=SHIPPED)
    await sweeps.plan_windows(connection, SHOP, [hours(1, 2)])
    looks = [SweepRange(at(3), at(7), with_final=False), SweepRange(at(0), at(3), with_final=True)]
    await sweeps.plan_status_lists(connection, SHOP, looks, [])
    assert await waiting(connection) == [(hours(-1, 2), SHIPPED), (hours(1, 2), None), (hours(5, 8), SHIPPED)]


async def test_nothing_is_taken_out_where_nothing_is_read_again(connection: Connection) -> None:
    await register(connection)
    await plan_list(connection, hours(0, 1))
    await sweeps.plan_status_lists(connection, SHOP, [], [])
    await sweeps.plan_windows(connection, SHOP, [])
    assert await waiting(connection) == [(hours(0, 1), SHIPPED)]
