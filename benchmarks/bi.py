"""Times of the views of schema `bi` and of the questions of docs/queries.md on a large database, warm.

    python -m benchmarks.bi [--orders 1000000] [--shops 12] [--plans FOLDER] [--runs 3] [--only NAMES] [--json] [--keep]
        [--database URL] [--without-statistics]

Every question and every view is asked for one shop and one month, `bi.daily_sales` for a year of all shops; a view also
by the days of the month where it has both moments and days, and its twenty greatest amounts. A view without a day is
asked for the shop, one without an account as a whole. The questions also as they are written, over all shops, which has
no goal. The goals are printed with the times; missing one does not change the exit code.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import psutil
import psycopg
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import bi_data, pg_stats
from benchmarks.environment import BenchmarkError, info, open_environment, run_cli
from benchmarks.pg_stats import Connection, connect
from orders_sync.store import bi
from tests.support.questions import questions

GOAL, YEAR_GOAL = 300.0, 1000.0  # milliseconds
TOP = 20
AMOUNTS = ("payable_amount", "goods_amount", "valid_amount", "valid_amount_by_ordered_day", "refund_amount")
SHOP, PURCHASER = "sandbox-1688", "sandbox-ka"
PURCHASES = (18, 19)  # the questions that are asked of a purchaser
MONTH = ("2026-10-21", "2026-11-21")
YEAR = ("2025-11-20", "2026-11-20")
LIMIT = "120s"
# as they are after a bulk load, before ANALYZE
_FORGET_STATISTICS = (
    "DELETE FROM pg_statistic WHERE starelid >= 16384",
    "DELETE FROM pg_statistic_ext_data",
    """UPDATE pg_class SET reltuples = -1, relpages = 0, relallvisible = 0
    WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'sync'::regnamespace)""",
)
_FROM = re.compile(r"\b(FROM|JOIN) (bi\.(\w+)(\([^()]*\))?)(?: AS (\w+))?")
_COLUMNS = """
SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute WHERE attnum > 0 AND attrelid = coalesce(
    to_regclass('bi.' || %(name)s),
    (SELECT t.typrelid FROM pg_proc AS p JOIN pg_type AS t ON t.oid = p.prorettype
     WHERE p.pronamespace = 'bi'::regnamespace AND p.proname = %(name)s)
)
"""


@dataclass(frozen=True)
class Case:
    """A query to time. `goal`: in milliseconds; None where there is none."""

    name: str
    query: str
    goal: float | None


@dataclass(frozen=True)
class Result:
    """The warm runs of a case: the median in milliseconds, None where it took longer than `LIMIT`.

    `processor`: the mean of the milliseconds that all processes of the server worked, which other programs on the
    machine lengthen less; None where the server is not on this machine.
    """

    name: str
    milliseconds: float | None
    processor: float | None
    rows: int
    goal: float | None

    @property
    def verdict(self) -> str:
        """Say whether the goal is met; empty where there is none."""
        if self.goal is None:
            return ""
        return "met" if self.milliseconds is not None and self.milliseconds <= self.goal else "not met"


def main(
    orders: Annotated[int, typer.Option(min=1, help="Number of orders, over all shops.")] = 1_000_000,
    shops: Annotated[int, typer.Option(min=3, help="Number of shops.")] = 12,
    landed: Annotated[int, typer.Option(min=1, help="Number of them that land; the others are copies.")] = 20_000,
    runs: Annotated[int, typer.Option(min=1, help="Warm runs of each query; the median counts.")] = 3,
    plans: Annotated[Path | None, typer.Option(help="Write the plan of each query into this folder.")] = None,
    only: Annotated[str, typer.Option(help="Only cases whose name matches this regular expression.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
    database: Annotated[str | None, typer.Option(help="URL of a database that is filled already.")] = None,
    without_statistics: Annotated[
        bool, typer.Option(help="As before the first ANALYZE; the role must be a superuser.")
    ] = False,
) -> None:
    """Time the views of schema bi and the questions of docs/queries.md on many orders."""
    if database is not None:
        results = measure(database, runs, plans, only, without_statistics=without_statistics)
    else:
        with open_environment(keep=keep) as environment:
            bi_data.fill(environment, orders, min(landed, orders), shops)
            results = measure(environment.url, runs, plans, only, without_statistics=without_statistics)
    if as_json:
        print(json.dumps([asdict(each) for each in results], indent=2))
        return
    table = Table("query", "milliseconds", "of processors", "rows", "goal", "")
    for each in results:
        took = "longer than " + LIMIT if each.milliseconds is None else f"{each.milliseconds:,.0f}"
        worked = "" if each.processor is None else f"{each.processor:,.0f}"
        table.add_row(each.name, took, worked, f"{each.rows:,}", f"{each.goal or '':}", each.verdict)
    Console(highlight=False, width=120).print(table)


def measure(
    url: str, runs: int, plans: Path | None, only: str = "", *, without_statistics: bool = False
) -> list[Result]:
    """Time every case whose name matches `only` on a filled database; write its plan where `plans` is a folder.

    Nothing in the database changes: `without_statistics` deletes them in a transaction that is rolled back.
    """
    if plans is not None:
        plans.mkdir(parents=True, exist_ok=True)
    results = []
    with connect(url) as connection, connection.transaction(force_rollback=True):
        connection.execute(f"SET statement_timeout = '{LIMIT}'".encode())
        connection.execute("SET jit = on")  # as clients have it by default; connections of orders-sync turn it off
        for statement in _FORGET_STATISTICS if without_statistics else ():
            connection.execute(statement.encode())
        for case in filter(lambda case: re.search(only, case.name), list(_cases(connection))):
            info(case.name)
            results.append(_time(connection, case, runs))
            if plans is not None:
                (plans / f"{re.sub('[^a-z0-9]+', '-', case.name.lower())}.txt").write_text(_plan(connection, case))
    if not results:
        raise BenchmarkError(f"no case is named like {only}")
    return results


def _cases(connection: Connection) -> Iterator[Case]:
    for each in bi.definitions():
        if each.kind == "VIEW" or each.name == "orders_as_of":
            source = f"bi.{each.name}" + ("('2026-11-01 12:00+08')" if each.kind == "FUNCTION" else "")
            yield from _cases_of_view(each.name, source, _columns(connection, each.name))
    year = f"SELECT * FROM bi.daily_sales WHERE day >= '{YEAR[0]}' AND day < '{YEAR[1]}'"
    yield Case("year of daily_sales, all shops", year, YEAR_GOAL)
    for question in questions():
        name = f"question {question.number:02}"
        shop = PURCHASER if question.number in PURCHASES else SHOP
        yield Case(name, _of_shop_and_month(connection, question.query, shop), GOAL)
        yield Case(f"{name}, all shops", question.query, None)


def _cases_of_view(view: str, source: str, columns: list[str]) -> Iterator[Case]:
    query = f"SELECT * FROM {source}"
    shop = _where(_conditions(columns, SHOP))
    yield Case(f"view {view}", query + shop, GOAL)
    if "ordered_at" in columns and "ordered_day" in columns:
        columns = [column for column in columns if column != "ordered_at"]
        yield Case(f"view {view}, by day", query + _where(_conditions(columns, SHOP)), GOAL)
    amount = next((amount for amount in AMOUNTS if amount in columns), None)
    if amount is not None:
        yield Case(f"view {view}, top {TOP}", f"{query}{shop} ORDER BY {amount} DESC NULLS LAST LIMIT {TOP}", GOAL)


def _of_shop_and_month(connection: Connection, query: str, shop: str) -> str:
    """Return the query on one shop's rows of one month of every view that has them."""

    def limited(found: re.Match[str]) -> str:
        where = _where(_conditions(_columns(connection, found[3]), shop))
        name = found[5] or found[3]
        return f"{found[1]} (SELECT * FROM {found[2]}{where}) AS {name}" if where else found[0]

    return _FROM.sub(limited, query)


