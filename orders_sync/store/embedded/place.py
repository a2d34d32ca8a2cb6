"""The folder of one embedded server, `<home>/postgres`: what lies in it, whom it belongs to, and its locks.

    gate        held while a server is looked at, started or stopped: one command at a time
    users       every command that uses the server holds it shared: whoever gets it alone is the last
    server      inherited by the server's processes: free when not one of them is left, in whatever way they went
    data/       the data folder; appears finished (see `cluster`)
    socket/     the unix socket
    log         what the server says
    listen      the TCP address the server was last started with, empty for none
    password    for TCP, mode 0600

The locks are flock(2) locks: the kernel releases them when their holder is gone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orders_sync.domain.errors import EmbeddedError
from orders_sync.store.embedded.patience import Patience, Tell

SOCKET_DIR_LIMIT = 86  # bytes: the least a system gives a socket's path is 103, `/.s.PGSQL.65535` takes 16
OWN_DESCRIPTORS = Path("/proc/self/fd")
SHORT = Path("/tmp")  # noqa: S108 - only folders of our own, mode 0700, are used in it
LOG_LIMIT = 10_000_000  # bytes


@dataclass(frozen=True)
class Place:
    """`uid` and `gid` are whom the folder belongs to, and so whom the server runs as."""

    root: Path
    uid: int
    gid: int

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def socket(self) -> Path:
        return self.root / "socket"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def listen(self) -> Path:
        return self.root / "listen"

    @property
    def password(self) -> Path:
        return self.root / "password"

    @property
    def is_foreign(self) -> bool:
        """True for root, who runs the server as somebody else."""
        return os.geteuid() != self.uid

    @property
    def process(self) -> dict[str, Any]:
        """What every process of the server is started with: its user, no terminal, a folder that is open to it."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        user = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_foreign else {}
        return {"cwd": "/", "env": own, "start_new_session": True, **user}

    def folder(self, path: Path) -> Path:
        """Make a folder of mode 0700 that belongs to the server's user; one that is there is left as it is."""
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            self.own(path)
        return path

    def open(self, path: Path, flags: int) -> int:
        """A descriptor on a file of mode 0600, made if missing. A symbolic link is not followed: root may be asking."""
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self.own(descriptor)
        return descriptor

    def write(self, path: Path, text: str) -> None:
        with os.fdopen(self.open(path, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, path: Path) -> str:
        """Empty when there is no such file."""
        with suppress(FileNotFoundError):
            return path.read_text(encoding="utf-8")
        return ""

    def lock(self, name: str) -> int:
        """A descriptor on one of the locks, not held yet. Closing it lets go."""
        return self.open(self.root / name, os.O_RDWR)

    @contextmanager
    def gate(self, tell: Tell) -> Iterator[None]:
        """Alone with the server, for as long as it takes to look, start or stop."""
        descriptor, patience = self.lock("gate"), Patience(tell)
        try:
            while not gets(descriptor):
                patience("waiting for another command that is starting or stopping the embedded Postgres")
            yield
        finally:
            os.close(descriptor)

    def log_since(self, start: int, lines: int = 15) -> str:
        """The last lines of the log after its first `start` bytes."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(max(start, log.seek(0, os.SEEK_END) - 20_000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        return ""

    def open_log(self) -> tuple[int, int]:
        """A descriptor to append to the log by, and the log's size in bytes. A big log is put aside first."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.rename(self.log.with_name("log.old"))
        descriptor = self.open(self.log, os.O_WRONLY | os.O_APPEND)
        return descriptor, os.fstat(descriptor).st_size

    @contextmanager
    def as_server_sees(self, folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
        """A folder's name for the server's processes, and the descriptors they must inherit to use it.

        The server's user may not be let through the folder's parents (root's mode 0700 folders), and those are not ours
        to open. Through an inherited descriptor it needs no parent.
        """
        if not self.is_foreign or not OWN_DESCRIPTORS.is_dir():
            yield str(folder), ()
            return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield str(OWN_DESCRIPTORS / str(descriptor)), (descriptor,)
        finally:
            os.close(descriptor)

    def own(self, what: Path | int) -> None:
        if self.is_foreign:
            os.chown(what, self.uid, self.gid)


def gets(descriptor: int, operation: int = fcntl.LOCK_EX) -> bool:
    """Take a lock if nobody is in the way."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def settle(home: Path) -> Place:
    """The place in this home, made if missing.

    For root a new place belongs to the user `postgres`, else `nobody`; one that is there keeps its owner.
    Raises EmbeddedError when it is another user's.
    """
    root = home.expanduser().resolve() / "postgres"
    try:
        root.parent.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            root.mkdir(mode=0o700)
        found = root.lstat()
        if os.geteuid() == 0 and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
            user = _server_user()
            os.chown(root, user.pw_uid, user.pw_gid, follow_symlinks=False)
            found = root.lstat()
    except PermissionError as error:
        raise EmbeddedError(
            f"{error.filename}: this user may not write here; set ORDERS_SYNC_HOME to a folder of its own, "
            "or give a database by DATABASE_URL"
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise EmbeddedError(f"{root} is not a folder: move it away, or set ORDERS_SYNC_HOME to another folder")
    if os.geteuid() not in (0, found.st_uid):
        raise EmbeddedError(
            f"{root} belongs to user {name_of(found.st_uid)}: run as that user, "
            "or set ORDERS_SYNC_HOME to another folder"
        )
    return Place(root, found.st_uid, found.st_gid)


def has_name(uid: int) -> bool:
    """Whether the system knows a user of this number, as it need not in a container."""
    return name_of(uid) != str(uid)


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def socket_dir(place: Place) -> Path:
    """The folder of the socket, by a name short enough for one: its own, else by a link in a folder of ours in /tmp.

    Every caller finds its own short name: a caller's /tmp need not be the server's.
    """
    name = os.fsencode(place.socket)
    if len(name) <= SOCKET_DIR_LIMIT and b"," not in name:  # libpq takes a comma for the start of a second host
        return place.socket
    digest = hashlib.sha256(name).hexdigest()[:12]
    for number in range(100):
        folder = SHORT / f"orders-sync-{os.geteuid()}-{digest}-{number}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if _is_ours_alone(folder):
            link = folder / "s"
            with suppress(FileExistsError):
                link.symlink_to(place.socket)
            return link
    raise EmbeddedError(
        f"{place.root} is too long a path for a socket, and other users hold every short name in {SHORT}"
    )


def forget_socket_dir(place: Place) -> None:
    """Leave nothing behind in /tmp."""
    link = socket_dir(place)
    if link != place.socket:
        with suppress(OSError):
            link.unlink()
            link.parent.rmdir()


def _is_ours_alone(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _server_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            if user.pw_uid != 0:
                return user
    raise EmbeddedError(
        "Postgres does not run as root, and there is neither a user postgres nor nobody to run it as: "
        "start orders-sync as an ordinary user, or give a database by DATABASE_URL"
    )
