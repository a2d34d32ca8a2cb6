"""Who uses the embedded Postgres: the first command starts it, all share it, the last living one stops it."""

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
from psycopg.conninfo import make_conninfo

from orders_sync.domain.errors import EmbeddedError
from orders_sync.store.database import connect
from orders_sync.store.embedded import cluster, postmaster
from orders_sync.store.embedded.patience import Patience, Tell
from orders_sync.store.embedded.place import Place, forget_socket_dir, gets, settle, socket_dir
from orders_sync.store.embedded.postmaster import Address, Postmaster

DATABASE = "orders_sync"
ROLE = "postgres"
ORPHANS_MAY_TAKE = 1.0  # seconds for the processes of a killed server to notice, before they are told
STRAYS_MAY_TAKE = 5.0  # seconds the last one waits for what it cannot stop
STOP_MAY_TAKE = 20  # seconds, a checkpoint included


@dataclass(frozen=True)
class Server:
    """A running server, for as long as the `running` it came from lasts.

    `url` goes by the unix socket and needs no password; `tcp_url`, which holds one, is there when the server listens on
    TCP. `bin_dir` holds psql and its like.
    """

    url: str
    socket_dir: Path
    data_dir: Path
    bin_dir: Path
    log: Path
    tcp_url: str | None = field(default=None, repr=False)
    _ensure: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)

    def ensure(self) -> None:
        """Bring the server back if it was killed; it comes back by the same URL. Call it when a connection fails.

        Returns when the server is ready, at once if it never was away. Raises EmbeddedError.
        """
        self._ensure()


def default_home() -> Path:
    """`ORDERS_SYNC_HOME`, else the user's data folder; for root a folder of the system.

    Raises `EmbeddedError` for a user without a home folder, as one without an entry in passwd is.
    """
    try:
        if chosen := os.environ.get("ORDERS_SYNC_HOME"):
            return Path(chosen).expanduser().absolute()
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


def is_made(home: Path) -> bool:
    """Whether a server was made in this home. True where that cannot be seen: who starts it is told why."""
    try:
        (home / "postgres" / "data" / "PG_VERSION").stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def running(home: Path, *, listen: str | None = None, tell: Tell = lambda _: None) -> Iterator[Server]:
    """The server of this home, running. Any number of processes, and of uses in one process, share it.

    `listen` is `host:port`: the server listens on TCP too, with a password kept in the home. Without it a server that
    others use stays as it is. `tell` hears what is waited for. libpq's PG* variables, which are meant for another
    server, are taken out of this process's environment. Raises EmbeddedError.
    """
    asked = listen or ""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    with _plain(home):
        postmaster.address(asked)
        place = settle(home)
        users = place.lock("users")
    try:
        with _plain(home), place.gate(tell):
            agreed = _agree(place, users, asked, tell)
            server = _describe(place, _serve(place, agreed, tell), agreed, tell)
        yield server
    finally:
        with _plain(home):
            _leave(place, users, tell)


def _agree(place: Place, users: int, asked: str, tell: Tell) -> str:
    """Become one of the users. The first one's TCP address holds for all who come while others are there."""
    current = place.read(place.listen)
    alone = gets(users)
    fcntl.flock(users, fcntl.LOCK_SH)
    if not alone and asked and asked != current:
        listens = f"on {current}" if current else "on no TCP address"
        raise EmbeddedError(
            f"other commands use the embedded Postgres and it listens {listens}: stop them, then try again"
        )
    if alone and asked != current:
        _stop(place, tell)  # one that a killed command left running
        place.write(place.listen, asked)
        return asked
    return current


def _leave(place: Place, users: int, tell: Tell) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_UN)
        with place.gate(tell):
            if gets(users):
                _stop(place, tell)
                forget_socket_dir(place)
    finally:
        os.close(users)


def _serve(place: Place, listen: str, tell: Tell) -> Postmaster:
    """A server that is ready and holds our database."""
    found = _up(place, listen, tell)
    url = make_conninfo(host=str(socket_dir(place)), port=found.port, user=ROLE, dbname="postgres")
    with connect(url) as connection:
        if listen:
            _set_password(connection, _password(place))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    return found


