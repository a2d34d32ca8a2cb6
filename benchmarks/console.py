"""Time of every page of the console over HTTP, and of every question behind one or `status`, on a large database.

    python -m benchmarks.console [--orders 1000000] [--accounts 500] [--days 365] [--plans FILE] [--json] [--keep]

The goal is printed with the measured values; missing it does not change the exit code.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import console_pages, pg_stats
from benchmarks.console_data import Size, fill
from benchmarks.console_pages import PageTime, percentile
from benchmarks.console_questions import QUESTIONS
from benchmarks.environment import info, open_environment, run_cli
from benchmarks.statements import Recorder, plans, recorded
from orders_sync.store import database, migrate

GOAL = 100.0  # milliseconds, the 95th percentile of each page and question
_STATEMENT_TIMEOUT = "SET statement_timeout = '2 s'"


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
    repeats: Annotated[int, typer.Option(min=1, help="How often each page and question is asked.")] = 30,
    only: Annotated[str | None, typer.Option(help="Only pages and questions whose name holds this.")] = None,
    url: Annotated[str | None, typer.Option("--database", help="A database that is filled already.")] = None,
    plans_to: Annotated[Path | None, typer.Option("--plans", help="Write the plans of what is over the goal.")] = None,
    all_plans: Annotated[bool, typer.Option(help="Write the plans of everything.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
) -> None:
    """Measure every page of the console, and every question that one or `status` asks."""
    text = only or ""
    with _filled(url, Size(orders, accounts, days), keep) as (address, postmaster):
        began = os.getloadavg()
        gc.collect()
        gc.freeze()  # as commands do with what they import
        pages, of_pages = console_pages.measure(address, postmaster, repeats, text)
        questions, of_questions = asyncio.run(_measure(address, postmaster, repeats, text))
        ended = os.getloadavg()
        if plans_to is not None:
            slow = {each.page for each in pages if each.p95 >= GOAL}
            slow |= {each.question for each in questions if each.p95 >= GOAL}
            with database.connect(address) as connection:
                texts = [
                    plan
                    for name, recorder in [*of_pages.items(), *of_questions.items()]
                    if all_plans or name in slow
                    for plan in plans(connection, recorder, name)
                ]
            plans_to.write_text("\n\n".join(texts) + "\n")
    if as_json:
        found = {"pages": [asdict(each) for each in pages], "questions": [asdict(each) for each in questions]}
        print(json.dumps({"load": [began[0], ended[0]], **found}, indent=2))
    else:
        console = Console(highlight=False, width=140)
        _show_pages(pages, console)
        _show_questions(questions, console)
        cores = os.cpu_count()
        console.print(f"load of one minute on {cores} cores: {began[0]:.1f} at the start, {ended[0]:.1f} at the end")


@contextmanager
def _filled(url: str | None, size: Size, keep: bool) -> Iterator[tuple[str, int | None]]:
    """Yield the URL of a filled database, and the process of its server where it is a local one."""
    if url is not None:
        yield url, pg_stats.local_postmaster(url)
        return
    with open_environment(keep=keep) as environment:
        migrate.migrate(environment.url)
        with database.connect(environment.url) as connection:
            fill(connection, size)
        yield environment.url, environment.postmaster


async def _measure(
    url: str, postmaster: int | None, repeats: int, only: str
) -> tuple[list[Timing], dict[str, Recorder]]:
    """Ask every question; return the timings, and by question its statements."""
    timings, recorders = [], {}
    async with database.open_pool(url, 1, 30.0) as pool, pool.connection() as connection:
        await connection.execute(_STATEMENT_TIMEOUT)
        with recorded() as recorder:
            for name, question in QUESTIONS.items():
                if only in name:
                    info(name)
                    timings.append(await _time(name, partial(question, connection), repeats, recorder, postmaster))
                    recorders[name] = recorder.copy()
    return timings, recorders


async def _time(
    name: str, ask: Callable[[], Awaitable[object]], repeats: int, recorder: Recorder, postmaster: int | None
) -> Timing:
    await ask()
    recorder.clear()
    times = []
    before = _cpu_seconds(postmaster)
    for _ in range(repeats):
        began = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - began) * 1000)
    after = _cpu_seconds(postmaster)
    cpu = None if before is None or after is None else (after - before) * 1000 / repeats
    slowest = max((each for _, each in recorder.slowest.values()), default=0.0)
    p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
    return Timing(name, p50, p95, cpu, recorder.count // repeats, slowest)


def _cpu_seconds(postmaster: int | None) -> float | None:
    return None if postmaster is None else time.process_time() + pg_stats.cpu_seconds(postmaster)


def _show_pages(times: Sequence[PageTime], console: Console) -> None:
    columns = ("p50", "p95", "in SQL", "statements", "CPU Python", "CPU Postgres", "kB")
    table = _table("page", columns, "pages over HTTP, milliseconds")
    for each in times:
        values = (each.p50, each.p95, each.database, each.statements, each.cpu_python, each.cpu_postgres)
        table.add_row(each.page, *map(_shown, values), f"{each.kilobytes:.0f}", _met(each.p95))
    console.print(table)


def _show_questions(timings: Sequence[Timing], console: Console) -> None:
    table = _table("question", ("p50", "p95", "CPU", "statements", "slowest one"), "questions, milliseconds")
    for each in timings:
        values = (each.p50, each.p95, each.cpu, each.statements, each.slowest)
        table.add_row(each.question, *map(_shown, values), _met(each.p95))
    console.print(table)


def _table(first: str, columns: Sequence[str], title: str) -> Table:
    table = Table(first, title=title)
    for name in (*columns, f"p95 below {GOAL:.0f}"):
        table.add_column(name, justify="right")
    return table


def _shown(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.1f}"


def _met(p95: float) -> str:
    return "met" if p95 < GOAL else "not met"


if __name__ == "__main__":
    run_cli(main)
