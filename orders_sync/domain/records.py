"""Records as they were received, and what became of them in the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec


class Record(msgspec.Struct, frozen=True):  # made for every row that is read: a dataclass takes ten times as long
    """One record as received. `fault` says why it could not be identified; `order_id` is None then."""

    order_id: str | None
    payload: bytes
    read_at: datetime  # when the call that brought it began, by the database's clock
    fault: str = ""


@dataclass(slots=True)
class LoadCounts:
    """What became of the records of a window."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    rejected: int = 0

    def __iadd__(self, other: LoadCounts) -> LoadCounts:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self
