"""One pass over every account: plan what is missing, have it read and landed, say what came of it."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Collection, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import httpx
import psycopg
from psycopg_pool import PoolTimeout

from orders_sync.domain.costs import CHEAPEST_BY_STATUS, Part, cheaper, cost, cover
from orders_sync.domain.errors import LostWindow, PlatformError, Refused
from orders_sync.domain.sweeps import Look, Sweep
from orders_sync.domain.windows import Feed, tile
from orders_sync.engine import planning
from orders_sync.engine.calls import Feeder, pacers
from orders_sync.engine.pacer import Pacer
from orders_sync.engine.windows import Limits, WindowWork
from orders_sync.store import backfills, coverage, ledger, suspensions
from orders_sync.store.backfills import Backfill
from orders_sync.store.database import Connection, Pool
from orders_sync.store.ledger import Claim, Waiting
from orders_sync.store.load import Landed

FAILURES_IN_A_ROW = 3  # windows; then the account rests until the next run
HAND_BACK_SECONDS = 2  # to get a connection


class Progress(Protocol):
    """What a pass tells while it runs; every call is about one account."""

    def counted(self, account: str, rows: int) -> None:
        """A window of the plan was counted: so many rows are to be read."""

    def landed(self, account: str, rows: int) -> None:
        """So many of them are in the tables now, whether they needed a write or not."""

    def told(self, account: str, text: str) -> None:
        """Something the person at the screen should know."""


@dataclass(slots=True)
class Outcome:
    """What a pass did for one account. It has caught up when `errors` and `waiting`, the failed windows, are empty."""

    account: str
    windows: int = 0
    calls: int = 0
    rows: Landed = field(default_factory=Landed)
    errors: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)


async def sync(
    pool: Pool,
    http: httpx.AsyncClient,
    feeders: Sequence[Feeder],
    limits: Limits,
    progress: Progress,
    sweep: Sweep = Sweep.DUE,
    *,
    retry: bool = False,
) -> list[Outcome]:
    """Catch up every account and return. `sweep`: what to read again where a list goes by creation time only.
    `retry`: read failed windows at once, whatever pause they have left.

    Windows are read in parallel, `limits.workers` at a time over all accounts; pages of one window never are.
    Whatever a platform does wrong is in the outcomes. Raises psycopg.Error when the database is gone.
    """
    shared = _Shared(pool, http, limits, progress, asyncio.Semaphore(limits.workers), pacers(pool, feeders))
    passes = [_Pass(shared, feeder) for feeder in feeders]
    await _all([one.catch_up(sweep, retry) for one in passes])
    return [one.outcome for one in passes]


async def drain(
    pool: Pool, http: httpx.AsyncClient, feeders: Sequence[Feeder], limits: Limits, progress: Progress
) -> list[Outcome]:
    """Read what is planned for these accounts, whatever it is, and plan nothing. Else as `sync`."""
    shared = _Shared(pool, http, limits, progress, asyncio.Semaphore(limits.workers), pacers(pool, feeders))
    passes = [_Pass(shared, feeder) for feeder in feeders]
    await _all([one.drain() for one in passes])
    return [one.outcome for one in passes]


async def plan_backfill(connection: Connection, feeder: Feeder, wish: Backfill, now: datetime) -> None:
    """Plan what is missing of a requested range, or say on the request why it cannot be read. In a transaction."""
    platform = feeder.platform
    feed = Feed(wish.feed)
    if feed not in platform.feeds:
        told = f"{platform.name} does not list by {feed} time; ask by {platform.feed} time"
        await backfills.refuse(connection, wish, told)
        return
    parts = [wish.window]
    if not wish.everything:
        parts = await backfills.unproven(connection, wish.account, feed, wish.window)
    windows = planning.backfill(parts, now, feeder.pace.lag, platform.longest_window)
    await backfills.plan(connection, wish, windows)


async def _all(jobs: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run them at once; when one fails or we are cancelled, all of them stop."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        await _stop(tasks)


async def _stop(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel them, once: a second time would hit what they do about the first."""
    for task in tasks:
        if not task.cancelling():
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the accounts of one pass share. `slots`: windows that may be in flight over all accounts."""

    pool: Pool
    http: httpx.AsyncClient
    limits: Limits
    progress: Progress
    slots: asyncio.Semaphore
    pacers: dict[str, Pacer]
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}")


class _Pass:
    """One account's part of a pass."""

    def __init__(self, shared: _Shared, feeder: Feeder) -> None:
        self.shared = shared
        self.feeder = feeder
        self.name = feeder.account.name
        self.outcome = Outcome(self.name)
        self.failures = 0
        self.is_stopped = False
        self.is_waiting = False
        self.is_proven = False  # one window was answered: until then one call at a time is enough to be refused

    async def catch_up(self, sweep: Sweep, retry: bool) -> None:
        if not await self._is_suspended():
            await self._plan(sweep, retry)
            await self._read_and_note()

    async def drain(self) -> None:
        if not await self._is_suspended():
            await self._read_and_note()

    async def _is_suspended(self) -> bool:
        async with self.shared.pool.connection() as connection:
            suspended = await suspensions.standing(connection, self.feeder.account)
        if suspended is not None:
            self.outcome.errors.append(str(suspended))
        return suspended is not None

    async def _read_and_note(self) -> None:
        await self._read_all()
        errors = self.outcome.errors
        async with self.shared.pool.connection() as connection:
            self.outcome.waiting = await ledger.waiting(connection, self.name)
            if errors or not self.outcome.waiting:
                await ledger.note_error(connection, self.name, errors[-1] if errors else None)

    async def _plan(self, sweep: Sweep, retry: bool) -> None:
        platform, pace = self.feeder.platform, self.feeder.pace
        async with self.shared.pool.connection() as connection, connection.transaction():
            await ledger.register(connection, self.feeder.account, platform.feed)
            reach = await ledger.reach(connection, self.name)
            await ledger.replan_failed(connection, self.name, at_once=retry)
            windows = planning.incremental(reach, pace, platform.longest_window)
            await ledger.plan(connection, self.name, ledger.INCREMENTAL, platform.feed, windows)
            windows = planning.confirm(reach, pace, platform.longest_window)
            await ledger.plan(connection, self.name, ledger.CONFIRM, platform.feed, windows)
            if platform.feed is Feed.CREATED:
                await self._plan_sweep(connection, planning.look_over(reach, pace, sweep))

            for wish in await backfills.requested(connection, self.name):
                await plan_backfill(connection, self.feeder, wish, reach.now)

    async def _plan_sweep(self, connection: Connection, looks: list[Look]) -> None:
        longest = self.feeder.platform.longest_window
        await ledger.drop_lists(connection, self.name, looks)
        for look in looks:
            parts = await self._parts(connection, look)
            wholes = [part.window for part in parts if part.status is None]
            wholes += await coverage.rejected(connection, self.name, look)
            windows = [part for whole in wholes for part in tile(whole.start, whole.end, longest)]
            await ledger.drop_superseded(connection, self.name, windows)
            await ledger.plan(connection, self.name, ledger.SWEEP, Feed.CREATED, windows)
            for part in parts:
                if part.status is not None:
                    lists = [part.window]
                    await ledger.plan(connection, self.name, ledger.SWEEP, Feed.CREATED, lists, status=part.status)

    async def _parts(self, connection: Connection, look: Look) -> list[Part]:
        """What is to be read of a look, by creation time or by status, whichever costs fewer calls."""
        pace, platform = self.feeder.pace, self.feeder.platform
        hours = await coverage.hours(connection, self.name, look, pace.sweeps, pace.page_size)
        creation = cover(hours, pace.page_size)
        if cost(creation) <= CHEAPEST_BY_STATUS:
            return creation
        held = await coverage.held(connection, self.name, look, platform.statuses, platform.longest_window)
        hours = await coverage.hours(connection, self.name, look, pace.sweeps, pace.page_size, platform.statuses)
        return cheaper(creation, held, cover(hours, pace.page_size), pace.page_size)

    async def _read_all(self) -> None:
        """Read windows until none is left that anybody could still read."""
        reading: set[asyncio.Task[None]] = set()
        try:
            while True:
                claim = None if self.is_stopped else await self._next(len(reading))
                if claim is not None:
                    task = asyncio.create_task(self._take(claim))
                    task.add_done_callback(lambda _: self.shared.slots.release())  # also if it never began
                    reading.add(task)
                elif reading:
                    done, reading = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                elif self.is_stopped or not await self._await_others():
                    return
        except asyncio.CancelledError:
            await _stop(reading)
            await self._hand_back()
            raise
        finally:
            await _stop(reading)

    async def _hand_back(self) -> None:
        """Give up whatever we hold of the account, a window too that was claimed as the cancellation came."""
        with suppress(psycopg.Error, PoolTimeout):  # then the leases run out by themselves
            async with self.shared.pool.connection(timeout=HAND_BACK_SECONDS) as connection:
                await ledger.hand_back(connection, self.name, self.shared.owner)

    async def _next(self, in_flight: int) -> Claim | None:
        """Claim a window once a slot is free; a slot that brings no window is given back at once."""
        if in_flight >= (self.shared.limits.workers if self.is_proven else 1):
            return None
        await self.shared.slots.acquire()
        claim = None
        claiming = asyncio.create_task(self._claim())
        try:
            claim = await asyncio.shield(claiming)
            return claim
        except asyncio.CancelledError:
            # a commit that is under way cannot be called back, and `_hand_back` must see what came of it
            await asyncio.wait([claiming], timeout=HAND_BACK_SECONDS)
            raise
        finally:
            if claim is None:
                self.shared.slots.release()

    async def _claim(self) -> Claim | None:
        async with self.shared.pool.connection() as connection:
            return await ledger.claim(connection, self.name, self.shared.owner, self.feeder.platform.statuses)

    async def _await_others(self) -> bool:
        """Whether another process holds a window of this account; if so, after waiting a moment for it."""
        async with self.shared.pool.connection() as connection:
            seconds = await ledger.held_for(connection, self.name)
        if seconds is None:
            return False
        if not self.is_waiting:
            self.is_waiting = True
            self.shared.progress.told(
                self.name, f"waiting for another process that holds a window of it, {seconds:.0f} s if that one is gone"
            )
        await asyncio.sleep(min(max(seconds, 0.1), 1.0))
        return True

    async def _take(self, claim: Claim) -> None:
        shared = self.shared
        work = WindowWork(shared.pool, shared.http, self.feeder, shared.pacers[self.name], shared.limits, claim)
        try:
            landed = await work.run()
            self.failures = 0
            self.is_proven = True
            if claim.parent_id is None and work.total is not None:
                shared.progress.counted(self.name, work.total)
            if landed is not None:
                self.outcome.windows += 1
                self.outcome.rows += landed
                shared.progress.landed(self.name, work.seen)
        except LostWindow as error:
            shared.progress.told(self.name, str(error))
        except PlatformError as error:
            self._note(error)
        finally:
            self.outcome.calls += work.calls

    def _note(self, error: PlatformError) -> None:
        self.failures += 1
        text = str(error)
        if isinstance(error, Refused):
            self.is_stopped = True
            text += f". {suspensions.advice(self.name)}"
        elif self.failures >= FAILURES_IN_A_ROW:
            self.is_stopped = True
            text += f". {self.failures} windows failed in a row: {self.name} rests until the next run"
        else:
            text += ". It is read again after a pause; `orders-sync sync --retry` does not wait for it"
        self.outcome.errors.append(text)
