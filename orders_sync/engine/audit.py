"""Audit accounts: compare the platform's own counts with the tables, and have what is missing read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import psycopg

from orders_sync.domain.errors import AuthenticationError, InvalidRequestError, PlatformError, TransientError
from orders_sync.domain.times import duration
from orders_sync.domain.windows import Feed, Window, WindowKind, tile, whole_second
from orders_sync.engine.audit_ranges import to_compare
from orders_sync.engine.audit_results import Audited, Updates
from orders_sync.engine.list_comparison import ListComparison
from orders_sync.engine.page_client import DatabaseClock, PageClient
from orders_sync.engine.reconcile import OrderCounts
from orders_sync.engine.results import AccountResult
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.sources import AccountSource
from orders_sync.engine.sync import drain_all
from orders_sync.engine.tasks import is_cancelled, run_all, stop
from orders_sync.store import audits, ledger
from orders_sync.store.audits import RecordedDifference

HEARTBEAT_SECONDS = 30.0  # between two heartbeats


async def audit(
    run_context: RunContext,
    sources: Sequence[AccountSource],
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    repair: bool = False,
    is_routine: bool = False,
) -> list[Audited]:
    """Compare every account with its platform. Return the results in the order of `sources`.

    `start`, `end`: the range of creation time `[start, end)`; by default the newest one that was read without a gap.
    `repair`: read what is missing, and compare that again. `is_routine`: recorded as an audit of the service. Whatever
    a platform does wrong is in the results. Raises psycopg.Error when the database is gone.
    """
    made = [_Audit(run_context, source) for source in sources]
    await run_all(one.compare(start, end, is_routine) for one in made)
    if repair:
        to_repair = [one for one in made if await one.plan_repairs()]
        outcomes = await drain_all(run_context, [one.source for one in to_repair])
        await run_all(one.check_repairs(outcome) for one, outcome in zip(to_repair, outcomes, strict=True))
    return [one.result for one in made]


class _Audit:
    """The audit of one account: `compare` first.

    `_awaited_from`: set by `compare`; what was created or changed from then on is read by the next sync.
    """

    def __init__(self, run_context: RunContext, source: AccountSource) -> None:
        self._pool = run_context.pool
        self._run_context = run_context
        self.source = source
        self._name = source.account.name
        self._platform = source.platform
        self._comparisons: dict[Feed, ListComparison] = {}
        self._done = self._steps = 0
        self.result = Audited(self._name)

    async def compare(self, start: datetime | None, end: datetime | None, is_routine: bool) -> None:
        async with self._pool.connection() as connection:
            synced = await audits.synced(connection, self._name)
        window = to_compare(self._name, synced, start, end, self.source.policy.lag)
        if synced is None or synced.read_to is None or not isinstance(window, Window):
            self.result.error = str(window)
            return
        self._awaited_from = whole_second(synced.read_to - self.source.policy.overlap)
        run_context, rate_limiter = self._run_context, self._run_context.rate_limiters[self._name]
        self._now = synced.now
        self._client = PageClient(
            run_context.http,
            self.source,
            rate_limiter,
            DatabaseClock(synced.now),
            run_context.limits.retry_policy,
            self._on_timeout,
        )
        self.result.start, self.result.end = window.start, window.end
        async with self._pool.connection() as connection:
            self._number = await audits.begin(connection, self._name, window, is_routine=is_routine)
        async with self._recording_errors(), self._with_heartbeat():
            await self._compare(window)
            if self.result.start == window.end and self.result.beyond:
                await self._fail(f"{self._name}: nothing was compared. {self.result.beyond}")
                return
            await self._write_result()

    async def plan_repairs(self) -> bool:
        """Plan windows over the ranges that miss orders, by the list that misses them. Return True if there are any."""
        with_missing_orders = [each for each in self.result.differences if each.missing]
        if self.result.error is not None or not with_missing_orders:
            return False
        async with self._pool.connection() as connection, connection.transaction():
            for each in with_missing_orders:
                windows = list(tile(each.window.start, each.window.end, self.source.policy.longest_window))
                await ledger.plan(connection, self._name, WindowKind.REPAIR, each.feed, windows)
        return True

    async def check_repairs(self, outcome: AccountResult) -> None:
        """Compare again the ranges that were read for repair, and record which differences are gone."""
        async with self._recording_errors(), self._with_heartbeat():
            for each in self.result.differences:
                if each.missing and not (await self._comparisons[each.feed].examine(each)).differences:
                    self.result.repaired.append(each)
                    async with self._pool.connection() as connection:
                        await audits.record_repair(connection, self._number, each.feed, each.window)
        if outcome.errors:
            await self._fail(outcome.errors[-1])

    async def _on_timeout(self, text: str) -> None:
        self._run_context.progress.show(self._name, f"audit: {text}")

    @asynccontextmanager
    async def _recording_errors(self) -> AsyncIterator[None]:
        """End the body at a `PlatformError`, and record that in the result and in the audit's row."""
        try:
            yield
        except PlatformError as error:
            hint = (
                f"check the credentials of {self._name}"
                if isinstance(error, AuthenticationError)
                else "audit again later"
            )
            await self._fail(f"{error}. The audit stopped there: {hint}")
        finally:
            self.result.calls = self._client.calls

    @asynccontextmanager
    async def _with_heartbeat(self) -> AsyncIterator[None]:
        """Record a heartbeat twice a minute, and tell the user while the platform keeps the audit waiting."""
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            await stop([task])

    async def _beat(self) -> None:
        done = None
        while not is_cancelled():
            await asyncio.sleep(HEARTBEAT_SECONDS)
            with suppress(psycopg.Error):  # the comparison meets it, too
                async with self._pool.connection() as connection:
                    await audits.record_heartbeat(connection, self._number)
            if done == (done := self._done):
                self._run_context.progress.show(
                    self._name,
                    f"the audit still waits for the platform: {self._client.calls} calls so far, retries included, "
                    f"{self._done} of {self._steps} windows compared",
                )

    async def _fail(self, error: str) -> None:
        self.result.error = error
        async with self._pool.connection() as connection:
            await audits.fail(connection, self._number, error, self._client.calls)

    async def _compare(self, window: Window) -> None:
        """Compare a window by every list the platform has, by creation time first."""
        furthest, longest = self._platform.furthest_back, self.source.policy.longest_window
        earliest_listed = window.start if furthest is None else whole_second(self._now - furthest)
        within = max(earliest_listed, window.start)
        windows = [*tile(window.start, min(earliest_listed, window.end), longest), *tile(within, window.end, longest)]
        updates: list[Window] = []
        if self._platform.feed is Feed.UPDATED and within < min(window.end, self._awaited_from):
            updates = await self._new_comparison(Feed.UPDATED).windows(
                Window(within, min(window.end, self._awaited_from))
            )
        self._steps = len(windows) + len(updates)
        await self._compare_by_creation(windows, earliest_listed)
        if updates:
            await self._compare_by_update(updates, len(windows))
        self._report_progress(self._steps)

    async def _compare_by_creation(self, windows: list[Window], earliest_listed: datetime) -> None:
        """Compare windows, newest first; before `earliest_listed` as long as the platform's counts are believed there.

        `earliest_listed`: the earliest moment that the platform is documented to list.
        """
        result, comparison = self.result, self._new_comparison(Feed.CREATED)
        for done, each in enumerate(reversed(windows)):
            self._report_progress(done)
            if each.end <= earliest_listed:
                counts, no_proof = await self._count_at_reach(comparison, each)
            else:
                counts, no_proof = await comparison.count(each), ""
            if no_proof:
                result.start = each.end
                furthest = duration(int((self._now - earliest_listed).total_seconds()))
                result.beyond = (
                    f"{self._platform.name} is documented to list {furthest} back. {each}: {no_proof}. "
                    "What is older was not compared"
                )
                return
            result.found += await comparison.compare_counted(each, counts)

    async def _compare_by_update(self, windows: list[Window], done: int) -> None:
        """Compare windows by update time, newest first. `done`: the steps of the audit that were made before."""
        comparison = self._comparisons[Feed.UPDATED]
        updates = self.result.updates = Updates(windows[0].start, windows[-1].end)
        self._report_progress(done)
        await comparison.leave_out_changed(self._client.now())
        for more, each in enumerate(reversed(windows)):
            self._report_progress(done + more)
            updates.found += await comparison.compare(each)

    def _new_comparison(self, feed: Feed) -> ListComparison:
        made = ListComparison(self._pool, self._run_context.limits, self.source, self._client, feed, self._awaited_from)
        self._comparisons[feed] = made
        return made

    def _report_progress(self, done: int) -> None:
        self._done = done
        calls, differences = self._client.calls, len(self.result.differences)
        self._run_context.progress.compared(self._name, done, self._steps, calls, differences)

    async def _count_at_reach(self, comparison: ListComparison, window: Window) -> tuple[OrderCounts, str]:
        """Return the counts of a window beyond the platform's reach, and why they prove nothing: "" where they do."""
        try:
            counts = await comparison.count(window)
        except (InvalidRequestError, TransientError) as error:
            return OrderCounts(0, 0), error.message
        if counts.platform < counts.tables:
            return counts, f"it counts {counts.platform} orders, the tables hold {counts.tables}"
        return counts, ""

    def _compared(self) -> Iterator[tuple[Feed, Window]]:
        """Yield the range that was compared by each list."""
        start, end, updates = self.result.start, self.result.end, self.result.updates
        if start is not None and end is not None and start < end:
            yield Feed.CREATED, Window(start, end)
        if updates is not None:
            yield Feed.UPDATED, Window(updates.start, updates.end)

    async def _write_result(self) -> None:
        result, found = self.result, self.result.found
        assert result.start is not None
        async with self._pool.connection() as connection, connection.transaction():
            for each in result.differences:
                recorded = RecordedDifference(
                    each.feed,
                    each.window,
                    each.counts.platform,
                    each.counts.tables,
                    each.missing,
                    each.missing_ids,
                    each.older_ids,
                    each.not_listed_ids,
                )
                await audits.record_difference(connection, self._number, recorded)
            for feed, compared in self._compared():
                known = await audits.supersede(connection, self._name, self._number, feed, compared)
                result.acknowledged += [
                    each for each in result.differences if each.feed is feed and each.window.start in known
                ]
            await audits.finish(
                connection,
                self._number,
                result.start,
                platform=found.platform,
                tables=found.tables,
                rejects=found.rejects,
                awaited=result.awaited,
                differences=len(result.differences),
                calls=self._client.calls,
            )
