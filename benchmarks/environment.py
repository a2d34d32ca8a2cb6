"""The environment of a benchmark: a temporary folder, a database, a sandbox process, a settings file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx
import psycopg
import typer
from psycopg import sql

from benchmarks import pg_stats
from orders_sync import embedded_postgres
from orders_sync.domain.errors import OrdersSyncError
from orders_sync.store import database

RESTART_ATTEMPTS = 30
STARTUP_TIMEOUT = 600  # seconds; a world of millions of orders takes minutes to build
# prefixes of variables that commands do not inherit; with the last one each command would compile the product anew
DROPPED_VARIABLES = ("ORDERS_SYNC_", "PG", "PYTHONDONTWRITEBYTECODE")


def info(text: str) -> None:
    """Print a progress message to standard error."""
    print(f"  {text}", file=sys.stderr, flush=True)


class BenchmarkError(Exception):
    """The benchmark cannot continue. The message is for the person who runs it."""


def run_cli(command: Callable[..., None]) -> None:
    """Run a benchmark's command line. Errors that it cannot continue from are printed as one line, exit code 1."""
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(command)
    try:
        app()
    except (BenchmarkError, OrdersSyncError, httpx.HTTPError, psycopg.Error) as error:
        sys.exit(f"benchmark: {error}")


@dataclass(frozen=True)
class Environment:
    """A temporary folder and a database, on an embedded server in that folder or on the server of DATABASE_URL.

    `postmaster`: a process id, None for a server on another machine. `data_dir` and `restart_postgres` (returns when
    the server accepts connections again) belong to the embedded server; None for DATABASE_URL.
    """

    folder: Path
    server_url: str
    database_name: str
    postmaster: int | None
    data_dir: Path | None = None
    restart_postgres: Callable[[], None] | None = None

    @property
    def url(self) -> str:
        """The URL of the database."""
        return _with_database_name(self.server_url, self.database_name)

    @property
    def process_env(self) -> dict[str, str]:
        """Environment variables for commands: this database and folder, and no settings of the caller."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED_VARIABLES)}
        return {**inherited, "DATABASE_URL": self.url, "ORDERS_SYNC_HOME": str(self.folder / "home")}

    def start(self, command: Sequence[str], out: BinaryIO, err: BinaryIO) -> subprocess.Popen[bytes]:
        """Start a command of the product in this folder."""
        return subprocess.Popen(command, stdout=out, stderr=err, env=self.process_env, cwd=self.folder)

    def wait(self, process: subprocess.Popen[bytes]) -> tuple[float, int]:
        """Wait for a started command to end. Return its processor seconds and its greatest resident set in bytes."""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # Popen would wait for the status that wait4 took
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def recreate_database(self) -> None:
        """Replace the database by an empty one, or by a copy of that of BENCHMARK_TEMPLATE."""
        self.drop_database()
        template = sql.Identifier(os.environ.get("BENCHMARK_TEMPLATE") or "template1")
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with database.connect(self.server_url) as connection:
            connection.execute(query.format(sql.Identifier(self.database_name), template))

    def drop_database(self) -> None:
        """Drop the database, if it exists, and close its connections."""
        query = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.database_name))
        with database.connect(self.server_url) as connection:
            connection.execute(query)


@contextmanager
def open_environment(*, keep: bool) -> Iterator[Environment]:
    """Create a temporary folder and an empty database; remove both at the end, unless `keep`.

    BENCHMARK_HOME: the home of the embedded server, which stays, instead of one in that folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="orders-sync-benchmark-"))
    home = Path(os.environ.get("BENCHMARK_HOME") or folder / "home")
    configured_url = os.environ.get("DATABASE_URL")
    try:
        if configured_url:
            name = f"orders_sync_benchmark_{os.getpid()}"
            postmaster = pg_stats.local_postmaster(configured_url)
            yield from _with_database(Environment(folder, configured_url, name, postmaster), keep)
        else:
            with embedded_postgres.running(home, report=info) as server:
                environment = Environment(
                    folder,
                    _with_database_name(server.url, "postgres"),
                    "orders_sync",
                    int((server.data_dir / "postmaster.pid").read_text().split()[0]),
                    server.data_dir,
                    partial(_restart_postgres, server),
                )
                yield from _with_database(environment, keep)
    finally:
        if not keep:
            shutil.rmtree(folder)


def _restart_postgres(server: embedded_postgres.Server) -> None:
    for attempts_left in range(RESTART_ATTEMPTS, 0, -1):  # a server that is still shutting down refuses connections
        try:
            server.ensure()
            database.connect(_with_database_name(server.url, "postgres")).close()
            return
        except (OrdersSyncError, psycopg.Error):
            if attempts_left == 1:
                raise
            time.sleep(1)


def _with_database(environment: Environment, keep: bool) -> Iterator[Environment]:
    environment.recreate_database()
    try:
        yield environment
    finally:
        if keep:
            database_kept = (
                f"the database {environment.database_name}"
                if environment.data_dir is None
                else f"ORDERS_SYNC_HOME={environment.folder}/home"
            )
            info(f"kept: {environment.folder}; inspect it with {database_kept}")
        else:
            environment.drop_database()


@dataclass(frozen=True)
class SandboxServer:
    """A running `orders-sync sandbox`. `startup_seconds`: from its start to its first response."""

    root: str
    pid: int
    startup_seconds: float

    def write_settings(self, file: Path, sync: str = "", account: str = "") -> Path:
        """Write a settings file with its accounts and return `file`.

        `sync` and `account` are TOML lines to add to the tables of those names.
        """
        accounts = httpx.get(f"{self.root}/sandbox/accounts.toml", timeout=60).raise_for_status().text
        file.write_text(f"[sync]\n{sync}\n" + accounts.replace("[[accounts]]", f"[[accounts]]\n{account}".rstrip()))
        return file


@contextmanager
def run_sandbox(environment: Environment, *options: str) -> Iterator[SandboxServer]:
    """Run `orders-sync sandbox` with these options until the end of the block; it listens when the block begins."""
    log = environment.folder / "sandbox.log"
    started = time.monotonic()
    with log.open("wb") as out:
        process = environment.start([executable(), "sandbox", "--port", "0", *options], out, out)
    try:
        root = _await_listening(process, log)
        httpx.get(f"{root}/sandbox/stats", timeout=60).raise_for_status()
        yield SandboxServer(root, process.pid, time.monotonic() - started)
    finally:
        process.terminate()
        process.wait()


def _await_listening(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the sandbox has logged its root URL, and return that."""
    deadline = time.monotonic() + STARTUP_TIMEOUT
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:\d+(?=\D)", log.read_text(errors="replace"))
        if found:
            return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise BenchmarkError(f"the sandbox does not listen; its output:\n{log.read_text(errors='replace')}")


def executable() -> str:
    """Return the path of `orders-sync` in this interpreter's environment. Raises `BenchmarkError` if there is none."""
    found = shutil.which("orders-sync", path=str(Path(sys.executable).parent))
    if found is None:
        raise BenchmarkError(
            f"there is no orders-sync beside {sys.executable}: install the project there (pip install -e .)"
        )
    return found


def _with_database_name(url: str, name: str) -> str:
    """Return the URL with its database replaced."""
    return re.sub(r"^(postgres(?:ql)?(?:\+psycopg)?://[^/?]*)(/[^?]*)?", lambda match: f"{match[1]}/{name}", url)
