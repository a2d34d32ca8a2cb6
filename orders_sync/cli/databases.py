"""The database of a command: its server, its tables, and whose orders it holds.

opened    tables of this version must be there; nothing is created or migrated
hosted    tables are created or migrated where necessary, the embedded server too
server    a server, whatever tables it holds
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from psycopg.errors import InsufficientPrivilege

from orders_sync import embedded_postgres
from orders_sync.cli import actor
from orders_sync.cli.output import info
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import DatabaseError, DatabaseStartingError, SchemaVersionError
from orders_sync.platforms import PLATFORMS
from orders_sync.settings import Settings
from orders_sync.store import (
    activity,
    bi,
    change_feed,
    daily_figures,
    database,
    database_mark,
    demo_data,
    order_statuses,
    roles,
    schema,
)
from orders_sync.store.conninfo import shown
from orders_sync.store.database import Connection

Result = TypeVar("Result")
FULL = b"No space left on device"
LONGEST_START = 60.0  # seconds that a server which recovers from a crash is waited for
START_PAUSE = 2.0  # seconds between two connections that are tried
ROLES = "The database role lacks a privilege: see docs/operations.md (Roles that read) for the grants"


@dataclass(frozen=True)
class Host:
    """A database server. `revive` restarts the embedded one if it died; it does nothing for any other."""

    url: str
    revive: Callable[[], None] = lambda: None


@contextmanager
def opened(settings: Settings) -> Iterator[str]:
    """Yield the URL of an existing database with this version's tables; create and migrate nothing.

    Raises `DatabaseError`, with what to do, when there is no database, no tables or tables of another version, and when
    the role may not read what the block queries.
    """
    with server(settings) as host:
        try:
            with database.session(host.url) as connection:
                difference = schema.difference(connection)
            if difference:
                raise SchemaVersionError(f"database {shown(host.url)}: {difference}")
            yield host.url
        except DatabaseError as error:
            if isinstance(error.__cause__, InsufficientPrivilege):
                raise DatabaseError(f"{error.__cause__.diag.message_primary}. {ROLES}") from error
            raise


@contextmanager
def hosted(settings: Settings, report: Callable[[str], None] = info) -> Iterator[Host]:
    """Yield a database with this version's tables, created and migrated if necessary. Raises `DatabaseError`.

    report: receives what is being waited for.
    """
    with server(settings, create=True, report=report) as host:
        _bring_up_once_it_is_up(host, report)
        yield host


def _bring_up_once_it_is_up(host: Host, report: Callable[[str], None]) -> None:
    """Migrate as `bring_up`, waiting up to `LONGEST_START` seconds for a server that is going down or coming up."""
    until = time.monotonic() + LONGEST_START
    while True:
        try:
            bring_up(host.url)
            return
        except DatabaseStartingError as error:
            if time.monotonic() > until:
                raise
            report(f"waiting for the database: {error}")
            time.sleep(START_PAUSE)
            host.revive()


def bring_up(url: str, *, anew: bool = False) -> list[str]:
    """Migrate a database to this version's tables; return the revisions applied, oldest first.

    Also makes the views of schema `bi` and the roles that read them, and fills `order_statuses` with the statuses of
    every installed platform. `anew`: even where tables and views are current. Raises `DatabaseError`, also for a
    database that was moved, or is an unproven copy: two services must not read on in two databases.
    """
    with database.session(url) as connection:
        if mark := database_mark.read(connection):
            raise DatabaseError(f"database {shown(url)}: {mark}")
        current = schema.is_current(connection) and (bi.is_current(connection) or bi.obstacle(connection) is not None)
        if current and not anew:
            _adapt(connection)
            return []
    refuse_others(url)
    from orders_sync.store import migrate  # Alembic and SQLAlchemy: two thirds of an idle `sync`

    applied = migrate.migrate(url)
    with database.session(url) as connection:
        _adapt(connection)
        if applied:
            details = {"revisions": len(applied), "newest": applied[-1]}
            activity.record_blocking(connection, actor.current(), Action.DATABASE_MIGRATE, details=details)
    return applied


def remarks(url: str) -> list[str]:
    """Return what is missing of the views of `bi` and of the roles for readers, with what an administrator can do."""
    with database.session(url) as connection:
        return [*filter(None, [bi.obstacle(connection) or bi.difference(connection), roles.advice(connection)])]


def _adapt(connection: database.Session) -> None:
    """Bring what tables of this version hold in line with the platforms installed and the place they stand in."""
    with connection.transaction():
        order_statuses.fill(connection, {each.name: (each.direction, each.statuses) for each in PLATFORMS.values()})
        change_feed.restart_if_moved(connection)
        daily_figures.rebuild_if_needed(connection)


def refuse_others(url: str) -> None:
    """Raise `DatabaseError` for a database whose tables belong to another program or to a newer version."""
    with database.session(url) as connection:
        if why := schema.why_not_to_change(connection):
            raise DatabaseError(f"database {shown(url)}: {why}")


def demo_file(home: Path) -> Path:
    """Return the path of the file that marks an embedded database as filled by the demo."""
    return home / "demo.json"


def refuse_demo(settings: Settings, url: str) -> None:
    """Raise `DatabaseError` where orders of the settings would land among those of the demo, which are invented."""
    if found := demo_beside(settings, url):
        raise DatabaseError(found)


def demo_beside(settings: Settings, url: str) -> str:
    """Say that the demo's orders are in the database, and what to do; "" where they are not."""
    if settings.database.url is not None or not demo_file(home := embedded_home(settings)).is_file():
        return ""
    with database.session(url) as connection:
        invented = demo_data.accounts(connection)
    if not invented:
        return ""
    return (
        f"the embedded database in {home} has the simulated orders of `orders-sync demo` ({', '.join(invented)}), "
        "which must not stand among others. `orders-sync demo --clear` removes them; or set DATABASE_URL, or "
        "ORDERS_SYNC_HOME to an empty folder"
    )


def embedded_home(settings: Settings) -> Path:
    """Return the home directory of the embedded server. Raises `EmbeddedError` for a user who has none."""
    return settings.home or embedded_postgres.default_home()


@contextmanager
def server(settings: Settings, *, create: bool = False, report: Callable[[str], None] = info) -> Iterator[Host]:
    """Yield a database server that runs during the block, whatever tables it holds.

    create: create the embedded one if there is none. report: receives what is being waited for. Raises
    `DatabaseError` and `EmbeddedError`.
    """
    if settings.database.url is not None:
        yield Host(settings.database.url.reveal())
        return
    home = embedded_home(settings)
    if not create and not embedded_postgres.is_initialized(home):
        raise DatabaseError(
            f"there is no database yet: DATABASE_URL is not set, and no embedded Postgres exists in {home}. "
            "`orders-sync sync`, `run` or `migrate` creates one; `orders-sync demo` is a trial"
        )
    with embedded_postgres.running(home, listen=settings.database.listen, report=report) as server:
        log_size = server.log.stat().st_size
        try:
            yield Host(server.url, server.ensure)
        except DatabaseError as error:
            # a server that finds no room restarts, and its connections only see it go
            if FULL in server.log.read_bytes()[log_size:]:
                raise DatabaseError(
                    f"the disk is full (No space left on device): make room for {home}, then run the command again. "
                    "Stored orders are intact, and nothing is half written"
                ) from error
            raise


async def ask(url: str, question: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Call `question` with one connection and return its result. Raises `DatabaseError`."""
    async with database.connected(url, size=1) as pool, pool.connection() as connection:
        return await question(connection)
