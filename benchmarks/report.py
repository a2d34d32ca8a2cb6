"""The figures of a benchmark: medians of its runs, ratios, goals; for people and for machines."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.floor import Floor

MB = 1_000_000
MOST_MEMORY = 200 * MB
LEAST_OF_FLOOR = 0.4
LEAST_FASTER_AGAIN = 5.0


@dataclass(frozen=True)
class Load:
    """One `orders-sync sync`, from start to exit. Times in seconds, sizes in bytes.

    `reading`: from the first window claimed to the last one closed, by the database's clock. `cpu` of the command,
    `cpu_postgres` of the whole server (None when it is not ours), `cpu_sandbox` of the process of the platforms.
    """

    orders: int
    seconds: float
    reading: float
    peak: int
    cpu: float
    cpu_postgres: float | None
    cpu_sandbox: float
    wal: int
    row_versions: int


@dataclass(frozen=True)
class Run:
    """The three measurements on the same orders. `wal_again`: WAL of the re-sync by schema, where the server tells."""

    first: Load
    again: Load
    floor: Floor
    wal_again: dict[str, int] | None


@dataclass(frozen=True)
class Goal:
    """What should be reached, and whether it was."""

    words: str
    found: float
    met: bool


class Report:
    """All runs of one benchmark."""

    def __init__(self, runs: Sequence[Run], shops: int, postgres: str) -> None:
        self.runs = runs
        self.shops = shops
        self.postgres = postgres

    def of(self, figure: Callable[[Run], float]) -> float:
        """The median over the runs."""
        return median(figure(run) for run in self.runs)

    @property
    def _is_ours(self) -> bool:
        return all(run.first.cpu_postgres is not None for run in self.runs)

    @property
    def goals(self) -> list[Goal]:
        to_floor = self.of(lambda run: run.first.orders / run.first.seconds / run.floor.rate)
        faster = self.of(lambda run: run.first.seconds / run.again.seconds)
        peak = max(max(run.first.peak, run.again.peak) for run in self.runs)
        written = max(run.again.row_versions for run in self.runs)
        return [
            Goal(f"first load at least {LEAST_OF_FLOOR} of plain COPY", to_floor, to_floor >= LEAST_OF_FLOOR),
            Goal(f"re-sync at least {LEAST_FASTER_AGAIN:g} times first load", faster, faster >= LEAST_FASTER_AGAIN),
            Goal(f"memory of the process below {MOST_MEMORY / MB:.0f} MB", peak / MB, peak < MOST_MEMORY),
            Goal("row versions written by a re-sync: none", written, written == 0),
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "orders": self.runs[0].first.orders,
            "shops": self.shops,
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "postgres": self.postgres,
            "first_load": self._load(lambda run: run.first),
            "resync": self._load(lambda run: run.again),
            "floor": {
                "orders_per_second": self.of(lambda run: run.floor.rate),
                "seconds": self.of(lambda run: run.floor.seconds),
                "wal_bytes": self.of(lambda run: run.floor.wal),
                "cpu_seconds_postgres": self.of(lambda run: run.floor.cpu_postgres or 0) if self._is_ours else None,
            },
            "goals": [asdict(goal) for goal in self.goals],
            "runs": [asdict(run) for run in self.runs],
        }

    def _load(self, which: Callable[[Run], Load]) -> dict[str, float | None]:
        def of(figure: Callable[[Load], float]) -> float:
            return self.of(lambda run: figure(which(run)))

        return {
            "orders_per_second": of(lambda load: load.orders / load.seconds),
            "seconds": of(lambda load: load.seconds),
            "reading_orders_per_second": of(lambda load: load.orders / load.reading),
            "reading_seconds": of(lambda load: load.reading),
            "peak_memory_bytes": max(which(run).peak for run in self.runs),
            "cpu_seconds": of(lambda load: load.cpu),
            "cpu_seconds_postgres": of(lambda load: load.cpu_postgres or 0) if self._is_ours else None,
            "cpu_seconds_sandbox": of(lambda load: load.cpu_sandbox),
            "wal_bytes": of(lambda load: load.wal),
            "row_versions": max(which(run).row_versions for run in self.runs),
        }

    def show(self, out: Console) -> None:
        """For people."""
        told = self.as_json()
        first, again, floor = told["first_load"], told["resync"], told["floor"]
        title = f"{told['orders']:,} orders, {self.shops} shops, {told['cores']} cores, Postgres {self.postgres}"
        table = Table(title=title + (f", medians of {len(self.runs)} runs" if len(self.runs) > 1 else ""), box=None)
        for column, side in (("", "left"), ("first load", "right"), ("re-sync", "right"), ("plain COPY", "right")):
            table.add_column(column, justify=side)  # type: ignore[arg-type]
        for words, key, form in _ROWS:
            table.add_row(words, *(form(column.get(key)) for column in (first, again, floor)))
        out.print(table)
        for schema, size in sorted((self.runs[-1].wal_again or {}).items()):
            out.print(f"  of the re-sync's WAL, for schema {schema}: {size:,} bytes")
        for goal in self.goals:
            out.print(f"{'met' if goal.met else 'NOT MET':>8}  {goal.words}: {goal.found:,.2f}")


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
