"""The database and the queues as the system page shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orders_sync.store.console import capped, system
from orders_sync.store.database import Connection
from tests.support import ledgers


async def test_the_database_says_what_it_is_and_how_large(connection: Connection) -> None:
    found = (await system.read(connection)).database
    assert found.name == connection.info.dbname
    assert found.bytes > 1_000_000
    assert 0 < found.connections <= found.most_connections
    assert not found.is_read_only


async def test_connections_are_counted_by_a_role_that_may_not_see_what_they_do(connection: Connection) -> None:
    await connection.execute("SET ROLE orders_operator")
    assert (await system.read(connection)).database.connections > 0


async def test_the_largest_tables_come_first(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, read_at) "
        "SELECT '1688', 'shop', n::text, '', '', now() FROM generate_series(1, 3000) AS n"
    )
    await connection.execute("VACUUM raw_orders")
    found = (await system.read(connection)).tables
    assert (found[0].name, found[0].rows) == ("public.raw_orders", 3000)
    assert [each.bytes for each in found] == sorted((each.bytes for each in found), reverse=True)
    assert len(found) == system.MOST_TABLES


async def test_queues_are_counted_by_state_and_failed_jobs_named(connection: Connection) -> None:
    await ledgers.fill(connection)
    found = await system.read(connection)
    queues = [(each.name, each.waiting, each.running, each.failed) for each in found.queues]
    assert queues == [("audit", 2, 0, 1), ("drain", 1, 1, 0)]
    assert found.failed_jobs == [system.FailedJob(4, "audit", "audit", 0)]
    assert [each.key for each in found.waiting] == ["app:1688:1"]


async def test_a_database_without_a_queue_has_no_jobs(connection: Connection) -> None:
    await connection.execute("DROP SCHEMA IF EXISTS sync_jobs CASCADE")
    found = await system.read(connection)
    assert (found.queues, found.failed_jobs, found.waiting) == ([], [], [])


def test_the_room_of_a_folder_is_unknown_where_it_cannot_be_asked(tmp_path: Path) -> None:
    found = system.disk(tmp_path)
    assert found is not None
    assert 0 <= found.free <= found.total
    assert system.disk(tmp_path / "not there") is None


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0"), (1234, "1,234"), (10_000, "10,000"), (10_001, "10,000+"), (99_999, "10,000+")]
)
def test_a_count_that_stopped_says_so(count: int, said: str) -> None:
    assert capped.words(count) == said
