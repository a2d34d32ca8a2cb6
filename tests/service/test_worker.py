"""A worker reads what is planned, by turns, and leaves to others what is theirs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta

import httpx
import psycopg
import pytest
import structlog
from psycopg import sql
from psycopg.conninfo import make_conninfo

from orders_sync.engine import runner
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.sources import AccountSource
from orders_sync.sandbox import SandboxTransport
from orders_sync.service import malloc
from orders_sync.service import queue as queues
from orders_sync.service import worker as module
from orders_sync.service.queue import QUEUE, Queue
from orders_sync.service.worker import Worker
from orders_sync.store import database
from tests.support.databases import Tables
from tests.support.scheduling import jobs, scheduler
from tests.support.story import Story, Tell

DAY = timedelta(days=1)
GUARD = 60  # seconds: what takes longer hangs


class Stuck(httpx.AsyncBaseTransport):
    """Never answers; `asked` is set with the first call."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


@pytest.fixture(autouse=True)
def time_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account is read to its end, however long a busy machine needs for a window."""
    monkeypatch.setattr(module, "TURN_SECONDS", 600.0)
    monkeypatch.setattr(runner, "SLOT_SECONDS", 600.0)


def worker(
    story: Story,
    queue: Queue,
    sources: list[AccountSource] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> tuple[Worker, RunContext]:
    http = httpx.AsyncClient(transport=transport or SandboxTransport(story.sandbox.app))
    sources = sources or story.sources()
    run_context = RunContext(story.pool, http, sources, story.limits, story.progress)
    return Worker(run_context, queue, sources, DAY), run_context


async def plan(story: Story, queue: Queue) -> int:
    """Have everything planned, and nobody asked to read it; how many windows wait."""
    await scheduler(story, queue).plan_due_accounts()
    story.query("DELETE FROM sync_jobs.procrastinate_jobs RETURNING 1")
    return waiting(story)


def waiting(story: Story) -> int:
    return int(str(story.query("SELECT count(*) FROM sync.windows WHERE state = 'planned'")[0][0]))


async def test_what_the_scheduler_plans_a_worker_lands_P1(tell: Tell, queue: Queue) -> None:
    story = tell()
    worker(story, queue)
    await scheduler(story, queue).plan_due_accounts()
    await queue.app.run_worker_async(
        queues=[QUEUE], wait=False, delete_jobs="successful", install_signal_handlers=False, listen_notify=False
    )
    story.assert_equal()
    assert jobs(story) == []


@pytest.mark.parametrize("is_lost", [False, True])
async def test_a_worker_that_is_stopped_while_it_registers_ends(
    tell: Tell, queue: Queue, monkeypatch: pytest.MonkeyPatch, is_lost: bool
) -> None:
    """Also where the cancellation is lost, as by `asyncio.wait_for` of Python 3.11 when it comes with an answer."""
    manager, registers = queue.app.job_manager, asyncio.Event()
    register = manager.register_worker

    async def register_late() -> int:
        registers.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not is_lost:
                raise
        return int(await register())

    monkeypatch.setattr(manager, "register_worker", register_late)
    one, _ = worker(tell(orders=3), queue)
    running = asyncio.create_task(one.run())
    await registers.wait()
    running.cancel()
    await asyncio.wait([running], timeout=GUARD)
    assert running.cancelled()


async def test_an_account_whose_turn_is_over_goes_to_the_end_of_the_queue(
    tell: Tell, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", -1.0)
    story = tell()
    one, _ = worker(story, queue)
    planned = await plan(story, queue)
    await one.drain(story.shop)
    assert jobs(story) == [("drain", story.shop, "todo")]
    assert waiting(story) == planned  # no window is begun once the turn is over


async def test_what_a_turn_has_freed_is_given_back_P7(
    tell: Tell, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = tell()
    left: list[int] = []
    monkeypatch.setattr(malloc, "trim_heap", lambda: left.append(waiting(story)))
    one, _ = worker(story, queue)
    assert await plan(story, queue)
    await one.drain(story.shop)
    assert len(left) == 1
    assert left[0] == waiting(story)


async def test_a_worker_that_stops_begins_no_window_and_asks_for_no_more(tell: Tell, queue: Queue) -> None:
    story = tell()
    one, run_context = worker(story, queue)
    planned = await plan(story, queue)
    run_context.stopping.set()
    await one.drain(story.shop)
    assert (waiting(story), jobs(story)) == (planned, [])


async def test_a_worker_cancelled_in_the_middle_hands_its_windows_back_P5(tell: Tell, queue: Queue) -> None:
    story = tell()
    stuck = Stuck()
    one, _ = worker(story, queue, transport=stuck)
    planned = await plan(story, queue)
    task = asyncio.create_task(one.drain(story.shop))
    async with asyncio.timeout(120):
        await stuck.asked.wait()
    assert waiting(story) == planned - 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waiting(story) == planned


async def test_an_account_is_drained_once_at_a_time_in_a_process(
    tell: Tell, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_PAUSE", 0.0)
    story = tell()
    stuck = Stuck()
    one, _ = worker(story, queue, transport=stuck)
    await plan(story, queue)
    task = asyncio.create_task(one.drain(story.shop))
    async with asyncio.timeout(120):
        await stuck.asked.wait()
        await one.drain(story.shop)  # returns, and leaves its place in the queue to others
    task.cancel()
    await asyncio.wait([task])


async def test_an_account_of_other_settings_is_left_to_other_workers(tell: Tell, queue: Queue) -> None:
    story = tell()
    one, _ = worker(story, queue, story.sources("sandbox-open"))
    planned = await plan(story, queue)
    await one.drain(story.shop)
    assert waiting(story) == planned


async def test_two_workers_on_the_same_accounts_land_everything_once_P1_P3(tell: Tell, queue: Queue) -> None:
    story = tell(orders=300)
    await plan(story, queue)
    async with queues.open_queue(story.url) as other:
        pair = [worker(story, queue)[0], worker(story, other)[0]]
        for _ in range(2):  # one may find nothing to claim while the other holds the last windows
            await asyncio.gather(*[one.drain(each.name) for one in pair for each in story.world.accounts])
    story.assert_equal()
    assert story.query("SELECT count(*) FROM order_history") == story.query("SELECT count(*) FROM orders")


async def test_the_routine_audit_reads_what_is_missing_and_is_noted(tell: Tell, queue: Queue) -> None:
    story = tell()
    await story.sync()
    for table in ("orders", "raw_orders", "sub_orders", "product_items", "order_receivers", "order_parcels"):
        story.query(f"DELETE FROM {table} WHERE platform = '1688' AND order_id LIKE '%7' RETURNING 1")
    assert not all(verdict.is_equal for verdict in story.verify(story.shop).values())
    one, _ = worker(story, queue)
    with structlog.testing.capture_logs() as lines:
        await one.audit(story.shop)
    [line] = [line for line in lines if line["event"] == "audit"]
    assert (line["differences"] > 0, line["repaired"], line["awaited"]) == (True, line["differences"], 0)
    story.assert_equal(story.shop)
    noted = "SELECT differences > 0 FROM sync.audits WHERE is_routine AND account = %s"
    assert story.query(noted, story.shop) == [(True,)]
    await one.audit(story.shop)  # a second job that came meanwhile
    assert story.query(noted, story.shop) == [(True,)]


@pytest.fixture
def role(url: str) -> Iterator[str]:
    """A role that may do everything in the database of the test, once it is set."""
    name, schemas = f"t{os.getpid()}_worker", "public, sync, sync_jobs"
    with psycopg.connect(url, autocommit=True) as owner:
        for statement in (
            "CREATE ROLE {}",
            f"GRANT USAGE ON SCHEMA {schemas} TO {{}}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA {schemas} TO {{}}",
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schemas} TO {{}}",
        ):
            owner.execute(sql.SQL(statement).format(sql.Identifier(name)))
        yield name
        owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


async def test_a_privilege_that_was_lost_is_said_of_the_account_until_it_is_back(
    tell: Tell, queue: Queue, role: str
) -> None:
    story = tell()
    await plan(story, queue)
    found: list[tuple[str, Exception]] = []

    async def take(job: str, error: Exception) -> None:
        found.append((job, error))

    def error() -> object:
        return story.query("SELECT last_error, rests_until IS NOT NULL FROM sync.accounts WHERE name = %s", story.shop)

    Tables(story.url).execute(f"REVOKE INSERT ON orders FROM {role}")
    async with database.connected(make_conninfo(story.url, options=f"-c role={role}"), 8) as pool:
        http = httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app))
        run_context = RunContext(pool, http, story.sources(), story.limits, story.progress)
        one = Worker(run_context, queue, story.sources(), DAY, on_database_error=take)
        await one.drain(story.shop)
        assert [(job, type(each)) for job, each in found] == [
            (f"drain of {story.shop}", psycopg.errors.InsufficientPrivilege)
        ]
        assert error() == [
            (
                "the database refused a statement: InsufficientPrivilege: permission denied for table orders. "
                "Once that is mended the account is read again by itself",
                True,
            )
        ]
        Tables(story.url).execute(f"GRANT INSERT ON orders TO {role}")
        await one.drain(story.shop)
    assert error() == [(None, False)]
    assert len(found) == 1
    story.assert_equal(story.shop)


async def test_an_audit_that_a_refused_statement_ends_is_not_made_again_and_again(
    tell: Tell, queue: Queue, role: str
) -> None:
    story = tell()
    await story.sync()
    request = "INSERT INTO sync.requests (account, kind, requested_by) VALUES (%s, 'audit', 'a person') RETURNING id"
    story.query(request, story.shop)
    Tables(story.url).execute(f"REVOKE INSERT ON sync.audits FROM {role}")
    async with database.connected(make_conninfo(story.url, options=f"-c role={role}"), 8) as pool:
        http = httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app))
        run_context = RunContext(pool, http, story.sources(), story.limits, story.progress)
        await Worker(run_context, queue, story.sources(), DAY).audit(story.shop)
    ended = "SELECT finished_at IS NOT NULL, error FROM sync.requests"
    assert story.query(ended) == [(True, "InsufficientPrivilege: permission denied for table audits")]


async def test_a_lost_database_ends_no_worker(tell: Tell, queue: Queue) -> None:
    story = tell()
    one, _ = worker(story, queue)
    await plan(story, queue)
    await story.pool.close()
    await one.drain(story.shop)
    await one.audit(story.shop)
