"""Exit codes of every command.

69 and 78 are EX_UNAVAILABLE and EX_CONFIG of sysexits.h, which systemd names in its messages; 130 and 143 are 128 and
the number of the signal that ended the command.
"""

from __future__ import annotations

from enum import IntEnum

from orders_sync.domain.errors import (
    CopyDifferenceError,
    DatabaseError,
    DeclinedError,
    EmbeddedError,
    NotFoundError,
    SettingsError,
    UsageError,
)


class ExitCode(IntEnum):
    """The reasons for which a command ends. docs/operations.md has the table for users."""

    DONE = 0
    FAILED = 1  # an error of no other kind, or not everything could be read
    USAGE = 2
    ATTENTION = 3  # `status --check`
    BROKEN = 4  # `status --check`
    DIFFERENCE = 5
    NOT_FOUND = 6
    DECLINED = 7
    DATABASE = 69
    SETTINGS = 78
    INTERRUPTED = 130
    TERMINATED = 143


SUMMARY = (
    "Exit codes: 0 done; 1 an error; 2 wrong usage; 3 something needs attention and 4 a person has to act "
    "(`status --check`); 5 a difference was found; 6 what was asked for is not there; 7 not confirmed; 69 the database "
    "cannot be used; 78 the settings cannot be used; 130 interrupted; 143 terminated."
)
_CODES = {
    UsageError: ExitCode.USAGE,
    CopyDifferenceError: ExitCode.DIFFERENCE,
    NotFoundError: ExitCode.NOT_FOUND,
    DeclinedError: ExitCode.DECLINED,
    DatabaseError: ExitCode.DATABASE,
    EmbeddedError: ExitCode.DATABASE,
    SettingsError: ExitCode.SETTINGS,
}


def of(error: Exception) -> ExitCode:
    """Return the exit code for an error that ends a command."""
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), ExitCode.FAILED)
