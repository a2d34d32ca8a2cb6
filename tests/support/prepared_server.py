"""The data directory of the tests' servers: made by the worker that needs it first, copied by the others."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from orders_sync import embedded_postgres
from orders_sync.platforms import PLATFORMS
from orders_sync.store import migrate, order_statuses
from tests.support.databases import Tables, on

TEMPLATE = "orders_sync_template"  # a database to copy, with all tables of this version and no orders
OWN_TABLES = "relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared"
SETTINGS = (
    *("fsync = off", "full_page_writes = off", "max_wal_size = '128MB'"),  # nothing outlives the run
    "autovacuum = off",  # what it writes would count as that of a test
)


def folder_of_run(folders: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers of the run have in common."""
    own = folders.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def prepare(home: Path, shared: Path) -> None:
    """Make the home of a server that does not run, with settings for tests and `TEMPLATE`.

    `shared`: a folder that all workers of the run have in common. The first leaves its files there for the others.
    """
    made, kept = home / "postgres", shared / "server"
    with (shared / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            _copy(kept, made)
            return
        with embedded_postgres.running(home) as server:
            for setting in SETTINGS:
                Tables(server.url).execute(f"ALTER SYSTEM SET {setting}")
            Tables(server.url).execute("SELECT pg_reload_conf()")
            Tables(server.url).execute(f"CREATE DATABASE {TEMPLATE}")
            make_tables(on(server.url, TEMPLATE))
        _copy(made, kept)


def make_tables(url: str) -> None:
    """Make the tables of this version in an empty database."""
    migrate.migrate(url)
    # A copy has a seventh fewer files and a tenth fewer bytes after it. Postgres's own tables alone: the plans of
    # statements on ours are to be those of tables that were never vacuumed.
    [(own,)] = Tables(url).query("SELECT string_agg(oid::regclass::text, ', ') FROM pg_class WHERE " + OWN_TABLES)
    Tables(url).execute(f"VACUUM (FULL, FREEZE) {own}")
    with psycopg.connect(url) as connection:  # after which new sessions find Postgres's cache of its own tables
        order_statuses.fill(connection, {each.name: (each.direction, each.statuses) for each in PLATFORMS.values()})


@contextmanager
def migrated_server() -> Iterator[str]:
    """The URL of a database of this version on a server of its own, for programs that are no tests."""
    with tempfile.TemporaryDirectory() as folder, embedded_postgres.running(Path(folder)) as server:
        make_tables(server.url)
        yield server.url


def _copy(folder: Path, target: Path) -> None:
    """Copy a folder. One that is there is complete."""
    beside = target.with_name(f"{target.name}.new")
    subprocess.run(["cp", "-a", str(folder), str(beside)], check=True)
    beside.rename(target)
