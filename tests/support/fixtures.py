"""One real Postgres for each worker, a fresh migrated database for every test that asks for one: a pytest plugin.

It is no part of `conftest.py`, for the process that hands the tests to workers needs nothing of what is imported here.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import pytest
import uvicorn.server
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from httpx._transports import default
from hypothesis import settings

from orders_sync import embedded_postgres
from orders_sync.store import database
from orders_sync.store.database import Connection, Pool
from tests.support import prepared_server, time_limits
from tests.support.databases import Databases, Tables, fast_folder, temporary_databases
from tests.support.emptied import EmptiedDatabase

settings.register_profile("whole run", deadline=None)
settings.register_profile("quick run", deadline=None, max_examples=20)

# Each client of httpx reads the certificates of the machine, which costs 0.02 s. Those of tests speak plain HTTP.
_make_context = default.create_ssl_context  # type: ignore[attr-defined]
_context = functools.cache(_make_context)
default.create_ssl_context = lambda verify=True, cert=None, trust_env=True: (  # type: ignore[attr-defined]
    _context(trust_env=trust_env) if verify is True and cert is None else _make_context(verify, cert, trust_env)
)

# uvicorn looks ten times a second whether it is to end, and waits as long once more. Hundreds of tests serve something.
uvicorn.server.asyncio = SimpleNamespace(  # type: ignore[assignment, attr-defined]
    **vars(asyncio) | {"sleep": lambda seconds: asyncio.sleep(min(seconds, 0.02))}
)

# Clients of tests wait as long as a machine with ten times its work may need. The product says its own limits.
DEFAULT_TIMEOUT_CONFIG.connect = DEFAULT_TIMEOUT_CONFIG.read = 120.0
DEFAULT_TIMEOUT_CONFIG.write = DEFAULT_TIMEOUT_CONFIG.pool = 120.0


def pytest_configure(config: pytest.Config) -> None:
    """Try a fifth of the examples of each property where only tests without a database run."""
    settings.load_profile("quick run" if config.option.markexpr == "not db" else "whole run")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server: TEST_DATABASE_URL (a role that may create databases), else an embedded one."""
    time_limits.lengthen()
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with fast_folder() as fast:
        home = fast or tmp_path_factory.mktemp("postgres")
        prepared_server.prepare(home, prepared_server.folder_of_run(tmp_path_factory))
        with embedded_postgres.running(home) as running:
            yield running.url


@pytest.fixture(scope="session")
def databases(server: str) -> Iterator[Databases]:
    """The maker of temporary databases."""
    with temporary_databases(server) as made:
        yield made


@pytest.fixture(scope="session")
def template(server: str, databases: Databases) -> Iterator[str]:
    """The name of a migrated database to copy."""
    if Tables(server).query("SELECT FROM pg_database WHERE datname = %s", prepared_server.TEMPLATE):
        yield prepared_server.TEMPLATE
        return
    with databases.new("template") as url:
        prepared_server.make_tables(url)
        yield Tables(url).name


@pytest.fixture
def url(databases: Databases, template: str) -> Iterator[str]:
    """The URL of a migrated, empty database."""
    with databases.new("test", template) as url:
        yield url


@pytest.fixture(scope="module")
def emptied_database(databases: Databases, template: str) -> Iterator[EmptiedDatabase]:
    with databases.new("emptied", template) as url:
        emptied = EmptiedDatabase(Tables(url))
        yield emptied
        emptied.check()


@pytest.fixture
def emptied_url(emptied_database: EmptiedDatabase) -> str:
    """The same as `url`, but of one database of the module, whose tests write rows alone: no schema, no setting."""
    emptied_database.empty()
    return emptied_database.url


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """The URL of a database without our tables."""
    with databases.new("empty") as url:
        yield url


@pytest.fixture
def tables(url: str) -> Iterator[Tables]:
    """The content of the test's database, for many statements in one session."""
    with Tables(url).in_one_session() as tables:
        yield tables


@pytest.fixture
async def pool(url: str) -> AsyncIterator[Pool]:
    """A pool with one connection so far. `connected` would make another one before, to see that it can."""
    async with database.open_pool(url, size=12, wait=30.0) as made:
        await made.wait()
        yield made


@pytest.fixture
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    async with pool.connection() as one:
        yield one
