"""`orders-sync migrate` and `orders-sync db`: the database itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from orders_sync.cli import actor, backup, databases, options, output, signals, user_settings
from orders_sync.cli.databases import Host
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import DatabaseError, UsageError
from orders_sync.embedded_postgres import binaries
from orders_sync.settings import database_url
from orders_sync.store import conninfo
from orders_sync.store import migrate as migrations

app = typer.Typer(help="Connect to the database, back it up, restore it, move it.", no_args_is_help=True)


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail if tables and version differ.")] = False,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Migrate the database to this version's tables. Commands that write orders, such as `run`, do so as well."""
    settings = user_settings.load(config)
    with databases.server(settings, create=not check) as host:
        if check:
            migrations.check(host.url)
            output.report({"applied": []}, "the tables are those of this version", json)
            return
        applied = databases.bring_up(host, anew=True)
        _say_remarks(host)
    text = f"migrated: {', '.join(applied)}" if applied else "the tables are up to date"
    output.report({"applied": applied}, text, json)


@app.command("url")
def url(config: options.Config = None) -> None:
    """Print the URL of the database, for any client. The embedded server runs only during a command: see `db serve`."""
    settings = user_settings.load(config)
    with databases.server(settings) as host:
        print(host.url)
    if settings.database.url is None:
        output.info(
            "the embedded server runs only during an orders-sync command: keep it running with `orders-sync db serve`"
        )


@app.command("serve")
def serve(config: options.Config = None) -> None:
    """Keep the embedded server running until interrupted. For TCP set [database] listen = "127.0.0.1:5433"."""
    settings = user_settings.load(config)
    if settings.database.url is not None:
        raise DatabaseError("DATABASE_URL is set, so there is no embedded server to keep running")
    with databases.server(settings) as host:
        print(host.url, flush=True)
        output.info("the server is running; Ctrl-C stops it")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


