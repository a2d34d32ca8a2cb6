"""The console of one process: its settings, its pool of connections, and what the rest of the process tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from psycopg import errors
from psycopg.pq import TransactionStatus

from orders_sync.engine.sources import AccountSource
from orders_sync.settings import Settings
from orders_sync.store import roles
from orders_sync.store.database import Connection, Pool, Session, Sessions

SESSIONS = 2  # connections of `ask` that stay open
READING_SECONDS = 2  # for a statement of a page
ACTING_SECONDS = 10  # for a statement of an action

Result = TypeVar("Result")


@dataclass
class Site:
    """The state that pages share.

    `pool`: the console's own, so that busy workers cost no page. `mismatch`: why the tables are of another version than
    the program, None if they are not: then nothing is changed. `may_switch`: whether a statement of a page runs by a
    role that can do no more than the page (`store/roles.py`); None before it was tried. `sources`: the accounts of the
    settings that can be used.
    """

    url: str
    settings: Settings
    pool: Pool
    mismatch: Callable[[], str | None] = lambda: None
    may_switch: bool | None = None
    sources: Sequence[AccountSource] = ()

    def __post_init__(self) -> None:
        """Prepare the connections of `ask`; none is made yet."""
        self._sessions = Sessions(self.url, SESSIONS, "orders-sync-console")

    def close(self) -> None:
        """Close the connections of `ask`."""
        self._sessions.close()

    @cached_property
    def base_path(self) -> str:
        """The path before every path of the console: empty, or as /console."""
        return self.settings.console.base_path

    @asynccontextmanager
    async def reading(self, *, personal_data: bool = False) -> AsyncIterator[Connection]:
        """Open a transaction that only reads, by a role that sees `personal_data`, and payloads, only if asked to."""
        async with self.pool.connection() as connection:
            if self.may_switch is None:
                self.may_switch = await _may_switch(connection)
            async with connection.transaction():
                limits = [f"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '{READING_SECONDS}s'"]
                if self.may_switch:
                    limits.append(f"SET LOCAL ROLE {roles.CONSOLE if personal_data else roles.OPERATOR}")
                await connection.execute("; ".join(limits).encode())
                yield connection

    async def ask(
        self, question: Callable[[Session], Result], *, personal_data: bool = False, seconds: int | None = None
    ) -> Result:
        """Call `question` with a connection that blocks, in a thread; otherwise as `reading`.

        `seconds`: the longest time of a statement, if not `READING_SECONDS`.
        """
        if self.may_switch is None:
            async with self.pool.connection() as connection:
                self.may_switch = await _may_switch(connection)

        longest = READING_SECONDS if seconds is None else seconds
        limits = [f"SET statement_timeout = '{longest}s'; SET default_transaction_read_only = on"]
        if self.may_switch:
            limits.append(f"SET ROLE {roles.CONSOLE if personal_data else roles.OPERATOR}")

        def work() -> Result:
            with self._sessions.session() as session:
                session.execute("; ".join(limits).encode())  # the last question had others
                return question(session)

        return await asyncio.to_thread(work)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Connection]:
        """Lend a connection of the service's own role, each statement by itself unless a transaction is begun."""
        async with self.pool.connection() as connection:
            await connection.execute(f"SET statement_timeout = '{ACTING_SECONDS}s'".encode())
            try:
                yield connection
            finally:
                if connection.info.transaction_status is TransactionStatus.IDLE:  # not of one that is lost
                    await connection.execute("SET statement_timeout = 0")


async def _may_switch(connection: Connection) -> bool:
    """Return whether this session may take the roles of readers."""
    try:
        async with connection.transaction():
            for role in (roles.OPERATOR, roles.CONSOLE):
                await connection.execute(f"SET LOCAL ROLE {role}".encode())
                await connection.execute("RESET ROLE")
    except (errors.InsufficientPrivilege, errors.UndefinedObject, errors.InvalidParameterValue):
        return False
    return True
