"""Commands that docs/operations.md gives an operator do what it says."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from orders_sync.domain.sweeps import Sweep
from orders_sync.embedded_postgres import binaries
from orders_sync.sandbox import Faults
from orders_sync.store import database
from orders_sync.store.database import Connection, Pool
from tests.support.ledgers import fill
from tests.support.story import Story
from tests.support.worlds import an_hour_ago, world_of

DOC = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sql\n(.*?)```", DOC, re.DOTALL)
[GRANTS] = [block for block in BLOCKS if "CREATE ROLE" in block]
QUERIES = [query for block in BLOCKS if block != GRANTS for query in block.split(";\n") if query]
PERSONAL = ["order_receivers", "raw_orders", "sync.rejects", "sync.messages"]


@pytest.fixture
async def granted(connection: Connection) -> AsyncIterator[Connection]:
    """A ledger with something of everything, and the roles; both are gone when its transaction is."""
    await connection.set_autocommit(False)
    await fill(connection)
    await connection.execute(GRANTS.encode())
    yield connection
    await connection.rollback()


async def test_every_query_of_the_ledger_runs_by_the_role_for_it(granted: Connection) -> None:
    await granted.execute("SET ROLE operations")
    answers = [await (await granted.execute(query.encode())).fetchall() for query in QUERIES]
    # finished windows of the last day: two queries; no worker has a heartbeat
    assert [number for number, rows in enumerate(answers) if not rows] == [
        number for number, query in enumerate(QUERIES) if "'1 day'" in query or "procrastinate_workers" in query
    ]


async def test_query_for_what_the_watermark_waits_for_finds_the_window(granted: Connection) -> None:
    await granted.execute(
        """UPDATE sync.accounts SET watermark = w.starts_at FROM sync.windows AS w
        WHERE w.account = name AND w.state = 'failed'"""
    )
    cursor = await granted.execute(QUERIES[0].encode())
    columns = [column.name for column in cursor.description or ()]
    rows = [dict(zip(columns, row, strict=True)) for row in await cursor.fetchall()]
    assert {row["name"]: row["state"] for row in rows}["busy"] == "failed"


@pytest.mark.parametrize("role", ["orders_reader", "operations"])
async def test_no_reading_role_sees_personal_data(granted: Connection, role: str) -> None:
    await granted.execute(f"SET ROLE {role}".encode())
    for table in PERSONAL:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=table.rpartition(".")[2]):
            async with granted.transaction():
                await granted.execute(f"SELECT * FROM {table}".encode())


async def test_analysts_read_orders(granted: Connection) -> None:
    await granted.execute("SET ROLE orders_reader")
    await granted.execute("SELECT * FROM bi.orders JOIN bi.order_lines USING (platform, order_id)")
    await granted.execute("SELECT o.status, s.status FROM orders AS o JOIN sub_orders AS s USING (platform, order_id)")
    await granted.execute("SELECT * FROM order_history JOIN order_statuses USING (platform, status)")


async def test_operations_ask_for_a_backfill_and_change_nothing_else(granted: Connection) -> None:
    await granted.execute("SET ROLE operations")
    cursor = await granted.execute("SELECT sync.request_backfill('busy', '2026-10-01', '2026-11-01')")
    assert await cursor.fetchone() is not None
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await granted.execute("UPDATE sync.accounts SET watermark = now()")


async def test_restored_backup_catches_up_P1(pool: Pool, url: str, empty_url: str, tmp_path: Path) -> None:
    """Orders that changed and landed after the backup come back by themselves."""
    world = world_of(150, now=an_hour_ago())
    story = Story(pool, url, world, Faults())
    await story.sync()
    dump = tmp_path / "orders.dump"
    [[version]] = story.query("SELECT current_setting('server_version_num')::int / 10000")
    programs = binaries.of_major(str(version))
    await _run(programs / "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={story.url}")
    story.world.mutate(40, datetime.now(UTC))
    story.world.create(10, datetime.now(UTC))
    await story.sync(sweep=Sweep.ALL)
    await _run(programs / "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={empty_url}", str(dump))
    async with database.connected(empty_url, size=12) as other:
        restored = Story(other, empty_url, story.world, story.faults)
        assert not all(verdict.is_equal for verdict in restored.verify().values())
        await restored.sync(sweep=Sweep.ALL)
        restored.assert_equal()


async def _run(program: Path, *arguments: str) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments], capture_output=True, text=True)

    result = await asyncio.to_thread(run)
    assert result.returncode == 0, result.stderr


async def test_what_was_planned_by_a_clock_that_was_ahead_is_forgotten_and_read_again(pool: Pool, url: str) -> None:
    statements = re.findall(r"`((?:DELETE FROM sync.windows|UPDATE sync.accounts)[^`]*);`", " ".join(DOC.split()))
    assert len(statements) == 2
    story = Story(pool, url, world_of(60, now=an_hour_ago()), Faults(), lag=timedelta(minutes=1))
    await story.sync(story.shop)
    [end] = story.query("SELECT max(ends_at) FROM sync.windows")[0]
    story.execute(
        f"""INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state)
        VALUES ('{story.shop}', 'incremental', 'updated', '{end}', now() + interval '9 hours', 'done');
        UPDATE sync.accounts SET watermark = now() + interval '9 hours' WHERE name = '{story.shop}'"""
    )
    assert (await story.sync(story.shop))[story.shop].errors != []
    for statement in statements:
        story.execute(statement.replace("NAME", story.shop))
    assert story.query("SELECT watermark FROM sync.accounts") == [(end,)]
    assert (await story.sync(story.shop))[story.shop].errors == []
    story.assert_equal(story.shop)
