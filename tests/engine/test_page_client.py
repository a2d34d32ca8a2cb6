"""One page, asked for until it is there or it is clear that it will not come (P1, P6).

The sandbox in process, on an event loop whose waiting takes no time: its clock leaps to whatever is waited for.
"""

from __future__ import annotations

import asyncio
import hashlib
import selectors
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from orders_sync.domain.accounts import Account, SyncPolicy
from orders_sync.domain.errors import (
    AuthenticationError,
    CallTimeoutError,
    InvalidRequestError,
    MalformedResponseError,
    PlatformError,
    RateLimitError,
    TransientError,
)
from orders_sync.domain.rate_limits import AHEAD, Reservation
from orders_sync.domain.windows import Window
from orders_sync.engine.page_client import (
    DEFAULT_HOLD_FACTOR,
    LONGEST_HOLD,
    LONGEST_RETRY_DELAY,
    DatabaseClock,
    PageClient,
    RetryPolicy,
)
from orders_sync.engine.paging import FetchedPage
from orders_sync.engine.rate_limiter import LocalRateBackend, RateLimiter
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import PLATFORMS, PageQuery
from orders_sync.sandbox import Faults, Sandbox, SandboxTransport
from tests.support.worlds import world_of

SHOPS = ["sandbox-1688", "sandbox-open", "sandbox-ka"]
BEGIN = datetime(2026, 11, 1, 12, tzinfo=UTC)
POLICY = RetryPolicy(tries=4, first_delay=0.5)
FAST = 1_000_000.0  # calls a second: the limiter does not matter


class Leaping(selectors.DefaultSelector):
    """Waits for nothing: the time it was to wait at most has passed at once."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.passed += timeout or 0.0
        return super().select(timeout and 0)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.leaping = Leaping()
        super().__init__(self.leaping)

    def time(self) -> float:
        return self.leaping.passed


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run to the end on a loop of its own, with `time.monotonic` the loop's time, from 0 on."""

    def to_the_end(work: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=Loop) as runner:
            monkeypatch.setattr(time, "monotonic", runner.get_loop().time)
            try:
                return runner.run(work)
            finally:
                monkeypatch.undo()

    return to_the_end


@dataclass
class Shop:
    """One sandbox account, its requests, and the time at which each was sent."""

    name: str
    faults: Faults = field(default_factory=lambda: Faults(hang_seconds=0.01, retry_after=7))
    retry_policy: RetryPolicy = POLICY
    secret: Callable[[str], str] = str
    base: str = ""
    per_second: float = FAST
    sent: list[tuple[float, httpx.Request]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = world_of(30, now=BEGIN, samples=True)
        self.sandbox = Sandbox(self.world, self.faults, clock=lambda: BEGIN + timedelta(seconds=time.monotonic()))
        shop = self.world.shop(self.name).account
        base = "http://sandbox" if shop.platform == "1688" else "http://sandbox/api"
        minute = timedelta(minutes=1)
        self.source = AccountSource(
            Account(shop.name, shop.platform, base + self.base, shop.seller, shop.app_id, self.secret(shop.app_secret)),
            SyncPolicy(
                shop.history_from,
                5,
                100,
                timedelta(days=28),
                interval=minute,
                lag=minute,
                overlap=minute,
                confirm=minute,
            ),
            PLATFORMS[shop.platform],
        )
        self.rate_limiter = RateLimiter(self.per_second, LocalRateBackend())
        self.ask = PageQuery(
            self.source.platform.feed, Window(BEGIN - timedelta(days=7), BEGIN + timedelta(days=1)), 1, 100
        )

    async def _note(self, request: httpx.Request) -> None:
        self.sent.append((time.monotonic(), request))

    async def page(self) -> FetchedPage:
        async with self.http() as http:
            return await self.caller(http).page(self.ask)

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=SandboxTransport(self.sandbox.app), event_hooks={"request": [self._note]})

    def caller(self, http: httpx.AsyncClient) -> PageClient:
        self.made = PageClient(
            http,
            self.source,
            self.rate_limiter,
            DatabaseClock(BEGIN, read_at_monotonic=time.monotonic()),
            self.retry_policy,
        )
        return self.made

    async def failure(self) -> PlatformError:
        with pytest.raises(PlatformError) as caught:
            await self.page()
        return caught.value

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.sent]

    @property
    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]


Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.mark.parametrize("name", SHOPS)
def test_a_page_that_comes_at_once_is_one_call(run: Run, name: str) -> None:
    shop = Shop(name)
    answer = run(shop.page())
    assert answer.page.total == len(answer.page.records) > 0
    assert len(shop.sent) == shop.made.calls == 1


