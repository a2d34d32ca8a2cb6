"""Ask a platform for one page, with retries, at the account's rate."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import stamina

from orders_sync.domain.errors import (
    AuthenticationError,
    BlockedError,
    CallTimeoutError,
    MalformedResponseError,
    PlatformError,
    RateLimitError,
    TransientError,
)
from orders_sync.engine.paging import FetchedPage
from orders_sync.engine.rate_limiter import RateLimiter, is_long_hold
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import PageQuery
from orders_sync.platforms.http import CALL_SECONDS, fetch

stamina.instrumentation.set_on_retry_hooks([])  # its own would log every retry to standard error

LARGEST_SKEW = timedelta(minutes=1)  # the platforms accept 5 and 10 minutes (api-facts 1 and 4)
LONGEST_RETRY_DELAY = 30.0  # seconds, between two tries
LONGEST_HOLD = 600.0  # seconds; one wrong Retry-After must not silence an account until somebody notices
DEFAULT_HOLD_FACTOR = 5  # times `first_delay`: the hold where the platform says slow down without a Retry-After


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits of one call. `tries`: the first one included.

    `first_delay`: seconds, doubled and jittered from try to try. `seconds_per_try`: the most that a try
    may take as a whole.
    """

    tries: int = 5
    first_delay: float = 0.2
    largest_body: int = 64 * 2**20  # bytes
    seconds_per_try: float = CALL_SECONDS


@dataclass(slots=True)
class DatabaseClock:
    """The database's clock, read once and continued by this process's monotonic clock.

    `database_time`: what it showed when this process's monotonic clock showed `read_at_monotonic`.
    """

    database_time: datetime
    read_at_monotonic: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        """Return the database's time, extrapolated by the monotonic clock."""
        return self.database_time + timedelta(seconds=time.monotonic() - self.read_at_monotonic)


class PageClient:
    """Asks one account's platform for pages and counts the calls it took, retries included."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        source: AccountSource,
        rate_limiter: RateLimiter,
        clock: DatabaseClock,
        retry_policy: RetryPolicy,
        on_timeout: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """`on_timeout` gets the text of every call that ran into its time limit, retries included, before the next."""
        self._on_timeout = on_timeout
        self._http = http
        self._source = source
        self._rate_limiter = rate_limiter
        self._clock = clock
        self._retry_policy = retry_policy
        self.calls = 0

    def now(self) -> datetime:
        """Return the time by the database's clock."""
        return self._clock.now()

    async def page(self, query: PageQuery) -> FetchedPage:
        """Ask for one page, with retries: jittered delays, Retry-After obeyed, every try signed anew.

        Raises the last `PlatformError`, with the account and the call filled in.
        """
        try:
            async for each_try in stamina.retry_context(
                on=_delay_before_retry,
                attempts=self._retry_policy.tries,
                timeout=None,
                wait_initial=self._retry_policy.first_delay,
                wait_max=LONGEST_RETRY_DELAY,
                wait_jitter=self._retry_policy.first_delay,
            ):
                with each_try:
                    return await self._once(query)
        except PlatformError as error:
            error.account = self._source.account.name
            error.message = self._source.account.redact(error.message)
            error.window = str(query.window)
            error.call = f"page {query.page_no}"
            raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def _once(self, query: PageQuery) -> FetchedPage:
        source, retry_policy = self._source, self._retry_policy
        await self._rate_limiter.acquire()
        asked_at = self._clock.now()
        self.calls += 1
        headers: dict[str, str] = {}
        try:
            request = source.platform.request(source.account, query, asked_at)
            body = await fetch(self._http, request, retry_policy.largest_body, retry_policy.seconds_per_try, headers)
            return FetchedPage(source.platform.page(source.account, body), asked_at)
        except AuthenticationError as error:
            if skew := clock_skew(headers, self._clock.now()):
                raise TransientError(
                    f"{error.message}. The platform's clock and the database's, which signs requests, differ by "
                    f"{skew.total_seconds():.0f} s: set the clock right. The account is not suspended for it",
                    code=error.code,
                ) from None
            raise
        except CallTimeoutError as error:
            if self._on_timeout is not None:
                await self._on_timeout(source.account.redact(error.message))
            raise
        except RateLimitError as error:
            if error.retry_after is not None:
                error.retry_after = min(error.retry_after, LONGEST_HOLD)
            await self._rate_limiter.hold(
                DEFAULT_HOLD_FACTOR * retry_policy.first_delay if error.retry_after is None else error.retry_after
            )
            raise


def clock_skew(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return the difference of an answer's `Date` from `now`; None if it is `LARGEST_SKEW` or less, or unknown."""
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    skew = abs((date if date.tzinfo else date.replace(tzinfo=UTC)) - now)
    return skew if skew > LARGEST_SKEW else None


def _delay_before_retry(error: Exception) -> bool | float:
    """Return False to repeat no call, True to repeat it after the usual delay, or the seconds to wait before that.

    A call that something in front of the gateway blocked, or that has to wait longer than `LONGEST_WAIT`
    (`rate_limiter.py`), is not repeated: its window is read again later.
    """
    if isinstance(error, BlockedError) or is_long_hold(error):
        return False
    if isinstance(error, RateLimitError) and error.retry_after is not None:
        return error.retry_after
    return isinstance(error, RateLimitError | TransientError | MalformedResponseError)
