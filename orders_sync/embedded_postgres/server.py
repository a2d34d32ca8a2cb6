"""Users of the embedded Postgres: the first command starts it, all share it, the last living one stops it."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote

import platformdirs
import psycopg
from psycopg import sql

from orders_sync.domain.errors import EmbeddedError
from orders_sync.embedded_postgres import cluster, postmaster
from orders_sync.embedded_postgres.layout import (
    Layout,
    open_directory,
    remove_socket_link,
    socket_directory,
    try_lock,
)
from orders_sync.embedded_postgres.postmaster import Address, Postmaster
from orders_sync.embedded_postgres.wait import Report, Wait

DATABASE = "orders_sync"
ROLE = "postgres"
CONNECT_SECONDS = 10
ORPHAN_SECONDS = 1.0  # for the processes of a killed server to end by themselves, before they are sent SIGQUIT
STRAY_SECONDS = 5.0  # the last user waits for processes that it cannot signal
STOP_SECONDS = 20  # for a fast shutdown, its checkpoint included, before an immediate one
SERVICE_FILES = ("PGSERVICEFILE", "PGSYSCONFDIR")  # without effect on a URL that names no service
# whatever the role's own defaults are (ALTER ROLE ... SET)
SESSION_OPTIONS = "-c statement_timeout=0 -c default_transaction_read_only=off"


@dataclass(frozen=True)
class Server:
    """A running server, valid within the `running` block that returned it.

    `url` uses the unix socket and needs no password; `tcp_url` holds the password and is None unless the server listens
    on TCP. `bin_dir` holds psql and the other programs.
    """

    url: str
    socket_dir: Path
    data_dir: Path
    bin_dir: Path
    log: Path
    tcp_url: str | None = field(default=None, repr=False)
    _ensure: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)

    def ensure(self) -> None:
        """Restart the server if it died, reachable by the same URLs; return when it is ready.

        To be called when a connection fails; returns at once if the server runs. Raises EmbeddedError.
        """
        self._ensure()


def default_home() -> Path:
    """Return `ORDERS_SYNC_HOME`, else the user's data directory, for root a system directory.

    Raises EmbeddedError for a user without a home directory, such as one without an entry in passwd.
    """
    try:
        if configured := os.environ.get("ORDERS_SYNC_HOME"):
            return Path(configured).expanduser().absolute()
        if os.geteuid() != 0:
            return platformdirs.user_data_path("orders-sync", appauthor=False)
    except RuntimeError:
        raise EmbeddedError(
            "this user has no home folder to keep the embedded Postgres in: set ORDERS_SYNC_HOME to a folder of its "
            "own, or DATABASE_URL to a Postgres of yours"
        ) from None
    if sys.platform == "darwin":
        return platformdirs.site_data_path("orders-sync", appauthor=False)
    return Path("/var/lib/orders-sync")


def is_initialized(home: Path) -> bool:
    """Return whether this home has a data directory; True if it cannot be read, so that `running` reports why."""
    try:
        (home / "postgres" / "data" / "PG_VERSION").stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def running(home: Path, *, listen: str | None = None, report: Report = lambda _: None) -> Iterator[Server]:
    """Run the server of this home during the block, shared with any number of processes and blocks.

    listen: `host:port` to listen on as well, with a password kept in the home. Without it a server that others use
    keeps its address. report: receives what is being waited for.

    Removes libpq's PG* variables from this process's environment: they are meant for another server (a URL of that one
    is completed before, with `store.conninfo.with_variables`). Those that only say where services are defined stay.
    Raises EmbeddedError when the server cannot be started or stopped, or listens elsewhere for other commands.
    """
    requested = listen or ""
    for name in [name for name in os.environ if name.startswith("PG") and name not in SERVICE_FILES]:
        del os.environ[name]
    with _as_embedded_error(home):
        postmaster.parse_address(requested)
        layout = open_directory(home)
        users = layout.open_lock("users")
    try:
        with _as_embedded_error(home), layout.exclusive(report):
            address = _join(layout, users, requested, report)
            server = _describe(layout, _serve(layout, address, report), address, report)
        yield server
    finally:
        with _as_embedded_error(home):
            _leave(layout, users, report)


def _join(layout: Layout, users: int, requested: str, report: Report) -> str:
    """Take the lock `users` shared; return the TCP address, which the first user sets for all that join it."""
    current = layout.read(layout.listen)
    is_first = try_lock(users)
    fcntl.flock(users, fcntl.LOCK_SH)
    if not is_first and requested and requested != current:
        listens = f"on {current}" if current else "on no TCP address"
        raise EmbeddedError(
            f"other commands use the embedded Postgres and it listens {listens}: stop them, then try again"
        )
    if is_first and requested != current:
        _stop(layout, report)  # one that a killed command left running
        layout.write(layout.listen, requested)
        return requested
    return current


def _leave(layout: Layout, users: int, report: Report) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_UN)
        with layout.exclusive(report):
            if try_lock(users):
                _stop(layout, report)
                remove_socket_link(layout)
    finally:
        os.close(users)


def _serve(layout: Layout, listen: str, report: Report) -> Postmaster:
    """Return a server that is ready and holds the database, with the password set if it listens on TCP."""
    found = _wait_until_ready(layout, listen, report)
    with psycopg.connect(
        host=str(socket_directory(layout)),
        port=found.port,
        user=ROLE,
        dbname="postgres",
        connect_timeout=CONNECT_SECONDS,
        options=SESSION_OPTIONS,
        autocommit=True,
    ) as connection:
        if listen:
            _set_password(connection, _password(layout))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    return found


def _wait_until_ready(layout: Layout, listen: str, report: Report) -> Postmaster:
    """Return a server that accepts connections; start one once no process of an earlier one is left."""
    wait, log_start, orphans_signalled = Wait(report), None, False
    while True:
        found = postmaster.find(layout)
        if found and found.status == "ready":
            return found
        lock = layout.open_lock("server")
        try:
            if found is None and try_lock(lock):
                if log_start is not None:
                    output = layout.log_tail(log_start)
                    raise cluster.failure(layout.root, "the embedded Postgres did not start", output)
                log_start = _start(layout, lock, postmaster.parse_address(listen), report)
        finally:
            os.close(lock)
        if found is None and log_start is None and not orphans_signalled and wait.elapsed > ORPHAN_SECONDS:
            postmaster.quit_orphans(layout)
            orphans_signalled = True
        wait.sleep(partial(_reason_to_wait, layout, found, log_start is not None))


def _start(layout: Layout, lock: int, listen: Address | None, report: Report) -> int:
    """Start a server; return the size its log had before, in bytes."""
    bin_dir = cluster.prepare(layout, lock, report)
    log, log_start = layout.open_log()
    try:
        postmaster.start(layout, bin_dir, listen, lock, log)
    finally:
        os.close(log)
    return log_start


def _reason_to_wait(layout: Layout, found: Postmaster | None, started: bool) -> str:
    if found is None and not started:
        return "waiting for the processes of an earlier embedded Postgres to end (they may be in another container)"
    action = "stop" if found and found.status == "stopping" else "start"
    return f"waiting for the embedded Postgres to {action}: {layout.log_tail(0, lines=1) or 'it has said nothing yet'}"


def _stop(layout: Layout, report: Report) -> None:
    """Stop the server and wait until its processes are gone; give up on strays after STRAY_SECONDS.

    A server asked to stop during its crash recovery may never end: after STOP_SECONDS it is shut down at once, which is
    safe, since the next start recovers.
    """
    wait, sent = Wait(report), (0, signal.SIGINT)
    while not postmaster.is_gone(layout):
        found = postmaster.find(layout)
        shutdown = signal.SIGINT if wait.elapsed < STOP_SECONDS else signal.SIGQUIT
        if found and (found.pid, shutdown) != sent:
            sent = found.pid, shutdown
            with suppress(ProcessLookupError):
                os.kill(found.pid, shutdown)
        if not found and wait.elapsed > STRAY_SECONDS:
            return
        wait.sleep("waiting for the embedded Postgres to stop")


def _password(layout: Layout) -> str:
    if not (password := layout.read(layout.password)):
        password = secrets.token_urlsafe(24)
        layout.write(layout.password, password)
    return password


def _set_password(connection: psycopg.Connection[tuple[object, ...]], password: str) -> None:
    """Set the password by its hash: the statement may appear in a log."""
    hashed = connection.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(ROLE), hashed))


def _describe(layout: Layout, found: Postmaster, listen: str, report: Report) -> Server:
    directory = socket_directory(layout)
    return Server(
        url=f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(directory))}&port={found.port}",
        socket_dir=directory,
        data_dir=layout.data,
        bin_dir=cluster.bin_dir(layout),
        log=layout.log,
        tcp_url=_tcp_url(layout, postmaster.parse_address(listen)),
        _ensure=lambda: _ensure(layout, report),
    )


def _tcp_url(layout: Layout, listen: Address | None) -> str | None:
    if listen is None:
        return None
    host = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - compared
    host = f"[{host}]" if ":" in host else host
    return f"postgresql://{ROLE}:{_password(layout)}@{host}:{listen.port}/{DATABASE}"


def _ensure(layout: Layout, report: Report) -> None:
    with _as_embedded_error(layout.root), layout.exclusive(report):
        _serve(layout, layout.read(layout.listen), report)


@contextmanager
def _as_embedded_error(directory: Path) -> Iterator[None]:
    """Raise EmbeddedError for what the system or the server refuses."""
    try:
        yield
    except (OSError, psycopg.Error) as error:
        raise cluster.failure(directory, "the embedded Postgres cannot be used", str(error)) from error
