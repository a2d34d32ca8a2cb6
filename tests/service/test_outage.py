"""A database that goes away: said in a line or two, and the service is back as soon as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import psycopg
import pytest
import structlog
from psycopg import errors
from psycopg_pool import PoolTimeout
from structlog.typing import EventDict

from orders_sync.domain.errors import DatabaseError
from orders_sync.engine import planner
from orders_sync.engine.sources import AccountSource
from orders_sync.sandbox import SandboxTransport
from orders_sync.service.app import Service
from orders_sync.service.components import Components
from orders_sync.service.outage import REPEAT_SECONDS, Outage, is_connection_loss
from orders_sync.service.queue import QueueError
from orders_sync.service.web import listening_socket
from orders_sync.settings import Settings
from orders_sync.settings.models import ServiceSettings
from orders_sync.store import schema
from orders_sync.store.database import Connection
from tests.support.cable import cable
from tests.support.clock import Clock
from tests.support.databases import Tables
from tests.support.scheduling import with_interval
from tests.support.story import Story, Tell

pytestmark = pytest.mark.waits
LONGEST = 300  # seconds: a guard, not a measure
TICK = Settings(service=ServiceSettings(tick=timedelta(seconds=1)))


@pytest.fixture
def said() -> Iterator[list[EventDict]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def events(said: list[EventDict]) -> list[str]:
    return [line["event"] for line in said if "database" in line["event"]]


async def test_an_outage_is_a_line_when_it_begins_one_a_minute_and_one_when_it_is_over(said: list[EventDict]) -> None:
    clock = Clock()
    outage = Outage(clock)
    for _ in range(3):
        for part in ("worker", "scheduler", "watch") * 99:
            outage.record_failure(part, PoolTimeout("none in 5 s"))
        clock.now += REPEAT_SECONDS
    outage.end()
    outage.end()
    assert events(said) == [
        "database unavailable; retrying until it is back",
        "database still unavailable",
        "database still unavailable",
        "database available again",
    ]
    assert said[-1]["seconds"] == 180


def with_cause(cause: Exception) -> QueueError:
    error = QueueError()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (psycopg.OperationalError("connection refused"), True),
        (PoolTimeout("none in 5 s"), True),
        (errors.AdminShutdown(), True),
        (errors.CannotConnectNow(), True),
        (errors.TooManyConnections(), True),
        (errors.ConnectionFailure(), True),
        (psycopg.InterfaceError("the connection is closed"), True),
        (QueueError(), True),
        (with_cause(PoolTimeout("none")), True),
        (with_cause(errors.UndefinedTable()), False),
        (errors.DiskFull(), False),
        (errors.OutOfMemory(), False),
        (errors.ReadOnlySqlTransaction(), False),
        (errors.LockNotAvailable(), False),
        (errors.UndefinedTable(), False),
        (errors.InsufficientPrivilege(), False),
        (ValueError(), False),
    ],
)
def test_only_a_lost_connection_is_an_outage(error: Exception, away: bool) -> None:
    assert is_connection_loss(error) is away


class Running:
    """A process of the service in this event loop, on a database behind a cable."""

    def __init__(self, story: Story, url: str, register_again: Callable[[], None] = lambda: None) -> None:
        self.story = story
        http = httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app))
        self.web = listening_socket("127.0.0.1:0")
        self.root = f"http://127.0.0.1:{self.web.getsockname()[1]}"
        parts = Components(schedules=True, works=True, web=self.web, hooks=True)
        sources = with_interval(story.sources(), timedelta(seconds=1))
        self.service = Service(
            url, TICK, sources, story.limits, http, parts, revive=lambda: None, register_again=register_again
        )

    async def __aenter__(self) -> Running:
        self.task = asyncio.create_task(self.service.run())
        await self.until(self.windows)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.service._stop.set()
        async with asyncio.timeout(LONGEST):
            await self.task

    async def until(self, holds: Callable[[], object]) -> None:
        """Return once it holds. Raises what ended the process, if that happens first."""
        async with asyncio.timeout(LONGEST):
            while not holds():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.05)

    def windows(self) -> int:
        [(count,)] = self.story.query("SELECT count(*) FROM sync.windows WHERE state = 'done'")
        return int(str(count))

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await http.get(self.root + path, timeout=LONGEST)


async def test_after_an_outage_reading_goes_on_and_only_two_lines_speak_of_it(
    tell: Tell, url: str, said: list[EventDict]
) -> None:
    async with cable(url) as line, Running(tell(orders=30), line.url) as running:
        line.cut()
        await running.until(lambda: running.service._outage.is_active)
        assert (await running.get("/readyz")).json()["because"] == "the database does not answer"
        assert (await running.get("/healthz")).status_code == 200
        before = running.windows()
        line.mend()
        await running.until(lambda: not running.service._outage.is_active)
        await running.until(lambda: running.windows() > before)
        assert (await running.get("/readyz")).status_code == 200
    away_and_back = ["database unavailable; retrying until it is back", "database available again"]
    assert events(said) in (away_and_back, away_and_back * 2)  # a connection cut before may be met afterwards
    away = next(each for each in said if "unavailable" in each["event"])
    assert "connection failed" in away["error"] or "closed" in away["error"] or "terminat" in away["error"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("53100", "DiskFull"),
        ("42501", "InsufficientPrivilege"),
    ],
)
async def test_a_statement_refused_to_a_job_is_no_outage_and_is_reported_as_what_it_is(
    tell: Tell, url: str, said: list[EventDict], code: str, kind: str
) -> None:
    async with Running(tell(orders=30), url) as running:
        story = running.story
        # in threads: the process in this event loop holds locks that they wait for
        await asyncio.to_thread(
            Tables(url).execute,
            f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                AS $$BEGIN RAISE 'not today' USING ERRCODE = '{code}'; END$$;
            CREATE TRIGGER refuse BEFORE UPDATE ON sync.windows FOR EACH ROW WHEN (NEW.state = 'done')
                EXECUTE FUNCTION refuse()
            """,
        )
        refused = f"the database refused a statement: {kind}: not today. Once that is mended"
        await running.until(
            lambda: story.query("SELECT 1 FROM sync.accounts WHERE last_error ^@ %s AND rests_until > now()", refused)
        )
        await running.until(lambda: events(said))
        assert not running.service._outage.is_active
        for statement in ("DROP FUNCTION refuse CASCADE", "UPDATE sync.accounts SET rests_until = NULL"):
            await asyncio.to_thread(Tables(url).execute, statement)
        before = running.windows()
        await running.until(lambda: running.windows() > before)
        await running.until(lambda: not story.query("SELECT 1 FROM sync.accounts WHERE last_error IS NOT NULL"))
    [line] = [each for each in said if "database" in each["event"]]
    assert (line["event"], line["part"], line["error"]) == ("database error; retrying", "worker", f"{kind}: not today")
    assert line["job"].startswith("drain of ")


