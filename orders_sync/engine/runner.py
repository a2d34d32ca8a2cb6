"""Read the planned windows of one account, until none is left or its turn is over."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import psycopg
from psycopg_pool import PoolTimeout

from orders_sync.domain.assumptions import Probe
from orders_sync.domain.errors import LeaseLostError, OrdersSyncError, PlatformError, RateLimitError
from orders_sync.domain.ledger import Claim
from orders_sync.engine import error_scope
from orders_sync.engine.claimed_window import ClaimedWindow
from orders_sync.engine.failures import react
from orders_sync.engine.landing import ClosedWindow
from orders_sync.engine.probe import probe_account
from orders_sync.engine.rate_limiter import is_long_hold
from orders_sync.engine.results import AccountResult, WindowResult
from orders_sync.engine.run_context import RunContext, host_of
from orders_sync.engine.sources import AccountSource
from orders_sync.engine.tasks import stop
from orders_sync.engine.window_outcome import Beyond, Failed, Released, RereadParts, Split, Unconfirmed
from orders_sync.store import claims, closing, empty_history, ledger, probes, suspensions

RELEASE_SECONDS = 2  # for a claim that is under way, and for a connection to release windows by
SLOT_SECONDS = 1.0  # for which an account waits for a window slot before it leaves its turn to others


async def drain(
    run_context: RunContext, source: AccountSource, *, turn: float | None = None, waits: bool = True
) -> AccountResult:
    """Read the account's planned windows and return the result. Nothing is planned but what follows from the reads.

    `turn`: seconds after which no further window is begun, None for no limit. `waits`: wait for windows that another
    process has claimed, and for the end of long holds, so that the account has caught up when this returns. Whatever a
    platform does wrong is in the result. Raises psycopg.Error when the database is gone.
    """
    runner = _AccountRunner(run_context, source, turn, waits)
    if not await runner.is_suspended():
        await runner.read_all()
        await runner.probe()
        await runner.write_result()
    return runner.result


async def release_windows(run_context: RunContext, account: str) -> None:
    """Release every window of an account that this process has claimed and does not read. Raises psycopg.Error."""
    async with run_context.pool.connection() as connection:
        await claims.release_all(connection, account, run_context.claimant)


class _AccountRunner:
    """One turn of one account. `rests`: a failure ended it, and the service leaves the account alone for a while."""

    def __init__(self, run_context: RunContext, source: AccountSource, turn: float | None, waits: bool) -> None:
        self.run_context = run_context
        self.source = source
        self.name = source.account.name
        self.host = host_of(source)
        self.ends = None if turn is None else time.monotonic() + turn
        self.waits = waits
        self.result = AccountResult(self.name)
        self.failures = 0  # in a row
        self.rests = False
        self.held_until = 0.0  # by time.monotonic: the end of the hold the platform asked for
        self.is_waiting = False  # for another process; that was shown
        self.is_crowded_out = False  # no slot came free in time: the turn goes to another account
        self.has_answered = False  # until the platform has counted a window, one at a time is read

    async def is_suspended(self) -> bool:
        """Return True if nothing may be read with the account's credentials; the result holds the reason."""
        async with self.run_context.pool.connection() as connection:
            suspended = await suspensions.lift_outdated(connection, self.source.account)
        if suspended is not None:
            self.result.errors.append(str(suspended))
        return suspended is not None

    async def probe(self) -> None:
        """Test what is assumed of the platform, once the account has brought orders. Errors go to the result."""
        run_context, rows = self.run_context, self.result.rows
        if not run_context.limits.probes or self._is_over() or not rows.new + rows.changed + rows.unchanged:
            return
        if not await run_context.slots.acquire(self.host, SLOT_SECONDS):
            return
        try:
            async with run_context.pool.connection() as connection:
                may_probe = await probes.begin(connection, self.name)
            if may_probe:
                rate_limiter, retry_policy = run_context.rate_limiters[self.name], run_context.limits.retry_policy
                probed = await probe_account(
                    run_context.pool, run_context.http, self.source, rate_limiter, retry_policy
                )
                self.result.calls += probed.calls
                if remedy := Probe(probed.answers).remedy:
                    run_context.progress.show(self.name, f"{Probe(probed.answers)}. {remedy}")
        except Exception as error:
            if error_scope.affects_all_accounts(error):
                raise
            self.result.errors.append(error_scope.report(self.name, error))
        finally:
            run_context.slots.release(self.host)

    async def write_result(self) -> None:
        """Complete the result from the ledger, and write the account's last error."""
        errors = self.result.errors
        async with self.run_context.pool.connection() as connection:
            self.result.failed_windows = await ledger.failed_windows(connection, self.name)
            if self._is_over() and not self.rests:
                self.result.is_cut_off = await ledger.has_work(connection, self.name)
            self.result.found_empty = await empty_history.record(connection, self.name)
            if errors or not self.result.failed_windows:
                await ledger.record_error(connection, self.name, errors[-1] if errors else None, rests=self.rests)

    async def read_all(self) -> None:
        """Read windows until none is left, planned or claimed by another process, or until the turn is over."""
        reading: set[asyncio.Task[None]] = set()
        try:
            while True:
                if not reading:
                    await self._wait_out_hold()
                claim = None if self._is_over() or self._is_held() else await self._claim_next(len(reading))
                if claim is not None:
                    task = asyncio.create_task(self._read_window(claim))
                    # also if it never began
                    task.add_done_callback(lambda _: self.run_context.slots.release(self.host))
                    reading.add(task)
                elif reading:
                    done, reading = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
                    await asyncio.gather(*done)  # raises the first error; the others count as retrieved too
                elif self._is_over() or not await self._await_others():
                    return
        except asyncio.CancelledError:
            await stop(reading)
            await self._release_windows()
            raise
        finally:
            await stop(reading)

    def _is_over(self) -> bool:
        """Return True if no further window is to be begun."""
        is_late = self.ends is not None and time.monotonic() > self.ends
        return self.rests or is_late or self.is_crowded_out or self.run_context.stopping.is_set()

    def _is_held(self) -> bool:
        return time.monotonic() < self.held_until

    async def _wait_out_hold(self) -> None:
        """Wait until the platform takes calls again, with no window claimed and no slot taken."""
        seconds = self.held_until - time.monotonic()
        if seconds > 0 and not self._is_over():
            self.run_context.progress.show(self.name, f"the platform asked for no calls: waiting {seconds:.0f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.run_context.stopping.wait(), seconds)

    async def _release_windows(self) -> None:
        """Release all windows of the account that we claimed, also one that was claimed during cancellation."""
        with suppress(psycopg.Error, PoolTimeout):  # then the leases run out by themselves
            async with self.run_context.pool.connection(timeout=RELEASE_SECONDS) as connection:
                await claims.release_all(connection, self.name, self.run_context.claimant)

    async def _claim_next(self, in_flight: int) -> Claim | None:
        """Claim a window once a slot is free; a slot that brings no window is released at once."""
        if in_flight >= (self.run_context.limits.slots if self.has_answered else 1):
            return None
        slots = self.run_context.slots
        if not await slots.acquire(self.host, None if self.waits else SLOT_SECONDS):
            self.is_crowded_out = not in_flight
            return None
        if self._is_over():
            slots.release(self.host)
            return None
        claim = None
        claiming = asyncio.create_task(self._claim())
        claiming.add_done_callback(lambda task: task.cancelled() or task.exception())  # seen, also where nobody waits
        try:
            claim = await asyncio.shield(claiming)
            return claim
        except asyncio.CancelledError:
            # a commit that is under way cannot be called back, and `_release_windows` must see what came of it
            await asyncio.wait([claiming], timeout=RELEASE_SECONDS)
            raise
        finally:
            if claim is None:
                slots.release(self.host)

    async def _claim(self) -> Claim | None:
        async with self.run_context.pool.connection() as connection:
            account, statuses = self.source.account, self.source.platform.listed_statuses
            return await claims.claim(connection, self.name, self.run_context.claimant, statuses, account.identity)

    async def _await_others(self) -> bool:
        """Wait a moment if another process has claimed a window of this account, and return True then."""
        if not self.waits:
            return False
        async with self.run_context.pool.connection() as connection:
            seconds = await claims.seconds_to_next_expiry(connection, self.name)
        if seconds is None:
            return False
        if not self.is_waiting:
            self.is_waiting = True
            self.run_context.progress.show(
                self.name, f"waiting for another process that holds a window of it, {seconds:.0f} s if that one is gone"
            )
        await asyncio.sleep(min(max(seconds, 0.1), 1.0))
        return True

    async def _read_window(self, claim: Claim) -> None:
        run_context = self.run_context
        window = ClaimedWindow(
            run_context.pool,
            run_context.http,
            self.source,
            run_context.rate_limiters[self.name],
            run_context.limits,
            claim,
            lambda text: run_context.progress.show(self.name, text),
        )
        began = time.monotonic()
        closed: ClosedWindow | None = None
        failure: OrdersSyncError | None = None
        try:
            closed = await window.run()
            failure = closed.outcome.error
            self._record_closed(claim, window, closed)
        except LeaseLostError as error:
            failure = error
            run_context.progress.show(self.name, str(error))
        except Exception as error:
            if error_scope.affects_all_accounts(error):
                raise
            failure = await self._fail(claim, window, error)
            self._record_failure(failure)
        finally:
            self.result.calls += window.calls
        run_context.progress.closed(_result(claim, window, closed, failure, time.monotonic() - began))

    async def _fail(self, claim: Claim, window: ClaimedWindow, error: Exception) -> PlatformError:
        """Close a window as failed after an error in this program: it is read again like any other that failed."""
        failure = PlatformError(f"an error in orders-sync itself, please report it: {error_scope.text(error)}")
        failure.account, failure.window = self.name, str(claim.window)
        failure.__cause__ = error
        async with self.run_context.pool.connection() as connection:
            with suppress(LeaseLostError):
                await closing.fail(connection, claim, str(failure), calls=window.calls)
        return failure

    def _record_closed(self, claim: Claim, window: ClaimedWindow, closed: ClosedWindow) -> None:
        outcome = closed.outcome
        self.result.rows += closed.landed
        if isinstance(outcome, Failed | Released):
            assert outcome.error is not None
            self._record_failure(outcome.error)
            return
        if outcome.error is None:  # else it neither ends a row of failures nor adds to it
            self.failures = 0  # in a row
        self.has_answered = self.has_answered or window.total is not None
        if claim.parent_id is None and window.total is not None:
            self.run_context.progress.counted(self.name, window.total)
        if not isinstance(outcome, Split | RereadParts):
            self.result.windows += 1
            self.run_context.progress.landed(self.name, closed.seen)

    def _record_failure(self, error: PlatformError) -> None:
        if is_long_hold(error) and self.waits:
            assert isinstance(error, RateLimitError)
            assert error.retry_after is not None
            self.held_until = time.monotonic() + error.retry_after
            return
        self.failures += 1
        reaction = react(self.name, error, in_a_row=self.failures, has_answered=self.has_answered)
        self.rests = self.rests or reaction.rests
        self.result.errors.append(reaction.text)


def _result(
    claim: Claim, window: ClaimedWindow, closed: ClosedWindow | None, error: OrdersSyncError | None, seconds: float
) -> WindowResult:
    """Return the result of a window; `closed` is None where its claim was lost, or an error of ours ended its read."""
    outcome = None if closed is None else closed.outcome
    is_split = isinstance(outcome, Split | RereadParts)
    is_closed = closed is not None and not isinstance(outcome, Split | RereadParts | Failed | Released)
    landed = closed.landed if closed is not None and is_closed else None
    why_no_proof = {Beyond: "beyond", Unconfirmed: "unconfirmed"}.get(type(outcome), "")
    return WindowResult(claim, window.calls, window.total, landed, error, seconds, is_split, why_no_proof)
