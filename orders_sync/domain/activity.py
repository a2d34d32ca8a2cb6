"""Actions of people, as `sync.activity` keeps them: who, from where, what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orders_sync.domain.display import visible

LONGEST_NAME = 200  # characters
NOBODY = "unknown"
TIMES = {"from", "to", "until"}  # of the details: ISO 8601 with the offset


class Origin(StrEnum):
    """The place where an action was asked for."""

    CLI = "cli"
    CONSOLE = "console"


class Action(StrEnum):
    """Kinds of action: the object first, then the verb. Rows may hold others, written by a newer version."""

    ACCOUNT_PAUSE = "account.pause"
    ACCOUNT_RESUME = "account.resume"
    ACCOUNT_SYNC = "account.sync"
    ACCOUNT_RENAME = "account.rename"
    ACCOUNT_REMOVE = "account.remove"
    ACCOUNT_RETURN = "account.return"
    ACCOUNT_RETIRE = "account.retire"
    ACCOUNT_MERGE = "account.merge"
    BACKFILL_START = "backfill.start"
    BACKFILL_CANCEL = "backfill.cancel"
    ORDER_FETCH = "order.fetch"
    PERSONS_REVEAL = "persons.reveal"
    PERSONS_EXPORT = "persons.export"
    WINDOWS_RETRY = "windows.retry"
    REJECTS_REPLAY = "rejects.replay"
    REJECTS_IGNORE = "rejects.ignore"
    REJECTS_UNIGNORE = "rejects.unignore"
    REJECTS_DROP = "rejects.drop"
    AUDIT_RUN = "audit.run"
    AUDIT_REPAIR = "audit.repair"
    AUDIT_ACKNOWLEDGE = "audit.acknowledge"
    RENORMALIZE = "renormalize"
    DATABASE_MIGRATE = "database.migrate"
    DATABASE_DUMP = "database.dump"
    DATABASE_RESTORE = "database.restore"
    DATABASE_MOVE = "database.move"
    DATABASE_REOPEN = "database.reopen"
    DEMO_CLEAR = "demo.clear"
    SETTINGS_RELOAD = "settings.reload"
    NOTIFY_TEST = "notify.test"
    CONSOLE_LOGIN = "console.login"
    CONSOLE_LOGOUT = "console.logout"
    CONSOLE_REFUSED = "console.refused"
    PERSON_ADD = "person.add"
    PERSON_REMOVE = "person.remove"
    PERSON_PASSWORD = "person.password"  # noqa: S105 - the name of an action


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who acts. `name`: as they are known there, made printable and cut to `LONGEST_NAME` characters."""

    name: str
    origin: Origin

    def __post_init__(self) -> None:
        name = visible(self.name.strip())[:LONGEST_NAME]
        object.__setattr__(self, "name", name or NOBODY)
