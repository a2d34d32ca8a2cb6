"""Connections: what the pool hands out works."""

from __future__ import annotations

import psycopg

from orders_sync.store import database


async def test_connection_whose_server_process_ended_in_the_pool_is_not_handed_out(empty_url: str) -> None:
    async with database.connected(empty_url, size=1) as pool:
        async with pool.connection() as connection:
            before = connection.info.backend_pid
        with psycopg.connect(empty_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [before])  # returns once it is gone
        async with pool.connection() as connection:
            cursor = await connection.execute("SELECT 1")
            assert await cursor.fetchone() == (1,)
            assert connection.info.backend_pid != before
