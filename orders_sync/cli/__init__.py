"""`orders-sync`: every command. A mistake is one message and a non-zero exit, never a traceback.

A command waits for its own imports only: the others are read when all of them are to be listed.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from importlib import import_module

import typer

from orders_sync.cli.screen import complain
from orders_sync.domain.errors import OrdersSyncError

COMMANDS = {  # module and function; a group of commands is the module's `app`
    "demo": ("demo", "demo"),
    "sync": ("sync", "sync"),
    "run": ("service", "run"),
    "scheduler": ("service", "scheduler"),
    "worker": ("service", "worker"),
    "console": ("service", "console"),
    "backfill": ("backfill", "app"),
    "audit": ("audit", "audit"),
    "status": ("look", "status"),
    "order": ("look", "order"),
    "rejects": ("rejects", "app"),
    "renormalize": ("renormalize", "renormalize"),
    "doctor": ("doctor", "doctor"),
    "migrate": ("db", "migrate"),
    "accounts": ("accounts", "app"),
    "db": ("db", "app"),
    "sandbox": ("sandbox", "sandbox"),
    "verify": ("sandbox", "verify"),
}
INTERRUPTED = 130


def application(asked: str = "") -> typer.Typer:
    """The command that is asked for; every command when it is none of them."""
    made = typer.Typer(
        name="orders-sync",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback(help="Marketplace orders from 1688 and Xportcn, complete and current in Postgres.")(lambda: None)
    for name in [asked] if asked in COMMANDS else COMMANDS:
        module, what = COMMANDS[name]
        found = getattr(import_module(f"orders_sync.cli.{module}"), what)
        if isinstance(found, typer.Typer):
            made.add_typer(found, name=name)
        else:
            made.command(name)(found)
    return made


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
        application(*sys.argv[1:2])()
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
