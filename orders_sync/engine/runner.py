"""Reading what is planned of one account, whatever it is, until nothing is left or the turn is over."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg_pool import PoolTimeout

from orders_sync.domain.assumptions import Probe
from orders_sync.domain.errors import (
    AuthenticationError,
    LeaseLostError,
    OrdersSyncError,
    PlatformError,
    RateLimitError,
    TransientError,
)
from orders_sync.domain.ledger import Claim, FailedWindow
from orders_sync.domain.records import LoadCounts
from orders_sync.engine import isolation
from orders_sync.engine.landing import ClosedWindow
from orders_sync.engine.page_client import AccountSource, rate_limiters
from orders_sync.engine.probe import probe_account
from orders_sync.engine.rate_limiter import RateLimiter, is_long_hold
from orders_sync.engine.slots import Slots
from orders_sync.engine.window_job import Limits, WindowJob
from orders_sync.engine.window_outcome import Beyond, Failed, Released, RereadParts, Split, Unconfirmed
from orders_sync.store import claims, closing, empty_history, ledger, probes, suspensions
from orders_sync.store.database import Pool

FAILURES_IN_A_ROW = 3  # windows; then the account rests, unless they alone are at fault
RELEASE_SECONDS = 2  # to get a connection
SLOT_SECONDS = 1.0  # an account waits for a window slot before it leaves its turn to others


@dataclass(frozen=True, slots=True)
class WindowResult:
    """A window this process had claimed and is done with.

    `landed` is None where nothing landed: it was split, or given up. `error` says why, and is None where it was split
    for being too full. `total` is the platform's count, None before it gave one. `why_no_proof`: `unconfirmed` where
    nothing was listed and it is asked once more, `beyond` where it lies beyond the platform's reach.
    """

    claim: Claim
    calls: int
    total: int | None
    landed: LoadCounts | None
    error: OrdersSyncError | None
    seconds: float
    is_split: bool = False
    why_no_proof: str = ""


class Progress(Protocol):
    """Receives the progress of reading; every call is about one account."""

    def counted(self, account: str, rows: int) -> None:
        """A window of the plan was counted: so many rows are to be read."""

    def landed(self, account: str, rows: int) -> None:
        """So many of them are in the tables now, whether they needed a write or not."""

    def notify(self, account: str, text: str) -> None:
        """Something the person at the screen should know."""

    def closed(self, window: WindowResult) -> None:
        """A window is done with."""

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        """An audit: so many of the platform's windows are compared, for so many calls; so many ranges differ."""


@dataclass(slots=True)
class AccountResult:
    """What was done for one account.

    It has caught up when `errors`, `waiting` (failed windows) and `is_cut_off` (the turn ended before everything was
    read) are empty or false. `found_empty`: it is new that all of the history was read and lists no order.
    """

    account: str
    windows: int = 0
    calls: int = 0
    rows: LoadCounts = field(default_factory=LoadCounts)
    errors: list[str] = field(default_factory=list)
    waiting: list[FailedWindow] = field(default_factory=list)
    is_cut_off: bool = False
    found_empty: bool = False


class RunContext:
    """What all accounts read by one process share. Make one a process: its slots bound the windows in flight.

    Once `stopping` is set no window is begun any more.
    """

    def __init__(
        self, pool: Pool, http: httpx.AsyncClient, sources: Sequence[AccountSource], limits: Limits, progress: Progress
    ) -> None:
        self.pool = pool
        self.http = http
        self.limits = limits
        self.progress = progress
        self.rate_limiters: dict[str, RateLimiter] = rate_limiters(pool, sources)
        self.slots = Slots(limits.workers, (host_of(each) for each in sources))
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self.stopping = asyncio.Event()


def host_of(source: AccountSource) -> str:
    """The host and port an account's calls go to: what slows one of its accounts slows them all."""
    return urlsplit(source.account.base_url).netloc.lower()


async def drain(
    run_context: RunContext, source: AccountSource, *, turn: float | None = None, waits: bool = True
) -> AccountResult:
    """Read the account's planned windows and say what came of it. Plans nothing.

    `turn`: seconds after which no further window is begun; None: until nothing is left. `waits`: also for windows
    another process holds, so that the account has caught up when this returns. Whatever a platform does wrong is in the
    outcome. Raises psycopg.Error when the database is gone.
    """
    work = _AccountRunner(run_context, source, turn, waits)
    if not await work.is_suspended():
        await work.read_all()
        await work.probe()
        await work.note()
    return work.outcome


