"""Reading one window from the last page to the first: nothing is missed, though records move meanwhile (P1).

The platform here is a Python list in the order of its records, paged by number and size.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orders_sync.domain.completeness import shortfall
from orders_sync.domain.errors import IncompleteWindowError, TransientError
from orders_sync.domain.records import Head
from orders_sync.engine.paging import FetchedPage, Read, WindowTooLarge, read, read_completely
from orders_sync.platforms import Page

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVERYTHING = 10**9


@dataclass
class Listing:
    """Records of a window, oldest first. `between` happens after each answer; `spoil` makes a page of a right one."""

    records: list[bytes]
    page_size: int
    between: Iterator[Callable[[list[bytes]], None]] = field(default_factory=lambda: iter(()))
    spoil: Callable[[int, Page], Page] = lambda _, page: page
    asked: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    async def ask(self, page_no: int, size: int) -> FetchedPage:
        start = (page_no - 1) * size
        page = self.spoil(page_no, Page(len(self.records), self.records[start : start + size]))
        self.asked.append(page_no)
        self.sizes.append(size)
        for change in self.between:
            change(self.records)
            break
        return FetchedPage(page, NOON + timedelta(seconds=len(self.asked)))

    def read(self, most: int = EVERYTHING, expected: int = 0) -> Read | WindowTooLarge:
        return asyncio.run(read(self.ask, identify, self.page_size, most, expected))

    def read_all(self, expected: int = 0) -> Read:
        found = self.read(expected=expected)
        assert isinstance(found, Read)
        return found


def record(number: int) -> bytes:
    return f"order-{number}".encode()


def records(count: int) -> list[bytes]:
    return [record(number) for number in range(count)]


def identify(payload: bytes) -> Head:
    return Head(None, None, "id: is missing") if payload.startswith(b"?") else Head(payload.decode())


def payloads(found: Read) -> set[bytes]:
    return {record.payload for record in found.records}


def leave(places: Iterable[int]) -> Callable[[list[bytes]], None]:
    """Records that stand at these places, by any count, change and so leave the window."""

    def change(listed: list[bytes]) -> None:
        for place in places:
            if listed:
                del listed[place % len(listed)]

    return change


async def read_forward(listing: Listing) -> set[bytes]:
    """Read as a general loader does: from the first page on, until a page is not full."""
    found: set[bytes] = set()
    page_no = 1
    while True:
        page = (await listing.ask(page_no, listing.page_size)).page
        found.update(page.records)
        if len(page.records) < listing.page_size:
            return found
        page_no += 1


sizes = st.tuples(st.integers(0, 60), st.integers(1, 12))
leavings = st.lists(st.lists(st.integers(0, 99), max_size=4), max_size=70)


@given(sizes, leavings, st.integers(0, 60))
def test_whatever_leaves_between_two_calls_no_row_that_stays_is_missed_P1(
    size: tuple[int, int], leaving: list[list[int]], expected: int
) -> None:
    count, page_size = size
    listing = Listing(records(count), page_size, iter([leave(places) for places in leaving]))
    found = listing.read_all(expected)
    assert set(listing.records) <= payloads(found) <= set(records(count))
    assert shortfall(found.reading) is None
    pages = max(1, -(-count // page_size))
    assert len(listing.asked) <= pages + (pages > 1 or expected > page_size) + 1  # after a full last page


@example((15, 4), [[], [], [0], [0], [4, 4], [0, 0, 0]], [0, 0, 0, 0, 0, 2])  # all late records but one leave again
@given(sizes, leavings, st.lists(st.integers(0, 60), min_size=1, max_size=70))
def test_a_row_indexed_late_hides_no_row_in_front_of_it_or_the_window_is_read_again_P1(
    size: tuple[int, int], leaving: list[list[int]], late: list[int]
) -> None:
    """Records after it are younger than it, and so within the overlap that is read again anyway."""
    count, page_size = size
    later: set[bytes] = set()  # a late record, also of one that has left again

    def enter(number: int, place: int) -> Callable[[list[bytes]], None]:
        def change(listed: list[bytes]) -> None:
            leave(leaving[number] if number < len(leaving) else [])(listed)
            later.update(listed[place:])
            listed.insert(min(place, len(listed)), b"late-%d" % number)

        return change

    listing = Listing(records(count), page_size, iter([enter(*each) for each in enumerate(late)]))
    found = listing.read_all()
    in_front = {each for each in listing.records if not each.startswith(b"late")} - later
    if shortfall(found.reading) is None:
        assert in_front <= payloads(found)


def test_paging_forward_loses_rows_of_the_same_list_where_reading_backward_loses_none_P1() -> None:
    def moving() -> Listing:
        return Listing(records(50), 10, iter([leave([0])] * 100))

    forward, backward = moving(), moving()
    lost = set(forward.records) - asyncio.run(read_forward(forward))
    found = backward.read_all()
    assert set(forward.records) & lost
    assert set(backward.records) <= payloads(found)


@given(sizes)
def test_every_row_of_a_list_that_stands_still_is_read_once(size: tuple[int, int]) -> None:
    count, page_size = size
    listing = Listing(records(count), page_size)
    found = listing.read_all()
    assert sorted(record.payload for record in found.records) == sorted(listing.records)
    assert (found.reading.total, found.reading.seen) == (count, count)
    assert shortfall(found.reading) is None


def test_pages_are_read_from_the_last_to_the_first_after_the_first_gave_the_total() -> None:
    listing = Listing(records(35), 10)
    listing.read()
    assert listing.asked == [1, 4, 3, 2, 1]


def test_where_many_rows_are_expected_only_their_number_is_asked_first() -> None:
    listing = Listing(records(35), 10)
    assert len(listing.read_all(expected=30).records) == 35
    assert list(zip(listing.asked, listing.sizes, strict=True)) == [(1, 1), (4, 10), (3, 10), (2, 10), (1, 10)]
    fewer = Listing(records(3), 10)
    assert len(fewer.read_all(expected=30).records) == 3
    assert fewer.sizes == [1, 10]
    nothing = Listing([], 10)
    assert nothing.read_all(expected=30).records == []
    assert nothing.sizes == [1]
    other = Listing(records(3), 1)
    found = asyncio.run(read(other.ask, identify, 1, EVERYTHING, expected=2, record_no=9))
    assert isinstance(found, Read)
    assert len(found.records) == 3
    assert list(zip(other.asked, other.sizes, strict=True)) == [(9, 1), (3, 1), (4, 1), (2, 1), (1, 1)]
    assert Listing(records(101), 10).read(most=100, expected=30) == WindowTooLarge(101)


def test_a_list_is_empty_only_if_its_first_row_is_not_there_and_not_counted_P1() -> None:
    """Past its last record, a platform may well say that there is nothing at all."""

    def spoil(page_no: int, page: Page) -> Page:
        return page if page.records else Page(0, [])

    listing = Listing(records(1), 10, spoil=spoil)
    found = asyncio.run(read(listing.ask, identify, 10, EVERYTHING, expected=11, record_no=2))
    assert isinstance(found, Read)
    assert len(found.records) == 1
    uncounted = Listing(records(3), 10, spoil=lambda page_no, page: Page(0, page.records))
    assert len(uncounted.read_all(expected=30).records) == 3


@pytest.mark.parametrize("count", [0, 1, 9, 10])
def test_one_call_where_everything_fits_on_one_page(count: int) -> None:
    listing = Listing(records(count), 10)
    assert len(listing.read_all().records) == count
    assert listing.asked == ([1, 2] if count == 10 else [1])  # a page just full may be where a count is capped


def test_of_a_row_read_twice_the_later_read_counts_P2() -> None:
    def change(listed: list[bytes]) -> None:
        del listed[0]

    listing = Listing(records(12), 10, iter([leave([]), change]))  # order-10 slides from page 2 to page 1
    found = {record.order_id: record for record in listing.read_all().records}
    assert listing.asked == [1, 2, 1]
    assert found["order-10"].read_at == NOON + timedelta(seconds=3)
    assert found["order-11"].read_at == NOON + timedelta(seconds=2)


def test_a_window_too_full_is_said_to_be_before_it_is_paged_P7() -> None:
    listing = Listing(records(101), 10)
    assert listing.read(most=100) == WindowTooLarge(101)
    assert listing.asked == [1]
    assert isinstance(Listing(records(100), 10).read(most=100), Read)


def test_a_window_that_turns_out_too_full_for_a_wrong_total_is_split_too_P7() -> None:
    listing = Listing(records(500), 10, spoil=lambda _, page: Page(1, page.records))
    found = listing.read(most=100)
    assert isinstance(found, WindowTooLarge)
    assert found.total > 100
    assert len(listing.asked) <= 11


@pytest.mark.parametrize(("count", "said"), [(35, 0), (35, 1), (35, 12), (35, 29), (20, 3), (30, 5)])
def test_a_total_that_is_too_low_is_not_believed_past_a_full_page_P1(count: int, said: int) -> None:
    listing = Listing(records(count), 10, spoil=lambda _, page: Page(said, page.records))
    found = listing.read_all()
    assert payloads(found) == set(listing.records)
    assert len(listing.asked) <= 2 * -(-count // 10) + 1  # up to the page that is not full, and back


def test_a_total_that_was_too_low_at_first_costs_no_row_P1() -> None:
    totals = iter([12])
    listing = Listing(records(35), 10, spoil=lambda _, page: Page(next(totals, page.total), page.records))
    found = listing.read_all()
    assert payloads(found) == set(listing.records)
    assert shortfall(found.reading) is None


def _null_list(page: Page) -> Page:
    return Page(page.total, [])


def _duplicates(page: Page) -> Page:
    return Page(page.total, [*page.records[:-1], page.records[0]])


def _one_row_less(page: Page) -> Page:
    return Page(page.total, page.records[1:])


def _total_too_high(page: Page) -> Page:
    return Page(page.total + 1, page.records)


@pytest.mark.parametrize("page_no", [1, 2, 4])
@pytest.mark.parametrize("fault", [_null_list, _duplicates, _one_row_less, _total_too_high])
def test_a_page_that_holds_less_than_it_promises_is_a_shortfall_P1(page_no: int, fault: Callable[[Page], Page]) -> None:
    def spoil(asked: int, page: Page) -> Page:
        return fault(page) if asked == page_no else page

    found = Listing(records(35), 10, spoil=spoil).read_all()
    if fault is _total_too_high and page_no == 2:  # a full page: the newest total, that of page 1, is right
        assert shortfall(found.reading) is None
        assert payloads(found) == set(records(35))
    else:
        assert shortfall(found.reading) is not None


def test_a_hole_is_seen_though_rows_that_left_make_up_the_count_P1() -> None:
    """A record is missing from page 2, another leaves after it was read: the newest total alone would not tell."""

    def spoil(asked: int, page: Page) -> Page:
        return _one_row_less(page) if asked == 2 else page

    found = Listing(records(35), 10, iter([leave([]), leave([34])]), spoil=spoil).read_all()
    assert found.reading.seen >= found.reading.total
    assert found.reading.short_pages == (2,)
    assert shortfall(found.reading) is not None


def test_records_without_an_id_are_kept_each_with_the_reason_P4() -> None:
    listing = Listing([b"?", record(1), b"?", *records(12)[2:], b"?", b"?other"], 10)
    found = listing.read_all()
    assert len(found.records) == len(listing.records)
    faulty = [record for record in found.records if record.order_id is None]
    assert sorted(record.payload for record in faulty) == [b"?", b"?", b"?", b"?other"]
    assert {record.fault for record in faulty} == {"id: is missing"}
    assert shortfall(found.reading) is None


def test_an_id_that_no_key_may_hold_is_a_fault_and_not_another_order_P4() -> None:
    found = Listing([b"order\x00", record(1)], 10).read_all()
    assert [(record.order_id, bool(record.fault)) for record in found.records] == [(None, True), ("order-1", False)]


def test_a_call_that_fails_ends_the_reading() -> None:
    async def ask(page_no: int, _: int) -> FetchedPage:
        if page_no == 2:
            raise TransientError("no answer in time")
        return FetchedPage(Page(15, records(10)), NOON)

    with pytest.raises(TransientError):
        asyncio.run(read(ask, identify, 10, EVERYTHING))


def test_a_list_that_need_not_add_up_is_its_last_read_after_all_attempts_and_any_other_is_incomplete() -> None:
    def count_one_more(_: int, page: Page) -> Page:
        return Page(page.total + 1, page.records)

    for must_add_up in (True, False):
        listing = Listing(records(5), 10, spoil=count_one_more)
        reading = read_completely(listing.ask, identify, 10, EVERYTHING, attempts=3, must_add_up=must_add_up)
        if must_add_up:
            with pytest.raises(IncompleteWindowError, match="read 3 times"):
                asyncio.run(reading)
        else:
            found = asyncio.run(reading)
            assert isinstance(found, Read)
            assert payloads(found) == set(records(5))
        assert listing.asked == [1, 1, 1]
