"""Settings of every session, whatever the environment, the role, the database or a pooler set before.

Settings go by statements: poolers refuse most start-up parameters, and a URL keeps its own `options`.
"""

from __future__ import annotations

from dataclasses import dataclass

OLDEST = 15  # the first major version of PostgreSQL that is supported
PUBLIC = "public"  # tables of `sync` are named with their schema; "$user" would capture what is made without one

_SETTINGS = {
    # first, or a role's would end the others; a migration takes as long as it takes, keepalives notice a lost peer
    "statement_timeout": "0",
    "client_encoding": "'UTF8'",
    "DateStyle": "'ISO, YMD'",
    "TimeZone": "'UTC'",
    "IntervalStyle": "'postgres'",
    "standard_conforming_strings": "on",
    "bytea_output": "'hex'",
    "extra_float_digits": "1",
    "default_transaction_isolation": "'read committed'",
    "default_transaction_deferrable": "off",
    # distributions switch it on: laterals over some hundred accounts are estimated high, and are compiled for seconds
    # to run for milliseconds
    "jit": "off",
    "lock_timeout": "0",
    "idle_session_timeout": "0",  # connections lie in the pool
    "idle_in_transaction_session_timeout": "'10min'",  # a frozen process must not hold its locks for ever
}
_NEWER = {17: {"transaction_timeout": "0"}}
# For a session that is read-only; it alone costs a fifth of a connection. What a role or the environment says is an
# accident. What the database or the server says is a decision: hosts make a database read-only when its disk is nearly
# full, administrators when it moves.
WRITABLE = """
SELECT set_config(name, 'off', false) FROM pg_settings
WHERE name = 'default_transaction_read_only' AND source IN ('client', 'user', 'database user')
"""

STATE = """
SELECT current_setting('server_version_num')::int AS version_number, current_setting('server_encoding') AS encoding,
    current_database() AS database, pg_is_in_recovery() AS is_standby,
    current_setting('transaction_read_only')::bool AS is_read_only, pg_backend_pid() AS process
"""


def statements(version: int, search_path: str = PUBLIC) -> bytes:
    """Return the statements that apply the settings to a session. `version`: the server's major version."""
    newer = {name: value for since, names in _NEWER.items() if version >= since for name, value in names.items()}
    settings = {**_SETTINGS, "search_path": search_path, **newer}
    return ";".join(f"SET {name} TO {value}" for name, value in settings.items()).encode()


@dataclass(frozen=True)
class SessionState:
    """The state of a session, in the order of `STATE`'s columns."""

    version_number: int
    encoding: str
    database: str
    is_standby: bool
    is_read_only: bool
    process: int

    @property
    def version(self) -> int:
        """The server's major version."""
        return self.version_number // 10_000

    @property
    def unusable(self) -> str | None:
        """The reason why this database cannot be used at all, and the remedy; None if it can."""
        if self.encoding == "UTF8":
            return None
        return (
            f"is encoded in {self.encoding}, which cannot hold every order: UTF8 is needed. Make another database with "
            "CREATE DATABASE orders ENCODING 'UTF8' TEMPLATE template0 and name it in DATABASE_URL"
        )

    @property
    def unwritable(self) -> str | None:
        """The reason why this database cannot be written to, and the remedy; None if it can."""
        if self.is_standby:
            return "is a standby, which is read-only: name the primary in DATABASE_URL, or several hosts"
        if self.is_read_only:
            return (
                "is read-only by a setting of the database or the server (a full disk? a move?): when it may be "
                f'written again, ALTER DATABASE "{self.database}" RESET default_transaction_read_only'
            )
        return None
