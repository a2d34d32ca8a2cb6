"""The mark of a whole database: it was moved elsewhere, or holds a copy whose rows were not all compared.

It is the comment of schema `sync`: no row says it, so that a comparison of all rows does not see it, and it can be
written in the transaction that restores a copy.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import msgspec
from psycopg import sql

from orders_sync.domain.local_times import stamp
from orders_sync.store.database import Session
from orders_sync.store.queries import select_optional

_COMMENT = "SELECT obj_description(to_regnamespace('sync'), 'pg_namespace')"


class MarkKind(StrEnum):
    """The kind of a mark."""

    MOVED = "moved"  # everything stands in another database, which was compared
    UNPROVEN = "unproven"  # a copy of another database; the comparison has not ended


class DatabaseMark(msgspec.Struct, frozen=True):
    """A mark: `place` is the other database, as `conninfo.shown` gives it."""

    orders_sync: MarkKind
    place: str
    at: datetime

    @property
    def found(self) -> str:
        """The meaning of the mark, in a sentence without a full stop."""
        if self.orders_sync is MarkKind.MOVED:
            return f"this database was moved to {self.place} at {stamp(self.at)}"
        return (
            f"this database holds an unproven copy of {self.place}, begun at {stamp(self.at)}: "
            "not every row was compared"
        )

    @property
    def advice(self) -> str:
        """The next step for a person, as one or two sentences without the last full stop."""
        if self.orders_sync is MarkKind.MOVED:
            return "Set DATABASE_URL to that one, or use this one again: `orders-sync db reopen`"
        return (
            "Make it anew (dropdb, createdb) and run `orders-sync db move` again, or use it as it is: "
            "`orders-sync db reopen`"
        )

    def __str__(self) -> str:
        return f"{self.found}. {self.advice}"


def read(session: Session) -> DatabaseMark | None:
    """Return the mark of a database; None where it has none, or somebody else wrote a comment there."""
    comment = select_optional(session, _COMMENT, None, str)
    try:
        return msgspec.json.decode(comment, type=DatabaseMark) if comment else None
    except msgspec.DecodeError:
        return None


def statement(kind: MarkKind | None, place: str = "") -> str:
    """Return the statement that marks a database now; None removes the mark. The role must own schema `sync`."""
    mark = None if kind is None else msgspec.json.encode(DatabaseMark(kind, place, datetime.now(UTC))).decode()
    return sql.SQL("COMMENT ON SCHEMA sync IS {}").format(sql.Literal(mark)).as_string(None)


def write(session: Session, kind: MarkKind | None, place: str = "") -> None:
    """Mark a database, or remove its mark. Raises psycopg.Error where the role does not own schema `sync`."""
    session.execute(statement(kind, place))
