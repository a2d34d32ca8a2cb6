"""Every process of the service is known to the database while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from orders_sync.service import heartbeat as module
from orders_sync.service.components import Components
from orders_sync.service.heartbeat import Heartbeat
from orders_sync.service.liveness import Liveness
from orders_sync.store import database, processes, schema
from orders_sync.store.database import Connection, Pool
from orders_sync.store.processes import ReportedAccounts
from tests.support.cable import cable
from tests.support.databases import rows

pytestmark = pytest.mark.waits
SEEN = "SELECT id, parts, version, tables, pid > 0, seen_at >= started_at FROM sync.processes ORDER BY id"


class Failures:
    """Return the error by which the database refused."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.twice = asyncio.Event()

    async def note(self, error: Exception) -> None:
        self.errors.append(error)
        if len(self.errors) == 2:
            self.twice.set()


@asynccontextmanager
async def beating(pool: Pool, fits: asyncio.Event, failures: Failures, *parts: str) -> AsyncIterator[Heartbeat]:
    heartbeat = Heartbeat(pool, parts, fits, failures.note)
    task = asyncio.create_task(heartbeat.run())
    try:
        yield heartbeat
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture(autouse=True)
def time_to_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is there, and a busy machine may need more than the second that a stop waits for it."""
    monkeypatch.setattr(module, "REMOVAL_SECONDS", 60.0)


@pytest.fixture
def fits() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


async def until(condition: str, connection: Connection) -> None:
    async with asyncio.timeout(300):
        while not await rows(connection, f"SELECT 1 WHERE {condition}"):  # noqa: ASYNC110  only the server knows
            await asyncio.sleep(0.02)


async def test_a_process_is_there_while_it_runs_and_gone_when_it_stops(
    pool: Pool, connection: Connection, fits: asyncio.Event
) -> None:
    failures = Failures()
    async with beating(pool, fits, failures, "scheduler", "worker") as heartbeat:
        await until("EXISTS (SELECT FROM sync.processes)", connection)
        [(id_, parts, version, tables, has_number, is_seen)] = await rows(connection, SEEN)
    assert (id_, parts, tables) == (heartbeat.id, ["scheduler", "worker"], schema.HEAD)
    assert version
    assert (has_number, is_seen) == (True, True)
    assert await rows(connection, SEEN) == []
    assert failures.errors == []


async def test_a_heartbeat_follows_the_other(
    pool: Pool, connection: Connection, fits: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.0)
    async with beating(pool, fits, Failures(), "worker"):
        await until("EXISTS (SELECT FROM sync.processes)", connection)
        [(first,)] = await rows(connection, "SELECT seen_at FROM sync.processes")
        await until(f"(SELECT seen_at FROM sync.processes) > '{first.isoformat()}'", connection)


async def test_a_process_that_was_killed_is_forgotten_after_a_while_by_those_that_live(connection: Connection) -> None:
    for name in ("old", "young", "self"):
        await processes.report(connection, name, ["worker"], "host", 1)
    await connection.execute(
        "UPDATE sync.processes SET seen_at = now() - CASE id WHEN 'young' THEN interval '5 m' ELSE interval '11 m' END"
    )
    await processes.report(connection, "self", ["worker"], "host", 1)
    assert await rows(connection, "SELECT id FROM sync.processes ORDER BY id") == [("self",), ("young",)]


async def test_nothing_is_written_into_tables_of_another_version(
    pool: Pool, connection: Connection, fits: asyncio.Event
) -> None:
    failures = Failures()
    async with beating(pool, fits, failures, "worker"):
        await until("EXISTS (SELECT FROM sync.processes)", connection)
        fits.clear()
    assert len(await rows(connection, SEEN)) == 1
    async with beating(pool, fits, failures, "worker"):
        await asyncio.sleep(0)
    assert len(await rows(connection, SEEN)) == 1


async def test_what_the_database_refuses_is_reported_and_ends_nothing(
    pool: Pool, connection: Connection, fits: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.0)
    await connection.execute("ALTER TABLE sync.processes RENAME TO away")
    failures = Failures()
    async with beating(pool, fits, failures, "worker"):
        async with asyncio.timeout(300):
            await failures.twice.wait()
        await connection.execute("ALTER TABLE sync.away RENAME TO processes")
        await until("EXISTS (SELECT FROM sync.processes)", connection)
    assert {type(error) for error in failures.errors} == {psycopg.errors.UndefinedTable}


def test_parts_are_named_as_the_commands_that_run_them_alone() -> None:
    assert Components(schedules=True, works=True, hooks=True).names == ["scheduler", "worker", "console"]
    assert [Components(schedules=True).names, Components(works=True).names, Components(hooks=True).names] == [
        ["scheduler"],
        ["worker"],
        ["console"],
    ]


async def test_after_an_outage_a_process_reports_at_once(
    url: str, connection: Connection, fits: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail_again(pool: Pool) -> None:
        before = pool.get_stats().get("requests_errors", 0)
        async with asyncio.timeout(300):
            while pool.get_stats().get("requests_errors", 0) == before:  # noqa: ASYNC110  only the pool knows
                await asyncio.sleep(0.02)

    monkeypatch.setattr(module, "SECONDS", 0.1)
    async with (
        cable(url) as line,
        database.connected(line.url, 1, 0.5) as pool,
        beating(pool, fits, Failures(), "worker"),
    ):
        await until("EXISTS (SELECT FROM sync.processes)", connection)
        line.cut()
        await fail_again(pool)
        monkeypatch.setattr(module, "SECONDS", 3600.0)  # only a retry can come now
        await fail_again(pool)
        await fail_again(pool)
        await connection.execute("UPDATE sync.processes SET seen_at = now() - interval '5 minutes'")
        line.mend()
        await until("EXISTS (SELECT FROM sync.processes WHERE seen_at > now() - interval '1 minute')", connection)


async def test_news_of_an_account_is_reported_at_once(
    pool: Pool, connection: Connection, fits: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 3600.0)
    liveness = Liveness()

    def accounts() -> ReportedAccounts:
        return ReportedAccounts(["a", "b"], {"b": "no secret"}, liveness.planning_errors)

    heartbeat = Heartbeat(pool, ["scheduler"], fits, Failures().note, accounts, liveness.reasons_changed)
    task = asyncio.create_task(heartbeat.run())
    await until("EXISTS (SELECT FROM sync.processes WHERE failing = '{}')", connection)
    liveness.planning_failed("a", "the clock was put back")
    await until("EXISTS (SELECT FROM sync.processes WHERE failing->>'a' = 'the clock was put back')", connection)
    liveness.account_planned("a")
    await until("EXISTS (SELECT FROM sync.processes WHERE failing = '{}')", connection)
    assert await rows(connection, "SELECT accounts, misconfigured FROM sync.processes") == [
        (["a", "b"], {"b": "no secret"})
    ]
    task.cancel()
    await asyncio.wait([task])