async def release_windows(run_context: RunContext, account: str) -> None:
    """Release every window of an account that this process has claimed and does not read. Raises psycopg.Error."""
    async with run_context.pool.connection() as connection:
        await claims.release_all(connection, account, run_context.owner)


async def stop(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel them, once: a second time would hit what they do about the first."""
    for task in tasks:
        if not task.cancelling():
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _AccountRunner:
    def __init__(self, run_context: RunContext, source: AccountSource, turn: float | None, waits: bool) -> None:
        self.run_context = run_context
        self.source = source
        self.name = source.account.name
        self.host = host_of(source)
        self.ends = None if turn is None else time.monotonic() + turn
        self.waits = waits
        self.outcome = AccountResult(self.name)
        self.failures = 0
        self.is_stopped = False
        self.held_until = 0.0  # by time.monotonic: before it the platform wants no call
        self.is_waiting = False
        self.is_crowded_out = False  # no slot came free in time: the turn goes to another account
        self.is_proven = False  # one window was answered: until then one call at a time is enough to be refused

    async def is_suspended(self) -> bool:
        async with self.run_context.pool.connection() as connection:
            suspended = await suspensions.standing(connection, self.source.account)
        if suspended is not None:
            self.outcome.errors.append(str(suspended))
        return suspended is not None

    async def probe(self) -> None:
        """Test what is assumed of the platform, once an account has brought orders. What that meets stops nothing."""
        run_context, rows = self.run_context, self.outcome.rows
        if not run_context.limits.probes or self._is_over() or not rows.new + rows.changed + rows.unchanged:
            return
        if not await run_context.slots.acquire(self.host, SLOT_SECONDS):
            return
        try:
            async with run_context.pool.connection() as connection:
                is_ours = await probes.begin(connection, self.name)
            if is_ours:
                rate_limiter, retry_policy = run_context.rate_limiters[self.name], run_context.limits.retry_policy
                probed = await probe_account(
                    run_context.pool, run_context.http, self.source, rate_limiter, retry_policy
                )
                self.outcome.calls += probed.calls
                if remedy := Probe(probed.answers).remedy:
                    run_context.progress.notify(self.name, f"{Probe(probed.answers)}. {remedy}")
        except Exception as error:
            if isolation.concerns_all(error):
                raise
            self.outcome.errors.append(isolation.report(self.name, error))
        finally:
            run_context.slots.release(self.host)

    async def note(self) -> None:
        errors = self.outcome.errors
        async with self.run_context.pool.connection() as connection:
            self.outcome.waiting = await ledger.waiting(connection, self.name)
            if self._is_over() and not self.is_stopped:
                self.outcome.is_cut_off = await ledger.has_work(connection, self.name)
            self.outcome.found_empty = await empty_history.note(connection, self.name)
            if errors or not self.outcome.waiting:
                await ledger.note_error(connection, self.name, errors[-1] if errors else None, rests=self.is_stopped)

    async def read_all(self) -> None:
        """Read windows until none is left that anybody could still read."""
        reading: set[asyncio.Task[None]] = set()
        try:
            while True:
                if not reading:
                    await self._sit_out_hold()
                claim = None if self._is_over() or self._is_held() else await self._next(len(reading))
                if claim is not None:
                    task = asyncio.create_task(self._take(claim))
                    task.add_done_callback(
                        lambda _: self.run_context.slots.release(self.host)
                    )  # also if it never began
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
        """Whether no further window is to be begun."""
        is_late = self.ends is not None and time.monotonic() > self.ends
        return self.is_stopped or is_late or self.is_crowded_out or self.run_context.stopping.is_set()

    def _is_held(self) -> bool:
        return time.monotonic() < self.held_until

    async def _sit_out_hold(self) -> None:
        """Wait until the platform takes calls again, with no window and no slot in hand."""
        seconds = self.held_until - time.monotonic()
        if seconds > 0 and not self._is_over():
            self.run_context.progress.notify(self.name, f"the platform asked for a pause: waiting {seconds:.0f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.run_context.stopping.wait(), seconds)

    async def _release_windows(self) -> None:
        """Release all windows of the account that we claimed, also one that was claimed during cancellation."""
        with suppress(psycopg.Error, PoolTimeout):  # then the leases run out by themselves
            async with self.run_context.pool.connection(timeout=RELEASE_SECONDS) as connection:
                await claims.release_all(connection, self.name, self.run_context.owner)

    async def _next(self, in_flight: int) -> Claim | None:
        """Claim a window once a slot is free; a slot that brings no window is given back at once."""
        if in_flight >= (self.run_context.limits.workers if self.is_proven else 1):
            return None
        slots = self.run_context.slots
        if not await slots.acquire(self.host, None if self.waits else SLOT_SECONDS):
            self.is_crowded_out = not in_flight
            return None
        claim = None
        if self._is_over():
            slots.release(self.host)
            return None
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
            return await claims.claim(connection, self.name, self.run_context.owner, statuses, account.identity)

    async def _await_others(self) -> bool:
        """Whether another process holds a window of this account; if so, after waiting a moment for it."""
        if not self.waits:
            return False
        async with self.run_context.pool.connection() as connection:
            seconds = await claims.held_for(connection, self.name)
        if seconds is None:
            return False
        if not self.is_waiting:
            self.is_waiting = True
            self.run_context.progress.notify(
                self.name, f"waiting for another process that holds a window of it, {seconds:.0f} s if that one is gone"
            )
        await asyncio.sleep(min(max(seconds, 0.1), 1.0))
        return True

    async def _take(self, claim: Claim) -> None:
        run_context = self.run_context
        work = WindowJob(
            run_context.pool,
            run_context.http,
            self.source,
            run_context.rate_limiters[self.name],
            run_context.limits,
            claim,
        )
        began = time.monotonic()
        closed: ClosedWindow | None = None
        failure: OrdersSyncError | None = None
        try:
            closed = await work.run()
            failure = closed.outcome.error
            self._note_closed(claim, work, closed)
        except LeaseLostError as error:
            failure = error
            run_context.progress.notify(self.name, str(error))
        except Exception as error:
            if isolation.concerns_all(error):
                raise
            failure = await self._fail(claim, work, error)
            self._note(failure)
        finally:
            self.outcome.calls += work.calls
        run_context.progress.closed(_result(claim, work, closed, failure, time.monotonic() - began))

    async def _fail(self, claim: Claim, work: WindowJob, error: Exception) -> PlatformError:
        """Close a window that met an error of ours as failed, so that it waits like any other and stops nobody."""
        failure = PlatformError(f"an error in orders-sync itself, please report it: {isolation.text(error)}")
        failure.account, failure.window = self.name, str(claim.window)
        failure.__cause__ = error
        async with self.run_context.pool.connection() as connection:
            with suppress(LeaseLostError):
                await closing.fail(connection, claim, str(failure), calls=work.calls)
        return failure

    def _note_closed(self, claim: Claim, work: WindowJob, closed: ClosedWindow) -> None:
        outcome = closed.outcome
        self.outcome.rows += closed.landed
        if isinstance(outcome, Failed | Released):
            assert outcome.error is not None
            self._note(outcome.error)
            return
        if outcome.error is None:  # else it neither ends a row of failures nor adds to it
            self.failures = 0
        self.is_proven = self.is_proven or work.total is not None
        if claim.parent_id is None and work.total is not None:
            self.run_context.progress.counted(self.name, work.total)
        if not isinstance(outcome, Split | RereadParts):
            self.outcome.windows += 1
            self.run_context.progress.landed(self.name, closed.seen)

    def _note(self, error: PlatformError) -> None:
        if is_long_hold(error) and self.waits:
            assert isinstance(error, RateLimitError)
            assert error.retry_after is not None
            self.held_until = time.monotonic() + error.retry_after
            return
        self.failures += 1
        text = str(error)
        if isinstance(error, AuthenticationError):
            self.is_stopped = True
            text += f". {suspensions.advice(self.name)}"
        elif is_long_hold(error):
            self.is_stopped = True
            text += f". {self.name} rests until the next run"
        elif self.failures >= FAILURES_IN_A_ROW and (
            isinstance(error, TransientError | RateLimitError) or not self.is_proven
        ):  # the platform is down or answers nothing; windows it does not serve hold up no other one
            self.is_stopped = True
            text += f". {self.failures} windows failed in a row: {self.name} rests until the next run"
        else:
            text += ". It is read again after a pause; `orders-sync sync --retry` does not wait for it"
        self.outcome.errors.append(text)


def _result(
    claim: Claim, work: WindowJob, closed: ClosedWindow | None, error: OrdersSyncError | None, seconds: float
) -> WindowResult:
    """Return the result of a window; `closed` is None where it could not be closed as its read demands."""
    outcome = None if closed is None else closed.outcome
    is_split = isinstance(outcome, Split | RereadParts)
    is_open = closed is None or isinstance(outcome, Split | RereadParts | Failed | Released)
    landed = None if closed is None or is_open else closed.landed
    why_no_proof = {Beyond: "beyond", Unconfirmed: "unconfirmed"}.get(type(outcome), "")
    return WindowResult(claim, work.calls, work.total, landed, error, seconds, is_split, why_no_proof)
