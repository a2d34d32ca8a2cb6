"""One claimed window: read it, hold it against the platform's count, land it or say why not.

A window of many pages that cannot be read as a whole is split, as one that is too full is: the fewer calls a read
takes the likelier all of them are answered well, and what the platform cannot give at all holds up its own page of
orders, not the month around it. So is one longer than a week that the platform does not even count: nobody documents
how long one may be.

A list by status is read like any other, though orders enter it too while it is paged. One that enters moves those
behind it a place back, from a page still to be read into one that was, and while another leaves the count does not
show it: no reading order and no total prove such a list. Nothing hangs on it. It moves no watermark and proves no
range; what the tables hold in its status and it did not bring counts as left, whatever the reason, and the transaction
that closes it plans that to be read by creation time, which never moves. So a list that does not add up after all
attempts lands what it brought.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import psycopg
from psycopg_pool import PoolTimeout

from orders_sync.domain.completeness import may_be_capped
from orders_sync.domain.emptiness import AGAIN, at_reach, is_believed
from orders_sync.domain.errors import (
    AuthenticationError,
    BlockedError,
    DatabaseBusyError,
    IncompleteWindowError,
    LeaseLostError,
    MalformedResponseError,
    PlatformError,
    RateLimitError,
    RowsOutOfRangeError,
    TransientError,
    is_answer,
)
from orders_sync.domain.ledger import Claim, Wanted
from orders_sync.domain.records import LoadCounts, Record
from orders_sync.domain.sweep_cost import merge_hours
from orders_sync.domain.windows import Feed, Window, WindowKind, split, tile
from orders_sync.engine.page_client import AccountSource, DatabaseClock, PageClient, RetryPolicy, is_long_hold
from orders_sync.engine.paging import FetchedPage, Read, Reader, WindowTooLarge
from orders_sync.engine.rate_limiter import RateLimiter
from orders_sync.engine.rowcheck import RowCheck
from orders_sync.engine.whole import hold_against_parts
from orders_sync.platforms import Ask
from orders_sync.store import claims, coverage, followups, lateness, ledger, load, missing, suspensions
from orders_sync.store.claims import LEASE
from orders_sync.store.database import Connection, Pool
from orders_sync.store.flat_orders import Source
from orders_sync.store.retrying import retried

NO_LIMIT = 10**9
HELD_READS = 4  # of a window, each ended by a long pause; then it is split: its calls may be more than a quota allows
BLOCKED_READS = 4  # of a window, over some minutes; what blocks them all is taken for a refusal,
BLOCKED_FOR = timedelta(minutes=10)  # unless a window of the account was read in so long
PARTS = 8  # at most, of a window that cannot be read as a whole
LONG = timedelta(days=7)  # what a platform may find too long to answer, and nobody knows how many rows it holds


@dataclass(frozen=True, slots=True)
class Limits:
    """`workers`: windows in flight.

    `window_rows`: a window with more is split before it is paged. `attempts` to read one window completely. `probes`:
    once an account has brought orders, what is assumed of its platform is tested.
    """

    workers: int = 4
    window_rows: int = 2000
    attempts: int = 3
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    probes: bool = False


class SuspectTotalError(IncompleteWindowError):
    """The rows add up to a count that looks like the most the platform ever counts."""


class WindowJob:
    """The work on one claimed window: call `run` once.

    Then `total` is the platform's count (None before it gave one), `seen` the distinct rows read, `split_reason` why it
    was split without being too full, and `unproven` what landed of it all the same. `why_no_proof` says why an answer
    that was read proves nothing: `unconfirmed` until it is read once more, `beyond` reach.
    """

    def __init__(
        self,
        pool: Pool,
        http: httpx.AsyncClient,
        source: AccountSource,
        rate_limiter: RateLimiter,
        limits: Limits,
        claim: Claim,
    ) -> None:
        self._pool = pool
        self._source = source
        self._limits = limits
        self._claim = claim
        self._page_size = min(source.policy.page_size, claim.page_size or source.policy.page_size)
        self._client = PageClient(http, source, rate_limiter, DatabaseClock(claim.now), limits.retry_policy)
        self.total: int | None = None
        self.seen = 0
        self.split_reason: PlatformError | None = None
        self.unproven = LoadCounts()
        self.why_no_proof = ""
        self._reader = self._make_reader()
        self._is_cut = False  # where the platform's reach begins

    @property
    def calls(self) -> int:
        return self._client.calls

    @property
    def _is_long(self) -> bool:
        return self._claim.window.end - self._claim.window.start > LONG

    async def run(self) -> LoadCounts | None:
        """Read the window and close it: landed with proof, or None when it was split.

        What was read of a window that is split or fails has landed too: a fault withholds the proof, not the orders
        (P4).

        Raises `PlatformError` after the window was closed as failed (handed back, and the account suspended, when the
        credentials were refused; handed back also before a long pause that the platform asks for, so that nobody waits
        with a window in hand), `LeaseLostError` when it is not ours any more, psycopg.Error when the database is gone.
        """
        try:
            async with self._lease():
                if self._claim.part_rows is not None:
                    return await self._hold_against_parts(self._claim.part_rows)
                result = await self._read()
                if isinstance(result, WindowTooLarge):
                    parts = split(self._claim.window, result.total, self._limits.window_rows)
                    await self._split(parts, result.total)
                    return None
                return await self._landed(result)
        except PlatformError as error:
            if isinstance(error, AuthenticationError) or await self._is_blocked_for_long(error):
                async with self._pool.connection() as connection:
                    await suspensions.suspend(connection, self._source.account, error.message)
                    await claims.release(connection, self._claim, calls=self.calls)
                raise
            if is_long_hold(error) and (self._claim.attempts < HELD_READS or not self.calls):
                async with self._pool.connection() as connection:
                    await claims.release(connection, self._claim, calls=self.calls)
                raise
            if self.total is None and is_answer(error) and await self._close_beyond(error.message):
                self.split_reason = error
                return self._empty()
            parts = self._parts(error)
            await self._withhold(error, parts)
            if not parts:
                raise
            self.split_reason = error
            return None

    async def _hold_against_parts(self, part_rows: int) -> LoadCounts | None:
        self.split_reason = await hold_against_parts(self._pool, self._claim, part_rows, self._reader, self._client)
        self.seen = part_rows
        return None if self.split_reason else LoadCounts()

    async def _is_blocked_for_long(self, error: PlatformError) -> bool:
        """Whether a block is a refusal: this window was read several times, and no other one to its end meanwhile."""
        if not isinstance(error, BlockedError) or self._claim.attempts < BLOCKED_READS:
            return False
        async with self._pool.connection() as connection:
            return not await ledger.was_read(connection, self._claim.account, BLOCKED_FOR)

    def _parts(self, error: PlatformError) -> list[Window]:
        """What to read instead of a window that failed.

        Nothing where smaller parts are no likelier to succeed: it fits on a page, or it is a passing failure,
        which what was claimed before has had the time to get over.
        """
        window, total, is_first = self._claim.window, self.total, self._claim.attempts == 1
        if self._claim.part_rows is not None:
            return []
        if isinstance(error, SuspectTotalError):
            return split(window, 2, 1)
        if isinstance(error, RowsOutOfRangeError) or (
            isinstance(error, IncompleteWindowError) and self._is_total_absurd
        ):
            return []
        if total is None:
            return [] if is_first or not self._is_long or isinstance(error, RateLimitError) else split(window, PARTS, 1)
        is_passing = is_first and isinstance(error, TransientError | RateLimitError)
        if is_passing or total <= self._reader.page_size or window.seconds == 1:
            return []
        return split(window, total, max(self._reader.page_size, -(-total // PARTS)))

    async def _close_beyond(self, reason: str) -> bool:
        """Close a window beyond the platform's reach, or cut one that extends over it; tell whether it was one."""
        claim, furthest = self._claim, self._source.platform.furthest_back
        beyond, within = at_reach(claim.window, claim.now, furthest)
        if beyond is None or claim.status is not None:
            return False
        if within is not None:
            self._is_cut = True
            await self._split([beyond, within], self.total, reason)
            return True
        said = f"{claim.window}: {reason}. {self._source.platform.name} is documented to list {furthest} back"
        async with self._pool.connection() as connection, connection.transaction():
            await claims.close_beyond(connection, claim, said, calls=self.calls)
        self.why_no_proof = "beyond"
        return True

    def _empty(self) -> LoadCounts | None:
        """What `run` returns of a window that brought nothing."""
        return None if self._is_cut else LoadCounts()

    async def _withhold_proof(self) -> bool:
        """Withhold the proof of an empty window whose answer is not believed, and return whether it is one."""
        claim = self._claim
        if claim.kind == WindowKind.BACKFILL:  # it proves nothing then: see `backfills.unproven`
            return await self._close_beyond("nothing is listed, which proves nothing there")
        if claim.kind != WindowKind.INCREMENTAL:
            return False
        if await self._close_beyond("nothing is listed, which proves nothing there"):
            return True
        if is_believed(claim.window, is_second_answer=claim.not_before is not None):
            return False
        async with self._pool.connection() as connection:
            await claims.ask_again(connection, claim, AGAIN, calls=self.calls)
        self.why_no_proof = "unconfirmed"
        return True

    def _told(self, error: PlatformError) -> str:
        """What to keep with the window: an answer that cannot be read is kept too, as far as the error holds it."""
        body = error.body if isinstance(error, MalformedResponseError) else b""
        beginning = self._source.account.redact(body.decode("utf-8", "replace"))
        return f"{error}\n\nThe answer begins:\n{beginning}" if beginning else str(error)

    @property
    def _is_total_absurd(self) -> bool:
        """Tell whether this part and another one are counted like the whole window they were split from.

        Then smaller parts would be counted as full, down to the second.
        """
        total, whole = self.total, self._claim.parent_total
        return self._claim.is_sibling_as_full and total is not None and whole is not None and total >= whole

    async def _withhold(self, error: PlatformError, parts: list[Window]) -> None:
        """Land what was read, and close the window without proof: split into `parts`, failed where there are none.

        Where the database takes the rows in no attempt, the window is closed without them, with that reason.
        """
        records, reason = list(self._reader.records.values()), self._told(error)
        self.seen = len(records)
        try:
            await retried(lambda: self._close_unproven(records, parts, reason))
        except DatabaseBusyError as busy:
            reason = reason if str(busy) in reason else f"{reason}\n\nWhat was read did not land: {busy}"
            await self._close_unproven([], parts, reason)

    async def _close_unproven(self, records: list[Record], parts: list[Window], reason: str) -> None:
        claim, platform = self._claim, self._source.platform
        load_source = Source(platform.name, claim.account, claim.id, platform.normalize, platform.direction)
        async with self._pool.connection() as connection, connection.transaction():
            self.unproven = await load.land(connection, load_source, records)
            if parts:
                await claims.split(connection, claim, parts, total=self.total, calls=self.calls, reason=reason)
            else:
                await claims.fail(connection, claim, reason, calls=self.calls, total=self.total, seen=self.seen)

    def _make_reader(self) -> Reader:
        claim, platform = self._claim, self._source.platform

        async def ask(page_no: int, rows: int) -> FetchedPage:
            answer = await self._client.page(Ask(claim.feed, claim.window, page_no, rows, claim.status))
            self.total = answer.page.total
            return answer

        most = self._limits.window_rows if claim.window.seconds > 1 else NO_LIMIT
        trusts_filter = self._source.policy.trusts_filter
        check = RowCheck(claim.window, claim.feed, platform.listed_at, trusts_filter=trusts_filter)
        return Reader(ask, platform.identify, self._page_size, most, check, platform.page_sizes)

    async def _read(self) -> Read | WindowTooLarge:
        window = self._claim.window
        expected, row, attempt = self._claim.expected, 1, self._claim.attempts
        is_history = self._claim.kind == WindowKind.INCREMENTAL and self._claim.parent_id is None
        if attempt > 1 or (is_history and self._is_long):  # may have to be split: it is counted first
            expected = max(expected, self._page_size + 1)
        if attempt > 1:
            # by the second row every other time, not always: nobody documents an answer past the last page
            row += attempt % 2
        try:
            proves = self._claim.status is None
            result = await self._reader.read_completely(self._limits.attempts, expected, row, must_add_up=proves)
            if isinstance(result, WindowTooLarge):
                if self._is_total_absurd:
                    raise IncompleteWindowError(
                        f"the platform counts {result.total} rows in each part of a range, as many as in the whole of "
                        "it: it seems to ignore the range, or its total is not to be believed"
                    )
            elif proves and window.seconds > 1 and may_be_capped(result.reading.total):
                raise SuspectTotalError(
                    f"the platform counts exactly {result.reading.total} rows, which may be the most it ever counts: "
                    "the two halves are read again"
                )
            return result
        except IncompleteWindowError as error:
            error.account, error.window = self._claim.account, str(window)
            raise

    async def _split(self, parts: list[Window], total: int | None, reason: str | None = None) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await claims.split(connection, self._claim, parts, total=total, calls=self.calls, reason=reason)

    async def _landed(self, result: Read) -> LoadCounts | None:
        """Land it, whatever other loaders hold for a moment.

        Raises `TransientError` when that did not pass: the window is read again.
        """
        try:
            return await retried(lambda: self._land(result))
        except DatabaseBusyError as error:
            raise TransientError(str(error)) from error

    async def _land(self, result: Read) -> LoadCounts | None:
        """Rows, the window's result and the watermark in one transaction (P5)."""
        claim, platform = self._claim, self._source.platform
        load_source = Source(platform.name, claim.account, claim.id, platform.normalize, platform.direction)
        self.seen = result.reading.seen
        follows = bool(claim.orders) or self._judges(result.records)
        # then the result is all there is to write
        is_empty = not result.records and claim.status is None and not follows
        if is_empty and await self._withhold_proof():
            return self._empty()
        async with self._pool.connection() as connection, nullcontext() if is_empty else connection.transaction():
            landed = await load.land(connection, load_source, result.records)
            if self._reader.page_size < self._page_size:
                await claims.observe(connection, claim.account, {"page_size": self._reader.page_size})
            left = await self._left(connection, result.records)
            await claims.finish(
                connection, claim, total=result.reading.total, seen=self.seen, calls=self.calls, landed=landed
            )
            await followups.plan(connection, claim.account, claim.kind, *left)
            if landed.new or landed.changed:
                await self._measure(connection, result.records)
            if follows:
                await self._follow_up(connection, result.records)
        return landed

    async def _measure(self, connection: Connection, records: list[Record]) -> None:
        """Keep how late what landed was listed."""
        platform, overlap = self._source.platform, self._source.policy.overlap
        order_ids = [record.order_id for record in records if record.order_id is not None]
        await lateness.measure(connection, self._claim, platform.name, platform.feed, overlap, order_ids)

    def _judges(self, records: list[Record]) -> bool:
        """Whether an order that the tables hold and this read did not bring is missing.

        It lists by creation time all orders of a range within the platform's reach, and each record names its order.
        """
        claim, source = self._claim, self._source
        is_by_creation = claim.feed is Feed.CREATED and claim.status is None and not source.policy.trusts_filter
        beyond, _ = at_reach(claim.window, claim.now, source.platform.furthest_back)
        return (
            claim.kind in (WindowKind.HOOK, WindowKind.REPAIR, WindowKind.SWEEP)
            and is_by_creation
            and beyond is None
            and all(record.order_id is not None for record in records)
        )

    async def _follow_up(self, connection: Connection, records: list[Record]) -> None:
        """Have orders read again that this read did not bring, or brought unchanged.

        After the last read, keep that they are missing.
        """
        claim, platform = self._claim, self._source.platform.name
        brought = [record.order_id for record in records if record.order_id is not None]
        judges = self._judges(records)
        absent = await missing.absent(connection, claim, platform, brought) if judges else []
        await followups.repeat(connection, claim, self._source.policy.overlap, absent, calls=self.calls)
        gone = [order.order_id for order in absent if order.order_id in claim.orders]
        if gone and claim.repeats == followups.REPEATS:
            await missing.note(connection, claim, platform, gone)

    async def _left(self, connection: Connection, records: list[Record]) -> tuple[list[Window], list[Wanted]]:
        """Return the orders stored in the claim's status that its list did not bring, and the windows that hold them.

        What another read has seen in another status meanwhile is not among it.
        """
        claim, page_size = self._claim, self._page_size
        if claim.status is None:
            return [], []
        brought = [record.order_id for record in records if record.order_id is not None]
        hours = await coverage.left(connection, claim.account, claim.window, claim.status, brought, page_size)
        longest = self._source.policy.longest_window
        windows = [
            part
            for whole in merge_hours(hours, page_size)
            for part in tile(whole.window.start, whole.window.end, longest)
        ]
        return windows, await coverage.left_orders(connection, claim.account, claim.window, claim.status, brought)

    @asynccontextmanager
    async def _lease(self) -> AsyncIterator[None]:
        """Renew the hold while the body runs; once it is lost the body is cancelled and `LeaseLostError` raised.

        A renewal that fails loses nothing by itself: the lease still holds, and the fence decides in the end.
        """
        body = asyncio.current_task()
        lost: list[LeaseLostError] = []

        async def renew() -> None:
            while True:
                await asyncio.sleep(LEASE.total_seconds() / 3)
                try:
                    with suppress(psycopg.Error, PoolTimeout):
                        async with self._pool.connection(timeout=LEASE.total_seconds() / 3) as connection:
                            await claims.renew(connection, self._claim)
                except LeaseLostError as error:
                    lost.append(error)
                    if body is not None:
                        body.cancel()
                    return

        renewing = asyncio.create_task(renew())
        try:
            yield
        except asyncio.CancelledError:
            if lost:
                raise lost[0] from None
            raise
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
