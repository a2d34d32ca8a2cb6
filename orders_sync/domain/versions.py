"""Which of two looks at the same order is newer (P2)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Version(NamedTuple):
    """The platform's modify time, where there is one, and the time our read of it began, by the database's clock."""

    modified_at: datetime | None
    read_at: datetime

    def is_newer_than(self, other: Version) -> bool:
        """The later modify time; the later read where it is equal (seed 004: paid a second after it) or not known."""
        if self.modified_at is not None and other.modified_at is not None and self.modified_at != other.modified_at:
            return self.modified_at > other.modified_at
        return self.read_at > other.read_at
