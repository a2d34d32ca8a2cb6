"""Reading one window so that nothing is missed, though its rows move while it is paged (P1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from orders_sync.domain.errors import BadRecord, Incomplete
from orders_sync.domain.text import storable
from orders_sync.domain.verdict import Reading, goes_on, last_page, promised, shortfall
from orders_sync.engine.calls import Answer
from orders_sync.store.load import Record

AskPage = Callable[[int, int], Awaitable[Answer]]  # page number and rows a page
Identify = Callable[[bytes], str]
Key = str | tuple[int, int]  # an order id; where a record stood when it has none


class TooFull(msgspec.Struct, frozen=True):
    """The window holds more rows than are read at once; it is to be split."""

    total: int


class Read(msgspec.Struct, frozen=True):
    """What was read, newest look at each order, and what the verdict is made of."""

    records: list[Record]
    reading: Reading


async def read_completely(
    ask: AskPage,
    identify: Identify,
    page_size: int,
    most: int,
    attempts: int,
    expected: int = 0,
    row: int = 1,
    *,
    must_add_up: bool = True,
) -> Read | TooFull:
    """`read` until the verdict is that nothing is missing. Raises `Incomplete` after so many attempts, unless what is
    missing does no harm: then it is the last read."""
    missing = None
    for _ in range(attempts):
        result = await read(ask, identify, page_size, most, expected, row)
        if isinstance(result, TooFull):
            return result
        missing = shortfall(result.reading)
        if missing is None:
            return result
    if not must_add_up:
        return result
    raise Incomplete(f"read {attempts} times, never completely: {missing}")


async def read(
    ask: AskPage, identify: Identify, page_size: int, most: int, expected: int = 0, row: int = 1
) -> Read | TooFull:
    """Read all pages of a window, the last one first.

        call     1        2      3      4
        page     1        3  ->  2  ->  1       a row that changes leaves the window and those behind it slide forward:
                 |        '-----------------    into a page still to be read, so it is read twice, never skipped
                 '-- the total, hence the last page

    One call where everything fits on one page, else pages + 1. Where more is `expected`, the first call asks for a
    single row: a full page would only be thrown away. If it brings neither a row nor a total, nothing is there. `row`
    says which: one that spoils every answer it is in need not keep the total from being known; but only the first one
    tells that there is none. Raises `PlatformError`.
    """
    ask = _asking_again(ask)
    counts_first = expected > page_size
    answer = await ask(row, 1) if counts_first else await ask(1, page_size)
    page_no = last_page(answer.page.total, page_size)
    if answer.page.total > most:
        return TooFull(answer.page.total)
    is_empty = row == 1 and not answer.page.total and not answer.page.records
    if page_no > 1 or (counts_first and not is_empty):
        answer = await ask(page_no, page_size)
    while goes_on(answer.page.total, len(answer.page.records), page_no, page_size):
        if page_no * page_size >= most:
            return TooFull(max(answer.page.total, page_no * page_size + 1))
        page_no += 1
        answer = await ask(page_no, page_size)

    records: dict[Key, Record] = {}
    short: list[int] = []
    while True:
        on_page: dict[Key, Record] = {}
        for place, payload in enumerate(answer.page.records):
            record = identified(payload, identify, answer.asked_at)
            on_page[record.order_id or (page_no, place)] = record
        if len(on_page) < promised(answer.page.total, page_no, page_size):
            short.append(page_no)
        records.update(on_page)
        if page_no == 1:
            return Read(list(records.values()), Reading(answer.page.total, len(records), tuple(short)))
        page_no -= 1
        answer = await ask(page_no, page_size)


def _asking_again(ask: AskPage) -> AskPage:
    """Ask once more where an answer holds neither a list nor a count: what is said twice is believed."""

    async def asking(page_no: int, rows: int) -> Answer:
        answer = await ask(page_no, rows)
        return await ask(page_no, rows) if answer.page.is_bare else answer

    return asking


def identified(payload: bytes, identify: Identify, read_at: datetime) -> Record:
    """The record with its order id, or with why it has none."""
    try:
        order_id = identify(payload)
        if storable(order_id) != order_id:
            raise BadRecord("holds characters that no key may hold", "order id")
        return Record(order_id, payload, read_at)
    except BadRecord as error:
        return Record(None, payload, read_at, str(error))
