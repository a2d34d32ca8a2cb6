"""Which version of the tables this code works on, and what stands in a database instead."""

from __future__ import annotations

import psycopg

from orders_sync.store.database import Connection

HEAD = "0009"  # the newest file in migrations/versions; they are numbered in order

Session = psycopg.Connection[tuple[object, ...]]

_IS_MADE = "SELECT to_regclass('sync.alembic_version')"
_VERSION = "SELECT version_num FROM sync.alembic_version"


def revision(connection: Session) -> str | None:
    """The version of our tables in a database; None when they were never made."""
    if connection.execute(_IS_MADE).fetchone() == (None,):
        return None
    row = connection.execute(_VERSION).fetchone()
    return str(row[0]) if row else None


async def revision_of(connection: Connection) -> str | None:
    """The same by a connection of the service."""
    if await (await connection.execute(_IS_MADE)).fetchone() == (None,):
        return None
    row = await (await connection.execute(_VERSION)).fetchone()
    return str(row[0]) if row else None


def is_current(connection: Session) -> bool:
    """Whether the tables are there and those of this version."""
    return revision(connection) == HEAD


def strangers(connection: Session) -> list[str]:
    """Tables and views that stand under our names and are not ours."""
    if revision(connection) is not None:
        return []
    from orders_sync.store.tables import TAKEN  # SQLAlchemy, which nobody else who asks for a version needs

    return [str(row[0]) for row in connection.execute(TAKEN.encode())]


def mismatch(found: str | None) -> str | None:
    """What to say of tables of another version than this program's, and what to do; None when they are its own."""
    if found == HEAD:
        return None
    if found is not None and found > HEAD:
        return f"the tables are of version {found}, newer than this program's {HEAD}: update or stop this process"
    if found is None:
        return "the tables are not made yet: run `orders-sync migrate`"
    return f"the tables are of version {found}, older than this program's {HEAD}: run `orders-sync migrate`"
