"""Printing: results on standard output; errors, notices and progress on standard error.

Printed text may come from platforms and users: control characters are made visible (`domain/display.py`), nothing is
read as markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from rich.console import Console
from rich.text import Text

from orders_sync.cli import tables
from orders_sync.domain.display import visible, visible_json
from orders_sync.engine.runner import WindowResult

WIDE = 200  # columns, where nobody's screen sets the width
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
}  # columns that fold


@cache
def out() -> Console:
    """Return the console of standard output."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


@cache
def err() -> Console:
    """Return the console of standard error."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def error(text: str, keep: str = "") -> None:
    """Print an error message. `keep`: control characters that stay, such as a line end in a text of several lines."""
    err().print(Text.assemble(("orders-sync:", "bold red"), " ", visible(text, keep)), soft_wrap=True)


def info(text: str, keep: str = "") -> None:
    """Print a notice. `keep`: as in `error`."""
    err().print(Text(visible(text, keep), style="dim"), soft_wrap=True)


def say(text: str) -> None:
    """Print a line of a result on standard output."""
    out().print(Text(visible(text)), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a result as one JSON document, ASCII unless standard output is UTF-8.

    What JSON has no type for is printed by `str`: times, amounts.
    """
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(visible_json(json.dumps(value, ensure_ascii=not is_utf8, indent=2, default=str)))


def print_payload(text: str) -> None:
    """Print a payload: its bytes unchanged to a file or a pipe, without control characters to a terminal."""
    if sys.stdout.isatty():
        print(visible(text, keep="\n\t"))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")


def utc(moment: datetime | None) -> str:
    """Format a time as UTC without naming the zone, to the second; "" for None."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else ""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Iterable[str] = ()) -> None:
    """Print a table; the columns named in `numbers` are aligned right. No value is cut (`cli/tables.py`)."""
    cells = [[cell(value) for value in row] for row in rows]
    width = out().width
    for part in tables.fold(visible(title), width):
        out().print(Text(part, style="bold"), soft_wrap=True)
    for line in tables.lines(columns, cells, width, set(numbers), TEXT):
        out().print(line, soft_wrap=True)


def cell(value: object) -> str:
    """Format a value for a table cell; a time with a zone in UTC, to the second."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{utc(value)} UTC" if value.tzinfo else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list):
        return visible(", ".join(map(str, value)))
    return visible(str(value))


class NullProgress:
    """Progress of a command that shows no bars: only its notices are printed."""

    def counted(self, account: str, rows: int) -> None:
        pass

    def landed(self, account: str, rows: int) -> None:
        pass

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        pass

    def closed(self, window: WindowResult) -> None:
        pass

    def notify(self, account: str, text: str) -> None:
        info(f"{account}: {text}")
