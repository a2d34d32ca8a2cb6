"""Does the process live, may it be given work, how is it doing: asked as an orchestrator and Prometheus ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.metadata import version

import httpx
import psycopg
import pytest
from starlette.applications import Starlette

from orders_sync.service import health
from orders_sync.service.health import ComponentStates
from orders_sync.service.metrics import Metrics
from orders_sync.store import database, processes, schema
from orders_sync.store.database import Pool
from tests.support.cable import Cable, cable
from tests.support.closed_windows import DONE
from tests.support.ledgers import ACCOUNTS, fill
from tests.support.scrape import samples

pytestmark = pytest.mark.waits


def well() -> dict[str, str | None]:
    return {"scheduler": None, "worker": None}


def ill() -> dict[str, str | None]:
    return {"scheduler": None, "worker": "no job could be taken for 5 minutes"}


async def ask(
    pool: Pool, path: str, state: ComponentStates = well, accounts: list[str] | None = ACCOUNTS
) -> httpx.Response:
    metrics = Metrics()
    metrics.count(DONE)
    app = Starlette(routes=health.routes(pool, metrics, state, accounts))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as http:
        return await http.get(path)


@pytest.fixture
async def line(url: str) -> AsyncIterator[Cable]:
    async with cable(url) as made:
        yield made


@pytest.fixture
async def far_pool(line: Cable) -> AsyncIterator[Pool]:
    """A pool over a cable, that has one connection."""
    async with database.connected(line.url, size=2) as made:
        await made.wait()
        yield made


async def test_process_that_is_well_lives(pool: Pool) -> None:
    answer = await ask(pool, "/healthz")
    assert (answer.status_code, answer.json()) == (200, {"failing": {}})


async def test_process_with_a_part_that_fails_for_long_is_to_be_restarted(pool: Pool) -> None:
    answer = await ask(pool, "/healthz", ill)
    assert answer.status_code == 503
    assert answer.json() == {"failing": {"worker": "no job could be taken for 5 minutes"}}


async def test_process_lives_without_its_database(far_pool: Pool, line: Cable) -> None:
    """A restart would not bring the database back."""
    line.is_dead = True
    assert (await ask(far_pool, "/healthz")).status_code == 200


async def test_ready_when_the_database_answers_with_our_tables(pool: Pool) -> None:
    answer = await ask(pool, "/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "because": None, "problems": []})


async def test_who_is_ready_says_what_is_wrong_with_the_others_in_the_words_of_the_verdict(pool: Pool) -> None:
    """Status 200: a console that is taken out of service would refuse messages, and nothing would be planned either."""
    async with pool.connection() as connection:
        await fill(connection)
    answer = await ask(pool, "/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    problems = "\n".join(answer.json()["problems"])
    assert "broken: no worker is running: nothing is read; the last one reported at" in problems
    assert "attention: process 8 on two (worker) has not reported since" in problems
    assert [name for name in [*ACCOUNTS, "gone"] if name in problems] == []


async def test_not_ready_with_tables_of_another_version(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("UPDATE sync.alembic_version SET version_num = '9999'")
    answer = await ask(pool, "/readyz")
    assert answer.status_code == 503
    assert "9999" in answer.json()["because"]
    assert schema.HEAD in answer.json()["because"]


async def test_not_ready_without_tables(empty_url: str) -> None:
    async with database.connected(empty_url, size=1) as pool:
        answer = await ask(pool, "/readyz")
        assert answer.status_code == 503
        assert "migrate" in answer.json()["because"]
        assert samples((await ask(pool, "/metrics")).text)["orders_sync_database_up"] == {(): 0}


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
async def test_database_that_hangs_is_not_waited_for(
    far_pool: Pool, line: Cable, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver calls a question back before it gives up, which takes seconds: here until there is an answer."""
    is_answered = asyncio.Event()

    async def call_back(self: object, *, timeout: float) -> None:  # noqa: ASYNC109 - as the driver
        await is_answered.wait()

    monkeypatch.setattr(psycopg.AsyncConnection, "_try_cancel", call_back)
    line.is_dead = True
    async with asyncio.timeout(120):
        answer = await ask(far_pool, path)
    is_answered.set()
    if path == "/readyz":
        assert (answer.status_code, answer.json()["because"]) == (503, "the database does not answer")
    else:
        exposed = samples(answer.text)
        assert exposed["orders_sync_database_up"] == {(): 0}
        assert exposed["orders_sync_calls_total"] == {("shop",): 3}
        assert "orders_sync_account_behind_seconds" not in exposed


@pytest.mark.parametrize(
    ("other", "because"),
    [
        ({"dbname": "nowhere_at_all"}, "the database does not exist"),
        ({"user": "nobody_at_all"}, "the database refuses the login"),
        ({"host": "127.0.0.1", "port": "1"}, "the database does not answer"),
    ],
)
async def test_not_ready_says_whether_the_server_refuses_or_does_not_answer(
    url: str, other: dict[str, str], because: str
) -> None:
    nowhere = psycopg.conninfo.make_conninfo(url, **other)
    async with database.Pool(nowhere, min_size=0, max_size=1, open=False) as pool:
        assert (await ask(pool, "/readyz")).json()["because"] == because


async def test_answer_of_a_lost_database_holds_no_password(url: str) -> None:
    secret = "a-password-nobody-may-see"
    nowhere = psycopg.conninfo.make_conninfo(url, host="127.0.0.1", port="1", password=secret)
    async with database.Pool(nowhere, min_size=0, max_size=1, open=False) as pool:
        for path in ("/readyz", "/metrics", "/healthz"):
            assert secret not in (await ask(pool, path)).text


async def test_metrics_hold_the_tables_gauges_for_the_accounts_of_the_settings(pool: Pool) -> None:
    async with pool.connection() as connection:
        await fill(connection)
    answer = await ask(pool, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    exposed = samples(answer.text)
    assert {account for (account,) in exposed["orders_sync_account_behind_seconds"]} == set(ACCOUNTS)
    assert exposed["orders_sync_component_up"] == {("scheduler",): 1, ("worker",): 1}


async def test_metrics_name_the_version_of_the_process(pool: Pool) -> None:
    exposed = samples((await ask(pool, "/metrics", accounts=None)).text)
    assert exposed["orders_sync_build_info"] == {(schema.HEAD, version("orders-sync")): 1}


async def test_worker_serves_its_own_metrics_and_reads_no_table(pool: Pool) -> None:
    exposed = samples((await ask(pool, "/metrics", accounts=None)).text)
    assert exposed["orders_sync_calls_total"] == {("shop",): 3}
    assert "orders_sync_database_up" not in exposed


async def test_a_process_that_answers_is_alive_though_it_could_not_report_during_an_outage(pool: Pool) -> None:
    parts = ["scheduler", "worker", "console"]
    async with pool.connection() as connection:
        for name in ("own", "other"):
            await processes.report(connection, name, parts, "host", 7 if name == "own" else 8)
        await connection.execute("UPDATE sync.processes SET seen_at = now() - interval '5 minutes'")
    app = Starlette(routes=[health.readiness_route(pool, "own")])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as http:
        [problem] = (await http.get("/readyz")).json()["problems"]
    assert problem.startswith("attention: process 8 on host (scheduler, worker, console) has not reported since")
