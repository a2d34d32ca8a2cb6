"""What a person sees: tables, complaints, words. Results go to standard output, all else to standard error.

Whatever is printed here holds text of platforms and users: it is shown, never obeyed (`domain/display.py`), and never
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
from orders_sync.engine.draining import Closed

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
    """Standard output."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


@cache
def err() -> Console:
    """Standard error."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def complain(text: str, keep: str = "") -> None:
    """An error, for a person. `keep`: control characters of our own, a line end where the text has several lines."""
    err().print(Text.assemble(("orders-sync:", "bold red"), " ", visible(text, keep)), soft_wrap=True)


def tell(text: str, keep: str = "") -> None:
    """A word on what is going on. `keep`: as in `complain`."""
    err().print(Text(visible(text, keep), style="dim"), soft_wrap=True)


def say(text: str) -> None:
    """A line of a result that is no table."""
    out().print(Text(visible(text)), soft_wrap=True)


def print_json(value: Any) -> None:
    """A result, for a machine: one JSON document, whatever the encoding; times in ISO 8601, amounts as text."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(visible_json(json.dumps(value, ensure_ascii=not is_utf8, indent=2, default=str)))


def print_payload(text: str) -> None:
    """What a platform sent: its bytes, in UTF-8, to a file or a pipe; a terminal is given no control characters."""
    if sys.stdout.isatty():
        print(visible(text, keep="\n\t"))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")


def duration(seconds: int) -> str:
    """So long, in the unit that says it in two digits."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def utc(moment: datetime | None) -> str:
    """A moment as a person reads it, to the second; the column says that it is UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else ""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Iterable[str] = ()) -> None:
    """A result as a table; the columns named in `numbers` stand to the right. No value is cut (`cli/tables.py`)."""
    cells = [[cell(value) for value in row] for row in rows]
    width = out().width
    for part in tables.fold(visible(title), width):
        out().print(Text(part, style="bold"), soft_wrap=True)
    for line in tables.lines(columns, cells, width, set(numbers), TEXT):
        out().print(line, soft_wrap=True)


def cell(value: object) -> str:
    """A value as a table shows it; a moment with a zone in UTC, to the second."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{utc(value)} UTC" if value.tzinfo else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list):
        return visible(", ".join(map(str, value)))
    return visible(str(value))


class Quiet:
    """Progress nobody watches: only words are said."""

    def counted(self, account: str, rows: int) -> None:
        pass

    def landed(self, account: str, rows: int) -> None:
        pass

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        pass

    def closed(self, window: Closed) -> None:
        pass

    def told(self, account: str, text: str) -> None:
        tell(f"{account}: {text}")
