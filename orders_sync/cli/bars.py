"""Progress bars on standard error: of a pass, an audit, a range that is read again."""

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

from orders_sync.cli.screen import duration, err
from orders_sync.domain.display import visible
from orders_sync.domain.errors import LeaseLostError
from orders_sync.engine.draining import Closed


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
        line = Text.assemble((account, "yellow"), ": ", visible(text))
        self._progress.console.print(line, soft_wrap=True)

    def finish(self) -> None:
        """Nothing more will come: bars stand where they are."""
        for bar in self._bars.values():
            self._progress.update(bar, total=self._progress.tasks[bar].completed)


@contextmanager
def bars(accounts: Iterable[str], *, unit: str = "orders") -> Iterator[Bars]:
    """Bars for these accounts while the body runs."""
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
        if not window.is_split and not isinstance(window.error, LeaseLostError):  # both are still to be read
            self._progress.advance(self._bars[window.claim.account], window.claim.window.seconds)


class Left(ProgressColumn):
    """How long the rest takes, if it goes on as it went so far."""

    def render(self, task: Task) -> Text:
        if task.finished or not task.completed or not task.total or task.elapsed is None:
            return Text("")
        seconds = task.elapsed / task.completed * (task.total - task.completed)
        return Text(f"about {duration(int(seconds) + 1)} left")


@contextmanager
def range_bars(ranges: Mapping[str, int], console: Console | None = None) -> Iterator[RangeBars]:
    """Bars for these accounts while the body runs. `ranges`: seconds of platform time each has to read."""
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
