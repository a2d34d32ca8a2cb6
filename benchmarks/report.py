"""Report of the speed benchmark: medians of its runs, ratios and goals, as a table or as JSON."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.copy_baseline import CopyBaseline

MB = 1_000_000
MAX_MEMORY = 200 * MB  # bytes
MIN_COPY_RATIO = 0.4  # orders per second of a first load, compared with plain COPY
MIN_RESYNC_RATIO = 5.0  # orders per second of a re-sync, compared with a first load


@dataclass(frozen=True)
class Load:
    """One `orders-sync sync`, from start to exit. Times are in seconds, sizes in bytes.

    `reading`: from the first claim of a window to the end of the last one, by the database's clock. Processor time:
    `cpu` of the command, `cpu_postgres` of the whole server (None: not a local server), `cpu_sandbox` of the sandbox.
    """

    orders: int
    seconds: float
    reading: float
    peak_memory: int
    cpu: float
    cpu_postgres: float | None
    cpu_sandbox: float
    wal: int
    row_versions: int


@dataclass(frozen=True)
class Run:
    """The three measurements on the same orders. `wal_resync`: bytes of WAL of the re-sync by schema, if known."""

    first_load: Load
    resync: Load
    copy: CopyBaseline
    wal_resync: dict[str, int] | None


@dataclass(frozen=True)
class Goal:
    """A goal, the measured value, and whether that meets it."""

    description: str
    value: float
    met: bool


class Report:
    """Summary of all runs of the benchmark."""

    def __init__(self, runs: Sequence[Run], shops: int, postgres: str) -> None:
        self.runs = runs
        self.shops = shops
        self.postgres = postgres

    def median(self, figure: Callable[[Run], float]) -> float:
        """Return the median of a figure over the runs."""
        return statistics.median(figure(run) for run in self.runs)

    def _postgres_cpu(self, figure: Callable[[Run], float | None]) -> float | None:
        """Return the median; None if the server is not local."""
        values = [value for run in self.runs if (value := figure(run)) is not None]
        return statistics.median(values) if len(values) == len(self.runs) else None

    @property
    def goals(self) -> list[Goal]:
        """The goals: medians of the ratios, and the highest memory and row versions of all runs."""
        copy_ratio = self.median(lambda run: run.first_load.orders / run.first_load.seconds / run.copy.rate)
        resync_ratio = self.median(lambda run: run.first_load.seconds / run.resync.seconds)
        peak_memory = max(max(run.first_load.peak_memory, run.resync.peak_memory) for run in self.runs)
        written = max(run.resync.row_versions for run in self.runs)
        return [
            Goal(f"first load at least {MIN_COPY_RATIO} of plain COPY", copy_ratio, copy_ratio >= MIN_COPY_RATIO),
            Goal(
                f"re-sync at least {MIN_RESYNC_RATIO:g} times first load",
                resync_ratio,
                resync_ratio >= MIN_RESYNC_RATIO,
            ),
            Goal(f"memory of the process below {MAX_MEMORY / MB:.0f} MB", peak_memory / MB, peak_memory < MAX_MEMORY),
            Goal("row versions written by a re-sync: none", written, written == 0),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return all figures, JSON-compatible."""
        return {
            "orders": self.runs[0].first_load.orders,
            "shops": self.shops,
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "postgres": self.postgres,
            "first_load": self._load(lambda run: run.first_load),
            "resync": self._load(lambda run: run.resync),
            "copy": {
                "orders_per_second": self.median(lambda run: run.copy.rate),
                "seconds": self.median(lambda run: run.copy.seconds),
                "wal_bytes": self.median(lambda run: run.copy.wal),
                "cpu_seconds_postgres": self._postgres_cpu(lambda run: run.copy.cpu_postgres),
            },
            "goals": [asdict(goal) for goal in self.goals],
            "runs": [asdict(run) for run in self.runs],
        }

    def _load(self, select: Callable[[Run], Load]) -> dict[str, float | None]:
        def median(figure: Callable[[Load], float]) -> float:
            return self.median(lambda run: figure(select(run)))

        return {
            "orders_per_second": median(lambda load: load.orders / load.seconds),
            "seconds": median(lambda load: load.seconds),
            "reading_orders_per_second": median(lambda load: load.orders / load.reading),
            "reading_seconds": median(lambda load: load.reading),
            "peak_memory_bytes": max(select(run).peak_memory for run in self.runs),
            "cpu_seconds": median(lambda load: load.cpu),
            "cpu_seconds_postgres": self._postgres_cpu(lambda run: select(run).cpu_postgres),
            "cpu_seconds_sandbox": median(lambda load: load.cpu_sandbox),
            "wal_bytes": median(lambda load: load.wal),
            "row_versions": max(select(run).row_versions for run in self.runs),
        }

    def show(self, out: Console) -> None:
        """Print a table of the figures, and the goals."""
        figures = self.as_json()
        first_load, resync, copy = figures["first_load"], figures["resync"], figures["copy"]
        title = f"{figures['orders']:,} orders, {self.shops} shops, {figures['cores']} cores, Postgres {self.postgres}"
        table = Table(title=title + (f", medians of {len(self.runs)} runs" if len(self.runs) > 1 else ""), box=None)
        for column, side in (("", "left"), ("first load", "right"), ("re-sync", "right"), ("plain COPY", "right")):
            table.add_column(column, justify=side)  # type: ignore[arg-type]
        for description, key, formatted in _ROWS:
            table.add_row(description, *(formatted(column.get(key)) for column in (first_load, resync, copy)))
        out.print(table)
        for schema, size in sorted((self.runs[-1].wal_resync or {}).items()):
            out.print(f"  of the re-sync's WAL, for schema {schema}: {size:,} bytes")
        for goal in self.goals:
            out.print(f"{'met' if goal.met else 'NOT MET':>8}  {goal.description}: {goal.value:,.2f}")


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _mb(value: float | None) -> str:
    return "" if value is None else f"{value / MB:,.2f}"


_ROWS = (
    ("orders/s, whole command", "orders_per_second", _whole),
    ("seconds, whole command", "seconds", _seconds),
    ("orders/s, first claim to last commit", "reading_orders_per_second", _whole),
    ("seconds, first claim to last commit", "reading_seconds", _seconds),
    ("peak memory of the command, MB", "peak_memory_bytes", _mb),
    ("processor seconds: the command", "cpu_seconds", _seconds),
    ("processor seconds: Postgres", "cpu_seconds_postgres", _seconds),
    ("processor seconds: sandbox", "cpu_seconds_sandbox", _seconds),
    ("WAL, MB", "wal_bytes", _mb),
    ("row versions written, business tables", "row_versions", _whole),
)
