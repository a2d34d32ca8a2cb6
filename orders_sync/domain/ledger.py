"""Values of the ledger of windows: plans of an account, claimed windows, requested backfills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from orders_sync.domain.sweeps import SweepRange
from orders_sync.domain.windows import Feed, Window, WindowKind

CLOCK_TOLERANCE = timedelta(minutes=1)  # a clock that was put back by less is no error


@dataclass(frozen=True, slots=True)
class FailedWindow:
    """A window that failed and the earliest time of its next read."""

    starts_at: datetime
    ends_at: datetime
    attempts: int
    retry_at: datetime


class Unclaimed(msgspec.Struct, frozen=True):
    """An incremental window that nobody has begun to read."""

    id: int
    window: Window


class PlannedTimes(msgspec.Struct, frozen=True):
    """The range of an account that is planned (`planned_to`) and proven (`watermark`), from `history_from`, at `now`.

    `newest`: the incremental window that ends at `planned_to`, as long as nobody has claimed it; it is locked then.
    """

    now: datetime
    history_from: datetime | None
    planned_to: datetime | None
    watermark: datetime | None
    newest: Unclaimed | None = None


class PlanningState(msgspec.Struct, frozen=True):
    """The state that a plan follows from, read while the account's row is locked.

    `to_read_again`: the creation times of orders that are to be read once more now, for their last read brought an
    earlier modify time. `oldest`: the earliest creation time in the tables.
    """

    planned: PlannedTimes
    to_read_again: Sequence[datetime] = ()
    oldest: datetime | None = None


class PlannedWindows(msgspec.Struct, frozen=True):
    """Windows of one kind to be added, beginning with the earliest."""

    kind: WindowKind
    feed: Feed
    windows: Sequence[Window]


class Plan(msgspec.Struct, frozen=True):
    """Changes to write to the ledger: `replaced` is removed, since a window of `added` covers it.

    `sweeps`: ranges of creation time in which orders are read again; the tables decide which orders.
    """

    replaced: Unclaimed | None
    added: Sequence[PlannedWindows]
    sweeps: Sequence[SweepRange]


class Claim(msgspec.Struct, frozen=True):
    """A window that this process has claimed. It is lost when another claim raises `sync.windows.fence`."""

    id: int
    account: str
    kind: WindowKind
    feed: Feed
    window: Window
    status: str | None  # only orders in it are listed
    parent_id: int | None
    backfill_id: int | None
    fence: int
    attempts: int
    expected: int  # records: its share, by length, of those of the window it was split from; 0 when it was not split
    now: datetime  # the database's clock when it was claimed
    parent_total: int | None = None  # records the platform counted in the window it was split from
    page_size: int | None = None  # the most records per page that the platform was seen to return for this account
    not_before: datetime | None = None  # it was to be read no earlier: an empty answer is asked for once more
    orders: Sequence[str] = ()  # the ids it is read for (`store/followups.py`)
    repeats: int = 0  # how often it was read for them before
    part_rows: int | None = None  # records that its parts brought, fewer than it counted: it is to be counted again
    parts_again_at: datetime | None = None  # its parts were planned once more for that


class BackfillState(StrEnum):
    """The state of a backfill; the column `state` of `sync.backfills`."""

    REQUESTED = "requested"  # has no windows yet
    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"  # could not be planned
    CANCELLED = "cancelled"


OPEN_BACKFILLS = (BackfillState.REQUESTED, BackfillState.PLANNED)


class Backfill(msgspec.Struct, frozen=True):
    """A range as it was asked for. `everything`: complete windows are read again too."""

    id: int
    account: str
    feed: str  # as whoever asked wrote it: no `Feed` until it is planned
    starts_at: datetime
    ends_at: datetime
    everything: bool

    @property
    def window(self) -> Window:
        """The range. Raises ValueError if it is empty or not on whole seconds."""
        return Window(self.starts_at, self.ends_at)


class Wanted(msgspec.Struct, frozen=True):
    """An order that is to be read, known by the tables, and when it was created."""

    order_id: str
    created_at: datetime
