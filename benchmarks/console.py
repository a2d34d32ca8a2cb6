"""Time of every query behind the console's pages, and of `status`, on a large database.

    python -m benchmarks.console [--orders 1000000] [--accounts 500] [--days 365] [--plans FILE] [--json] [--keep]

The goal is printed with the measured values; missing it does not change the exit code.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from psycopg.rows import TupleRow
from rich.console import Console
from rich.table import Table

from benchmarks import pg_stats
from benchmarks.console_data import Size, fill
from benchmarks.console_questions import QUESTIONS
from benchmarks.environment import info, open_environment, run_cli
from orders_sync.store import database, migrate

GOAL = 100.0  # milliseconds, the 95th percentile of each question
_STATEMENT_TIMEOUT = "SET statement_timeout = '2 s'"


@dataclass
class Recorder:
    """The statements that were run, each with the parameters and milliseconds of its slowest run."""

    statements: dict[str, tuple[Any, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Timing:
    """The time of one question in milliseconds, and that of its slowest statement.

    `cpu`: processor time of it, of this process and of the server, which other programs on the machine disturb less;
    None where the server is no local process.
    """

    question: str
    p50: float
    p95: float
    cpu: float | None
    statements: int
    slowest: float


def main(
    orders: Annotated[int, typer.Option(min=100, help="Number of orders.")] = Size.orders,
    accounts: Annotated[int, typer.Option(min=10, help="Number of accounts.")] = Size.accounts,
    days: Annotated[int, typer.Option(min=3, help="Age of the ledger in days.")] = Size.days,
    repeats: Annotated[int, typer.Option(min=1, help="How often each question is asked.")] = 40,
    plans: Annotated[Path | None, typer.Option(help="Write the plan of every statement to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
) -> None:
    """Measure every query of the console's pages."""
    with open_environment(keep=keep) as environment:
        migrate.migrate(environment.url)
        with database.connect(environment.url) as connection:
            fill(connection, Size(orders, accounts, days))
        timings, texts = asyncio.run(_measure(environment.url, environment.postmaster, repeats))
    if plans is not None:
        plans.write_text("\n\n".join(texts) + "\n")
    if as_json:
        print(json.dumps([asdict(each) for each in timings], indent=2))
    else:
        _show(timings, Console(highlight=False, width=120))


async def _measure(url: str, postmaster: int | None, repeats: int) -> tuple[list[Timing], list[str]]:
    """Ask every question; return the timings, and the plan of every statement."""
    timings, texts = [], []
    gc.collect()
    gc.freeze()  # as commands do with what they import
    async with database.open_pool(url, 1, 30.0) as pool, pool.connection() as connection:
        await connection.execute(_STATEMENT_TIMEOUT)
        for name, question in QUESTIONS.items():
            info(name)
            recorder = Recorder()
            connection.cursor_factory = _recording(recorder)
            timings.append(await _time(name, partial(question, connection), repeats, recorder, postmaster))
            connection.cursor_factory = psycopg.AsyncCursor
            for statement, (values, milliseconds) in recorder.statements.items():
                plan = await _plan(connection, statement, values)
                texts.append(f"-- {name}: {milliseconds:.1f} ms at most\n{statement.strip()}\n\n{plan}")
    return timings, texts


async def _time(
    name: str, ask: Callable[[], Awaitable[object]], repeats: int, recorder: Recorder, postmaster: int | None
) -> Timing:
    await ask()
    recorder.statements.clear()
    times = []
    before = _cpu_seconds(postmaster)
    for _ in range(repeats):
        began = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - began) * 1000)
    after = _cpu_seconds(postmaster)
    cpu = None if before is None or after is None else (after - before) * 1000 / repeats
    slowest = max((each for _, each in recorder.statements.values()), default=0.0)
    return Timing(name, statistics.median(times), _percentile(times, 0.95), cpu, len(recorder.statements), slowest)


def _cpu_seconds(postmaster: int | None) -> float | None:
    return None if postmaster is None else time.process_time() + pg_stats.cpu_seconds(postmaster)


def _percentile(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def _recording(recorder: Recorder) -> type[psycopg.AsyncCursor[TupleRow]]:
    class Recording(psycopg.AsyncCursor[TupleRow]):
        async def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return await super().execute(query, params, **options)
            finally:
                text = query.decode() if isinstance(query, bytes) else str(query)
                took = (time.perf_counter() - began) * 1000
                if text not in recorder.statements or recorder.statements[text][1] < took:
                    recorder.statements[text] = (params, took)

    return Recording


async def _plan(connection: database.Connection, statement: str, values: Any) -> str:
    if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
        return ""
    cursor = await connection.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}".encode(), values)
    return "\n".join(str(line) for (line,) in await cursor.fetchall())


def _show(timings: Sequence[Timing], console: Console) -> None:
    table = Table("question", title="milliseconds")
    for name in ("p50", "p95", "cpu", "statements", "slowest one", f"p95 below {GOAL:.0f}"):
        table.add_column(name, justify="right")
    for each in timings:
        cpu = "" if each.cpu is None else f"{each.cpu:.1f}"
        met = "met" if each.p95 < GOAL else "not met"
        table.add_row(
            each.question, f"{each.p50:.1f}", f"{each.p95:.1f}", cpu, str(each.statements), f"{each.slowest:.1f}", met
        )
    console.print(table)


if __name__ == "__main__":
    run_cli(main)
