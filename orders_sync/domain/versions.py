"""Decide which of two versions of the same order is newer (P2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto

import msgspec

BELIEVED_AFTER = timedelta(hours=1)  # time between two reads that both bring an older modify time, until it is believed


class Version(msgspec.Struct, frozen=True):  # made per record
    """The platform's modify time, if there is one, and the time our read began, by the database's clock."""

    modified_at: datetime | None
    read_at: datetime

    def is_newer_than(self, other: Version) -> bool:
        """Return whether it is newer: by modify time; where those are equal or unknown, by the time of reading."""
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

        stored: read at 12:00, modify time 11:30
        read at 12:05, modify time 11:00                     OLDER_AT_FIRST: it is remembered
        read at 12:30, modify time 11:00 to before 11:30     OLDER: less than `BELIEVED_AFTER` later
        read at 13:10, modify time 11:00 to before 11:30     WENT_BACK
        read at 13:10, modify time before 11:00              OLDER_AT_FIRST, and remembered instead
        read at any time, modify time after 11:30            NEWER; the same modify time: the later read

    `went_back_at`: when the read began that was last believed to have gone back; every read that began earlier is
    `OLDER`, whatever its modify time. `remembered`: the version that was `OLDER_AT_FIRST`; None once a later read
    brought the stored version again, or a newer one. A read that began before the stored one never goes back, however
    often it is repeated.
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
