"""The command line `orders-sync`. Errors become one message and a non-zero exit code, never a traceback.

Only the module of the command that was asked for is imported, by the table `COMMANDS`; all of them to list them. To
import all would take an idle `sync` one and a half times longer (docs/benchmarks.md). The modules import at their top.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer

from orders_sync.cli import completion, exit_codes, help, output, signals
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.domain.display import visible
from orders_sync.domain.errors import OrdersSyncError, PlatformError

DAILY, REPAIR, SETUP, TRY = "Daily", "Repair", "Setup", "Try"
COMMANDS = {  # module, function, panel of the help; a group of commands is the module's `app`
    "run": ("service", "run", DAILY),
    "sync": ("sync", "sync", DAILY),
    "status": ("status", "status", DAILY),
    "order": ("order", "order", DAILY),
    "audit": ("audit", "app", DAILY),
    "export": ("export", "export", DAILY),
    "scheduler": ("service", "scheduler", DAILY),
    "worker": ("service", "worker", DAILY),
    "console": ("console", "app", DAILY),
    "accounts": ("accounts", "app", REPAIR),
    "backfill": ("backfill", "app", REPAIR),
    "rejects": ("rejects", "app", REPAIR),
    "activity": ("activity", "activity", REPAIR),
    "renormalize": ("renormalize", "renormalize", REPAIR),
    "config": ("config", "app", SETUP),
    "doctor": ("doctor", "doctor", SETUP),
    "notify": ("notify", "app", SETUP),
    "completion": ("completion", "completion", SETUP),
    "migrate": ("db", "migrate", SETUP),
    "db": ("db", "app", SETUP),
    "demo": ("demo", "demo", TRY),
    "sandbox": ("sandbox", "sandbox", TRY),
    "verify": ("sandbox", "verify", TRY),
}
RESUMABLE = {"run", "sync", "worker", "demo", "backfill", "audit", "rejects", "renormalize"}
PASSED_ON = ("db", "shell")  # its arguments are psql's
ClickException: Any = typer.BadParameter.__mro__[2]  # typer has its own, which it does not export


def application(asked: str = "") -> Callable[..., object]:
    """Return the command line with the command `asked` only, with all commands if there is none of that name."""
    made = typer.Typer(
        name="orders-sync",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback(
        help="Marketplace orders from 1688 and Xportcn, complete and current in Postgres.",
        epilog="\n\n".join([exit_codes.SUMMARY, *help.documents()]),
    )(_options)
    for name in _commands(asked):
        module, what, panel = COMMANDS[name]
        found = getattr(import_module(f"orders_sync.cli.{module}"), what)
        if isinstance(found, typer.Typer):
            made.add_typer(found, name=name, rich_help_panel=panel)
        else:
            made.command(name, rich_help_panel=panel)(found)
    command = typer.main.get_command(made)
    help.complete(command)
    return command


def _commands(asked: str) -> Iterable[str]:
    """Return the commands to import: the one asked for, all to list them, none to show the version."""
    if asked == "--version":
        return ()
    return [asked] if asked in COMMANDS else COMMANDS


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"orders-sync {version('orders-sync')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None: ...


def main(on_imported: Callable[[], None] = lambda: None) -> None:
    """Run the command of `sys.argv` and exit. Exit codes: as in `cli/exit_codes.py`.

    With --json every line on standard error is a JSON object. `on_imported` is called once the command's modules are
    imported, before it runs.
    """
    if sys.argv[1:2] == ["help"]:
        sys.argv[1:] = [*sys.argv[2:], "--help"]
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what matters of it reaches the user as an error
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no Chinese still shows the rest
    output.use_json("--json" in sys.argv and tuple(sys.argv[1:3]) != PASSED_ON)
    try:
        _refuse_unprintable(sys.argv[1:])
        made = application("" if completion.is_asked() else command)
        on_imported()
        signals.install()
        try:
            _run(made)
        finally:
            sys.stdout.flush()  # what cannot be written is an error here; later nobody would catch it
    except OrdersSyncError as error:
        _fail(str(error), exit_codes.of(error), keep="" if isinstance(error, PlatformError) else "\n")
    except SystemExit as end:
        if end.code == ExitCode.INTERRUPTED:
            _report_interruption(command)
            sys.exit(signals.exit_code())
        raise
    except KeyboardInterrupt:
        _report_interruption(command)
        sys.exit(signals.exit_code())
    except Exception as error:
        if sys.excepthook is not sys.__excepthook__:  # the service writes it to its log
            raise
        _end(error)


def _run(command: Callable[..., object]) -> NoReturn:
    """Run the command line and exit; on wrong usage with a message in the form that the other errors have."""
    if not output.is_json():
        command()
    try:
        code = command(standalone_mode=False)
    except ClickException as error:
        _fail(error.format_message(), ExitCode.USAGE)
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)


def _fail(text: str, code: ExitCode, keep: str = "") -> NoReturn:
    output.error(text, keep, kind=code.name.lower(), exit_code=int(code))
    sys.exit(code)


def _refuse_unprintable(arguments: list[str]) -> None:
    """Exit with code 2 if an argument holds control characters or bytes that are not UTF-8."""
    if tuple(arguments[:2]) == PASSED_ON:
        return
    for number, text in enumerate(arguments, 1):
        if any("\ud800" <= c <= "\udfff" or (visible(c) != c and ord(c) < 0xA0) for c in text if c not in "\t\r\n"):
            _fail(f"argument {number} contains a control character or is not UTF-8 text: {text}", ExitCode.USAGE)


def _report_interruption(command: str) -> None:
    output.error(
        "interrupted; stored orders stay, and the next run continues from there"
        if command in RESUMABLE
        else "interrupted"
    )


def _end(error: Exception) -> NoReturn:
    """Print one message for an unexpected exception (closed output, file error, defect); exit with code 1."""
    if isinstance(error, OSError):
        if error.filename is None and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in its buffer goes nowhere
        if not isinstance(error, BrokenPipeError):  # whoever read it has read enough
            _fail(f"{error.filename or 'cannot write the output'}: {error.strerror or error}", ExitCode.FAILED)
        sys.exit(ExitCode.FAILED)
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "orders_sync" in frame.filename]
    where = f" ({ours[-1].filename}, line {ours[-1].lineno})" if ours else ""
    _fail(f"internal error: {type(error).__name__}: {error}{where}. Please report it", ExitCode.FAILED)
