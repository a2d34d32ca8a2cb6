"""The data folder. It is made in a folder beside it and renamed when it is finished: `data` is whole or not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from orders_sync.domain.errors import EmbeddedError
from orders_sync.store.embedded import binaries
from orders_sync.store.embedded.patience import Tell
from orders_sync.store.embedded.place import Place, has_name, name_of

LOCALES = ("C.UTF-8", "C")  # not every system knows the first
HOSTS = "host all all all scram-sha-256\n"  # who may listen on TCP is decided when the server starts
FULL = "No space left on device"


def failure(folder: Path, what: str, output: str) -> EmbeddedError:
    """`what` went wrong, what the server said, and what to do."""
    advice = "give a database by DATABASE_URL if it cannot be mended"
    if FULL in output:
        advice = f"the disk is full: free some space for {folder}"
    elif "Address already in use" in output:
        advice = "the address is taken: choose another port"
    return EmbeddedError(f"{what}; {advice}\n{output}".rstrip())


def bin_dir(place: Place) -> Path:
    """The binaries for this place's data folder, or for the one that would be made."""
    version = place.read(place.data / "PG_VERSION").strip()
    return binaries.of_major(version) if version else binaries.wheel()


def prepare(place: Place, server_lock: int, tell: Tell) -> Path:
    """See that there is a data folder this place's user can run; the binaries to run it by are returned.

    `server_lock` is handed on to initdb: one that outlives us is waited for like a server.
    """
    for leftover in place.root.glob("data.new-*"):
        shutil.rmtree(leftover)
    binaries_dir = binaries.for_server(place, bin_dir(place))
    if place.data.is_dir() and any(place.data.iterdir()):
        _check(place)
    else:
        _make(place, binaries_dir, server_lock, tell)
    return binaries_dir


def _check(place: Place) -> None:
    if not (place.data / "PG_VERSION").is_file():
        raise EmbeddedError(f"{place.data} is not a Postgres data folder: move it away, and a new one is made")
    if (owner := place.data.stat().st_uid) != place.uid:
        user = name_of(place.uid)
        raise EmbeddedError(
            f"{place.data} belongs to user {name_of(owner)}, but the server runs as {user}: "
            f"chown -R {user} {place.root}"
        )


def _make(place: Place, binaries_dir: Path, server_lock: int, tell: Tell) -> None:
    if not has_name(place.uid):
        raise EmbeddedError(
            f"user {place.uid} has no entry in passwd, and Postgres' initdb does not run without one: add one (in a "
            "container: run as a user of the image), or give a database by DATABASE_URL"
        )
    tell("making a database in " + str(place.data))
    for locale in LOCALES:
        new = Path(tempfile.mkdtemp(prefix="data.new-", dir=place.root))
        try:
            place.own(new)
            said = _initdb(place, binaries_dir, new, locale, server_lock)
            if said.returncode == 0:
                with (new / "pg_hba.conf").open("a", encoding="utf-8") as hba:
                    hba.write(HOSTS)
                new.replace(place.data)
                _sync(place.root)
                return
        finally:
            shutil.rmtree(new, ignore_errors=True)
        output = said.stdout.decode(errors="replace")
        if "locale" not in output.rpartition("error:")[2]:
            break
    raise failure(place.root, f"the database in {place.root} could not be made", output)


def _initdb(place: Place, binaries_dir: Path, new: Path, locale: str, lock: int) -> subprocess.CompletedProcess[bytes]:
    with place.as_server_sees(new) as (folder, descriptors):
        return subprocess.run(
            [
                *(str(binaries_dir / "initdb"), "-D", folder, "-U", "postgres", "-E", "UTF8", f"--locale={locale}"),
                *("--auth-local=trust", "--auth-host=scram-sha-256", "--data-checksums"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(lock, *descriptors),
            **place.process,
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
