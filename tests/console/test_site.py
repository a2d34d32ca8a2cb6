"""Connections that pages share: they come back as they were lent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import psycopg
import pytest

from orders_sync.console.site import Site
from orders_sync.settings import Settings
from orders_sync.store import database
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_value


async def _fail_in_transaction(connection: Connection) -> None:
    async with connection.transaction():
        await connection.execute("SELECT 1 / 0")


async def _fail_by_itself(connection: Connection) -> None:
    await connection.execute("SELECT 1 / 0")


async def _refuse(connection: Connection) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("work", [_fail_in_transaction, _fail_by_itself, _refuse])
async def test_a_connection_has_its_time_limit_back_after_an_action_that_failed(
    url: str, work: Callable[[Connection], Awaitable[None]]
) -> None:
    async with database.open_pool(url, 1, 5.0, name="one") as pool:
        site = Site(url, Settings(), pool)
        async with pool.connection() as connection:
            before = await fetch_value(connection, "SHOW statement_timeout", None, str)
        with pytest.raises((ZeroDivisionError, psycopg.errors.DivisionByZero)):
            async with site.working() as connection:
                await work(connection)
        async with pool.connection() as connection:
            assert await fetch_value(connection, "SHOW statement_timeout", None, str) == before
        site.close()


async def test_a_connection_that_is_lost_in_an_action_raises_what_ended_it(url: str) -> None:
    async with database.open_pool(url, 1, 5.0, name="one") as pool:
        site = Site(url, Settings(), pool)
        with pytest.raises(psycopg.errors.AdminShutdown):
            async with site.working() as connection:
                await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        site.close()
