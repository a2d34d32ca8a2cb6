"""The version of the tables that this program needs, compared with what a database holds."""

from __future__ import annotations

from orders_sync.store.database import Connection, Session
from orders_sync.store.queries import fetch_optional, select_optional, select_values

HEAD = "0055"  # the newest file in migrations/versions; they are numbered in order

APART = "Nothing was changed; use a database of its own for orders-sync"
NO_TABLES = "it holds no tables of orders-sync yet: `orders-sync sync` or `orders-sync migrate` makes them"

_IS_MADE = "SELECT to_regclass('sync.alembic_version')::text"
_VERSION = "SELECT version_num::text FROM sync.alembic_version"


def revision(connection: Session) -> str | None:
    """Return the version of our tables in a database; None if they were never made."""
    if select_optional(connection, _IS_MADE, None, str) is None:
        return None
    return select_optional(connection, _VERSION, None, str)


async def revision_of(connection: Connection) -> str | None:
    """Return the same by a connection of the service."""
    if await fetch_optional(connection, _IS_MADE, None, str) is None:
        return None
    return await fetch_optional(connection, _VERSION, None, str)


def is_current(connection: Session) -> bool:
    """Return whether the tables are there and of this version."""
    return revision(connection) == HEAD


def why_not_to_change(connection: Session) -> str | None:
    """Return why a database must not be changed, and the remedy; None where our tables exist or may be made."""
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
    """Return how the tables differ from those this program needs, and the remedy; None if they do not."""
    found = revision(connection)
    if found == HEAD:
        return None
    if why := why_not_to_change(connection):
        return why
    if found is None:
        return NO_TABLES
    return f"its tables are of version {found}, older than {HEAD} of this program: run `orders-sync migrate`"


def strangers(connection: Session) -> list[str]:
    """Return the tables, types and non-empty schemas that have our names and are not ours."""
    if revision(connection) is not None:
        return []
    from orders_sync.store.tables import NAME_CLASHES  # SQLAlchemy: two thirds of an idle `sync`

    return select_values(connection, NAME_CLASHES, None, str)


def mismatch(found: str | None) -> str | None:
    """Return how a version of the tables differs from this program's, and the remedy; None if it does not.

    `found`: as `revision` returns it.
    """
    if found == HEAD:
        return None
    if found is not None and found > HEAD:
        return f"the tables are of version {found}, newer than this program's {HEAD}: update or stop this process"
    if found is None:
        return "the tables are not made yet: run `orders-sync migrate`"
    return f"the tables are of version {found}, older than this program's {HEAD}: run `orders-sync migrate`"
