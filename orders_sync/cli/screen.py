"""What a person sees: tables, progress bars, complaints. Results go to standard output, all else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from orders_sync.domain.errors import LostWindow
from orders_sync.engine.draining import Closed

WIDE = 200  # columns, where nobody's screen sets the width
PROSE = {"value", "title", "sku_text", "changed", "reason"}  # columns that may wrap

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def complain(text: str) -> None:
    """An error, for a person."""
    err.print(f"[bold red]orders-sync:[/] {escape(text)}", soft_wrap=True)


def tell(text: str) -> None:
    """A word on what is going on."""
    err.print(f"[dim]{escape(text)}[/]", soft_wrap=True)


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
    right = set(numbers)
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for column in columns:
        made.add_column(
            column, justify="right" if column in right else "left", overflow="fold", no_wrap=column not in PROSE
        )
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    out.print(made)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return escape(str(value))


class Bars:
    """Progress of a pass: a bar an account, on standard error."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def add(self, account: str) -> None:
        """An account about to be read."""
        self._bars[account] = self._progress.add_task(account, total=None)

    def counted(self, account: str, rows: int) -> None:
        bar = self._bars[account]
        known = self._progress.tasks[bar].total or 0
        self._progress.update(bar, total=known + rows)

    def landed(self, account: str, rows: int) -> None:
        self._progress.advance(self._bars[account], rows)

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        """An audit: the bar counts the platform's windows."""
        told = f"{account}: {calls} calls, {differences} ranges differ"
        self._progress.update(self._bars[account], description=told, completed=windows, total=of)

    def closed(self, window: Closed) -> None:
        """Bars show what was counted and what landed."""

    def told(self, account: str, text: str) -> None:
        self._progress.console.print(f"[yellow]{escape(account)}[/]: {escape(text)}", soft_wrap=True)

    def finish(self) -> None:
        """Nothing more will come: bars stand where they are."""
        for bar in self._bars.values():
            self._progress.update(bar, total=self._progress.tasks[bar].completed)


@contextmanager
def bars(accounts: Iterable[str], *, unit: str = "orders", hidden: bool = False) -> Iterator[Bars]:
    """Bars for these accounts while the body runs."""
    with Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=err,
        disable=hidden,
    ) as progress:
        made = Bars(progress)
        for account in accounts:
            made.add(account)
        yield made
        made.finish()


class RangeBars(Bars):
    """Progress through ranges of platform time: a bar an account, its length the seconds that wait to be read.

    Seconds, for they are known before anything is counted, and stay the same however often a window is split.
    """

    def __init__(self, progress: Progress, ranges: Mapping[str, int]) -> None:
        super().__init__(progress)
        for account, seconds in ranges.items():
            self._bars[account] = progress.add_task(account, total=seconds, orders=0)

    def counted(self, account: str, rows: int) -> None:
        """How long the range is was known before."""

    def landed(self, account: str, rows: int) -> None:
        bar = self._bars[account]
        self._progress.update(bar, orders=self._progress.tasks[bar].fields["orders"] + rows)

    def closed(self, window: Closed) -> None:
        if not window.is_split and not isinstance(window.error, LostWindow):  # both are still to be read
            self._progress.advance(self._bars[window.claim.account], window.claim.window.seconds)


class Left(ProgressColumn):
    """How long the rest takes, if it goes on as it went so far."""

    def render(self, task: Task) -> Text:
        if task.finished or not task.completed or not task.total or task.elapsed is None:
            return Text("")
        seconds = task.elapsed / task.completed * (task.total - task.completed)
        return Text(f"about {duration(int(seconds) + 1)} left")


@contextmanager
def range_bars(ranges: Mapping[str, int], console: Console = err) -> Iterator[RangeBars]:
    """Bars for these accounts while the body runs. `ranges`: seconds of platform time each has to read."""
    with Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[orders]} orders"),
        TimeElapsedColumn(),
        Left(),
        console=console,
    ) as progress:
        made = RangeBars(progress, ranges)
        yield made
        made.finish()
