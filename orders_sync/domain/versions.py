"""Decide which of two versions of the same order is newer (P2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto

import msgspec

BELIEVED_AFTER = timedelta(hours=1)  # time between two reads that both bring an older modify time, until it is believed


class Version(msgspec.Struct, frozen=True):  # made per row
    """The platform's modify time, if there is one, and the time our read began, by the database's clock."""

    modified_at: datetime | None
    read_at: datetime

    def is_newer_than(self, other: Version) -> bool:
        """Compare modify times; times of reading if those are equal (api-facts: paid within that second) or unknown."""
        if self.modified_at is not None and other.modified_at is not None and self.modified_at != other.modified_at:
            return self.modified_at > other.modified_at
        return self.read_at > other.read_at

    def is_modified_after(self, other: Version) -> bool:
        """Compare modify times only; False if one of them is unknown."""
        return self.modified_at is not None and other.modified_at is not None and self.modified_at > other.modified_at


class Precedence(Enum):
    """The relation of a version that was read to the stored one."""

    NEWER = auto()
    OLDER = auto()
    OLDER_AT_FIRST = auto()  # read later, with an earlier modify time: it is remembered
    WENT_BACK = auto()  # again, long after: the platform's modify time went back, so this is the newest


def precedence(read: Version, stored: Version, went_back_at: datetime | None, remembered: Version | None) -> Precedence:
    """Compare a version that was read with the stored one, where a platform's modify time may go back.

        stored 12:00            read 12:05: 11:00       read 13:10: 11:00 or later
        modify time 11:30       OLDER_AT_FIRST          WENT_BACK

    `went_back_at`: when the last read whose older modify time was believed began; modify times read before say nothing
    beside it. `remembered`: what `OLDER_AT_FIRST` was said of, unless a read that began later brought the stored
    version or a newer one. A read that began before the stored one is never believed, however often it is repeated.
    """
    if went_back_at is not None and read.read_at < went_back_at:
        return Precedence.OLDER
    if read.is_newer_than(stored):
        return Precedence.NEWER
    if read.read_at <= stored.read_at or read.modified_at is None:
        return Precedence.OLDER
    if remembered is None or remembered.modified_at is None:
        return Precedence.OLDER_AT_FIRST
    if read.modified_at < remembered.modified_at:
        return Precedence.OLDER_AT_FIRST if read.read_at > remembered.read_at else Precedence.OLDER
    return Precedence.WENT_BACK if read.read_at >= remembered.read_at + BELIEVED_AFTER else Precedence.OLDER