def _where(conditions: list[str]) -> str:
    return " WHERE " + " AND ".join(conditions) if conditions else ""


def _conditions(columns: list[str], shop: str) -> list[str]:
    """Return those of one shop and one month, as far as a view has `columns` for them."""
    conditions = [f"account = '{shop}'"] if "account" in columns else []
    if "ordered_at" in columns:
        conditions.append(f"ordered_at >= bi.day_start('{MONTH[0]}') AND ordered_at < bi.day_start('{MONTH[1]}')")
    for day in ("day", "ordered_day"):
        if day in columns and "ordered_at" not in columns:
            conditions.append(f"{day} >= '{MONTH[0]}' AND {day} < '{MONTH[1]}'")
    return conditions


def _columns(connection: Connection, view: str) -> list[str]:
    row = connection.execute(_COLUMNS, {"name": view}).fetchone()
    assert row is not None
    assert isinstance(row[0], list)
    return row[0]


def _time(connection: Connection, case: Case, runs: int) -> Result:
    """Run a case once to warm up and then `runs` times; rows are received and not converted."""
    times = []
    rows = 0
    postmaster = _postmaster(connection)
    try:
        with connection.transaction():
            connection.execute(case.query.encode())
            before = pg_stats.postgres_cpu_seconds(postmaster)
            for _ in range(runs):
                started = time.perf_counter()
                rows = connection.execute(case.query.encode()).rowcount
                times.append((time.perf_counter() - started) * 1000)
            after = pg_stats.postgres_cpu_seconds(postmaster)
    except psycopg.errors.QueryCanceled:
        return Result(case.name, None, None, 0, case.goal)
    processor = None if before is None or after is None else (after - before) * 1000 / runs
    return Result(case.name, median(times), processor, rows, case.goal)


def _postmaster(connection: Connection) -> int | None:
    """Return the process id of the server; None where it is not on this machine."""
    try:
        parent = psutil.Process(connection.info.backend_pid).parent()
    except psutil.Error:
        return None
    return parent.pid if parent is not None and parent.name().startswith("postgres") else None


def _plan(connection: Connection, case: Case) -> str:
    try:
        with connection.transaction():
            found = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS) {case.query}".encode()).fetchall()
    except psycopg.errors.QueryCanceled:
        found = connection.execute(f"EXPLAIN {case.query}".encode()).fetchall()
    return f"{case.query.strip()}\n\n" + "\n".join(str(row[0]) for row in found) + "\n"


if __name__ == "__main__":
    run_cli(main)
