"""The work on one claimed window: read it, decide how it is closed, and write that.

lease ──> read (`engine/paging.py`) ──> facts ──> outcome (`engine/window_outcome.py`) ──> close (`engine/landing.py`)
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from orders_sync.domain.completeness import ReadSummary
from orders_sync.domain.errors import IncompleteWindowError, LeaseLostError, PlatformError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import Record
from orders_sync.domain.windows import WindowKind
from orders_sync.engine import landing, lease, rereads
from orders_sync.engine.landing import ClosedWindow, WindowRead
from orders_sync.engine.page_client import DatabaseClock, PageClient, RetryPolicy
from orders_sync.engine.paging import FetchedPage, Read, Reader, WindowTooLarge
from orders_sync.engine.rate_limiter import RateLimiter
from orders_sync.engine.record_check import RecordCheck
from orders_sync.engine.sources import AccountSource
from orders_sync.engine.window_outcome import (
    BLOCKED_FOR,
    Complete,
    Counted,
    Ending,
    Facts,
    counts_as_whole,
    decide_outcome,
    is_long,
    may_be_refused_credentials,
)
from orders_sync.platforms import PageQuery
from orders_sync.store import claims, ledger, parts
from orders_sync.store.database import Pool

NO_LIMIT = 10**9


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one process.

    `slots`: windows read at once (the setting is `[sync] workers`). `window_rows`: a window with more records is split
    before it is paged. `attempts`: how often, at most, a window is read to become complete. `probes`: whether what is
    assumed of a platform is tested, once its account has brought orders.
    """

    slots: int = 4
    window_rows: int = 2000
    attempts: int = 3
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    probes: bool = False


class ClaimedWindow:
    """A claimed window, which `run` reads and closes: call it once.

    `total`: the platform's newest count of its records, None before it gave one.
    """

    def __init__(
        self,
        pool: Pool,
        http: httpx.AsyncClient,
        source: AccountSource,
        rate_limiter: RateLimiter,
        limits: Limits,
        claim: Claim,
        show: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`show` gets what the person at the screen, or the log, should learn while the window is read."""
        self._show = show
        self._timeouts = 0  # calls that timed out since the last that was answered
        self._pool = pool
        self._source = source
        self._limits = limits
        self._claim = claim
        self._page_size = min(source.policy.page_size, claim.page_size or source.policy.page_size)
        self._client = PageClient(
            http, source, rate_limiter, DatabaseClock(claim.now), limits.retry_policy, self._on_timeout
        )
        self.total: int | None = None
        self._reader = self._make_reader()

    @property
    def calls(self) -> int:
        """The calls it took so far, retries included."""
        return self._client.calls

    async def run(self) -> ClosedWindow:
        """Read the window and close it, whatever the platform does.

        Raises `LeaseLostError` when another worker has claimed the window, psycopg.Error when the database is gone.
        """
        try:
            async with lease.renewed(self._pool, self._claim):
                return await self._close(await self._read())
        except PlatformError as error:
            return await self._close(error)

    async def _read(self) -> Read | WindowTooLarge | Counted:
        """Read all pages, or only count the window where it is to be compared with its parts."""
        claim = self._claim
        if claim.part_rows is not None:
            return Counted(await self._reader.count())
        expected, record_no, times_claimed = claim.expected, 1, claim.attempts
        is_history = claim.kind == WindowKind.INCREMENTAL and claim.parent_id is None
        if times_claimed > 1 or (is_history and is_long(claim.window)):  # may have to be split: it is counted first
            expected = max(expected, self._page_size + 1)
        if times_claimed > 1:
            # counted by the second record every other time: a record that spoils each answer it is in must not hide the
            # total; not always, for no document says what is answered past the last page
            record_no += times_claimed % 2
        try:
            must_add_up = claim.status is None
            return await self._reader.read_completely(
                self._limits.attempts, expected, record_no, must_add_up=must_add_up
            )
        except IncompleteWindowError as error:
            error.account, error.window = claim.account, str(claim.window)
            raise

    async def _close(self, result: Read | WindowTooLarge | Counted | PlatformError) -> ClosedWindow:
        ending = result.reading if isinstance(result, Read) else result
        records = result.records if isinstance(result, Read) else []
        outcome = decide_outcome(await self._facts(ending, records))
        if not isinstance(outcome, Complete):  # whatever was read before lands, of every attempt
            records = list(self._reader.records.values())
        return await landing.close(self._pool, self._window_read(ending, records), outcome)

    async def _facts(self, ending: Ending, records: list[Record]) -> Facts:
        claim, source, platform = self._claim, self._source, self._source.platform
        is_followed = bool(claim.orders) or rereads.proves_absence(claim, source, records)
        account_was_read = is_sibling_as_full = False
        if counts_as_whole(claim, self.total):
            async with self._pool.connection() as connection:
                is_sibling_as_full = await parts.is_sibling_as_full(connection, claim.id)
        if isinstance(ending, PlatformError) and may_be_refused_credentials(claim, ending):
            async with self._pool.connection() as connection:
                account_was_read = await ledger.was_read_within(connection, claim.account, BLOCKED_FOR)
        return Facts(
            claim=claim,
            account=source.account,
            ending=ending,
            total=self.total,
            calls=self.calls,
            page_size=self._reader.page_size,
            window_rows=self._limits.window_rows,
            platform=platform.name,
            furthest_back=platform.furthest_back,
            is_empty=not records and claim.status is None and not is_followed,
            account_was_read=account_was_read,
            is_sibling_as_full=is_sibling_as_full,
        )

    def _window_read(self, ending: Ending, records: list[Record]) -> WindowRead:
        total, seen = self.total, len(records)
        if isinstance(ending, ReadSummary):
            total, seen = ending.total, ending.seen
        elif isinstance(ending, Counted) and self._claim.part_rows is not None:
            seen = self._claim.part_rows
        return WindowRead(
            claim=self._claim,
            source=self._source,
            records=records,
            total=total,
            seen=seen,
            calls=self.calls,
            page_size=self._page_size,
            observed_page_size=self._reader.page_size,
        )

    def _make_reader(self) -> Reader:
        claim, platform = self._claim, self._source.platform

        async def ask(page_no: int, page_size: int) -> FetchedPage:
            answer = await self._client.page(PageQuery(claim.feed, claim.window, page_no, page_size, claim.status))
            self.total = answer.page.total
            await self._on_answer()
            return answer

        most = self._limits.window_rows if claim.window.seconds > 1 else NO_LIMIT
        trusts_filter = self._source.policy.trusts_filter
        check = RecordCheck(claim.window, claim.feed, trusts_filter=trusts_filter)
        return Reader(ask, platform.identifier(claim.feed), self._page_size, most, check, platform.page_sizes)

    async def _on_timeout(self, text: str) -> None:
        """Report a timed-out call immediately: the remaining tries may take minutes."""
        self._timeouts += 1
        await self._write_unanswered(text)
        self._show(f"{self._claim.window}: {text} (calls in a row without an answer: {self._timeouts})")

    async def _on_answer(self) -> None:
        if self._timeouts:
            self._timeouts = 0
            await self._write_unanswered(None)

    async def _write_unanswered(self, text: str | None) -> None:
        with suppress(LeaseLostError):  # closing the window raises it
            async with self._pool.connection() as connection:
                await claims.set_unanswered(connection, self._claim, text)
