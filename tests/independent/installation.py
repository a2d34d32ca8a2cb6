"""The engine on a fresh database, fed by an independent platform over real HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx

from orders_sync.domain.accounts import Account, SyncPolicy
from orders_sync.domain.sweeps import Sweep, SweepPolicy
from orders_sync.engine import sync as engine
from orders_sync.engine.audit import audit
from orders_sync.engine.audit_results import Audited
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.page_client import RetryPolicy
from orders_sync.engine.probe import Probed, probe_account
from orders_sync.engine.results import AccountResult
from orders_sync.engine.run_context import RunContext, rate_limiters
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import PLATFORMS
from orders_sync.store.database import Pool
from tests.independent.platform import APP_ID, SECRET, SELLER, FakePlatform
from tests.support.databases import Tables
from tests.support.story import AHEAD, Silent

ACCOUNT = "shop"


@dataclass
class Installation:
    """One account of `fake` and one database. `policy` replaces settings of the account, `history` is its length."""

    pool: Pool
    url: str
    fake: FakePlatform
    history: timedelta = timedelta(days=25)
    policy: dict[str, object] = field(default_factory=dict)
    limits: Limits = field(default_factory=lambda: Limits(retry_policy=RetryPolicy(tries=2, first_delay=0.001)))
    progress: Silent = field(default_factory=Silent)

    def __post_init__(self) -> None:
        self.history_from = datetime.now(UTC).replace(microsecond=0) - self.history

    def shrink(self, times: int) -> None:
        """Have pages and windows hold so many times fewer rows than they do otherwise, so that few orders fill many."""
        self.policy = {**self.policy, "page_size": PLATFORMS[self.fake.kind].page_size // times}
        self.limits = replace(self.limits, window_rows=self.limits.window_rows // times)

    @property
    def source(self) -> AccountSource:
        platform = PLATFORMS[self.fake.kind]
        policy = SyncPolicy(
            self.history_from,
            10_000,
            platform.page_size,
            platform.longest_window,
            interval=timedelta(minutes=1),
            lag=AHEAD,
            overlap=timedelta(minutes=10),
            confirm=timedelta(hours=3),
            sweeps=SweepPolicy(),
        )
        account = Account(ACCOUNT, self.fake.kind, self.fake.base_url, SELLER, APP_ID, SECRET)
        return AccountSource(account, replace(policy, **self.policy), platform)  # type: ignore[arg-type]

    async def sync(self, sweep: Sweep = Sweep.NONE, *, retry: bool = True, passes: int = 1) -> AccountResult:
        """Run so many passes and return the result of the last. Failed windows do not wait, unless `retry` is False."""
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(passes):
                source = self.source
                run_context = RunContext(self.pool, http, [source], self.limits, self.progress)
                (outcome,) = await engine.sync(run_context, [source], sweep, retry=retry)
        return outcome

    async def audit(self, *, repair: bool = False) -> Audited:
        async with httpx.AsyncClient(trust_env=False) as http:
            run_context = RunContext(self.pool, http, [self.source], self.limits, self.progress)
            (found,) = await audit(run_context, [self.source], None, None, repair=repair)
        return found

    async def probe(self) -> Probed:
        async with httpx.AsyncClient(trust_env=False) as http:
            rate_limiter = rate_limiters(self.pool, [self.source])[ACCOUNT]
            return await probe_account(self.pool, http, self.source, rate_limiter, self.limits.retry_policy)

    def forget_reads(self) -> None:
        """Have the next pass read all of the history, as the first one did. The orders stay."""
        self.query("DELETE FROM sync.windows RETURNING 1")
        self.query("UPDATE sync.accounts SET watermark = NULL RETURNING 1")

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return Tables(self.url).query(statement, *values)

    def held(self) -> dict[str, str]:
        """The status of every order in the tables by its id."""
        return {str(row[0]): str(row[1]) for row in self.query("SELECT order_id, status FROM orders")}

    def assert_holds_the_truth(self) -> None:
        """Every order of the platform is in the tables, in its newest status, and no other."""
        held, truth = self.held(), self.fake.truth()
        missing = sorted(truth.keys() - held.keys())
        assert not missing, f"{len(missing)} of {len(truth)} orders are missing, the first is {missing[0]}"
        assert held == truth

    def lag(self) -> timedelta | None:
        """Return how far the watermark is behind now; None when nothing is proven."""
        ((watermark,),) = self.query("SELECT watermark FROM sync.accounts")
        return None if watermark is None else datetime.now(UTC) - watermark  # type: ignore[operator]

    def is_current(self) -> bool:
        lag = self.lag()
        return lag is not None and lag < timedelta(minutes=5)

    def reasons(self) -> list[str]:
        """Return the reasons why windows are unproven, each once."""
        rows = self.query("SELECT DISTINCT error FROM sync.windows WHERE state = 'failed' ORDER BY error")
        return [str(row[0]) for row in rows]
