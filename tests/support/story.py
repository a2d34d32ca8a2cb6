"""A sandbox in process, a real Postgres, and the engine between them, for tests of the engine.

A `Story` is one such set-up; the fixture `tell` makes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from orders_sync.domain import emptiness
from orders_sync.domain.accounts import Account, SyncPolicy
from orders_sync.domain.sweeps import Sweep, SweepPolicy
from orders_sync.engine import sync as engine
from orders_sync.engine.audit import audit
from orders_sync.engine.audit_results import Audited
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.page_client import RetryPolicy
from orders_sync.engine.results import AccountResult, WindowResult
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import PLATFORMS
from orders_sync.sandbox import Faults, Sandbox, SandboxTransport, World
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.sandbox.verify import VerifyResult, verify_account
from orders_sync.store.database import Pool
from tests.support.databases import Tables, kept_session
from tests.support.worlds import an_hour_ago, world_of

LIMITS = Limits(window_rows=400, retry_policy=RetryPolicy(first_delay=0.001))
AHEAD = timedelta(seconds=-30)  # a lag that reaches what happened this very second, if a clock is set back too


@dataclass
class Silent:
    """Progress, written down."""

    shown: list[str] = field(default_factory=list)
    closed_windows: list[WindowResult] = field(default_factory=list)
    compared_last: tuple[int, int] = (0, 0)

    def counted(self, account: str, records: int) -> None: ...

    def landed(self, account: str, orders: int) -> None: ...

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        self.compared_last = (windows, of)

    def closed(self, window: WindowResult) -> None:
        self.closed_windows.append(window)

    def show(self, account: str, text: str) -> None:
        self.shown.append(f"{account}: {text}")


@dataclass
class Story:
    """One sandbox and one database. `shop` is the account most tests need: 1688."""

    pool: Pool
    url: str
    world: World
    faults: Faults
    page_size: int = 100
    limits: Limits = LIMITS
    lag: timedelta = AHEAD
    progress: Silent = field(default_factory=Silent)
    shop: str = "sandbox-1688"
    secret: Callable[[str], str] = str
    sweeps: SweepPolicy = field(default_factory=SweepPolicy)
    per_second: float = 10_000
    history_from: datetime | None = None  # where the settings' history begins; None for the sandbox's own
    transport: Callable[[ASGIApp], httpx.AsyncBaseTransport] = SandboxTransport

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(self.world, self.faults)
        self.calls = self.sandbox.stats

    def sources(self, *names: str) -> list[AccountSource]:
        return [self._source(each.name) for each in self.world.accounts if not names or each.name in names]

    def _source(self, name: str) -> AccountSource:
        shop = self.world.shop(name).account
        platform = PLATFORMS[shop.platform]
        base = "http://sandbox" if shop.platform == "1688" else "http://sandbox/api"
        account = Account(shop.name, shop.platform, base, shop.seller, shop.app_id, self.secret(shop.app_secret))
        policy = SyncPolicy(
            self.history_from or shop.history_from,
            self.per_second,
            self.page_size,
            platform.longest_window,
            interval=timedelta(minutes=1),
            lag=self.lag,
            overlap=timedelta(minutes=10),
            confirm=timedelta(hours=3),
            sweeps=self.sweeps,
        )
        return AccountSource(account, policy, platform)

    async def sync(
        self, *names: str, sweep: Sweep = Sweep.NONE, retry: bool = True, pool: Pool | None = None
    ) -> dict[str, AccountResult]:
        """Run one pass over these accounts, or all. Failed windows do not wait, unless `retry` is False."""
        async with httpx.AsyncClient(transport=self.transport(self.sandbox.app)) as http:
            sources = self.sources(*names)
            run_context = RunContext(pool or self.pool, http, sources, self.limits, self.progress)
            outcomes = await engine.sync(run_context, sources, sweep, retry=retry)
        return {outcome.account: outcome for outcome in outcomes}

    async def audit(
        self, *names: str, start: datetime | None = None, end: datetime | None = None, repair: bool = False
    ) -> dict[str, Audited]:
        """Compare these accounts, or all, with the tables."""
        async with httpx.AsyncClient(transport=SandboxTransport(self.sandbox.app)) as http:
            sources = self.sources(*names)
            run_context = RunContext(self.pool, http, sources, self.limits, self.progress)
            results = await audit(run_context, sources, start, end, repair=repair)
        return {result.account: result for result in results}

    def verify(self, *names: str) -> dict[str, VerifyResult]:
        """Compare the tables with the expected values; return the result by account."""
        with kept_session.lent(self.url) as connection:
            return {
                each.name: verify_account(connection, each.name, each.platform, self.world.expected_orders(each.name))
                for each in self.world.accounts
                if not names or each.name in names
            }

    def assert_equal(self, *names: str) -> None:
        """Every order, line and value is as the platform has it."""
        for verdict in self.verify(*names).values():
            assert verdict.is_equal, list(verdict.examples())
            assert verdict.orders > 0

    def with_limits(self, tries: int | None = None, **limits: Any) -> None:
        self.limits = replace(self.limits, **limits)
        if tries is not None:
            self.limits = replace(self.limits, retry_policy=replace(self.limits.retry_policy, tries=tries))

    def row_versions(self) -> dict[str, object]:
        """Every row version of the business tables: any write, and any lock of a row, changes it."""
        return Tables(self.url).row_versions()

    def execute(self, statements: str) -> None:
        Tables(self.url).execute(statements)

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return Tables(self.url).query(statement, *values)


Tell = Callable[..., Story]


def unlist(story: Story, account: str, order: SandboxOrder) -> None:
    """The platform lists an order no more."""
    story.world.shop(account).index.remove(order)


@pytest.fixture(autouse=True)
def empty_months_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's history begins years before most of its orders; what an empty answer is worth is tested apart."""
    monkeypatch.setattr(emptiness, "ONE_ANSWER", timedelta(days=10_000))


def begin(
    pool: Pool, url: str, *, orders: int, seed: int = 1, days: float = 5, samples: bool = False, **settings: object
) -> Story:
    """Begin a story, with a world by `world_of`."""
    world = world_of(orders, now=an_hour_ago(), seed=seed, days=days, samples=samples)
    return Story(pool, url, world, Faults(hang_seconds=0.01, retry_after=0), **settings)  # type: ignore[arg-type]


@pytest.fixture
def tell(pool: Pool, url: str) -> Tell:
    """Begin a story: `tell(orders=300)`, as many as without a number."""
    return partial(begin, pool, url, orders=300)