@app.command("dump")
def dump(
    file: Annotated[Path, typer.Argument(help="The file to write. Only its owner can read it.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file of this name.")] = False,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Write a dump of the database, for `db restore` or pg_restore. The service may be running."""
    settings = user_settings.load(config)
    with databases.server(settings) as host:
        left = f"{file} is as it was" if file.exists() else f"{file} was not written"
        with _saying_at_interruption(lambda: left):
            size = backup.dump(host.url, file, output.info, actor=actor.current(), replaces=force)
    if json:
        output.print_json({"file": str(file), "bytes": size})
    else:
        output.say(f"{file}: {size / 2**20:,.1f} MB")


@app.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(help="A dump by `db dump`.")],
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Restore a dump into the empty database of the settings, migrate it to this version's tables, count its rows."""
    settings = user_settings.load(config)
    with databases.server(settings, create=True) as host:
        backup.must_be_still(host.url, output.info)
        with _saying_at_interruption(lambda: backup.remains(host.url)):
            backup.restore(host.url, file, output.info)
            rows = backup.row_counts(host.url)
            _make_current(host)
        backup.record(host.url, actor.current(), Action.DATABASE_RESTORE, {"file": file.name})
        _say_remarks(host)
    if json:
        output.print_json({"file": str(file), "tables": rows})
    else:
        for table, count in rows.items():
            output.say(f"{count:>13,} {table}")
        output.say(f"restored {file}. The next `orders-sync sync` or `run` continues from there")


@app.command("move")
def move(
    url: Annotated[
        str,
        typer.Argument(
            help="An empty database, for example postgresql://orders@host/orders. A "
            "password is better given as PGPASSWORD or in ~/.pgpass."
        ),
    ],
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Copy everything into another database, compare every row, and mark this one as moved. Deletes nothing."""
    settings = user_settings.load(config)
    try:
        target = conninfo.with_variables(database_url.parse(url))
    except ValueError as error:
        raise UsageError(f"the URL of the new database {error}") from None
    backup.must_be_free(target)
    with databases.server(settings) as host, tempfile.TemporaryDirectory(prefix="orders-sync-move-") as folder:
        backup.must_be_still(host.url, output.info)
        file = Path(folder) / "orders.dump"
        with _saying_at_interruption(lambda: backup.remains(target)):
            backup.dump(host.url, file, output.info)
            backup.restore(target, file, output.info, copy_of=conninfo.shown(host.url))
            output.info("comparing every row")
            compared = backup.compare(host.url, target)
            backup.record_move(host.url, target, actor.current(), compared.rows, output.info)
        details = {"source": conninfo.shown(host.url), "rows": compared.rows}
        with closing(Host(target)) as new:
            _make_current(new)
            backup.record(target, actor.current(), Action.DATABASE_MOVE, details)
            _say_remarks(new)
    if json:
        output.print_json({"moved_to": conninfo.shown(target), "tables": compared.tables, "rows": compared.rows})
        return
    output.say(f"moved to {conninfo.shown(target)}: {compared.tables} tables, {compared.rows:,} rows, all equal")
    output.say(
        "now set DATABASE_URL to it, then start the service. The old database keeps its rows; `sync` and `run` refuse "
        "it until `orders-sync db reopen`"
    )


@app.command("reopen")
def reopen(config: options.Config = None, json: options.Json = False) -> None:
    """Use a database again that was moved elsewhere, or whose copy was not compared to the end."""
    settings = user_settings.load(config)
    with databases.server(settings) as host:
        changed = backup.reopen(host.url, actor.current())
        where = conninfo.shown(host.url)
    text = f"database {where} is in use again: nothing else may read on elsewhere" if changed else "it was in use"
    output.report({"reopened": changed}, text, json)


@contextmanager
def _saying_at_interruption(left: Callable[[], str]) -> Iterator[None]:
    """Print what is left behind when a signal ends the block."""
    try:
        yield
    except KeyboardInterrupt:
        with suppress(DatabaseError):
            output.info(left())
        raise


def _say_remarks(host: Host) -> None:
    with host.session() as session:
        for each in databases.remarks(session):
            output.info(each)


def _make_current(host: Host) -> None:
    """Bring a restored database to this version's tables, without the processes that ran on the one it is a copy of."""
    databases.bring_up(host)
    backup.forget_processes(host.url)


@app.command("shell", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def shell(
    typer_context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Settings file. There is no -c here: it is passed to psql.", show_default=False),
    ] = None,
) -> None:
    """Open psql on the database. Further arguments are passed to psql: `orders-sync db shell -c "SELECT 1"`."""
    settings = user_settings.load(config)
    with databases.server(settings) as host:
        address = host.url
        rest = conninfo.libpq_argument(address)
        arguments = ["--dbname", rest] if rest else []
        with _startup_file() as file:
            environment = os.environ | conninfo.libpq_environment(address) | {"PSQLRC": str(file)}
            command = [str(_psql()), *arguments, *typer_context.args]
            with signals.left_to_child():
                code = subprocess.run(command, env=environment, check=False).returncode
    raise typer.Exit(code)


@contextmanager
def _startup_file() -> Iterator[Path]:
    """Yield a start-up file for psql that sets the search path, then includes the user's own."""
    own = Path(os.environ.get("PSQLRC") or os.path.expanduser("~/.psqlrc"))
    with tempfile.NamedTemporaryFile("w", suffix=".psqlrc", encoding="utf-8") as file:
        file.write("\\set as_before :QUIET\n\\set QUIET on\nSET search_path TO public;\n")
        file.write("\\set QUIET :as_before\n\\unset as_before\n")
        if own.is_file():
            file.write("\\i '{}'\n".format(str(own).replace("'", "''")))
        file.flush()
        yield Path(file.name)


def _psql() -> Path:
    ours = binaries.wheel() / "psql"
    found = ours if os.access(ours, os.X_OK) else shutil.which("psql")
    if not found:
        raise DatabaseError(
            "psql is not installed: install postgresql-client, or use any client on `orders-sync db url`"
        )
    return Path(found)
