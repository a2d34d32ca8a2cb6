"""The server process: find it, start it, signal it."""

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
from orders_sync.embedded_postgres.layout import Layout, socket_directory, try_lock

NAMES = ("postgres", "postmaster")
DEFAULT_PORT = 5432

_children: dict[int, subprocess.Popen[bytes]] = {}  # servers this process started and has to reap


@dataclass(frozen=True)
class Postmaster:
    """A running server, as its `postmaster.pid` describes it. `status`: starting, ready, standby or stopping."""

    pid: int
    port: int
    status: str


@dataclass(frozen=True)
class Address:
    """A TCP address to listen on; an IPv6 host is without brackets."""

    host: str
    port: int


def parse_address(text: str) -> Address | None:
    """Parse `host:port` or `[IPv6]:port`; return None for "". Raises EmbeddedError."""
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise EmbeddedError(f"{text!r} is not an address to listen on: write host:port, for example 127.0.0.1:5433")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def find(layout: Layout) -> Postmaster | None:
    """Return the running server of this directory, None if there is none.

    `postmaster.pid` is believed only if its process is alive, not a zombie, named like a Postgres and working in this
    data directory: after a reboot its number may be another process's.
    """
    _reap()
    lines = layout.read(layout.data / "postmaster.pid").splitlines()
    if len(lines) < 4 or not lines[0].strip().isdigit() or not lines[3].strip().isdigit():
        return None
    found = Postmaster(int(lines[0]), int(lines[3]), lines[7].strip() if len(lines) > 7 else "starting")
    with suppress(psutil.Error):
        if _belongs_to(psutil.Process(found.pid), layout.data):
            return found
    return None


def start(layout: Layout, bin_dir: Path, listen: Address | None, server_lock: int, log: int) -> None:
    """Start a server where no process of an earlier one is left; return at once.

    Its processes inherit the locked descriptor `server_lock` and keep it until the last of them ends; `log` is the
    descriptor of their output.
    """
    with suppress(FileNotFoundError):
        (layout.data / "postmaster.pid").unlink()
    for stale in layout.make_directory(layout.socket).glob(".s.PGSQL.*"):
        stale.unlink()
    with (
        layout.reachable(layout.data) as (data, data_descriptor),
        layout.reachable(layout.socket) as (socket, socket_descriptor),
    ):
        settings = {
            "unix_socket_directories": socket if socket_descriptor else str(socket_directory(layout)),
            "listen_addresses": listen.host if listen else "",
            "port": str(listen.port if listen else DEFAULT_PORT),
        }
        child = subprocess.Popen(
            [str(bin_dir / "postgres"), "-D", data, *_options(settings)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(server_lock, *data_descriptor, *socket_descriptor),
            **layout.process_options,
        )
    _children[child.pid] = child


def is_gone(layout: Layout) -> bool:
    """Return whether no process of a server is left in this directory."""
    lock = layout.open_lock("server")
    try:
        return try_lock(lock) and find(layout) is None  # a server started by hand does not hold the lock
    finally:
        os.close(lock)


def quit_orphans(layout: Layout) -> None:
    """Send SIGQUIT to the processes that outlived a killed server, as the server does when it ends at once."""
    for process in psutil.process_iter():
        if _belongs_to(process, layout.data):
            with suppress(psutil.Error, ProcessLookupError):
                process.send_signal(signal.SIGQUIT)


def _options(settings: dict[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        yield "-c"
        yield f"{name}={value}"


def _belongs_to(process: psutil.Process, data: Path) -> bool:
    """Return whether this is a living process of a server of `data`; each has that as its working directory."""
    try:
        # the directory first, which costs least: whoever looks for orphans asks this of every process of the machine
        return (
            os.path.samestat(_working_directory(process), data.stat())
            and process.name() in NAMES
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except (psutil.Error, OSError):
        return False


def _working_directory(process: psutil.Process) -> os.stat_result:
    if psutil.LINUX:  # follow the link itself: its text may be a path in another mount namespace
        return os.stat(f"{psutil.PROCFS_PATH}/{process.pid}/cwd")
    return os.stat(process.cwd())


def _reap() -> None:
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)
