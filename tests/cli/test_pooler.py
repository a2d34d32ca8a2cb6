"""Behind PgBouncer: session mode works for everything, the other modes are refused before anything is done."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from orders_sync.domain.errors import DatabaseError
from orders_sync.sandbox import World
from orders_sync.store import database, pooler
from tests.support.bouncer import bouncer, needed
from tests.support.databases import Tables
from tests.support.terminal import Terminal, eventually, platforms

pytestmark = [needed, pytest.mark.waits]
PACE = '[sync]\nlag = "0s"\ninterval = "1s"\n[service]\ntick = "1s"\n'
SHARED = [("transaction", {}), ("transaction", {"server_round_robin": 1}), ("statement", {})]


async def test_in_session_mode_sync_and_the_service_land_orders(terminal: Terminal, url: str, world: World) -> None:
    def use(through: str) -> None:
        terminal.variables["DATABASE_URL"] = through
        tables = Tables(url)
        with platforms(world) as (root, _):
            terminal.describe(world, root, "sandbox-1688", extra=PACE)
            terminal.run("doctor").assert_well()
            terminal.run("sync").assert_well()
            before = tables.query("SELECT max(seen_at) FROM order_history")
            service = terminal.serve("run", "--listen", "127.0.0.1:0")
            victim = next(o for o in world.shop("sandbox-1688").index.orders.values() if o.quirk != "sample")
            world.change("sandbox-1688", victim.order_id, "write_memo", now=datetime.now(UTC))
            eventually(lambda: tables.query("SELECT max(seen_at) FROM order_history") != before)
            assert "database unavailable" not in service.stop()

    async with bouncer(url, "session") as through:
        await asyncio.to_thread(use, through)


async def test_in_session_mode_the_tables_are_made(terminal: Terminal, empty_url: str) -> None:
    async with bouncer(empty_url, "session") as through:
        said = await asyncio.to_thread(terminal.run, "migrate", DATABASE_URL=through)
        assert "migrated: 0001" in said.assert_well().err


@pytest.mark.parametrize(("mode", "settings"), SHARED, ids=["transaction", "round robin", "statement"])
async def test_shared_sessions_are_refused_with_what_to_do(
    terminal: Terminal, url: str, world: World, mode: str, settings: dict[str, object]
) -> None:
    def use(through: str) -> None:
        terminal.describe(world, "http://127.0.0.1:1", "sandbox-1688")
        for command in (["sync"], ["run", "--listen", "127.0.0.1:0"], ["status"], ["migrate"]):
            said = terminal.run(*command, DATABASE_URL=through)
            said.assert_complains("pooler", "pool_mode = session", "the server's own address")
        said = terminal.run("doctor", DATABASE_URL=through)
        assert said.code == 1
        assert "pool_mode = session" in said.out

    async with bouncer(url, mode, **settings) as through:
        await asyncio.to_thread(use, through)


async def test_a_pooler_without_a_second_connection_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooler, "ANSWER_SECONDS", 0.5)
    async with bouncer(url, "session", default_pool_size=2) as through, database.connected(through, 1) as pool:
        pooler._known.clear()
        async with pool.connection():
            with pytest.raises(DatabaseError, match=r"no second connection.*default_pool_size"):
                await pooler.refuse_shared_sessions(through)


async def test_whether_sessions_are_shared_is_asked_once(url: str) -> None:
    async with bouncer(url, "session") as through:
        async with database.connected(through, 1):
            pass
        assert through in pooler._known
