"""Windows of platform time: half-open, whole seconds, UTC inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from orders_sync.domain.local_times import shown_range

SECOND = timedelta(seconds=1)
MOST_PARTS = 50  # of one split of a window that is too large


class Feed(StrEnum):
    """The time by which a list is filtered."""

    UPDATED = "updated"
    CREATED = "created"


class WindowKind(StrEnum):
    """The reason why a window is read; the column `kind` of `sync.windows`."""

    INCREMENTAL = "incremental"  # changes since the last plan, and history: only these move the watermark
    CONFIRM = "confirm"  # a later pass over what was read, for what was listed late; also over a history found empty
    SWEEP = "sweep"  # orders that may still change, by creation time or by status
    BACKFILL = "backfill"  # a range that somebody asked for
    REPAIR = "repair"  # what an audit or another read found to be missing or out of date, or somebody fetched by number
    HOOK = "hook"  # an order that a message is about


class WindowState(StrEnum):
    """The state of a window; the column `state` of `sync.windows`."""

    PLANNED = "planned"  # waits for a worker
    RUNNING = "running"  # claimed by one
    DONE = "done"  # read to its end and landed: proves its range, unless it lists a status or is of a message
    FAILED = "failed"  # planned again after a delay
    SPLIT = "split"  # replaced by its parts
    BEYOND = "beyond"  # further back than the platform lists: proves nothing


OPEN_WINDOWS = (WindowState.PLANNED, WindowState.RUNNING, WindowState.FAILED)  # still to be read
READ_WINDOWS = (WindowState.DONE, WindowState.SPLIT)  # nothing more is read for them, unless they are counted again


class Window(msgspec.Struct, frozen=True):
    """`[start, end)` of one account's platform time, aware datetimes on whole seconds.

    It is requested as `start .. end`. Whether platforms include the end, and whether their times have fractions of a
    second, is not documented: requested like this, nothing between two windows is missed either way, and an order on
    a border is read twice, which does no harm.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware datetimes")
        if self.start.microsecond or self.end.microsecond:
            raise ValueError("a window lies on whole seconds")
        if self.start >= self.end:
            raise ValueError(f"a window must not be empty: {self.start} .. {self.end}")

    @property
    def seconds(self) -> int:
        """The length of the window."""
        return int((self.end - self.start).total_seconds())

    def __str__(self) -> str:
        return shown_range(self.start, self.end)


def whole_second(moment: datetime) -> datetime:
    """Round down to the whole second."""
    return moment.replace(microsecond=0)


def tile(start: datetime, end: datetime, longest: timedelta) -> Iterator[Window]:
    """Cut `[start, end)` into windows no longer than `longest`, oldest first.

    start                                   end
    |-- longest --|-- longest --|-- the rest --|   no gap, no overlap; nothing when start >= end
    """
    while start < end:
        stop = min(start + longest, end)
        yield Window(start, stop)
        start = stop


def split(window: Window, total: int, limit: int) -> list[Window]:
    """Cut a window into equal parts so that each should hold at most `limit` records.

        |------------ total records -----------|
        |-----|-----|-----|-----|-----|-----|--|   whole seconds, no gap, no overlap

    At most `MOST_PARTS`, which are split again if they hold too many: a total may be wrong. A window of one second
    cannot be split and is returned as it is.
    """
    parts = min(max(2, -(-total // limit)), MOST_PARTS, window.seconds)
    if parts < 2:
        return [window]
    return list(tile(window.start, window.end, timedelta(seconds=-(-window.seconds // parts))))


def merge(windows: Iterable[Window]) -> list[Window]:
    """Join windows that overlap or touch, oldest first: two that overlap cannot be read at once."""
    parts: list[Window] = []
    for window in sorted(windows, key=lambda each: each.start):
        if parts and window.start <= parts[-1].end:
            parts[-1] = Window(parts[-1].start, max(parts[-1].end, window.end))
        else:
            parts.append(window)
    return parts
