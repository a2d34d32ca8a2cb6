"""The audit: the platform's own counts by creation time against the tables, and the repair of what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from orders_sync.domain.errors import BadRecord, PlatformError, Refused, Rejected, Transient
from orders_sync.domain.windows import SECOND, Feed, Window, tile, whole_second
from orders_sync.engine.calls import Answer, Caller, DatabaseClock, Feeder
from orders_sync.engine.comparing import SHOWN, Counts, Difference, Finding, compare, is_readable, ranges
from orders_sync.engine.draining import Means, Outcome
from orders_sync.engine.reading import Read, read_completely
from orders_sync.engine.sync import drain_all
from orders_sync.engine.windows import NO_LIMIT
from orders_sync.platforms import Ask
from orders_sync.store import audits, backfills, ledger, load
from orders_sync.store.audits import Synced
from orders_sync.store.load import Record


@dataclass(slots=True)
class Audited:
    """What an audit of one account found in `[start, end)`. `repaired`: differences that a read of them ended."""

    account: str
    start: datetime | None = None
    end: datetime | None = None
    found: Finding = field(default_factory=Finding)
    repaired: list[Difference] = field(default_factory=list)
    calls: int = 0
    beyond: str | None = None  # what lies beyond the platform's reach, in words
    error: str | None = None

    @property
    def remaining(self) -> list[Difference]:
        return [each for each in self.found.differences if each not in self.repaired]


async def audit(
    means: Means,
    feeders: Sequence[Feeder],
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    repair: bool = False,
    is_routine: bool = False,
) -> list[Audited]:
    """Compare every account, the newest stretch that was read without a gap where nothing else is said.

    `is_routine`: noted as one the service made by itself. Whatever a platform does wrong is in the results. Raises
    psycopg.Error when the database is gone.
    """
    made = [_Audit(means, feeder) for feeder in feeders]
    await asyncio.gather(*[one.compare(start, end, is_routine) for one in made])
    if repair:
        wanting = [one for one in made if await one.plan_repairs()]
        outcomes = await drain_all(means, [one.feeder for one in wanting])
        await asyncio.gather(*[one.look_again(outcome) for one, outcome in zip(wanting, outcomes, strict=True)])
    return [one.result for one in made]


class _Audit:
    """One account's audit."""

    def __init__(self, means: Means, feeder: Feeder) -> None:
        self._pool = means.pool
        self._means = means
        self.feeder = feeder
        self._name = feeder.account.name
        self._platform = feeder.platform
        self.result = Audited(self._name)

    async def compare(self, start: datetime | None, end: datetime | None, is_routine: bool) -> None:
        async with self._pool.connection() as connection:
            synced = await audits.synced(connection, self._name)
        window = self._range(synced, start, end)
        if synced is None or synced.past is None or window is None:
            return
        self._due = synced.past - self.feeder.pace.overlap
        means, pacer = self._means, self._means.pacers[self._name]
        self._caller = Caller(means.http, self.feeder, pacer, DatabaseClock(synced.now), means.limits.patience)
        self.result.start, self.result.end = window.start, window.end
        async with self._pool.connection() as connection:
            self._number = await audits.begin(connection, self._name, window, is_routine=is_routine)
        async with self._noting_errors():
            await self._compare(window, synced.now)
            await self._note()

    async def plan_repairs(self) -> bool:
        """Plan windows over the ranges that miss orders; whether there are any."""
        wanting = [each.window for each in self.result.found.differences if each.missing]
        windows = [part for each in wanting for part in tile(each.start, each.end, self.feeder.pace.longest_window)]
        if self.result.error is not None or not windows:
            return False
        async with self._pool.connection() as connection, connection.transaction():
            await ledger.plan(connection, self._name, ledger.REPAIR, Feed.CREATED, windows)
        return True

    async def look_again(self, outcome: Outcome) -> None:
        """Whether the reads of the ranges ended their differences."""
        async with self._noting_errors():
            for each in self.result.found.differences:
                if each.missing and not (await self._examine(each)).differences:
                    self.result.repaired.append(each)
                    async with self._pool.connection() as connection:
                        await audits.note_repair(connection, self._number, each.window)
        if outcome.errors:
            await self._fail(outcome.errors[-1])

    @asynccontextmanager
    async def _noting_errors(self) -> AsyncIterator[None]:
        """What the platform does wrong while the body runs ends it, and stands in the result and the audit's row."""
        try:
            yield
        except PlatformError as error:
            hint = f"check the credentials of {self._name}" if isinstance(error, Refused) else "audit again later"
            await self._fail(f"{error}. The audit stopped there: {hint}")
        finally:
            self.result.calls = self._caller.calls

    async def _fail(self, error: str) -> None:
        self.result.error = error
        async with self._pool.connection() as connection:
            await audits.fail(connection, self._number, error, self._caller.calls)

    def _range(self, synced: Synced | None, start: datetime | None, end: datetime | None) -> Window | None:
        """What to compare; else `error` says why nothing is. What is younger is not synced yet."""
        if synced is None or synced.past is None or synced.first is None:
            self.result.error = f"{self._name}: nothing is synced yet, so nothing can be compared: `orders-sync sync`"
            return None
        first = start or synced.first
        last = whole_second(min(synced.past, synced.now - self.feeder.pace.lag))
        if end is not None:
            last = min(last, end)
        if first >= last:
            self.result.error = (
                f"{self._name}, {first:%Y-%m-%d %H:%M:%S %Z} and later: nothing to compare, it is synced to "
                f"{synced.past:%Y-%m-%d %H:%M:%S %Z}. Give an earlier --from, or run `orders-sync sync` first"
            )
            return None
        return Window(first, last)

    async def _compare(self, window: Window, now: datetime) -> None:
        """The windows the platform takes, newest first, back to where its reach ends."""
        result, longest, furthest = self.result, self.feeder.pace.longest_window, self._platform.furthest_back
        reach = window.start if furthest is None else whole_second(now - furthest)
        tiles = [
            *tile(window.start, min(reach, window.end), longest),
            *tile(max(reach, window.start), window.end, longest),
        ]
        for done, each in enumerate(reversed(tiles)):
            self._means.progress.compared(
                self._name, done, len(tiles), self._caller.calls, len(result.found.differences)
            )
            counts, refusal = await self._count_at_reach(each) if each.end <= reach else (await self._count(each), "")
            if refusal:
                result.start = each.end
                result.beyond = (
                    f"{self._platform.name} is documented to list {furthest} back. {each}: {refusal}. "
                    "What is older was not compared"
                )
                break
            result.found += await compare(each, counts, self._count, self._look, self.feeder.pace.page_size)
        result.found.differences.sort(key=lambda difference: difference.window.start)
        self._means.progress.compared(
            self._name, len(tiles), len(tiles), self._caller.calls, len(result.found.differences)
        )

    async def _count_at_reach(self, window: Window) -> tuple[Counts, str]:
        """Beyond what the platform is documented to list: with the reason, where its count proves nothing."""
        try:
            counts = await self._count(window)
        except (Rejected, Transient) as error:
            return Counts(0, 0), error.message
        if counts.platform < counts.tables:
            return counts, f"it counts {counts.platform} orders, the tables hold {counts.tables}"
        return counts, ""

    async def _count(self, window: Window) -> Counts:
        """Both counts of a window. Where the platform counts more, orders of the tables in the second at which the
        window ends count too: whether it takes the end inclusive is not documented."""
        answer = await self._caller.page(Ask(Feed.CREATED, window, 1, 1))
        listed = max(answer.page.total, len(answer.page.records))
        async with self._pool.connection() as connection:
            held = await backfills.known_orders(connection, self._name, Feed.CREATED, window)
            if listed > held:
                border = Window(window.end, window.end + SECOND)
                at_end = await backfills.known_orders(connection, self._name, Feed.CREATED, border)
                held += min(at_end, listed - held)
        return Counts(listed, held)

    async def _examine(self, difference: Difference) -> Finding:
        """Compare the range of a difference again: order by order where it was found so, else by its counts."""
        window, page_size = difference.window, self.feeder.pace.page_size
        if is_readable(window, difference.counts, page_size):
            return await self._look(window)
        return await compare(window, await self._count(window), self._count, self._look, page_size)

    async def _look(self, window: Window) -> Finding:
        """Read a range and compare it order by order.

        What the tables hold is asked before the platform and what they miss after it: an order that is born or lands
        meanwhile is neither surplus nor missing.
        """
        platform = self._platform
        async with self._pool.connection() as connection:
            held = await audits.held(connection, self._name, window)
        records = await self._read(window)
        listed = {record.order_id: record for record in records if record.order_id is not None}
        nameless = [(load.fingerprint(record.payload), record) for record in records if record.order_id is None]
        async with self._pool.connection() as connection:
            known = await audits.known(connection, platform.name, list(listed))
            rejected = await audits.rejected(connection, platform.name, list(listed.keys() - known))
            payloads = await audits.rejected_payloads(connection, self._name, [payload for payload, _ in nameless])
        missing = [listed[order_id] for order_id in listed.keys() - known - rejected]
        strange = [record for payload, record in nameless if payload not in payloads]
        surplus = sorted(held.keys() - listed.keys())

        found = Finding(platform=len(records), rejects=len(rejected) + len(nameless) - len(strange))
        found.tables = len(known) + found.rejects + len(surplus)
        moments: list[datetime | None] = []
        for record in [*missing, *strange]:
            created_at, is_awaited = self._times(record)
            if created_at is not None and created_at >= window.end:
                continue  # it lies on the border, and in the window behind it
            if is_awaited:
                found.awaited += 1
            else:
                moments.append(created_at if created_at is None or created_at >= window.start else None)
        found.differences = _differences(window, held, moments, surplus)
        return found

    async def _read(self, window: Window) -> list[Record]:
        async def ask(page_no: int, rows: int) -> Answer:
            return await self._caller.page(Ask(Feed.CREATED, window, page_no, rows))

        pace, attempts = self.feeder.pace, self._means.limits.attempts
        try:
            result = await read_completely(ask, self._platform.identify, pace.page_size, NO_LIMIT, attempts)
        except PlatformError as error:
            error.window = str(window)
            raise
        assert isinstance(result, Read)  # there was no limit
        return result.records

    def _times(self, record: Record) -> tuple[datetime | None, bool]:
        """When a missing order was created, if that can be read; whether the next sync reads it anyway: then it is not
        missing yet."""
        try:
            order = self._platform.normalize(record.payload).order
        except BadRecord:
            return None, False
        listed_by = order.modified_at if self._platform.feed is Feed.UPDATED else order.created_at
        return order.created_at, listed_by is not None and listed_by >= self._due

    async def _note(self) -> None:
        result, found = self.result, self.result.found
        assert result.start is not None
        async with self._pool.connection() as connection, connection.transaction():
            for each in found.differences:
                await audits.note_difference(connection, self._number, each.window, *each.counts)
            await audits.finish(
                connection,
                self._number,
                result.start,
                found.platform,
                found.tables,
                len(found.differences),
                self._caller.calls,
            )


def _differences(
    window: Window, held: dict[str, datetime], missing: Sequence[datetime | None], surplus: Sequence[str]
) -> list[Difference]:
    """The parts of a window that differ: the whole where nobody knows when what is missing was created."""
    known = [moment for moment in missing if moment is not None]
    if len(known) < len(missing):
        parts = [window]
    else:
        agreeing = [held[order_id] for order_id in held.keys() - set(surplus)]
        parts = ranges(window, [*known, *[held[order_id] for order_id in surplus]], agreeing)
    found = []
    for part in parts:
        tables = sum(part.start <= created_at < part.end for created_at in held.values())
        lost = len(missing) if part == window else sum(part.start <= moment < part.end for moment in known)
        gone = tuple(order_id for order_id in surplus if part.start <= held[order_id] < part.end)
        found.append(Difference(part, Counts(tables - len(gone) + lost, tables), lost, gone[:SHOWN]))
    return found
