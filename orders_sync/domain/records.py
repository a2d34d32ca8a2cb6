"""Records as they were received, and what became of them in the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec


class Head(msgspec.Struct, frozen=True):
    """The order that a record is of, and the time its list goes by: of creation or of change, by the feed.

    `order_id` is None where there is no usable one; `fault` says why. `listed_at` is aware, None where it cannot be
    read.
    """

    order_id: str | None
    listed_at: datetime | None = None
    fault: str = ""


class Record(msgspec.Struct, frozen=True):  # made for every one that is read: a dataclass takes ten times as long
    """One record as received, with its head (`Head`)."""

    order_id: str | None
    payload: bytes
    read_at: datetime  # when the call that brought it began, by the database's clock
    fault: str = ""
    listed_at: datetime | None = None


@dataclass(slots=True)
class LoadCounts:
    """Counts of the records of a window by what became of them."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    rejected: int = 0

    def __iadd__(self, other: LoadCounts) -> LoadCounts:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self
