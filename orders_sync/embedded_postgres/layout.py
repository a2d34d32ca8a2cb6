"""The directory of one embedded server, `<home>/postgres`: its paths, its owner and its locks.

    gate        lock, held exclusively while a command inspects, starts or stops the server
    users       lock, held shared by every command that uses the server; who gets it exclusively is the only user
    server      lock, inherited by the server's processes: free once none of them is left, however they ended
    data/       the data directory; appears complete (see `cluster`)
    socket/     the unix socket
    log         the server's log; log.old once it grew too large
    listen      the TCP address of the last start, empty for none
    password    for TCP connections, mode 0600

The locks are flock(2) locks: the kernel releases them when their holder ends, even by SIGKILL.
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
from orders_sync.embedded_postgres.wait import Report, Wait

SOCKET_DIRECTORY_LIMIT = 86  # bytes: unix(7) allows a path of 103 everywhere, `/.s.PGSQL.65535` takes 16
OWN_DESCRIPTORS = Path("/proc/self/fd")
SHORT_PATHS = Path("/tmp")  # noqa: S108 - only directories we own, mode 0700, are used in it
LOG_LIMIT = 10_000_000  # bytes


@dataclass(frozen=True)
class Layout:
    """Paths, owner and locks of one server's directory. `uid` and `gid` own it; the server runs as them."""

    root: Path
    uid: int
    gid: int

    @property
    def data(self) -> Path:
        """The server's data directory."""
        return self.root / "data"

    @property
    def socket(self) -> Path:
        """The directory of its Unix socket."""
        return self.root / "socket"

    @property
    def log(self) -> Path:
        """The log file."""
        return self.root / "log"

    @property
    def listen(self) -> Path:
        """The file that names address and port where it listens on TCP."""
        return self.root / "listen"

    @property
    def password(self) -> Path:
        """The file with the password of its role."""
        return self.root / "password"

    @property
    def runs_as_other_user(self) -> bool:
        """True for root, who runs the server as the directory's owner."""
        return os.geteuid() != self.uid

    @property
    def process_options(self) -> dict[str, Any]:
        """Arguments of `subprocess` for the server's programs: its user, no terminal, no PG* variables, cwd `/`."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        user = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.runs_as_other_user else {}
        return {"cwd": "/", "env": env, "start_new_session": True, **user}

    def make_directory(self, path: Path) -> Path:
        """Create a directory of mode 0700 owned by the server's user; leave an existing one as it is."""
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            self.chown(path)
        return path

    def open(self, path: Path, flags: int) -> int:
        """Open a file, created with mode 0600 if missing; return its descriptor.

        Symbolic links are not followed: root must not write to where the directory's owner points.
        """
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self.chown(descriptor)
        return descriptor

    def write(self, path: Path, text: str) -> None:
        """Replace the text of a file."""
        with os.fdopen(self.open(path, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, path: Path) -> str:
        """Return the text of a file, "" if there is none."""
        with suppress(FileNotFoundError):
            return path.read_text(encoding="utf-8")
        return ""

    def open_lock(self, name: str) -> int:
        """Return a descriptor of the lock file `name`, not locked yet. Closing it releases the lock."""
        return self.open(self.root / name, os.O_RDWR)

    @contextmanager
    def exclusive(self, report: Report) -> Iterator[None]:
        """Hold the lock `gate`: no other command inspects, starts or stops the server meanwhile."""
        descriptor, wait = self.open_lock("gate"), Wait(report)
        try:
            while not try_lock(descriptor):
                wait.sleep("waiting for another command that is starting or stopping the embedded Postgres")
            yield
        finally:
            os.close(descriptor)

    def log_tail(self, start: int, lines: int = 15) -> str:
        """Return the last lines of the log behind its first `start` bytes, "" if there are none."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(max(start, log.seek(0, os.SEEK_END) - 20_000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        return ""

    def open_log(self) -> tuple[int, int]:
        """Open the log for appending; return its descriptor and its size in bytes. Rotates a log above LOG_LIMIT."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.rename(self.log.with_name("log.old"))
        descriptor = self.open(self.log, os.O_WRONLY | os.O_APPEND)
        return descriptor, os.fstat(descriptor).st_size

    @contextmanager
    def reachable(self, path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield a name of a directory that the server's processes can open, and the descriptors they must inherit.

        The server's user may lack the right to pass the parent directories (those of root, mode 0700), whose
        permissions are not ours to change. By an inherited descriptor no parent is passed.
        """
        if not self.runs_as_other_user or not OWN_DESCRIPTORS.is_dir():
            yield str(path), ()
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield str(OWN_DESCRIPTORS / str(descriptor)), (descriptor,)
        finally:
            os.close(descriptor)

    def chown(self, target: Path | int) -> None:
        """Give a path or a descriptor to the server's user."""
        if self.runs_as_other_user:
            os.chown(target, self.uid, self.gid)


def try_lock(descriptor: int) -> bool:
    """Take a lock exclusively without waiting; return whether it was free (or held by this descriptor)."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_directory(home: Path) -> Layout:
    """Return the server's directory in `home`, created if missing.

    A directory that root creates is given to the user `postgres`, else `nobody`; an existing one keeps its owner.
    Raises EmbeddedError when it cannot be written to or belongs to another user.
    """
    root = home.expanduser().resolve() / "postgres"
    try:
        root.parent.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            root.mkdir(mode=0o700)
        found = root.lstat()
        if os.geteuid() == 0 and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
            user = _unprivileged_user()
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
            f"{root} belongs to user {user_name(found.st_uid)}: run as that user, "
            "or set ORDERS_SYNC_HOME to another folder"
        )
    return Layout(root, found.st_uid, found.st_gid)


def has_passwd_entry(uid: int) -> bool:
    """Return whether the system has a user of this number; a container may run under any number."""
    return user_name(uid) != str(uid)


def user_name(uid: int) -> str:
    """Return the name of a user, its number as text if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def socket_directory(layout: Layout) -> Path:
    """Return a name of the socket's directory that clients can use: its path, else a link in SHORT_PATHS.

    A link is needed where the path is too long for a unix socket or holds a comma, at which libpq splits hosts.
    Each caller makes its own link: the caller's /tmp need not be the server's. Raises EmbeddedError.
    """
    name = os.fsencode(layout.socket)
    if len(name) <= SOCKET_DIRECTORY_LIMIT and b"," not in name:
        return layout.socket
    digest = hashlib.sha256(name).hexdigest()[:12]
    for number in range(100):
        directory = SHORT_PATHS / f"orders-sync-{os.geteuid()}-{digest}-{number}"
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        if _is_private(directory):
            link = directory / "s"
            with suppress(FileExistsError):
                link.symlink_to(layout.socket)
            return link
    raise EmbeddedError(
        f"{layout.root} is too long a path for a socket, and other users hold every short name in {SHORT_PATHS}"
    )


def remove_socket_link(layout: Layout) -> None:
    """Remove what `socket_directory` made in SHORT_PATHS."""
    link = socket_directory(layout)
    if link != layout.socket:
        with suppress(OSError):
            link.unlink()
            link.parent.rmdir()


def _is_private(directory: Path) -> bool:
    """Return whether this user owns a directory (not a link to one) that no other user may enter."""
    found = directory.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            if user.pw_uid != 0:
                return user
    raise EmbeddedError(
        "Postgres does not run as root, and there is neither a user postgres nor nobody to run it as: "
        "start orders-sync as an ordinary user, or give a database by DATABASE_URL"
    )
