"""What a person sees: tables, complaints, words. Results go to standard output, all else to standard error.

Rich is imported by what prints with it: a pass asked for by a machine prints nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from orders_sync.engine.draining import Closed

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 200  # columns, where nobody's screen sets the width
PROSE = {"value", "title", "sku_text", "changed", "reason"}  # columns that may wrap


@cache
def out() -> Console:
    """Standard output."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


@cache
def err() -> Console:
    """Standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def escape(text: str) -> str:
    """Text as it is, though it holds what Rich would take for markup."""
    from rich.markup import escape as escaped

    return escaped(text)


def complain(text: str) -> None:
    """An error, for a person."""
    err().print(f"[bold red]orders-sync:[/] {escape(text)}", soft_wrap=True)


def tell(text: str) -> None:
    """A word on what is going on."""
    err().print(f"[dim]{escape(text)}[/]", soft_wrap=True)


def print_json(value: Any) -> None:
    """A result, for a machine: one JSON document; times in ISO 8601, amounts as text."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


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
    """A result as a table; the columns named in `numbers` stand to the right."""
    from rich.table import Table

    right = set(numbers)
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for column in columns:
        made.add_column(
            column, justify="right" if column in right else "left", overflow="fold", no_wrap=column not in PROSE
        )
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    out().print(made)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return escape(str(value))


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
