"""Everything that can go wrong, as one small tree. Each error carries data; its text tells an operator what to do next.

OrdersSyncError
├── SettingsError                   a mistake in the settings, with its place
├── DatabaseError                   the database cannot be reached, is too old, is full, or is someone else's
│   └── DatabaseBusyError           it ended a transaction again and again for reasons that pass: try again later
├── EmbeddedError                   the embedded server cannot be started or stopped
├── IdentityMismatchError           the tables know another account by this name, or this one by another name
├── ClockSetBackError               the database's clock is behind the time an account is planned to: wait for it
├── LeaseLostError                  another worker owns the window now: nothing of ours may commit (P5)
├── InvalidRecordError              one record that cannot become rows: it is kept as a reject (P4)
└── PlatformError                   a call to a platform failed
    ├── AuthenticationError         credentials, signature, rights: stop the account
    ├── RateLimitError              slow down, `retry_after` seconds if the platform said so
    │   └── BlockedError            something in front of the gateway does not let the call through
    ├── TransientError              network, 5xx, a busy platform: worth another try
    ├── MalformedResponseError      the response is not what the platform documents; `body` is its beginning
    ├── InvalidRequestError         the platform understood the request and will not serve it: our mistake or a limit
    └── IncompleteWindowError       every page was read and rows are still missing
        └── RowsOutOfRangeError     the rows are not those of the range that was asked for
"""

from __future__ import annotations

from datetime import datetime

EXCERPT = 2048


class OrdersSyncError(Exception):
    """The root: whatever derives from it is told to the user as one message, without a traceback."""


class SettingsError(OrdersSyncError):
    """A mistake in the settings; the text begins with its place (file and key, or environment variable)."""


class DatabaseError(OrdersSyncError):
    """The database is not usable as it is; the text says what to do."""


class DatabaseBusyError(DatabaseError):
    """Deadlocks, conflicts or time-outs ended a transaction however often it was run; nothing of it was written."""


class EmbeddedError(OrdersSyncError):
    """The embedded Postgres cannot be started or stopped."""


class IdentityMismatchError(OrdersSyncError):
    """The account of the settings is not the one of this name in the tables: nothing may be planned or read for it."""

    def __init__(self, name: str, identity: object) -> None:
        super().__init__(
            f"{name}: the tables know {identity} by another name, or another account by this one. Processes with "
            "different settings run on this database: give all of them the same and start them again"
        )


class ClockSetBackError(OrdersSyncError):
    """Time that an account was planned to lies in the database's future: what it is asked now, it would not plan."""

    def __init__(self, account: str, reached: datetime) -> None:
        super().__init__(
            f"{account}: it is planned up to {reached:%Y-%m-%d %H:%M:%S %Z}, which the database's clock has yet to "
            "reach: the clock was put back, or was ahead before. Nothing of the account is planned or read until then, "
            "and it goes on by itself; where that is too long, docs/operations.md has a statement that forgets it"
        )


class LeaseLostError(OrdersSyncError):
    """The window's fence moved on while we read: the work is dropped, someone else has it."""

    def __init__(self, window_id: int) -> None:
        super().__init__(f"window {window_id} is owned by another worker now; nothing was written")
        self.window_id = window_id


class InvalidRecordError(OrdersSyncError):
    """One record that cannot be normalised. `where` is the field as the platform spells it, when known."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason
        self.where = where


class PlatformError(OrdersSyncError):
    """A call failed. `account` and `window` are filled in by whoever knows them, before the error is shown.

    The text never holds a request header or a secret (P8).
    """

    def __init__(self, message: str, *, call: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.call = call
        self.code = code
        self.account = ""
        self.window = ""

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.account, self.window, self.call) if part)
        return f"{place}: {self.message}" if place else self.message


class AuthenticationError(PlatformError):
    """The platform does not accept the credentials or the signature. Trying again would be hammering (P6)."""


class RateLimitError(PlatformError):
    """Too many calls. `retry_after` is in seconds, None when the platform gave none."""

    def __init__(self, message: str, *, retry_after: float | None = None, call: str = "", code: str = "") -> None:
        super().__init__(message, call=call, code=code)
        self.retry_after = retry_after


class BlockedError(RateLimitError):
    """HTTP 401 or 403 without the gateway's envelope: a firewall or a proxy as likely as refused credentials."""


class TransientError(PlatformError):
    """Likely to go away by itself: time-outs, resets, HTTP 5xx, business errors without a meaning known to us."""


class MalformedResponseError(PlatformError):
    """The answer cannot be read. `body` holds at most its first 2 kB."""

    def __init__(self, message: str, *, body: bytes = b"", call: str = "", code: str = "") -> None:
        super().__init__(message, call=call, code=code)
        self.body = body[:EXCERPT]


class InvalidRequestError(PlatformError):
    """The platform will not serve this request however often it is sent (HTTP 4xx): window, page size, path."""


class IncompleteWindowError(PlatformError):
    """The pages of a window do not add up to what the platform counts, however often they are read."""


class RowsOutOfRangeError(IncompleteWindowError):
    """The rows of a window are not of the time that was asked for: reading less of it would change nothing."""


def is_answer(error: PlatformError) -> bool:
    """Whether the platform itself said no to the request, not the network or whatever stands in front of it."""
    is_http = (error.code.isdigit() and 500 <= int(error.code) < 600) or error.code == "408"
    return isinstance(error, InvalidRequestError) or (
        isinstance(error, TransientError) and bool(error.code) and not is_http
    )