async def test_windows_held_when_the_database_went_are_read_again_without_waiting_for_their_leases_P5(
    tell: Tell, url: str
) -> None:
    async with cable(url) as line, Running(tell(orders=30), line.url) as running:
        story = running.story
        is_cut: list[bool] = []

        def cut() -> None:
            story.world.between_calls = None
            line.cut()
            is_cut.append(True)

        story.world.between_calls = cut
        await running.until(lambda: is_cut)
        held = [row[0] for row in story.query("SELECT id FROM sync.windows WHERE state = 'running'")]
        assert held
        story.query(
            "UPDATE sync.windows SET lease_until = now() + interval '1 day' WHERE state = 'running' RETURNING 1"
        )
        await running.until(lambda: running.service._outage.is_active)
        line.mend()
        await running.until(
            lambda: story.query("SELECT 1 FROM sync.windows WHERE state = 'done' AND id = ANY(%s)", held)
        )


async def test_a_process_beside_newer_tables_does_nothing_and_goes_on_with_its_own(
    tell: Tell, url: str, said: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders_sync.service.app.WATCH_SECONDS", 0.05)
    async with Running(tell(orders=30), url) as running:
        story = running.story
        story.query("UPDATE sync.alembic_version SET version_num = '9999' RETURNING 1")
        await running.until(lambda: running.service._gate.mismatch)
        await running.until(lambda: running.service._gate.working == 0)  # neither the worker nor a tick
        await running.until(lambda: running.service._liveness._running_jobs == 0)
        await running.until(lambda: not story.query("SELECT 1 FROM sync.windows WHERE state = 'running'"))
        ledger = "SELECT count(*), max(fence), max(planned_at) FROM sync.windows"
        before = story.query(ledger)
        answer = await running.get("/readyz")
        assert answer.status_code == 503
        assert "newer than this program's" in answer.json()["because"]
        assert "update or stop this process" in answer.json()["because"]
        assert (await running.get("/healthz")).status_code == 200
        await asyncio.sleep(1.5)  # more than a tick: there is nothing to wait for
        assert story.query(ledger) == before
        story.query("UPDATE sync.alembic_version SET version_num = %s RETURNING 1", schema.HEAD)
        await running.until(lambda: story.query(ledger) != before)
    errors = [line for line in said if "newer than" in line["event"]]
    assert len(errors) == 1
    assert errors[0]["log_level"] == "error"


async def test_a_tick_in_flight_plans_nothing_more_once_the_tables_are_newer(
    tell: Tell, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders_sync.service.app.WATCH_SECONDS", 0.05)
    planned: list[str] = []
    story = tell(orders=30)

    async def long(_: Connection, source: AccountSource) -> bool:
        planned.append(source.account.name)
        story.query("UPDATE sync.alembic_version SET version_num = '9999' RETURNING 1")
        await asyncio.Event().wait()
        return False

    async with Running(story, url) as running:
        monkeypatch.setattr(planner, "plan_due", long)
        await running.until(lambda: running.service._gate.mismatch and running.service._gate.working == 0)
        assert len(planned) == 1
        assert len(story.sources()) > 1


async def test_planning_that_raises_for_every_account_turns_health_red_and_back(
    tell: Tell, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders_sync.service.liveness.PLANNING_LIMIT", 0.2)
    plan_due = planner.plan_due

    async def broken(*_: object) -> bool:
        raise ValueError("a mistake")

    async with Running(tell(orders=30), url) as running:
        monkeypatch.setattr(planner, "plan_due", broken)
        # all of them: one alone, or a slow tick, is red for a moment only
        await running.until(
            lambda: "no account can be planned" in str(running.service._component_states()["scheduler"])
        )
        answer = await running.get("/healthz")
        assert answer.status_code == 503
        assert "planned" in answer.json()["failing"]["scheduler"]
        monkeypatch.setattr("orders_sync.service.liveness.PLANNING_LIMIT", 60)
        monkeypatch.setattr(planner, "plan_due", plan_due)
        await running.until(lambda: not running.service._liveness.failing_accounts)
        assert (await running.get("/healthz")).status_code == 200


async def test_a_probe_waits_no_longer_than_until_an_outage_begins() -> None:
    """What a component says of a connection that was lost before must not hold it up once the database is back."""
    outage = Outage()
    probing = asyncio.create_task(outage.wait_for_beginning(LONGEST * 100))
    await asyncio.sleep(0)
    outage.record_failure("worker", PoolTimeout("none in 5 s"))
    async with asyncio.timeout(LONGEST):
        await probing
        await outage.wait_for_beginning(LONGEST * 100)  # it is active
    outage.end()
    await outage.wait_for_beginning(0)
    assert not outage.is_active


async def test_accounts_are_compared_with_the_settings_again_once_killed_processes_are_silent(
    tell: Tell, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a process killed just before the start had in its settings did not count as removed then."""
    monkeypatch.setattr("orders_sync.service.app.REGISTER_SECONDS", 0.01)
    answers = iter([DatabaseError("away"), None])
    asked: list[object] = []

    def register_again() -> None:
        asked.append(answer := next(answers))
        if answer is not None:
            raise answer

    async with Running(tell(orders=30), url, register_again) as running:
        await running.until(lambda: len(asked) == 2)