@pytest.mark.parametrize("name", SHOPS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("http_5xx", TransientError),
        ("reset", TransientError),
        ("hang", CallTimeoutError),
        ("truncated", TransientError),
        ("garbled", MalformedResponseError),
        ("html", MalformedResponseError),
        ("flow_limit", RateLimitError),
        ("http_429", RateLimitError),
    ],
)
def test_what_may_go_away_is_tried_again_up_to_the_tries_and_every_try_is_counted_P1(
    run: Run, name: str, fault: str, kind: type[PlatformError]
) -> None:
    healed, ill = Shop(name), Shop(name)
    healed.faults.script(*[fault] * (POLICY.tries - 1))
    assert run(healed.page()).page.records
    assert len(healed.sent) == healed.made.calls == POLICY.tries

    ill.faults.set_rates({fault: 1.0})
    error = run(ill.failure())
    assert type(error) is kind
    assert len(ill.sent) == ill.made.calls == POLICY.tries


@pytest.mark.parametrize("name", SHOPS)
def test_refused_credentials_are_tried_once_P6(run: Run, name: str) -> None:
    shop = Shop(name, secret=lambda secret: secret + "x")
    error = run(shop.failure())
    assert type(error) is AuthenticationError
    assert len(shop.sent) == shop.made.calls == 1


@pytest.mark.parametrize("name", SHOPS)
def test_a_request_the_platform_will_not_serve_is_tried_once_P6(run: Run, name: str) -> None:
    shop = Shop(name, base="/nowhere")
    error = run(shop.failure())
    assert type(error) is InvalidRequestError
    assert "HTTP 404" in str(error)
    assert len(shop.sent) == shop.made.calls == 1


def test_what_is_no_error_of_the_platform_is_not_tried_again(run: Run) -> None:
    shop = Shop("sandbox-1688")
    shop.ask = replace(shop.ask, page_size=101)
    with pytest.raises(ValueError, match="101"):
        run(shop.page())
    assert shop.sent == []


@pytest.mark.parametrize("name", SHOPS)
def test_the_error_says_which_account_window_and_page_and_no_secret_P8(run: Run, name: str) -> None:
    shop = Shop(name)
    shop.faults.set_rates({"html": 1.0})
    error = run(shop.failure())
    assert error.account == name
    assert error.window == str(shop.ask.window)
    assert error.call == "page 1"
    assert str(error).startswith(f"{name}, {shop.ask.window}, page 1: ")
    assert shop.source.account.app_secret not in str(error) + repr(error) + repr(shop.source)


@pytest.mark.parametrize("name", SHOPS)
def test_every_try_is_signed_anew(run: Run, name: str) -> None:
    shop = Shop(name, retry_policy=RetryPolicy(tries=4, first_delay=2))
    shop.faults.script("http_5xx", "reset", "garbled")
    run(shop.page())
    signed = [credentials(request) for _, request in shop.sent]
    assert len({each["timestamp"] for each in signed}) == 4
    assert len({each.get("sign") or each["signature"] for each in signed}) == 4
    if name != "sandbox-1688":
        assert len({each["nonce-str"] for each in signed}) == 4
    for at, each in zip(shop.times, signed, strict=True):
        assert each["timestamp"] == str(int((BEGIN + timedelta(seconds=at)).timestamp()))


def credentials(request: httpx.Request) -> dict[str, str]:
    """Return what is signed: of 1688 the form, of Xportcn the headers."""
    if "signature" in request.headers:
        return dict(request.headers)
    return dict(parse_qsl(request.content.decode()))


def test_the_answer_is_as_old_as_the_beginning_of_the_call_that_brought_it_P2(run: Run) -> None:
    shop = Shop("sandbox-ka")
    shop.faults.latency_ms = 3000
    shop.faults.script("http_5xx", "http_5xx")
    answer = run(shop.page())
    assert answer.asked_at == BEGIN + timedelta(seconds=shop.times[-1])
    assert shop.times[-1] > shop.times[0]


