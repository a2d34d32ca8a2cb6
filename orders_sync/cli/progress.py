"""Progress bars on standard error, one per account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
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
from rich.text import Text

from orders_sync.cli.output import err
from orders_sync.domain.display import visible
from orders_sync.domain.errors import LeaseLostError
from orders_sync.domain.times import duration
from orders_sync.engine.results import WindowResult


class Bars:
    """Bars that count orders: landed out of what the platform counted so far. For a pass or an audit."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def add(self, account: str) -> None:
        """Add the bar of an account, of unknown length."""
        self._bars[account] = self._progress.add_task(account, total=None)

    def counted(self, account: str, rows: int) -> None:
        """Lengthen the bar of an account by rows that the platform has counted."""
        bar = self._bars[account]
        known = self._progress.tasks[bar].total or 0
        self._progress.update(bar, total=known + rows)

    def landed(self, account: str, rows: int) -> None:
        """Advance the bar of an account by rows that landed."""
        self._progress.advance(self._bars[account], rows)

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        """Show the progress of an audit; its unit is the platform's windows."""
        description = f"{account}: {calls} calls, {differences} ranges differ"
        self._progress.update(self._bars[account], description=description, completed=windows, total=of)

    def closed(self, window: WindowResult) -> None:
        """Ignored: these bars show what was counted and what landed."""

    def notify(self, account: str, text: str) -> None:
        """Print a notice of an account above the bars."""
        line = Text.assemble((account, "yellow"), ": ", visible(text))
        self._progress.console.print(line, soft_wrap=True)

    def finish(self) -> None:
        """Set the length of every bar to what was reached."""
        for bar in self._bars.values():
            self._progress.update(bar, total=self._progress.tasks[bar].completed)


@contextmanager
def bars(accounts: Iterable[str], *, unit: str = "orders") -> Iterator[Bars]:
    """Show bars for these accounts during the block."""
    with Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=err(),
    ) as progress:
        made = Bars(progress)
        for account in accounts:
            made.add(account)
        yield made
        made.finish()


class RangeBars(Bars):
    """Bars whose length is the seconds of platform time to be read.

    Seconds are known before orders are counted and stay the same however often a window is split.
    """

    def __init__(self, progress: Progress, ranges: Mapping[str, int]) -> None:
        super().__init__(progress)
        for account, seconds in ranges.items():
            self._bars[account] = progress.add_task(account, total=seconds, orders=0)

    def counted(self, account: str, rows: int) -> None:
        """Ignored: the length is known from the start."""

    def landed(self, account: str, rows: int) -> None:
        """Add rows that landed to the count beside the bar, which advances by time."""
        bar = self._bars[account]
        self._progress.update(bar, orders=self._progress.tasks[bar].fields["orders"] + rows)

    def closed(self, window: WindowResult) -> None:
        """Advance the bar by the time of a window, unless it is still to be read."""
        if not window.is_split and not isinstance(window.error, LeaseLostError):  # both are still to be read
            self._progress.advance(self._bars[window.claim.account], window.claim.window.seconds)


class Left(ProgressColumn):
    """The time left, extrapolated from the progress so far."""

    def render(self, task: Task) -> Text:
        """Return the time left, nothing before it can be estimated."""
        if task.finished or not task.completed or not task.total or task.elapsed is None:
            return Text("")
        seconds = task.elapsed / task.completed * (task.total - task.completed)
        return Text(f"about {duration(int(seconds) + 1)} left")


@contextmanager
def range_bars(ranges: Mapping[str, int], console: Console | None = None) -> Iterator[RangeBars]:
    """Show bars for these accounts during the block. `ranges`: seconds of platform time to read, by account."""
    with Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[orders]} orders"),
        TimeElapsedColumn(),
        Left(),
        console=console or err(),
    ) as progress:
        made = RangeBars(progress, ranges)
        yield made
        made.finish()
