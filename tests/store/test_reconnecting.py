"""Pools on a real server that stops and comes back: whoever waits is served, whatever the pool met meanwhile."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack

import psutil
import pytest

from orders_sync import embedded_postgres
from orders_sync.embedded_postgres import Server
from orders_sync.service.queue import CONNECTIONS, WAIT_SECONDS
from orders_sync.store import database
from orders_sync.store.database import Pool

pytestmark = [pytest.mark.db, pytest.mark.waits]
IDLE = 12  # connections of the pool of a busy process
LONGEST = 300  # seconds: a guard, not a measure


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with embedded_postgres.running(tmp_path_factory.mktemp("own")) as server:
        yield server


def stop(server: Server) -> None:
    postmaster = psutil.Process(int((server.data_dir / "postmaster.pid").read_text().split()[0]))
    postmaster.send_signal(signal.SIGINT)
    postmaster.wait(LONGEST)


async def start(server: Server) -> None:
    await asyncio.to_thread(server.ensure)


class Said(logging.Handler):
    """What the pools log, to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put_nowait(record.getMessage())

    async def wait_for(self, text: str, times: int = 1) -> None:
        while times:
            times -= text in await self.lines.get()


@pytest.fixture
def said() -> Iterator[Said]:
    logger, handler = logging.getLogger("psycopg.pool"), Said()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


async def fill(pool: Pool, connections: int) -> None:
    """Have a pool hold so many idle connections."""
    async with AsyncExitStack() as stack:
        for _ in range(connections):
            await stack.enter_async_context(pool.connection())


async def answer(pool: Pool) -> object:
    async with pool.connection() as connection:
        return (await (await connection.execute("SELECT 1")).fetchone() or (None,))[0]


async def test_many_dead_connections_of_a_restarted_server_cost_no_pause(own_server: Server) -> None:
    async with database.connected(own_server.url, IDLE, wait=WAIT_SECONDS) as pool:
        await fill(pool, IDLE)
        stop(own_server)
        await start(own_server)
        assert await answer(pool) == 1
        assert await asyncio.gather(*[answer(pool) for _ in range(IDLE)]) == [1] * IDLE


async def test_who_waits_is_served_though_the_pool_gave_up_meanwhile(own_server: Server, said: Said) -> None:
    async with database.connected(own_server.url, 1, wait=LONGEST) as pool:
        await fill(pool, 1)
        stop(own_server)
        waiting = asyncio.create_task(answer(pool))
        async with asyncio.timeout(LONGEST):
            await said.wait_for("reconnection attempt in pool", times=2)
        await start(own_server)
        assert await waiting == 1


async def test_every_pool_of_a_process_is_back_once_the_server_is(own_server: Server, said: Said) -> None:
    """Each within the time for which the service waits for a connection."""
    async with AsyncExitStack() as stack:
        main = await stack.enter_async_context(database.connected(own_server.url, IDLE, WAIT_SECONDS))
        jobs = await stack.enter_async_context(database.open_pool(own_server.url, CONNECTIONS, WAIT_SECONDS))
        web = await stack.enter_async_context(database.connected(own_server.url, 4, WAIT_SECONDS))
        pools = [main, jobs, web]
        for pool, connections in zip(pools, (IDLE, CONNECTIONS, 4), strict=True):
            await fill(pool, connections)
        stop(own_server)
        lost = await asyncio.gather(*[answer(pool) for pool in pools * 3], return_exceptions=True)
        assert {type(each).__name__ for each in lost} == {"PoolTimeout"}
        waiting = [asyncio.create_task(answer(pool)) for pool in pools]
        await start(own_server)
        assert await asyncio.gather(*[answer(pool) for pool in pools]) == [1, 1, 1]
        await asyncio.gather(*waiting, return_exceptions=True)
