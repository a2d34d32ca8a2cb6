"""Which version of the tables this code works on, and what stands in a database instead."""

from __future__ import annotations

import psycopg

from orders_sync.store.database import Connection

HEAD = "0021"  # the newest file in migrations/versions; they are numbered in order

APART = "Nothing was changed; use a database of its own for orders-sync"
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


def refusal(connection: Session) -> str | None:
    """Why nothing may be changed in a database, and what to do; None where our tables are, may be made or updated."""
    found = revision(connection)
    if found is None:
        names = strangers(connection)
        return f"{', '.join(names)}: not ours, though the name is. {APART}" if names else None
    if not (found.isdigit() and len(found) == len(HEAD)):  # ours are numbered
        return f"its schema sync is another program's, at its revision {found}. {APART}"
    if found > HEAD:
        return (
            f"its tables are of version {found}, this program's are of {HEAD}: it needs a newer version of orders-sync"
        )
    return None


def difference(connection: Session) -> str | None:
    """How the tables differ from those this version works on, and what to do; None when they do not."""
    found = revision(connection)
    if found == HEAD:
        return None
    if why := refusal(connection):
        return why
    if found is None:
        return "it holds no tables of orders-sync yet: `orders-sync sync` or `orders-sync migrate` makes them"
    return f"its tables are of version {found}, older than {HEAD} of this program: run `orders-sync migrate`"


def strangers(connection: Session) -> list[str]:
    """What stands under our names and is not ours: tables, types, schemas that hold anything."""
    if revision(connection) is not None:
        return []
    from orders_sync.store.tables import NAME_CLASHES  # SQLAlchemy: two thirds of an idle `sync`

    return [str(row[0]) for row in connection.execute(NAME_CLASHES.encode())]


def mismatch(found: str | None) -> str | None:
    """What to say of tables of another version than this program's, and what to do; None when they are its own."""
    if found == HEAD:
        return None
    if found is not None and found > HEAD:
        return f"the tables are of version {found}, newer than this program's {HEAD}: update or stop this process"
    if found is None:
        return "the tables are not made yet: run `orders-sync migrate`"
    return f"the tables are of version {found}, older than this program's {HEAD}: run `orders-sync migrate`"
