"""What a benchmark runs on: a folder, a database of its own, a sandbox in a process of its own, a settings file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psycopg
import typer
from psycopg import sql

from orders_sync import embedded_postgres
from orders_sync.domain.errors import OrdersSyncError
from orders_sync.store import database

REVIVE_TRIES = 30
READY_SECONDS = 600  # a world of millions of orders takes its time
# the last one makes every command compile the product anew, which it is nowhere where it is installed
CALLERS_OWN = ("ORDERS_SYNC_", "PG", "PYTHONDONTWRITEBYTECODE")


def say(text: str) -> None:
    """A word on what is going on, on standard error."""
    print(f"  {text}", file=sys.stderr, flush=True)


class Broken(Exception):
    """A benchmark that cannot go on. The message is for the person who runs it."""


def start(command: Callable[..., None]) -> None:
    """Run a benchmark's command line. Exit code 1 with one message when it cannot go on."""
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(command)
    try:
        app()
    except (Broken, OrdersSyncError, httpx.HTTPError, psycopg.Error) as error:
        sys.exit(f"benchmark: {error}")


@dataclass(frozen=True)
class Ground:
    """A folder, and a database in it or on the server of DATABASE_URL. `postmaster`: its process, when it is ours.

    Then `data` is the server's folder, and `revive` brings it up again after it was stopped or crashed.
    """

    folder: Path
    server: str
    name: str
    postmaster: int | None
    data: Path | None = None
    revive: Callable[[], None] | None = None

    @property
    def url(self) -> str:
        return _on(self.server, self.name)

    @property
    def environment(self) -> dict[str, str]:
        """What the product's commands are run with: this database, this folder, nothing of the caller's settings."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(CALLERS_OWN)}
        return {**own, "DATABASE_URL": self.url, "ORDERS_SYNC_HOME": str(self.folder / "home")}

    def empty(self) -> None:
        """Begin with a new database."""
        self.drop()
        with database.connect(self.server) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.name)))

    def drop(self) -> None:
        with database.connect(self.server) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))


@contextmanager
def ground(*, keep: bool) -> Iterator[Ground]:
    """A temporary folder and a database. Gone afterwards unless they are to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="orders-sync-benchmark-"))
    given = os.environ.get("DATABASE_URL")
    try:
        if given:
            yield from _grounded(Ground(folder, given, f"orders_sync_benchmark_{os.getpid()}", None), keep)
        else:
            with embedded_postgres.running(folder / "home", notify=say) as server:
                postmaster = int((server.data_dir / "postmaster.pid").read_text().split()[0])
                url = _on(server.url, "postgres")
                revive = partial(_revive, server)
                yield from _grounded(Ground(folder, url, "orders_sync", postmaster, server.data_dir, revive), keep)
    finally:
        if not keep:
            shutil.rmtree(folder)


def _revive(server: embedded_postgres.Server) -> None:
    for tries in range(REVIVE_TRIES, 0, -1):  # one that is still going down is no server to wait for
        try:
            server.ensure()
            database.connect(_on(server.url, "postgres")).close()
            return
        except (OrdersSyncError, psycopg.Error):
            if tries == 1:
                raise
            time.sleep(1)


def _grounded(made: Ground, keep: bool) -> Iterator[Ground]:
    made.empty()
    try:
        yield made
    finally:
        if keep:
            where = f"the database {made.name}" if made.postmaster is None else f"ORDERS_SYNC_HOME={made.folder}/home"
            say(f"kept: {made.folder}; look around with {where}")
        else:
            made.drop()


@dataclass(frozen=True)
class Platforms:
    """A sandbox that serves. `made_in`: seconds from its start to its first answer."""

    root: str
    pid: int
    made_in: float

    def settings(self, file: Path, sync: str = "", account: str = "") -> Path:
        """Write a settings file for its accounts; `sync` and `account` are lines for those tables."""
        accounts = httpx.get(f"{self.root}/sandbox/accounts.toml", timeout=60).raise_for_status().text
        file.write_text(f"[sync]\n{sync}\n" + accounts.replace("[[accounts]]", f"[[accounts]]\n{account}".rstrip()))
        return file


@contextmanager
def platforms(where: Ground, *options: str) -> Iterator[Platforms]:
    """`orders-sync sandbox` with these options, listening, until the end of the body."""
    log = where.folder / "sandbox.log"
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [product(), "sandbox", "--port", "0", *options], stdout=out, stderr=out, env=where.environment, cwd="/"
        )
    try:
        root = _listening(process, log)
        httpx.get(f"{root}/sandbox/stats", timeout=60).raise_for_status()
        yield Platforms(root, process.pid, time.monotonic() - began)
    finally:
        process.terminate()
        process.wait()


def _listening(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:\d+(?=\D)", log.read_text(errors="replace"))
        if found:
            return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise Broken(f"the sandbox does not listen; it said:\n{log.read_text(errors='replace')}")


def product() -> str:
    """The command `orders-sync` of this interpreter's environment."""
    found = shutil.which("orders-sync", path=str(Path(sys.executable).parent))
    if found is None:
        raise Broken(f"there is no orders-sync beside {sys.executable}: install the project there (pip install -e .)")
    return found


def _on(url: str, name: str) -> str:
    """The same server, another database."""
    return re.sub(r"^(postgres(?:ql)?(?:\+psycopg)?://[^/?]*)(/[^?]*)?", lambda match: f"{match[1]}/{name}", url)
