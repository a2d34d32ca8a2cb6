"""Decide whether a window was read completely (P1). No other window proves its range."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from orders_sync.domain.windows import Window

TOTAL_STABLE_AFTER = timedelta(days=1)  # the total of a window that ended this long ago should no longer change
PARTS_RETRY_AFTER = timedelta(hours=1)  # pause before parts that brought too few records are read again
PAGE_SIZE_STEP = 10  # records: platforms apply page sizes that are multiples of it; any other short page is incomplete
LIMIT_STEP = 500  # limits on the length of a list are multiples of it ...
LOWEST_LIMIT = 1000  # ... and at least this


class ReadSummary(msgspec.Struct, frozen=True):
    """Totals of the pages of a window.

    `total`: the platform's newest count, that of page 1, which is read last. `seen`: distinct records over all pages.
    `short_pages`: pages that held fewer distinct records than their own total promises. `doubt`: why the read
    proves nothing although the numbers match.
    """

    total: int
    seen: int
    short_pages: tuple[int, ...] = ()
    doubt: str | None = None


def shortfall(reading: ReadSummary) -> str | None:
    """Return what is lacking, in words, or None for a complete read.

    Records may leave a window of update time while it is read (they changed again, and a later window brings them), so
    more distinct records than the newest total are fine. Fewer are not, nor is a page that lacks records.
    """
    if reading.seen < reading.total:
        return f"the platform counts {reading.total} records, {reading.seen} distinct ones were read"
    if reading.short_pages:
        pages = ", ".join(map(str, reading.short_pages))
        return f"page {pages} held fewer distinct records than the platform's total of {reading.total} promises"
    return reading.doubt


def last_page(total: int, page_size: int) -> int:
    """Return the number of the last page; 1 even if there are no records."""
    return max(1, -(-total // page_size))


def expected_on_page(total: int, page_no: int, page_size: int) -> int:
    """Return how many records a page holds if its total is right."""
    return min(page_size, max(0, total - (page_no - 1) * page_size))


def has_more(total: int, records: int, page_no: int, page_size: int) -> bool:
    """Return whether there may be a further page: by the total, or because this page is full or exceeds its own total.

    A full last page is not trusted, for the total may be capped.
    """
    is_fuller = records >= page_size or records > expected_on_page(total, page_no, page_size)
    return total > page_no * page_size or (records > 0 and is_fuller)


def observed_page_size(total: int, records: int, page_no: int, page_size: int) -> int | None:
    """Return the page size that the platform seems to apply: round, and fewer records than expected; else None."""
    is_round = records > 0 and records % PAGE_SIZE_STEP == 0
    return records if is_round and records < expected_on_page(total, page_no, page_size) else None


def may_be_capped(total: int) -> bool:
    """Return whether a total looks like a limit of the platform: then further records may not be listed."""
    return total >= LOWEST_LIMIT and total % LIMIT_STEP == 0


def shortfall_of_parts(total: int, part_rows: int) -> str | None:
    """Return what is lacking, in words, if the parts of a window bring fewer records than it counts; else None.

    A record on a border is in two parts: they may bring more.
    """
    if part_rows >= total:
        return None
    return f"the platform counts {total} records in this range, but its parts together brought {part_rows}"


def may_read_parts_again(window: Window, again_at: datetime | None, now: datetime) -> bool:
    """Return whether parts that brought too few records are read again; `again_at`: when they last were, if ever.

    Once in any case; and while the window is young, for records that are listed late, again at most once an hour.
    """
    return again_at is None or (window.end > again_at - TOTAL_STABLE_AFTER and now - again_at >= PARTS_RETRY_AFTER)
