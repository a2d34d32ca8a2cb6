"""Read one window so that nothing is missed, though its records move while it is paged (P1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from orders_sync.domain.completeness import (
    ReadSummary,
    expected_on_page,
    has_more,
    last_page,
    observed_page_size,
    shortfall,
)
from orders_sync.domain.errors import (
    IncompleteWindowError,
    InvalidRequestError,
    RecordsOutOfRangeError,
    TransientError,
)
from orders_sync.domain.records import Head, Record
from orders_sync.domain.sanitize import sanitize
from orders_sync.engine.record_check import RecordCheck
from orders_sync.platforms import Page


class FetchedPage(msgspec.Struct, frozen=True):
    """A page, and when the call that brought it began, by the database's clock."""

    page: Page
    asked_at: datetime


AskPage = Callable[[int, int], Awaitable[FetchedPage]]  # page number and records a page
Identify = Callable[[bytes], Head]
MANY_PAGES = 100  # of one window; where it counts more and the last is empty, the count is wrong

Key = str | tuple[int, int]  # an order id; page and place of a record that has none


class WindowTooLarge(msgspec.Struct, frozen=True):
    """The window holds more records than are read at once; it is to be split."""

    total: int


class Read(msgspec.Struct, frozen=True):
    """The records of a window, the version read last of each order; and the totals that `shortfall` compares."""

    records: list[Record]
    reading: ReadSummary


class SmallerPage(msgspec.Struct, frozen=True):
    """The platform gives at most `page_size` records per page, whatever is asked for."""

    page_size: int


