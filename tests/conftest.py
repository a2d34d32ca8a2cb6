"""One real Postgres for the whole run, a fresh migrated database for every test that asks for one."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from hypothesis import settings

from orders_sync.store import database, embedded, migrate
from orders_sync.store.database import Connection, Pool

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
_numbers = itertools.count(1)

# A command that a test starts inherits the signals that are ignored or blocked here, as under nohup, behind a shell's
# `&` and in some CI. It must start as it does in a terminal: what has a handler here has the default one there.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
for _signal in SIGNALS:
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, lambda *_: None)
signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server: TEST_DATABASE_URL (a role that may create databases), else an embedded one."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with embedded.running(tmp_path_factory.mktemp("postgres")) as running:
        _run(running.url, "ALTER SYSTEM SET fsync = off")  # nothing here outlives the run
        _run(running.url, "SELECT pg_reload_conf()")
        yield running.url


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """The name of a migrated database to copy."""
    name = f"orders_sync_template_{os.getpid()}"
    _run(server, f"CREATE DATABASE {name}")
    migrate.migrate(on(server, name))
    yield name
    _run(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(server: str, template: str) -> Iterator[str]:
    """The URL of a migrated, empty database."""
    name = f"orders_sync_test_{os.getpid()}_{next(_numbers)}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield on(server, name)
    _run(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_url(server: str) -> Iterator[str]:
    """The URL of a database without our tables."""
    name = f"orders_sync_empty_{os.getpid()}_{next(_numbers)}"
    _run(server, f"CREATE DATABASE {name}")
    yield on(server, name)
    _run(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(url: str) -> AsyncIterator[Pool]:
    async with database.connected(url, size=12) as made:
        yield made


@pytest.fixture
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    async with pool.connection() as one:
        yield one


def on(server: str, name: str) -> str:
    """The same server, another database."""
    return make_url(server, name)


def make_url(server: str, name: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(server)
    host, port = parts.get("host", ""), parts.get("port", "")
    user, password = parts.get("user", ""), parts.get("password", "")
    query = "&".join(f"{key}={value}" for key, value in (("host", host), ("port", port)) if value)
    return f"postgresql://{user}{f':{password}' if password else ''}@/{name}?{query}"


def _run(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
