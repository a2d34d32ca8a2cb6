"""Whether a window was read completely (P1). Only a complete window moves the watermark."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from orders_sync.domain.windows import Window

SETTLED = timedelta(days=1)  # behind so long a window's total has no reason to move
PARTS_AGAIN = timedelta(hours=1)  # at the earliest, parts that brought too few are read another time
CAP_STEP = 10  # rows; sizes that platforms keep to are multiples of it, other short pages have holes
ROUND = 500  # limits of a list are multiples of it, ...
LOWEST_LIMIT = 1000  # ... and none is known below


class Reading(msgspec.Struct, frozen=True):
    """What the pages of a window said.

    `total`: the newest count the platform gave, that of page 1, read last. `seen`: distinct rows over all pages.
    `short_pages`: pages that held fewer distinct rows than their own total promises. `doubt`: why it proves nothing
    though it adds up.
    """

    total: int
    seen: int
    short_pages: tuple[int, ...] = ()
    doubt: str | None = None


def shortfall(reading: Reading) -> str | None:
    """None when the reading is complete, else what is missing, in words.

    Rows may leave a window of update time while it is read (they changed again, a later window brings them), so more
    distinct rows than the newest total is no fault. Fewer is, and so is a page with a hole.
    """
    if reading.seen < reading.total:
        return f"the platform counts {reading.total} rows, {reading.seen} distinct ones were read"
    if reading.short_pages:
        pages = ", ".join(map(str, reading.short_pages))
        return f"page {pages} held fewer distinct rows than the platform's total of {reading.total} promises"
    return reading.doubt


def last_page(total: int, page_size: int) -> int:
    """The number of the last page; 1 even when there is nothing."""
    return max(1, -(-total // page_size))


def promised(total: int, page_no: int, page_size: int) -> int:
    """How many rows a page holds if its total is right."""
    return min(page_size, max(0, total - (page_no - 1) * page_size))


def goes_on(total: int, rows: int, page_no: int, page_size: int) -> bool:
    """Whether a page may stand behind this one: by the total; because this one is full, though the total ends with it
    (a count may be capped); or because it holds more rows than its own total allows."""
    is_fuller = rows >= page_size or rows > promised(total, page_no, page_size)
    return total > page_no * page_size or (rows > 0 and is_fuller)


def smaller_page(total: int, rows: int, page_no: int, page_size: int) -> int | None:
    """The page size the platform seems to keep to, when a page holds a round number of rows and fewer than promised."""
    is_round = rows > 0 and rows % CAP_STEP == 0
    return rows if is_round and rows < promised(total, page_no, page_size) else None


def may_be_capped(total: int) -> bool:
    """Whether a total looks like the most a list ever counts: then rows may stand behind it that are not listed."""
    return total >= LOWEST_LIMIT and total % ROUND == 0


def missing_in_parts(total: int, part_rows: int) -> str | None:
    """None when the parts of a window bring together what it counts, else what is missing, in words.

    A row on a border stands in two parts: they may bring more, never less.
    """
    if part_rows >= total:
        return None
    return f"the platform counts {total} rows in this range, but its parts together brought {part_rows}"


def may_read_parts_again(window: Window, again_at: datetime | None, now: datetime) -> bool:
    """Return whether the parts of a window are read once more that brought too few, `again_at` the last time they were:
    once; and while the window was young then, for what is listed late, but no more than once an hour."""
    return again_at is None or (window.end > again_at - SETTLED and now - again_at >= PARTS_AGAIN)