@pytest.mark.parametrize("name", SHOPS)
def test_pauses_grow_from_try_to_try_and_are_jittered(run: Run, name: str) -> None:
    shop = Shop(name, retry_policy=RetryPolicy(tries=10, first_delay=1))
    shop.faults.set_rates({"reset": 1.0})
    run(shop.failure())
    for number, pause in enumerate(shop.pauses):
        assert min(2**number, LONGEST_RETRY_DELAY) - 0.001 <= pause <= min(2**number + 1, LONGEST_RETRY_DELAY) + 0.001
    assert len({round(pause % 1, 6) for pause in shop.pauses[:4]}) == 4


@pytest.mark.parametrize("name", SHOPS)
def test_retry_after_is_obeyed_P6(run: Run, name: str) -> None:
    shop = Shop(name)
    shop.faults.script("http_429", "http_429")
    run(shop.page())
    assert shop.pauses == pytest.approx([7, 7])


def test_retry_after_is_obeyed_for_ten_minutes_at_most_P6(run: Run) -> None:
    shop = Shop("sandbox-ka", faults=Faults(retry_after=86400))
    shop.faults.script("http_429")

    async def three() -> None:
        for _ in range(2):
            failure = await shop.failure()
            assert isinstance(failure, RateLimitError)
            assert failure.retry_after == pytest.approx(LONGEST_HOLD)
        await asyncio.sleep(LONGEST_HOLD)
        await shop.page()

    run(three())
    assert shop.pauses == pytest.approx([LONGEST_HOLD])


def test_nobody_waits_for_the_end_of_a_pause_longer_than_half_a_minute_P6(run: Run) -> None:
    shop = Shop("sandbox-ka", faults=Faults(retry_after=31))
    shop.faults.script("http_429")
    began, failed = 0.0, 0.0

    async def one() -> None:
        nonlocal began, failed
        began = time.monotonic()
        await shop.failure()
        failed = time.monotonic()

    run(one())
    assert failed - began < 1
    assert len(shop.times) == 1


def test_retry_after_holds_for_everyone_who_shares_the_account_P6(run: Run) -> None:
    shop = Shop("sandbox-ka", per_second=10)
    shop.faults.script("ok", "http_429")

    async def several() -> None:
        async with shop.http() as http:
            await asyncio.gather(*(shop.caller(http).page(shop.ask) for _ in range(5)))

    run(several())
    answered = shop.times[1]
    assert [at for at in shop.times if answered < at < answered + 7] == []
    assert len(shop.times) == 6


def test_slow_down_without_a_time_is_obeyed_for_some_first_pauses_P6(run: Run) -> None:
    shop = Shop("sandbox-1688")
    shop.faults.script("flow_limit")
    run(shop.page())
    assert shop.pauses[0] >= DEFAULT_HOLD_FACTOR * POLICY.first_delay


def test_other_calls_are_not_held_by_a_fault_that_is_no_slow_down(run: Run) -> None:
    shop = Shop("sandbox-open", retry_policy=RetryPolicy(tries=2, first_delay=20))
    shop.faults.script("http_5xx")

    async def two() -> None:
        async with shop.http() as http:
            await asyncio.gather(*(shop.caller(http).page(shop.ask) for _ in range(2)))

    run(two())
    assert shop.times[1] < 1


class Turns:
    """Pacers of one budget, and when their turns came. The second one stands for another process."""

    def __init__(self, per_second: float) -> None:
        budget = LocalRateBackend()
        self.rate_limiter, self.other = RateLimiter(per_second, budget), RateLimiter(per_second, budget)
        self.times: list[float] = []

    async def take(self, count: int = 1, after: float = 0, rate_limiter: RateLimiter | None = None) -> None:
        await asyncio.sleep(after)
        for _ in range(count):
            await (rate_limiter or self.rate_limiter).acquire()
            self.times.append(time.monotonic())

    def busiest(self, seconds: float) -> int:
        """Most turns in any span of so many seconds."""
        return max(sum(1 for at in self.times if begin <= at < begin + seconds - 1e-6) for begin in self.times)


async def together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*works)


@pytest.mark.parametrize("per_second", [0.2, 1, 5, 40])
def test_the_rate_is_never_exceeded_by_all_who_share_a_pacer_P6(run: Run, per_second: float) -> None:
    turns = Turns(per_second)
    run(together(turns.take(5, after=number * 1.7 % 3) for number in range(8)))
    assert len(turns.times) == 40
    for seconds in (1 / per_second, 5 / per_second, 20 / per_second):
        assert turns.busiest(seconds) <= seconds * per_second + 1e-6


