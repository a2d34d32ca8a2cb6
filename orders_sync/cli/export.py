"""`orders-sync export`: the rows of a view of schema `bi` as a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from orders_sync import exports
from orders_sync.cli import actor, databases, options, output, user_settings
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import OrdersSyncError, UsageError
from orders_sync.domain.statuses import STATES
from orders_sync.store import activity

LINE_EVERY = 10.0  # seconds


def _views(incomplete: str) -> list[str]:
    return [name for name in exports.views() if name.startswith(incomplete)]


def _formats(incomplete: str) -> list[str]:
    return [name for name in exports.FORMATS if name.startswith(incomplete)]


def _states(incomplete: str) -> list[str]:
    return [name for name in STATES if name.startswith(incomplete)]


def export(
    view: Annotated[
        str,
        typer.Argument(
            metavar="VIEW",
            help="A view of schema bi, such as orders, order_lines or daily_sales.",
            autocompletion=_views,
        ),
    ],
    file: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write; it is replaced if it exists.")
    ],
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv|xlsx|parquet",
            help="Format of the file. [default: by its ending]",
            show_default=False,
            autocompletion=_formats,
        ),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="First moment or day.", show_default=False)
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="End, not included.", show_default=False)
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            help="The time that --from and --to mean. [default: when the order was placed]",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Only orders in this state, a value of status_group or unshipped; may be repeated.",
            show_default=False,
            autocompletion=_states,
        ),
    ] = None,
    account: options.Accounts = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Write the rows of a view to a CSV, XLSX or Parquet file.

    Ids are text. The file appears when it is whole, so a job that reads it never sees half of it. An export of
    order_persons is recorded (`orders-sync activity`).

    Example: orders-sync export orders --from 2026-10-01 --to 2026-11-01 -o october.xlsx
    """
    format_ = _format(file, format_name)
    format_.must_be_installed()
    name = view.removeprefix("bi.")
    exports.must_be_view(name)
    selection = exports.Selection(
        name,
        None if from_ is None else options.moment(from_, "--from"),
        None if to is None else options.moment(to, "--to"),
        by,
        tuple(account or ()),
        tuple(state or ()),
    )
    if unknown := [each for each in selection.states if each not in STATES]:
        raise UsageError(f"--state: {unknown[0]} is none of {', '.join(STATES)}")
    if selection.start and selection.end and selection.start >= selection.end:
        raise UsageError(f"nothing lies between --from {from_} and --to {to}")
    settings = user_settings.load(config)
    with databases.opened(settings) as host, host.session() as connection, _progress() as report:
        if selection.reveals_personal_data:
            details = {"file": file.name} | selection.described
            activity.record_blocking(connection, actor.current(), Action.PERSONS_EXPORT, details=details)
        try:
            rows, remarks = exports.write(connection, selection, file, format_, report)
        except OSError as error:
            raise OrdersSyncError(f"{file}: {error.strerror or error}; nothing was written") from None
    if json:
        output.print_json({"file": str(file), "rows": rows, "notes": remarks})
        return
    output.info("; ".join([f"{rows:,} rows in {file}", *remarks]))


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Show the number of rows so far: on a terminal always, elsewhere in a line every ten seconds."""
    console = output.err()
    if output.has_screen(console):
        with console.status("exporting") as status:
            yield lambda rows: status.update(f"exporting: {rows:,} rows")
        return
    reported = time.monotonic()

    def report(rows: int) -> None:
        nonlocal reported
        if time.monotonic() - reported >= LINE_EVERY:
            reported = time.monotonic()
            output.info(f"exporting: {rows:,} rows so far")

    yield report


def _format(file: Path, name: str | None) -> exports.Format:
    asked = name or file.suffix.removeprefix(".").lower()
    if asked not in exports.FORMATS:
        known = ", ".join(exports.FORMATS)
        if name is not None:
            raise UsageError(f"--format: {name} is none of {known}")
        raise UsageError(f"{file}: its ending is none of {known}: give --format")
    return exports.FORMATS[asked]
