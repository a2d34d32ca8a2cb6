"""Printing: results on standard output; errors, notices and progress on standard error.

With --json, standard error is JSON too: {"error": ...}, the last with `kind` and `exit_code`, or {"notice": ...}.

Printed text may come from platforms and users: control characters are made visible (`domain/display.py`), nothing is
read as markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from orders_sync.cli import tables
from orders_sync.domain import local_times
from orders_sync.domain.display import visible, visible_json

WIDE = 200  # columns, where nobody's screen sets the width
# columns of tables that fold where the terminal is narrow
TEXT = {
    "value",
    "title",
    "sku_text",
    "changed",
    "reason",
    "not listed",
    "state",
    "open",
    "carrier_name",
    "details",
    "secrets",
    "order ids",
    "what it does",
}

_is_json = False


@cache
def out() -> Console:
    """Return the console of standard output."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


@cache
def err() -> Console:
    """Return the console of standard error."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def has_screen(console: Console) -> bool:
    """Tell whether something may be drawn on a console: a terminal, unless JSON is wanted."""
    return console.is_terminal and not _is_json


def use_json(wanted: bool) -> None:
    """Print errors and notices as JSON from now on, one object a line, or no longer."""
    global _is_json
    _is_json = wanted


def is_json() -> bool:
    """Tell whether errors and notices are printed as JSON."""
    return _is_json


def error(text: str, keep: str = "", **more: object) -> None:
    """Print an error message.

    `keep`: control characters that stay, such as a line end in a text of several lines. `more`: further members of the
    JSON object.
    """
    if _is_json:
        _print_line({"error": text, **more})
        return
    first, *others = _folded(f"orders-sync: {visible(text, keep)}", err())
    name, rest = first[: len("orders-sync:")], first[len("orders-sync:") :]
    err().print(Text.assemble((name, "bold red"), "\n".join([rest, *others])), soft_wrap=True)


def info(text: str, keep: str = "") -> None:
    """Print a notice. `keep`: as in `error`."""
    if _is_json:
        _print_line({"notice": text})
        return
    err().print(Text("\n".join(_folded(visible(text, keep), err())), style="dim"), soft_wrap=True)


def _folded(text: str, console: Console, indent: int = 0) -> list[str]:
    """Fold each line of a text between words where a screen sets the width. `indent`: columns that stay free."""
    if not console.is_terminal:
        return text.split("\n")
    return [part for line in text.split("\n") for part in tables.fold(line, console.width - indent)]


def _print_line(value: dict[str, object]) -> None:
    """Print a JSON object on a line of standard error."""
    print(visible_json(json.dumps(value, ensure_ascii=not _is_utf8(sys.stderr))), file=sys.stderr, flush=True)


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def say(text: str, mark: tuple[str, str] | None = None, keep: str = "") -> None:
    """Print a sentence of a result on standard output, folded between words where a screen sets the width.

    mark: a sign before it and the sign's style; further lines are indented. keep: as in `error`.
    """
    if mark is None:
        out().print(Text("\n".join(_folded(visible(text, keep), out()))), soft_wrap=True)
        return
    sign, style = mark
    indent = " " * (len(sign) + 1)
    lines = f"\n{indent}".join(_folded(visible(text, keep), out(), len(indent)))
    out().print(Text.assemble((sign, style), " ", lines), soft_wrap=True)


def report(result: dict[str, object], text: str, json: bool) -> None:
    """Print what a command changed: as a JSON object where `json` is asked for, else as a notice."""
    if json:
        print_json(result)
    else:
        info(text)


def print_json(value: Any) -> None:
    """Print a result as one JSON document, ASCII unless standard output is UTF-8.

    Times are ISO 8601 in the user's zone with the offset, to the second; durations are seconds, amounts text.
    """
    print(visible_json(json.dumps(value, ensure_ascii=not _is_utf8(sys.stdout), indent=2, default=_plain)))


def _plain(value: object) -> object:
    """Return what JSON can hold in place of a value it has no type for."""
    match value:
        case datetime() if value.tzinfo:
            return local_times.iso(value)
        case datetime():
            return value.isoformat(timespec="seconds")
        case timedelta():
            return value.total_seconds()
    return str(value)


def print_payload(text: str) -> None:
    """Print a payload: its bytes unchanged to a file or a pipe, without control characters to a terminal."""
    if sys.stdout.isatty():
        print(visible(text, keep="\n\t"))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    numbers: Iterable[str] = (),
    optional: Sequence[str] = (),
    see: str = "",
    in_zone: bool = False,
) -> None:
    """Print a table; the columns named in `numbers` are aligned right. No value is cut (`cli/tables.py`).

    Give times as they are: they are shown in the user's zone, which the title then names, with `in_zone` in any case.

    optional: columns that are left out where that lets a table fit two thirds of a narrow screen, the least
    important first (`tables.left_out`); a line below names them. see: the command that shows them.
    """
    values = [list(row) for row in rows]
    width, room = out().width, out().height * 2 // 3
    optional = optional if out().is_terminal else ()  # a file or a pipe gets all of it
    left_out = tables.left_out(columns, [[cell(v) for v in row] for row in values], width, room, TEXT, optional)
    kept = [number for number, name in enumerate(columns) if name not in left_out]
    columns, values = [columns[number] for number in kept], [[row[number] for number in kept] for row in values]
    cells = [[cell(value) for value in row] for row in values]
    if in_zone or any(isinstance(value, datetime) and value.tzinfo for row in values for value in row):
        title = f"{title} (times in {local_times.zone_name()})"
    for part in tables.fold(visible(title), width):
        out().print(Text(part, style="bold"), soft_wrap=True)
    for line in tables.lines(columns, cells, width, set(numbers), TEXT):
        out().print(line, soft_wrap=True)
    if left_out:
        say(f"Not shown: {', '.join(left_out)} (see `orders-sync {see}`)")


def cell(value: object) -> str:
    """Format a value for a table cell."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, datetime):
        return local_times.shown(value) if value.tzinfo else value.isoformat(" ", "seconds")
    if isinstance(value, list):
        return visible(", ".join(map(str, value)))
    return visible(str(value))
