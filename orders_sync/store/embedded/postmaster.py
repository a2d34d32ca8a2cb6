"""The server process: seen, started, asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

from orders_sync.domain.errors import EmbeddedError
from orders_sync.store.embedded.place import Place, gets, socket_dir

NAMES = ("postgres", "postmaster")
DEFAULT_PORT = 5432

_children: dict[int, subprocess.Popen[bytes]] = {}  # servers this process started, to be reaped by it


@dataclass(frozen=True)
class Postmaster:
    """What a server says of itself in `postmaster.pid`. `status`: starting, ready, standby or stopping."""

    pid: int
    port: int
    status: str


@dataclass(frozen=True)
class Address:
    """Where a server listens on TCP."""

    host: str
    port: int


def address(listen: str) -> Address | None:
    """Read `host:port` (or `[IPv6]:port`); None for an empty text. Raises EmbeddedError."""
    if not listen:
        return None
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise EmbeddedError(f"{listen!r} is not an address to listen on: write host:port, for example 127.0.0.1:5433")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def seen(place: Place) -> Postmaster | None:
    """The living server of this place; None when it is dead, a zombie, not there, or its number is another's now."""
    _reap()
    lines = place.read(place.data / "postmaster.pid").splitlines()
    if len(lines) < 4 or not lines[0].strip().isdigit() or not lines[3].strip().isdigit():
        return None
    note = Postmaster(int(lines[0]), int(lines[3]), lines[7].strip() if len(lines) > 7 else "starting")
    with suppress(psutil.Error):
        if _is_of(psutil.Process(note.pid), place.data):
            return note
    return None


def start(place: Place, binaries_dir: Path, listen: Address | None, server_lock: int, log: int) -> None:
    """Start a server where none is left. It keeps `server_lock` for as long as one of its processes lives."""
    with suppress(FileNotFoundError):
        (place.data / "postmaster.pid").unlink()
    for stale in place.folder(place.socket).glob(".s.PGSQL.*"):
        stale.unlink()
    with (
        place.as_server_sees(place.data) as (data, data_descriptor),
        place.as_server_sees(place.socket) as (socket, socket_descriptor),
    ):
        settings = {
            "unix_socket_directories": socket if socket_descriptor else str(socket_dir(place)),
            "listen_addresses": listen.host if listen else "",
            "port": str(listen.port if listen else DEFAULT_PORT),
        }
        child = subprocess.Popen(
            [str(binaries_dir / "postgres"), "-D", data, *_options(settings)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(server_lock, *data_descriptor, *socket_descriptor),
            **place.process,
        )
    _children[child.pid] = child


def is_gone(place: Place) -> bool:
    """True when no process of a server is left on this place."""
    lock = place.lock("server")
    try:
        return gets(lock) and seen(place) is None  # a server started by hand does not hold the lock
    finally:
        os.close(lock)


def signal_orphans(place: Place) -> None:
    """Tell the processes a killed server left behind to drop what they do, as it would have told them."""
    for process in psutil.process_iter():
        if _is_of(process, place.data):
            with suppress(psutil.Error, ProcessLookupError):
                process.send_signal(signal.SIGQUIT)


def _options(settings: dict[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        yield "-c"
        yield f"{name}={value}"


def _is_of(process: psutil.Process, data: Path) -> bool:
    """A process of Postgres, not a zombie, that works in this folder: every process of a server works in its data."""
    try:
        return (
            process.name() in NAMES
            and process.status() != psutil.STATUS_ZOMBIE
            and os.path.samestat(_working_folder(process), data.stat())
        )
    except (psutil.Error, OSError):
        return False


def _working_folder(process: psutil.Process) -> os.stat_result:
    if psutil.LINUX:  # by the link itself: its text may be a path of another mount namespace
        return os.stat(f"{psutil.PROCFS_PATH}/{process.pid}/cwd")
    return os.stat(process.cwd())


def _reap() -> None:
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)
