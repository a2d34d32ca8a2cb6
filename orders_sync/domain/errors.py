"""The errors of this program. Each carries data; its text tells an operator what to do next.

OrdersSyncError
├── SettingsError                   a mistake in the settings, with its place
│   └── ConfigurationError          one because of which nothing can start
├── AddressError                    an address to listen on cannot be had: it may be free later
├── UsageError                      an argument or option that cannot be meant so
├── NotFoundError                   what was asked for by its name or number is not there
├── ChangedError                    what was shown before an action has changed since: nothing was done
├── DeclinedError                   a question was not answered with yes: nothing was done
├── CopyDifferenceError             a database and its copy do not hold the same rows
├── DatabaseError                   the database cannot be reached, is too old, is full, or is someone else's
│   ├── SchemaVersionError          its tables are not there or of another version than this program's
│   ├── DatabaseStartingError       its server is going down or coming up: try again in some seconds
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
    │   └── CallTimeoutError        the call ran into its time limit
    ├── MalformedResponseError      the response is not what the platform documents; `body` is its beginning
    ├── InvalidRequestError         the platform understood the request and will not serve it: our mistake or a limit
    └── IncompleteWindowError       every page was read and records are still lacking
        ├── RecordsOutOfRangeError  the records are not those of the range that was asked for
        └── SuspectTotalError       no record is lacking, by a count that may be the most the platform ever counts
"""

from __future__ import annotations

from datetime import datetime

from orders_sync.domain.local_times import stamp

EXCERPT = 2048  # bytes of a body that are kept


class OrdersSyncError(Exception):
    """The root of all expected errors: shown to the user as one message, without a traceback."""


class SettingsError(OrdersSyncError):
    """A mistake in the settings. The text begins with its place: file and key, or environment variable."""


class ConfigurationError(SettingsError):
    """The settings as a whole cannot be used. Starting again is of no use until a person has corrected them."""


class AddressError(OrdersSyncError):
    """An address to listen on cannot be had, for another process has it. It may be free later."""


class UsageError(OrdersSyncError):
    """An argument or option of a command, or a field of a form, that cannot be meant so.

    `argument`: its name where it is a single one, so that a form can show the text beside the field; empty otherwise.
    """

    def __init__(self, text: str = "", *, argument: str = "") -> None:
        super().__init__(text)
        self.argument = argument


class NotFoundError(OrdersSyncError):
    """Nothing has the name or number that was asked for."""


class ChangedError(OrdersSyncError):
    """The state that a person was shown before an action has changed. Nothing was done; the text says what to do."""


class DeclinedError(OrdersSyncError):
    """A question was not answered with yes. Nothing was done."""


class CopyDifferenceError(OrdersSyncError):
    """A database and the copy made of it do not hold the same rows."""


class DatabaseError(OrdersSyncError):
    """The database cannot be used as it is."""


class SchemaVersionError(DatabaseError):
    """The database has no tables of ours, those of another version, or somebody else's of the same name."""


class DatabaseStartingError(DatabaseError):
    """The database's server is going down or coming up, so it takes no connection now."""


class DatabaseBusyError(DatabaseError):
    """Deadlocks, conflicts or time-outs ended a transaction however often it was begun. Nothing was written."""


class EmbeddedError(OrdersSyncError):
    """The embedded Postgres cannot be started or stopped."""


class IdentityMismatchError(OrdersSyncError):
    """The tables have another account of this name: nothing may be planned or read for it."""

    def __init__(self, name: str, identity: object) -> None:
        super().__init__(
            f"{name}: the tables know {identity} by another name, or another account by this one: other settings name "
            "it otherwise. Give it one name in all settings files of this database, then reload every process"
        )


class ClockSetBackError(OrdersSyncError):
    """An account is planned up to a time in the database's future."""

    def __init__(self, account: str, reached: datetime) -> None:
        super().__init__(
            f"{account}: it is planned up to {stamp(reached)}, which the database's clock has yet to "
            "reach: the clock was put back, or was ahead before. Nothing of the account is planned or read until then, "
            "and it goes on by itself; where that is too long, docs/operations.md has a statement that forgets it"
        )


class LeaseLostError(OrdersSyncError):
    """The lease of a window was lost while it was read: another worker has it, and our result is dropped."""

    def __init__(self, window_id: int) -> None:
        super().__init__(f"window {window_id} is owned by another worker now; nothing was written")
        self.window_id = window_id


class InvalidRecordError(OrdersSyncError):
    """A record that cannot be normalized. `where`: the field in the platform's spelling, if known."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason
        self.where = where


class PlatformError(OrdersSyncError):
    """A failed call. Its text never holds a request header or a secret (P8).

    `code`: of the platform's envelope, else the HTTP status; "" where no answer came. `account`, `window` and `call`
    (which page) begin the text; callers that know them set them before the error is shown.
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
    """The platform does not accept the credentials or the signature. It must not be retried (P6)."""


class RateLimitError(PlatformError):
    """Too many calls. `retry_after`: seconds, None if the platform gave none."""

    def __init__(self, message: str, *, retry_after: float | None = None, call: str = "", code: str = "") -> None:
        super().__init__(message, call=call, code=code)
        self.retry_after = retry_after


class BlockedError(RateLimitError):
    """HTTP 401 or 403 without the gateway's envelope: by a firewall or proxy as likely as for the credentials."""


class TransientError(PlatformError):
    """An error that is likely to pass: time-outs, resets, HTTP 5xx, codes without a known meaning."""


class CallTimeoutError(TransientError):
    """A call that ran into its time limit: the platform accepts none, or does not answer in time."""


class MalformedResponseError(PlatformError):
    """A response that cannot be decoded. `body`: at most its first 2 kB."""

    def __init__(self, message: str, *, body: bytes = b"", call: str = "", code: str = "") -> None:
        super().__init__(message, call=call, code=code)
        self.body = body[:EXCERPT]


class InvalidRequestError(PlatformError):
    """The platform does not serve this request (HTTP 4xx), for its window, page size or path."""


class IncompleteWindowError(PlatformError):
    """The pages of a window hold fewer records than the platform counts, after all attempts."""


class RecordsOutOfRangeError(IncompleteWindowError):
    """The records of a window lie outside the requested range: a smaller range would not help."""


class SuspectTotalError(IncompleteWindowError):
    """The records add up to a count that looks like the most the platform ever counts."""


def is_answer(error: PlatformError) -> bool:
    """Return whether the platform itself refused the request, not the network or a proxy in front of it."""
    is_http = is_server_error(error) or error.code == "408"
    return isinstance(error, InvalidRequestError) or (
        isinstance(error, TransientError) and bool(error.code) and not is_http
    )


def is_server_error(error: PlatformError) -> bool:
    """Tell whether the error is an HTTP 5xx."""
    return error.code.isdigit() and 500 <= int(error.code) < 600