def _up(place: Place, listen: str, tell: Tell) -> Postmaster:
    """Wait for a server that is ready; start one when not a process of any is left."""
    patience, log_start, orphans_told = Patience(tell), None, False
    while True:
        found = postmaster.seen(place)
        if found and found.status == "ready":
            return found
        lock = place.lock("server")
        try:
            if found is None and gets(lock):
                if log_start is not None:
                    raise cluster.failure(place.root, "the embedded Postgres did not start", place.log_since(log_start))
                log_start = _start(place, lock, postmaster.address(listen), tell)
        finally:
            os.close(lock)
        if found is None and log_start is None and not orphans_told and patience.seconds > ORPHANS_MAY_TAKE:
            postmaster.signal_orphans(place)
            orphans_told = True
        patience(partial(_what_is_waited_for, place, found, log_start is not None))


def _start(place: Place, lock: int, listen: Address | None, tell: Tell) -> int:
    """Start a server; how long its log was before, in bytes."""
    binaries_dir = cluster.prepare(place, lock, tell)
    log, log_start = place.open_log()
    try:
        postmaster.start(place, binaries_dir, listen, lock, log)
    finally:
        os.close(log)
    return log_start


def _what_is_waited_for(place: Place, found: Postmaster | None, started: bool) -> str:
    if found is None and not started:
        return "waiting for the processes of an earlier embedded Postgres to end (they may be in another container)"
    doing = "stop" if found and found.status == "stopping" else "start"
    return f"waiting for the embedded Postgres to {doing}: {place.log_since(0, lines=1) or 'it has said nothing yet'}"


def _stop(place: Place, tell: Tell) -> None:
    """Stop the server and wait until it is gone. What has no server process to ask is given a few seconds to go."""
    patience, asked = Patience(tell), (0, signal.SIGINT)
    while not postmaster.is_gone(place):
        found = postmaster.seen(place)
        # one asked to stop during its crash recovery may never end; the hard way is safe, the next start recovers
        manner = signal.SIGINT if patience.seconds < STOP_MAY_TAKE else signal.SIGQUIT
        if found and (found.pid, manner) != asked:
            asked = found.pid, manner
            with suppress(ProcessLookupError):
                os.kill(found.pid, manner)
        if not found and patience.seconds > STRAYS_MAY_TAKE:
            return
        patience("waiting for the embedded Postgres to stop")


def _password(place: Place) -> str:
    if not (known := place.read(place.password)):
        known = secrets.token_urlsafe(24)
        place.write(place.password, known)
    return known


def _set_password(connection: psycopg.Connection[tuple[object, ...]], password: str) -> None:
    """The server is given the hash: the password itself must not reach a log."""
    hashed = connection.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(ROLE), hashed))


def _describe(place: Place, found: Postmaster, listen: str, tell: Tell) -> Server:
    folder = socket_dir(place)
    return Server(
        url=f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(folder))}&port={found.port}",
        socket_dir=folder,
        data_dir=place.data,
        bin_dir=cluster.bin_dir(place),
        log=place.log,
        tcp_url=_tcp_url(place, postmaster.address(listen)),
        _ensure=lambda: _ensure(place, tell),
    )


def _tcp_url(place: Place, listen: Address | None) -> str | None:
    if listen is None:
        return None
    host = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - compared
    host = f"[{host}]" if ":" in host else host
    return f"postgresql://{ROLE}:{_password(place)}@{host}:{listen.port}/{DATABASE}"


def _ensure(place: Place, tell: Tell) -> None:
    with _plain(place.root), place.gate(tell):
        _serve(place, place.read(place.listen), tell)


@contextmanager
def _plain(folder: Path) -> Iterator[None]:
    """Whatever the system or the server refuses becomes one EmbeddedError."""
    try:
        yield
    except (OSError, psycopg.Error) as error:
        raise cluster.failure(folder, "the embedded Postgres cannot be used", str(error)) from error
