"""One rate for all processes (P6): limiters on pools of their own, and what they got by the database's clock."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from orders_sync.domain.rate_limits import AHEAD, Reservation
from orders_sync.engine import rate_limiter as rate_limiter_module
from orders_sync.engine.rate_limiter import RateLimiter
from orders_sync.engine.run_context import rate_limiters
from orders_sync.store import database, rate_limits
from orders_sync.store.database import Connection, Pool
from orders_sync.store.rate_limits import SharedRateBackend
from tests.support.story import Tell

KEY = "app:1688:one"
BEGIN = "INSERT INTO sync.rates VALUES (%s, clock_timestamp() + interval '0.5 s') RETURNING next_at"
NEXT = "SELECT next_at FROM sync.rates WHERE key = %s"


@dataclass
class Watched:
    """A shared budget, and what was asked of it and given."""

    budget: SharedRateBackend
    asked: list[int] = field(default_factory=list)
    given: list[Reservation] = field(default_factory=list)

    async def take(self, permits: int, gap: float) -> Reservation:
        self.asked.append(permits)
        self.given.append(await self.budget.take(permits, gap))
        return self.given[-1]

    async def hold(self, seconds: float) -> None:
        await self.budget.hold(seconds)

    @property
    def permits(self) -> int:
        return sum(reservation.permits for reservation in self.given)


@pytest.fixture
async def other_pool(url: str) -> AsyncIterator[Pool]:
    """Another process's connections."""
    async with database.connected(url, size=4) as made:
        yield made


@pytest.fixture
def budgets(pool: Pool, other_pool: Pool) -> list[Watched]:
    return [Watched(SharedRateBackend(each, KEY)) for each in (pool, other_pool)]


async def moment(connection: Connection, query: str) -> object:
    row = await (await connection.execute(query.encode(), [KEY])).fetchone()
    assert row is not None
    return row[0]


async def turns(rate_limiter: RateLimiter, count: int) -> None:
    for _ in range(count):
        await rate_limiter.acquire()