@pytest.mark.parametrize("per_second", [0.2, 1, 5, 40, 1000])
def test_the_rate_is_never_exceeded_by_all_who_share_a_budget_P6(run: Run, per_second: float) -> None:
    turns = Turns(per_second)
    run(
        together(
            turns.take(5, after=number * 1.7 % 3, rate_limiter=rate_limiter)
            for number in range(8)
            for rate_limiter in (turns.rate_limiter, turns.other)
        )
    )
    assert len(turns.times) == 80
    for seconds in (1 / per_second, 5 / per_second, 20 / per_second):
        assert turns.busiest(seconds) <= seconds * per_second + 1e-6


class Counted(LocalRateBackend):
    """A budget that knows how many permits were asked for at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    async def take(self, permits: int, gap: float) -> Reservation:
        self.asked.append(permits)
        return await super().take(permits, gap)


@pytest.mark.parametrize(("per_second", "most"), [(0.5, 1), (3, 3), (20, 20), (1000, 50), (10_000, 500)])
def test_a_grant_holds_what_waits_or_a_moment_of_the_rate_and_at_most_a_second_of_it_P6(
    run: Run, per_second: float, most: int
) -> None:
    turns, budget = Turns(per_second), Counted()
    turns.rate_limiter = RateLimiter(per_second, budget)
    run(together(turns.take() for _ in range(60)))
    assert max(budget.asked) == most
    assert budget.asked[0] == (1 if per_second <= 20 else most)


def test_all_who_share_a_budget_are_still_while_one_is_held_P6(run: Run) -> None:
    """But for what the others were given before: at most a grant of a second that begins within one."""
    turns = Turns(2)

    async def hold() -> None:
        await asyncio.sleep(5.1)
        await turns.rate_limiter.hold(25)

    run(
        together(
            [
                *(
                    turns.take(9, rate_limiter=rate_limiter)
                    for rate_limiter in (turns.rate_limiter, turns.other)
                    for _ in range(3)
                ),
                hold(),
            ]
        )
    )
    assert [at for at in turns.times if 5.1 + 2 * AHEAD < at < 30.1] == []
    assert len(turns.times) == 54
    assert turns.busiest(0.5) <= 1


def test_rest_is_not_saved_up_for_a_burst_P6(run: Run) -> None:
    turns = Turns(2)
    run(together([turns.take(1), turns.take(4, after=60)]))
    assert turns.times == pytest.approx([0, 60, 60.5, 61, 61.5])


def test_a_first_turn_does_not_wait(run: Run) -> None:
    turns = Turns(0.001)
    run(turns.take())
    assert turns.times == [0]


def test_no_turn_while_the_pacer_is_held_P6(run: Run) -> None:
    turns = Turns(10)

    async def held() -> None:
        await turns.rate_limiter.hold(30)
        await turns.rate_limiter.hold(5)  # a shorter hold does not shorten it
        await together(turns.take() for _ in range(3))

    run(held())
    assert turns.times == pytest.approx([30, 30.1, 30.2])


def test_those_who_already_wait_for_their_turn_are_held_as_well_P6(run: Run) -> None:
    turns = Turns(1)

    async def hold(after: float) -> None:
        await asyncio.sleep(after)
        await turns.rate_limiter.hold(30)

    run(together([*(turns.take() for _ in range(5)), hold(1.5)]))
    assert turns.times[:2] == pytest.approx([0, 1])
    assert min(turns.times[2:]) >= 31.5
    assert turns.busiest(1) <= 1


def test_who_gives_up_waiting_hinders_nobody(run: Run) -> None:
    turns = Turns(1)

    async def impatient() -> None:
        waiting = [asyncio.create_task(turns.take()) for _ in range(3)]
        await asyncio.sleep(0.5)
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    run(impatient())
    assert len(turns.times) == 2
    assert turns.busiest(1) <= 1


def test_a_secret_is_in_no_request_P8(run: Run) -> None:
    for name in SHOPS:
        shop = Shop(name)
        run(shop.page())
        (_, request), secret = shop.sent[0], shop.source.account.app_secret
        sent = f"{request.url} {request.headers} {request.content.decode()}"
        assert secret not in sent
        assert hashlib.md5(secret.encode()).hexdigest() not in sent.lower()
