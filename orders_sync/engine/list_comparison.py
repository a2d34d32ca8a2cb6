"""Compare one of an account's lists, by creation time or by update time, with the tables.

by creation time   each order stands at one moment for ever: what is missing and what the platform no longer lists
by update time     each order stands at its last change: a version that the tables never got stands where the
                   tables hold nothing, and is missing there
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orders_sync.domain.errors import (
    IncompleteWindowError,
    InvalidRecordError,
    InvalidRequestError,
    MalformedResponseError,
    PlatformError,
    RecordsOutOfRangeError,
    TransientError,
)
from orders_sync.domain.records import Head, Record
from orders_sync.domain.sweep_cost import merge_small_windows
from orders_sync.domain.windows import SECOND, Feed, Window, tile, whole_second
from orders_sync.engine.claimed_window import NO_LIMIT, Limits
from orders_sync.engine.page_client import PageClient
from orders_sync.engine.paging import AskPage, FetchedPage, Identify, Read, read_completely
from orders_sync.engine.reconcile import MOST_IDS, Difference, OrderCounts, Reconciliation, compare, is_readable, ranges
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import PageQuery
from orders_sync.store import audits
from orders_sync.store.database import Pool
from orders_sync.store.flat_orders import fingerprint

DAY = timedelta(days=1)
# errors of a range of which a smaller one, or its count, may still be answered
UNREADABLE = (IncompleteWindowError, MalformedResponseError, InvalidRequestError, TransientError)


@dataclass(frozen=True, slots=True)
class _Missing:
    """A listed record that the tables lack, or hold in an older version (`is_older`). `moment`: where it is listed."""

    order_id: str | None
    moment: datetime | None
    is_older: bool

    def is_within(self, window: Window) -> bool:
        return self.moment is not None and window.start <= self.moment < window.end


class ListComparison:
    """Compares ranges of an account's list by `feed` with the tables. Raises `PlatformError`.

    `awaited_from`: everything that was created or changed since then, by the time that the account's changes are listed
    by, is read by the next sync: none of it is a difference.
    """

    def __init__(
        self,
        pool: Pool,
        limits: Limits,
        source: AccountSource,
        client: PageClient,
        feed: Feed,
        awaited_from: datetime,
    ) -> None:
        self._pool = pool
        self._limits = limits
        self._name = source.account.name
        self._platform = source.platform
        self._page_size = source.policy.page_size
        # orders that one call lists: one more may stand on the border, and a page that is just full costs one more call
        self._on_a_page = source.policy.page_size - 1
        self._longest = source.policy.longest_window
        self._client = client
        self._feed = feed
        self._awaited_from = awaited_from
        self._left_out: frozenset[str] = frozenset()

    async def leave_out_changed(self, now: datetime) -> None:
        """Leave the orders that changed between `awaited_from` and `now` out of the tables' counts by update time.

        The platform lists them later than the tables do. One that changes after `now` is in the tables, and is not
        missing. Orders of a part that cannot be read stay in the counts: they may hide a missing order, but never
        invent one.
        """
        changed: set[str] = set()
        for window in tile(self._awaited_from, whole_second(now), self._longest):
            with suppress(*UNREADABLE):
                changed |= await self._ids(window)
        self._left_out = frozenset(changed)

    async def windows(self, window: Window) -> list[Window]:
        """Return the windows in which a range is compared by update time.

        Days: a missing version changes the count of a day if the stored version lies in another one. Longer windows
        where all of their orders should fit on a page.
        """
        days = tile(window.start, window.end, min(DAY, self._longest))
        counted = [(day, await self._count_stored(day)) for day in days]
        return merge_small_windows(counted, self._on_a_page, self._longest)

    async def compare(self, window: Window) -> Reconciliation:
        """Compare one of `windows`.

        What should fit on a page is compared order by order, for one call, as many as a count takes: that also finds a
        missing version whose order stood in the same window before. What cannot be read like that is counted by days.
        """
        if await self._count_stored(window) <= self._on_a_page:
            with suppress(*UNREADABLE):
                found = await self._compare_orders(window, self._page_size)
                if found is not None:
                    return found
        if window.end - window.start <= DAY:
            return await self.compare_counted(window, await self.count(window))
        found = Reconciliation()
        for day in tile(window.start, window.end, DAY):
            found += await self.compare(day)
        return found

    async def compare_counted(self, window: Window, counts: OrderCounts) -> Reconciliation:
        """Compare a window whose counts are known."""
        return await compare(window, counts, self.count, self._compare_readable, self._page_size, self._feed)

    async def examine(self, difference: Difference) -> Reconciliation:
        """Compare the range of a difference again: order by order where it was found so, else by its counts."""
        if is_readable(difference.window, difference.counts, self._page_size):
            return await self._compare_readable(difference.window)
        return await self.compare_counted(difference.window, await self.count(difference.window))

    async def count(self, window: Window) -> OrderCounts:
        """Count a window at the platform and in the tables.

        Where the platform counts more, orders of the tables in the second at which the window ends count too: whether
        it takes the end inclusive is not documented.
        """
        answer = await self._client.page(PageQuery(self._feed, window, 1, 1))
        listed = max(answer.page.total, len(answer.page.records))
        stored = await self._count_stored(window)
        if listed > stored:
            at_end = await self._count_stored(Window(window.end, window.end + SECOND))
            stored += min(at_end, listed - stored)
        return OrderCounts(listed, stored)

    async def _count_stored(self, window: Window) -> int:
        async with self._pool.connection() as connection:
            return await audits.count(connection, self._name, self._feed, window, self._left_out)

    async def _compare_readable(self, window: Window) -> Reconciliation:
        """Compare a range order by order: one that fits on a page, is a second long, or counts as many in each half.

        Raises `RecordsOutOfRangeError` where it holds more than is read at once.
        """
        most = NO_LIMIT if window.seconds == 1 else max(self._limits.window_rows, 2 * self._page_size)
        found = await self._compare_orders(window, most)
        if found is None:
            message = "the platform counts as many orders in each half as in the whole: it seems to ignore the range"
            error = RecordsOutOfRangeError(message)
            error.account, error.window = self._name, str(window)
            raise error
        return found

    async def _compare_orders(self, window: Window, most: int) -> Reconciliation | None:
        """Read a range and compare it order by order; None where it holds more than `most`.

        The tables are asked what they hold before the platform is, and what they lack after it: an order that is
        created or lands meanwhile is reported neither as missing nor as not listed.
        """
        platform = self._platform
        async with self._pool.connection() as connection:
            in_tables = await audits.stored_in(connection, self._name, self._feed, window)
        in_tables = {order_id: moment for order_id, moment in in_tables.items() if order_id not in self._left_out}
        records = await self._read(window, most)
        if records is None:
            return None
        listed = {record.order_id: record for record in records if record.order_id is not None}
        without_id = [(fingerprint(record.payload), record) for record in records if record.order_id is None]
        async with self._pool.connection() as connection:
            modify_times = await audits.modify_times(connection, platform.name, list(listed))
            lacking = {
                each
                for each, record in listed.items()
                if each not in modify_times or self._is_newer(record, modify_times[each])
            }
            rejected = await audits.rejected(connection, platform.name, list(lacking))
            payloads = await audits.rejected_payloads(connection, self._name, [payload for payload, _ in without_id])
        missing = [listed[order_id] for order_id in lacking - rejected]
        unknown = [record for payload, record in without_id if payload not in payloads]
        # by update time, what the platform no longer lists in a range has changed since
        not_listed = sorted(in_tables.keys() - listed.keys()) if self._feed is Feed.CREATED else []

        found = Reconciliation(platform=len(records), rejects=len(rejected) + len(without_id) - len(unknown))
        found.tables = len(listed) - len(missing) + len(without_id) - len(unknown) + len(not_listed)
        entries: list[_Missing] = []
        for record in [*missing, *unknown]:
            moment, is_awaited = self._times(record)
            if moment is not None and moment >= window.end:
                continue  # it lies on the border, and in the window after it
            if is_awaited:
                found.awaited += 1
            else:
                known = moment if moment is None or moment >= window.start else None
                entries.append(_Missing(record.order_id, known, record.order_id in modify_times))
        found.differences = self._differences(window, in_tables, entries, not_listed)
        return found

    def _is_newer(self, record: Record, stored: datetime | None) -> bool:
        """Return True if a list by update time shows a newer version than the one of the modify time `stored`."""
        if self._feed is Feed.CREATED or stored is None:
            return False
        return record.listed_at is not None and record.listed_at > stored

    async def _read(self, window: Window, most: int) -> list[Record] | None:
        """Return all records of a range; None where it holds more than `most`."""
        identify, attempts = self._platform.identifier(self._feed), self._limits.attempts
        try:
            result = await read_completely(self._asking(window), identify, self._page_size, most, attempts)
        except PlatformError as error:
            error.window = str(window)
            raise
        return result.records if isinstance(result, Read) else None

    async def _ids(self, window: Window) -> set[str]:
        """Return the ids of the orders of a range, however many: nothing else of them is kept in memory.

        The range reaches to the present: orders may move while it is read, so that the counts need not add up.
        """
        ask, identify = self._asking(window), self._platform.identifier(self._feed)

        async def ask_ids(page_no: int, page_size: int) -> FetchedPage:
            answer = await ask(page_no, page_size)
            records = [_only_id(record, identify) for record in answer.page.records]
            return FetchedPage(replace(answer.page, records=records), answer.asked_at)

        result = await read_completely(
            ask_ids,
            lambda order_id: Head(order_id.decode()),
            self._page_size,
            NO_LIMIT,
            self._limits.attempts,
            must_add_up=False,
        )
        assert isinstance(result, Read)  # there was no limit
        return {record.order_id for record in result.records if record.order_id is not None}

    def _asking(self, window: Window) -> AskPage:
        async def ask(page_no: int, page_size: int) -> FetchedPage:
            return await self._client.page(PageQuery(self._feed, window, page_no, page_size))

        return ask

    def _times(self, record: Record) -> tuple[datetime | None, bool]:
        """Return the time at which the list holds a missing order, and whether the next sync reads the order anyway.

        The time is None where it cannot be read from the record. An order that the next sync reads is not missing yet.
        """
        try:
            order = self._platform.normalize(record.payload).order
        except InvalidRecordError:
            return None, False
        moment = order.created_at if self._feed is Feed.CREATED else order.modified_at
        changed_at = order.modified_at if self._platform.feed is Feed.UPDATED else order.created_at
        return moment, changed_at is not None and changed_at >= self._awaited_from

    def _differences(
        self, window: Window, in_tables: dict[str, datetime], missing: Sequence[_Missing], not_listed: Sequence[str]
    ) -> list[Difference]:
        """Return the parts of a window that differ; the whole window where the time of a missing order is unknown."""
        known = [each.moment for each in missing if each.moment is not None]
        if len(known) < len(missing):
            parts = [window]
        else:
            agreeing = [in_tables[order_id] for order_id in in_tables.keys() - set(not_listed)]
            parts = ranges(window, [*known, *[in_tables[order_id] for order_id in not_listed]], agreeing)
        found = []
        for part in parts:
            tables = sum(part.start <= moment < part.end for moment in in_tables.values())
            lost = [each for each in missing if part == window or each.is_within(part)]
            not_listed_ids = tuple(order_id for order_id in not_listed if part.start <= in_tables[order_id] < part.end)
            counts = OrderCounts(tables - len(not_listed_ids) + len(lost), tables)
            missing_ids, older_ids = (
                tuple(sorted(each.order_id for each in lost if each.order_id and each.is_older is is_older))[:MOST_IDS]
                for is_older in (False, True)
            )
            found.append(
                Difference(part, counts, len(lost), not_listed_ids[:MOST_IDS], self._feed, missing_ids, older_ids)
            )
        return found


def _only_id(record: bytes, identify: Identify) -> bytes:
    """Return the id of a record, or its fingerprint in hex where it names none, so that the record need not be kept."""
    order_id = identify(record).order_id
    return fingerprint(record).hex().encode() if order_id is None else order_id.encode()
