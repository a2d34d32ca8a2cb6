"""Progress of long commands on standard error.

a terminal, up to 10 accounts  a bar per account
a terminal, more accounts      one bar for all of them: hundreds would fill it, and cost more than the work
a pipe, a file, cron, --json   a line every half minute
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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

from orders_sync.cli import output
from orders_sync.domain.display import visible
from orders_sync.domain.errors import LeaseLostError
from orders_sync.domain.times import duration
from orders_sync.engine.results import WindowResult

MOST_BARS = 10
LINE_SECONDS = 30.0  # between two lines where there is no screen


class Bars:
    """Bars that count orders: landed out of what the platform counted so far. For a pass or an audit."""

    def __init__(self, progress: Progress, accounts: Iterable[str]) -> None:
        """Add a bar of unknown length for each account, or one for all where no bar each is of use."""
        self._progress = progress
        names = list(accounts)
        has_own = len(names) <= MOST_BARS and not progress.disable
        self._titles = {name: name if has_own or len(names) == 1 else f"{len(names)} accounts" for name in names}
        made = {title: self._add(title) for title in dict.fromkeys(self._titles.values())}
        self._bars: dict[str, TaskID] = {name: made[title] for name, title in self._titles.items()}
        self._compared: dict[str, tuple[int, int, int, int]] = {}

    def _add(self, title: str) -> TaskID:
        return self._progress.add_task(title, total=None)

    def counted(self, account: str, records: int) -> None:
        """Lengthen the bar by the orders that a window was counted to have."""
        bar = self._bars[account]
        known = self._progress.tasks[bar].total or 0
        self._progress.update(bar, total=known + records)

    def landed(self, account: str, orders: int) -> None:
        """Advance the bar by the orders that were stored."""
        self._progress.advance(self._bars[account], orders)

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        """Show the progress of an audit; its unit is the platform's windows."""
        self._compared[account] = (windows, of, calls, differences)
        bar = self._bars[account]
        together = [each for name, each in self._compared.items() if self._bars[name] == bar]
        windows, of, calls, differences = (sum(each) for each in zip(*together, strict=True))
        description = f"{self._titles[account]}: {calls} calls, {differences} ranges differ"
        self._progress.update(bar, description=description, completed=windows, total=of)

    def closed(self, window: WindowResult) -> None:
        """Ignored: these bars show what was counted and what landed."""

    def show(self, account: str, text: str) -> None:
        """Print a line about an account above the bars."""
        if output.is_json():
            output.info(f"{account}: {text}")
            return
        line = Text.assemble((account, "yellow"), ": ", visible(text))
        self._progress.console.print(line, soft_wrap=True)

    def finish(self) -> None:
        """Set the length of every bar to what was reached."""
        for bar in set(self._bars.values()):
            self._progress.update(bar, total=self._progress.tasks[bar].completed)


@contextmanager
def bars(accounts: Iterable[str], *, unit: str = "orders", console: Console | None = None) -> Iterator[Bars]:
    """Show the progress of these accounts during the block."""
    columns = (
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )

    def line(task: Task) -> str:
        of = "" if task.total is None else f" of {task.total:,.0f}"
        return f"{task.description}: {task.completed:,.0f}{of} {unit}"

    with _shown(columns, line, console) as progress:
        made = Bars(progress, accounts)
        yield made
        made.finish()


class RangeBars(Bars):
    """Bars whose length is the seconds of platform time to be read.

    Seconds are known before orders are counted and stay the same however often a window is split.
    """

    def __init__(self, progress: Progress, ranges: Mapping[str, int]) -> None:
        """Add the bars. `ranges`: seconds of platform time to be read, by account."""
        super().__init__(progress, ranges)
        for account, seconds in ranges.items():
            bar = self._bars[account]
            progress.update(bar, total=(progress.tasks[bar].total or 0) + seconds)

    def _add(self, title: str) -> TaskID:
        return self._progress.add_task(title, total=None, orders=0)

    def counted(self, account: str, records: int) -> None:
        """Ignored: the length is known from the start."""

    def landed(self, account: str, orders: int) -> None:
        """Add the orders that were stored to the number beside the bar."""
        bar = self._bars[account]
        self._progress.update(bar, orders=self._progress.tasks[bar].fields["orders"] + orders)

    def closed(self, window: WindowResult) -> None:
        """Advance the bar by the time of a window, unless it is still to be read."""
        if not window.is_split and not isinstance(window.error, LeaseLostError):  # both are still to be read
            self._progress.advance(self._bars[window.claim.account], window.claim.window.seconds)


class TimeLeft(ProgressColumn):
    """The time left, extrapolated from the progress so far."""

    def render(self, task: Task) -> Text:
        """Return the time left as text, nothing at the beginning and at the end."""
        return Text(_left(task))


@contextmanager
def range_bars(ranges: Mapping[str, int], console: Console | None = None) -> Iterator[RangeBars]:
    """Show the progress of these accounts during the block. `ranges`: seconds of platform time to read, by account."""
    columns = (
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[orders]} orders"),
        TimeElapsedColumn(),
        TimeLeft(),
    )

    def line(task: Task) -> str:
        left = f", {_left(task)}" if _left(task) else ""
        return f"{task.description}: {task.percentage:.0f}% read, {task.fields['orders']:,} orders{left}"

    with _shown(columns, line, console) as progress:
        made = RangeBars(progress, ranges)
        yield made
        made.finish()


@contextmanager
def reporting(line: Callable[[], str]) -> Iterator[None]:
    """Print `line()` and the time so far every half minute during the block, so that nobody thinks it hangs."""
    over, began = threading.Event(), time.monotonic()

    def report() -> None:
        while not over.wait(LINE_SECONDS):
            output.info(f"{line()}, after {duration(int(time.monotonic() - began))}")

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _shown(
    columns: tuple[ProgressColumn, ...], line: Callable[[Task], str], console: Console | None
) -> Iterator[Progress]:
    """Yield a `Progress` that is drawn on a screen, or reported in lines where there is none."""
    console = console or output.err()
    has_screen = output.has_screen(console)
    progress = Progress(*columns, console=console, disable=not has_screen)
    if has_screen:
        with progress:
            yield progress
        return
    with reporting(lambda: "; ".join(line(task) for task in progress.tasks)):
        yield progress


def _left(task: Task) -> str:
    if task.finished or not task.completed or not task.total or task.elapsed is None:
        return ""
    seconds = task.elapsed / task.completed * (task.total - task.completed)
    return f"about {duration(int(seconds) + 1)} left"
