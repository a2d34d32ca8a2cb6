"""`orders-sync`: every command. A mistake is one message and a non-zero exit, never a traceback.

What only one command needs and takes long to import (the sandbox, Alembic) is imported by that command.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys

import typer

from orders_sync.cli import (
    accounts,
    audit,
    backfill,
    db,
    demo,
    doctor,
    look,
    rejects,
    renormalize,
    sandbox,
    service,
    sync,
)
from orders_sync.cli.screen import complain
from orders_sync.domain.errors import OrdersSyncError

app = typer.Typer(
    name="orders-sync",
    help="Marketplace orders from 1688 and Xportcn, complete and current in Postgres.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("sync")(sync.sync)
app.command("run")(service.run)
app.command("scheduler")(service.scheduler)
app.command("worker")(service.worker)
app.command("console")(service.console)
app.add_typer(backfill.app, name="backfill")
app.command("audit")(audit.audit)
app.command("status")(look.status)
app.command("order")(look.order)
app.add_typer(rejects.app, name="rejects")
app.command("renormalize")(renormalize.renormalize)
app.command("doctor")(doctor.doctor)
app.command("migrate")(db.migrate)
app.add_typer(accounts.app, name="accounts")
app.add_typer(db.app, name="db")
app.command("sandbox")(sandbox.sandbox)
app.command("verify")(sandbox.verify)


INTERRUPTED = 130


def main() -> None:
    """The console script. Exit codes: 0 done, 1 something went wrong, 2 wrong usage, 130 interrupted."""
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # ends as Ctrl-C does: windows handed back, server stopped
    logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what matters of it reaches the user as an error
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no Chinese still shows the rest
    try:
        app()
    except OrdersSyncError as error:
        complain(str(error))
        sys.exit(1)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            complain("interrupted; what had landed stays, the next run goes on from there")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