@dataclass(slots=True)
class Reader:
    """Reads one window, as often as it takes. Raises `PlatformError`.

    `most_records`: read at once. `check`: of the records against the range, None for none. `sizes`: the page sizes that
    the platform takes. `page_size` shrinks to what the platform gives. `records`: everything read so far, over all
    attempts, the version read last of each order. It stays, whatever ends the reading.
    """

    ask: AskPage
    identify: Identify
    page_size: int
    most_records: int
    check: RecordCheck | None = None
    sizes: Collection[int] = range(1, 501)
    records: dict[Key, Record] = field(default_factory=dict)

    async def read_completely(
        self, attempts: int, expected: int = 0, record_no: int = 1, *, must_add_up: bool = True
    ) -> Read | WindowTooLarge:
        """Read until nothing is lacking by the platform's totals, and return that read.

        Raises `IncompleteWindowError` after that many `attempts`; without `must_add_up` returns the last read instead,
        though something is lacking in it. Raises `RecordsOutOfRangeError` when the records are of another range.
        `expected`, `record_no`: see `_read`.
        """
        lacking = None
        for _ in range(attempts):
            result = await self.read(expected, record_no)
            if self.check is not None and (out_of_range_text := self.check.out_of_range_text()) is not None:
                raise RecordsOutOfRangeError(out_of_range_text)
            if isinstance(result, WindowTooLarge):
                return result
            lacking = shortfall(result.reading)
            if lacking is None:
                return result
        if not must_add_up:
            return result
        raise IncompleteWindowError(f"read {attempts} times, never completely: {lacking}")

    async def count(self) -> int:
        """Return how many records the platform counts, by a single record, which is kept."""
        return (await self._page(1, 1)).page.total

    async def read(self, expected: int = 0, record_no: int = 1) -> Read | WindowTooLarge:
        """Read all pages of a window once, in pages as large as the platform gives."""
        while isinstance(result := await self._read(expected, record_no), SmallerPage):
            self.page_size = max(size for size in self.sizes if size <= result.page_size)
        return result

    async def _read(self, expected: int, record_no: int) -> Read | WindowTooLarge | SmallerPage:
        """Read all pages of a window, the last one first.

            call     1        2      3      4
            page     1        3  ->  2  ->  1       a record that changes leaves the window, later ones move up a place:
                     |        '-----------------    to a page still to be read, so they are read twice, never skipped
                     '-- the total, hence the last page

        One call where everything fits on one page, else pages + 1; and one more after a last page that is just full.
        Where more than a page is `expected`, the first call asks for a single record: a full page would only be thrown
        away. If it brings neither a record nor a total, nothing is there. `record_no`: its number, from 1. Another
        than the first lets the total be known though the first one spoils every answer it is in; but only the first
        tells that there is none.

        No record enters meanwhile, because a window ends in the past (`lag`, `schedule.incremental`). One that is
        listed late raises the total (`shortfall`), or is found by `overlap` and `confirm`.
        """
        size = self.page_size
        counts_first = expected > size
        answer = await (self._page(record_no, 1) if counts_first else self._page(1, size))
        total = answer.page.total
        if total > self.most_records:
            return WindowTooLarge(total)
        page_no = last_page(total, size)
        is_empty = record_no == 1 and not total and not answer.page.records
        if page_no > 1 or (counts_first and not is_empty):
            answer = await self._page(page_no, size)
        while has_more(answer.page.total, len(answer.page.records), page_no, size):
            if page_no * size > self.most_records:
                return WindowTooLarge(max(answer.page.total, page_no * size + 1))
            if smaller := self._smaller(answer, page_no):
                return smaller
            further = await self._page_after(answer, page_no)
            if further is None:
                break
            page_no += 1
            answer = further

        seen: set[Key] = set()
        short: list[int] = []
        totals: list[int] = []
        while True:
            on_page = self._keep(answer, page_no)
            if smaller := self._smaller(answer, page_no):
                return smaller
            if len(on_page) < expected_on_page(answer.page.total, page_no, size):
                short.append(page_no)
            seen |= on_page
            totals.append(answer.page.total)
            if page_no > MANY_PAGES and not answer.page.records:
                page_no = 2  # an absurd count is not followed page by page
            if page_no == 1:
                doubt = self.check.doubt(totals, answer.asked_at) if self.check else None
                return Read(
                    [self.records[key] for key in seen], ReadSummary(answer.page.total, len(seen), tuple(short), doubt)
                )
            page_no -= 1
            answer = await self._page(page_no, size)

    async def _page(self, page_no: int, page_size: int) -> FetchedPage:
        """Ask for a page; once more where the answer has neither a list nor a count: a repeated answer is believed."""
        answer = await self.ask(page_no, page_size)
        if answer.page.has_no_list_or_total:
            answer = await self.ask(page_no, page_size)
        if page_size == 1 < self.page_size:
            self._keep(answer, page_no)
        return answer

    async def _page_after(self, last: FetchedPage, page_no: int) -> FetchedPage | None:
        """Return the page after a last one that is full.

        None where it brings nothing new, or the platform refuses to answer for what lies past its count.
        """
        ends_at_total = last.page.total == page_no * self.page_size
        try:
            answer = await self._page(page_no + 1, self.page_size)
        except (InvalidRequestError, TransientError) as error:
            if ends_at_total and error.code:
                return None
            raise
        is_repeated = bool(answer.page.records) and set(answer.page.records) <= set(last.page.records)
        return None if is_repeated or (ends_at_total and not answer.page.records) else answer

    def _smaller(self, answer: FetchedPage, page_no: int) -> SmallerPage | None:
        size = observed_page_size(answer.page.total, len(set(answer.page.records)), page_no, self.page_size)
        return None if size is None else SmallerPage(size)

    def _keep(self, answer: FetchedPage, page_no: int) -> set[Key]:
        """Keep a page's records and return their keys."""
        found: dict[Key, Record] = {}
        for place, payload in enumerate(answer.page.records):
            record = identified(payload, self.identify, answer.asked_at)
            found[record.order_id or (page_no, place)] = record
        self.records.update(found)
        if self.check is not None:
            self.check.add(list(found.values()))
            if self.check.is_elsewhere:
                raise RecordsOutOfRangeError(self.check.out_of_range_text() or "")
        return set(found)


async def read(
    ask: AskPage, identify: Identify, page_size: int, most: int, expected: int = 0, record_no: int = 1
) -> Read | WindowTooLarge:
    """Read once as `Reader.read` does, without a check of the records."""
    return await Reader(ask, identify, page_size, most).read(expected, record_no)


async def read_completely(
    ask: AskPage,
    identify: Identify,
    page_size: int,
    most: int,
    attempts: int,
    expected: int = 0,
    record_no: int = 1,
    *,
    must_add_up: bool = True,
) -> Read | WindowTooLarge:
    """Read as `Reader.read_completely` does, without a check of the records."""
    reader = Reader(ask, identify, page_size, most)
    return await reader.read_completely(attempts, expected, record_no, must_add_up=must_add_up)


def identified(payload: bytes, identify: Identify, read_at: datetime) -> Record:
    """Return the record with its order id, or with why it has none, and the time it is listed by."""
    head = identify(payload)
    order_id, fault = head.order_id, head.fault
    if order_id is not None and sanitize(order_id) != order_id:
        order_id, fault = None, "order id: holds characters that no key may hold"
    return Record(order_id, payload, read_at, fault, head.listed_at)
