"""Connection poolers in front of Postgres, such as PgBouncer.

The settings and prepared statements of a session must stay with it. In session mode they do. In transaction mode (and
statement mode) a pooler gives every transaction whichever server process is free: that is refused.
"""

from __future__ import annotations

import asyncio

import psycopg

from orders_sync.domain.errors import DatabaseError
from orders_sync.store.conninfo import completed, shown

ROUNDS = 4
ANSWER_SECONDS = 10.0

_known: set[str] = set()  # URLs of poolers that were found to keep sessions


async def refuse_shared_sessions(url: str) -> None:
    """Raise `DatabaseError` when a session's statements do not all go to one server process.

    Two sessions ask by turns which process serves them. A pooler is recognized by its own process number in the
    start-up messages: ask only where that differs from the server's.
    """
    if url in _known:
        return
    async with await _open(url) as one, await _open(url) as other:
        try:
            asked = [[await _process(one), await _process(other)] for _ in range(ROUNDS)]
        except TimeoutError:
            raise DatabaseError(
                f"database {shown(url)}: the pooler in front of Postgres has no second connection for us within "
                f"{ANSWER_SECONDS:.0f} s: raise its pool size (default_pool_size in PgBouncer)"
            ) from None
    ones, others = map(set, zip(*asked, strict=True))
    if len(ones) > 1 or len(others) > 1 or ones == others:
        raise DatabaseError(
            f"database {shown(url)}: a pooler in front of Postgres shares sessions between its clients (transaction "
            "mode): give orders-sync session mode (pool_mode = session in PgBouncer), or the server's own address"
        )
    _known.add(url)


async def _open(url: str) -> psycopg.AsyncConnection[tuple[object, ...]]:
    return await psycopg.AsyncConnection.connect(completed(url), autocommit=True)


async def _process(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> object:
    async with asyncio.timeout(ANSWER_SECONDS):
        row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    return row[0]