async def test_two_processes_are_never_given_the_same_permit_P6(
    connection: Connection, budgets: list[Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permits begin where the last reservation ended, to the microsecond: none twice, none lost while both ask."""
    monkeypatch.setattr(rate_limits, "AHEAD", 3600)
    begin = await moment(connection, BEGIN.replace("0.5 s", "30 min"))  # no permit begins now, however slow it is here
    await asyncio.gather(*(budget.take(3, 0.001) for budget in budgets * 20))
    assert sum(budget.permits for budget in budgets) == 120
    assert await moment(connection, NEXT) == begin + timedelta(milliseconds=120)  # type: ignore[operator]


async def test_two_processes_take_no_turn_without_a_permit_P6(connection: Connection, budgets: list[Watched]) -> None:
    begin = await moment(connection, BEGIN)
    await asyncio.gather(*(turns(RateLimiter(400, budget), 10) for budget in budgets * 2))
    assert sum(budget.permits for budget in budgets) >= 40
    assert await moment(connection, NEXT) >= begin + timedelta(seconds=40 / 400)  # type: ignore[operator]


async def test_the_first_permit_of_a_key_is_now_and_the_next_a_gap_later(connection: Connection, pool: Pool) -> None:
    first, second = [await SharedRateBackend(pool, KEY).take(1, 50) for _ in range(2)]
    assert first == Reservation(0.0, 1)
    assert second.permits == 0
    assert 40 < second.delay <= 50 - AHEAD


async def test_rest_is_not_saved_up_P6(connection: Connection, pool: Pool) -> None:
    await connection.execute("INSERT INTO sync.rates VALUES (%s, now() - interval '1 day')", [KEY])
    assert await SharedRateBackend(pool, KEY).take(5, 10) == Reservation(0.0, 5)
    left = await (await connection.execute("SELECT next_at - clock_timestamp() FROM sync.rates")).fetchone()
    assert left is not None
    assert timedelta(seconds=40) < left[0] <= timedelta(seconds=50)  # type: ignore[operator]


async def test_hold_stops_every_process_and_a_shorter_one_does_not_shorten_it_P6(budgets: list[Watched]) -> None:
    one, other = budgets
    assert await other.take(1, 0.1) == Reservation(0.0, 1)
    await one.hold(300)
    await one.hold(5)
    assert (await other.take(1, 0.1)).permits == 0
    assert 290 < other.given[1].delay <= 300 - AHEAD


async def test_another_app_is_not_held_P6(pool: Pool, budgets: list[Watched]) -> None:
    await budgets[0].hold(300)
    assert await SharedRateBackend(pool, "app:1688:another").take(1, 1) == Reservation(0.0, 1)


async def test_a_high_rate_does_not_ask_the_database_for_every_call(pool: Pool) -> None:
    budget = Watched(SharedRateBackend(pool, KEY))
    await turns(RateLimiter(10_000, budget), 100)
    assert len(budget.asked) < 50


async def test_a_machine_whose_clock_is_wrong_takes_nothing_wrong_P6(
    connection: Connection, budgets: list[Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two minutes ahead, or behind: only differences of its own clock count."""
    begin = await moment(connection, BEGIN)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await real_sleep(seconds)

    real_sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", sleep)
    for off, budget in zip((120, -120), budgets, strict=True):
        clock = SimpleNamespace(monotonic=lambda off=off: time.monotonic() + off)
        monkeypatch.setattr(rate_limiter_module, "time", clock)
        await turns(RateLimiter(100, budget), 10)
    assert max(pauses) < 1
    assert await moment(connection, NEXT) >= begin + timedelta(seconds=20 / 100)  # type: ignore[operator]


async def test_accounts_of_one_app_share_its_budget_each_at_its_own_rate_P6(tell: Tell, pool: Pool) -> None:
    """A call of the slower account takes its longer gap, so together they stay below the faster one's rate."""
    first, stranger, _ = tell().sources()
    second = replace(first, account=replace(first.account, name="second", seller="another seller"))
    slow = replace(
        first, account=replace(first.account, name="slow"), policy=replace(first.policy, requests_per_second=2)
    )
    found = rate_limiters(pool, [first, second, slow, stranger])
    assert found[first.account.name] is found["second"]
    assert len({id(rate_limiter) for rate_limiter in found.values()}) == 3
    for name in (first.account.name, "slow", stranger.account.name):
        await found[name].acquire()
    rows = await keys(pool)
    assert rows == {first.account.rate_key, stranger.account.rate_key}
    assert not any(first.account.app_id in str(key) for key in rows)


async def keys(pool: Pool) -> set[object]:
    async with pool.connection() as connection:
        return {row[0] for row in await (await connection.execute("SELECT key FROM sync.rates")).fetchall()}


async def test_every_call_of_every_pass_is_counted_P6(tell: Tell) -> None:
    """Two passes at once at a rate that binds: the moment in the table has moved on by a gap for every call made."""
    story = tell(orders=100, samples=True)
    story.per_second = 50
    account = story.sources(story.shop)[0].account
    query = "SELECT extract(epoch FROM next_at)::float FROM sync.rates WHERE key = %s"
    story.query("INSERT INTO sync.rates VALUES (%s, clock_timestamp()) RETURNING key", account.rate_key)
    [(begin,)] = story.query(query, account.rate_key)
    both = await asyncio.gather(story.sync(story.shop), story.sync(story.shop))
    calls = sum(outcome.calls for each in both for outcome in each.values())
    [(end,)] = story.query(query, account.rate_key)
    assert calls >= 2
    assert end - begin >= calls / 50 - 1e-3  # type: ignore[operator]


@pytest.mark.parametrize("step", [2e-6, 0.001])
async def test_a_permit_is_used_though_the_clock_went_on_since_it_was_given(
    monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """At one call in an hour, an unused permit is an hour lost."""
    clock = itertools.count(0, step)
    monkeypatch.setattr(rate_limiter_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    given: list[int] = []

    class Given:
        async def take(self, permits: int, gap: float) -> Reservation:
            given.append(permits)
            return Reservation(0.0 if len(given) == 1 else gap, permits)

        async def hold(self, seconds: float) -> None: ...

    async with asyncio.timeout(120):
        await RateLimiter(1 / 3600, Given()).acquire()
    assert given == [1]
