"""The database of a command: its server, its tables, and whose orders it holds.

ask       one question of tables of this version; nothing is created or migrated
opened    the same for several questions
hosted    tables are created or migrated where necessary, the embedded server too
server    a server, whatever tables it holds

Each connection costs some milliseconds, over TLS and with a password some dozens: a command asks everything by the
session of its `Host`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
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
from orders_sync.store.database import Connection, Session, Sessions
from orders_sync.store.database_errors import plain_words

Result = TypeVar("Result")
FULL = b"No space left on device"
LONGEST_START = 60.0  # seconds that a server which recovers from a crash is waited for
START_PAUSE = 2.0  # seconds between two connections that are tried
ROLES = "The database role lacks a privilege: see docs/operations.md (Roles that read) for the grants"


class Host:
    """A database server. `revive` restarts the embedded one if it died; it does nothing for any other."""

    def __init__(self, url: str, revive: Callable[[], None] = lambda: None) -> None:
        self.url = url
        self.revive = revive
        self._sessions = Sessions(url, 1, "orders-sync")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Lend the autocommit session of the command, or another where it was cut or is in use. Raises `DatabaseError`.

        Up to `close` it stays open between two uses.
        """
        with plain_words(self.url), self._sessions.session() as session:
            yield session

    def ask(self, question: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Call `question` with a connection of its own and return its result. Raises `DatabaseError`."""
        from orders_sync.cli import event_loop  # uvloop: most commands that only look have no use for it

        async def asked() -> Result:
            async with database.connected(self.url, size=1) as pool, pool.connection() as connection:
                return await question(connection)

        return event_loop.run(asked())

    def close(self) -> None:
        """Close the session, and from now on each after its use: before what takes long, and at the end."""
        self._sessions.close()


def ask(settings: Settings, question: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Call `question` with a connection to a database as `opened` yields it. Returns its result; raises the same."""
    with server(settings) as host, _rights_explained():

        async def asked(connection: Connection) -> Result:
            if await schema.revision_of(connection) != schema.HEAD:
                _refuse_other_tables(host)
            return await question(connection)

        return host.ask(asked)


@contextmanager
def opened(settings: Settings) -> Iterator[Host]:
    """Yield an existing database with this version's tables; create and migrate nothing.

    Raises `DatabaseError`, with what to do, when there is no database, no tables or tables of another version, and when
    the role may not read what the block queries.
    """
    with server(settings) as host, _rights_explained():
        _refuse_other_tables(host)
        yield host


def _refuse_other_tables(host: Host) -> None:
    with host.session() as session:
        difference = schema.difference(session)
    if difference:
        raise SchemaVersionError(f"database {shown(host.url)}: {difference}")


@contextmanager
def _rights_explained() -> Iterator[None]:
    try:
        yield
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
            bring_up(host)
            return
        except DatabaseStartingError as error:
            if time.monotonic() > until:
                raise
            report(f"waiting for the database: {error}")
            time.sleep(START_PAUSE)
            host.revive()


def bring_up(host: Host, *, anew: bool = False) -> list[str]:
    """Migrate a database to this version's tables; return the revisions applied, oldest first.

    Also makes the views of schema `bi` and the roles that read them, and fills `order_statuses` with the statuses of
    every installed platform. `anew`: even where tables and views are current. Raises `DatabaseError`, also for a
    database that was moved, or is an unproven copy: two services must not read on in two databases.
    """
    with host.session() as session:
        if mark := database_mark.read(session):
            raise DatabaseError(f"database {shown(host.url)}: {mark}")
        current = schema.is_current(session) and (bi.is_current(session) or bi.obstacle(session) is not None)
        if current and not anew:
            _adapt(session)
            return []
        if why := schema.why_not_to_change(session):
            raise DatabaseError(f"database {shown(host.url)}: {why}")
    from orders_sync.store import migrate  # Alembic and SQLAlchemy: two thirds of an idle `sync`

    applied = migrate.migrate(host.url)
    with host.session() as session:
        _adapt(session)
        if applied:
            details = {"revisions": len(applied), "newest": applied[-1]}
            activity.record_blocking(session, actor.current(), Action.DATABASE_MIGRATE, details=details)
    return applied


def remarks(session: Session) -> list[str]:
    """Return what is missing of the views of `bi` and of the roles for readers, with what an administrator can do."""
    return [*filter(None, [bi.obstacle(session) or bi.difference(session), roles.advice(session)])]


def _adapt(session: Session) -> None:
    """Bring what tables of this version hold in line with the platforms installed and the place they stand in."""
    with session.transaction():
        order_statuses.fill(session, {each.name: (each.direction, each.statuses) for each in PLATFORMS.values()})
        change_feed.restart_if_moved(session)
        daily_figures.rebuild_if_needed(session)


def demo_file(home: Path) -> Path:
    """Return the path of the file that marks an embedded database as filled by the demo."""
    return home / "demo.json"


def refuse_demo(settings: Settings, session: Session) -> None:
    """Raise `DatabaseError` where orders of the settings would land among those of the demo, which are invented."""
    if found := demo_beside(settings, session):
        raise DatabaseError(found)


def demo_beside(settings: Settings, session: Session) -> str:
    """Say that the demo's orders are in the database, and what to do; "" where they are not."""
    if settings.database.url is not None or not demo_file(home := embedded_home(settings)).is_file():
        return ""
    invented = demo_data.accounts(session)
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
        with closing(Host(settings.database.url.reveal())) as host:
            yield host
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
            with closing(Host(server.url, server.ensure)) as host:
                yield host
        except DatabaseError as error:
            # a server that finds no room restarts, and its connections only see it go
            if FULL in server.log.read_bytes()[log_size:]:
                raise DatabaseError(
                    f"the disk is full (No space left on device): make room for {home}, then run the command again. "
                    "Stored orders are intact, and nothing is half written"
                ) from error
            raise
