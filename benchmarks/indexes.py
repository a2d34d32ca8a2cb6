"""The cost of each index of the tables of orders: on disk, and when new orders land.

    python -m benchmarks.indexes [--orders 20000] [--rounds 7] [--json]

Each index is the only one of a copy of its table, into which the rows that a sync landed are copied in the order and
batches they landed in. Processor seconds are those of the one backend: the least of all rounds, less those without an
index.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from psycopg import sql
from rich.console import Console
from rich.table import Table

from benchmarks import copy_baseline, pg_stats
from benchmarks.commands import run
from benchmarks.environment import info, open_environment, run_cli, run_sandbox
from benchmarks.pg_stats import Connection
from orders_sync.store.statements import Target

COPY_OF_TABLE = "measured"
_INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = %s::text::regclass ORDER BY c.relname
"""


@dataclass(frozen=True)
class Cost:
    """The cost of one index for the rows of `orders` orders: bytes on disk and of WAL, processor seconds."""

    table: str
    index: str
    orders: int
    disk: int
    wal: int
    cpu: float


@dataclass(frozen=True)
class _Load:
    disk: int
    wal: int
    cpu: float


def main(
    orders: Annotated[int, typer.Option(min=1, help="Number of orders, over three shops.")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often the rows are copied with each index.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
) -> None:
    """Measure what each index of the tables of orders costs."""
    with open_environment(keep=keep) as environment:
        with run_sandbox(environment, "--orders", str(orders), "--shops", "3") as sandbox:
            settings = sandbox.write_settings(
                environment.folder / "orders_sync.toml", sync='lag = "0s"', account="page_size = 500"
            )
            run(environment, "sync", "--config", str(settings)).expect_success()
        with pg_stats.connect(environment.url) as connection:
            batches = copy_baseline.export(connection, environment.folder)
            found = [
                cost
                for target in copy_baseline.TABLES
                for cost in _costs(connection, environment.folder, target, batches, rounds, orders)
            ]
    if as_json:
        print(json.dumps([asdict(cost) for cost in found], indent=2))
    else:
        _print(found, orders)


def _costs(connection: Connection, folder: Path, target: Target, batches: int, rounds: int, orders: int) -> list[Cost]:
    """Measure every index of one table, in turn with none."""
    definitions = {
        str(name): str(text) for name, text in connection.execute(_INDEXES, [f"public.{target.name}"]).fetchall()
    }
    loads: dict[str, list[_Load]] = {"": [], **{name: [] for name in definitions}}
    _load(connection, folder, target, batches, None)  # not counted: it also writes pages that are new to the log
    for number in range(1, rounds + 1):
        info(f"{target.name}: round {number} of {rounds}")
        for name, found in loads.items():
            found.append(_load(connection, folder, target, batches, definitions.get(name)))
    best = {name: _Load(*(min(getattr(each, what) for each in found) for what in ("disk", "wal", "cpu")))
            for name, found in loads.items()}  # fmt: skip
    bare = best.pop("")
    return [
        Cost(target.name, name, orders, load.disk, load.wal - bare.wal, load.cpu - bare.cpu)
        for name, load in best.items()
    ]


def _load(connection: Connection, folder: Path, target: Target, batches: int, definition: str | None) -> _Load:
    """Copy the rows into a new copy of the table, with one index or none."""
    name = sql.Identifier(COPY_OF_TABLE)
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
    connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING STORAGE)").format(
            name, sql.Identifier(target.name)
        )
    )
    if definition is not None:
        head, _, what = definition.partition(f" ON public.{target.name} ")
        unique = "UNIQUE " if head.startswith("CREATE UNIQUE") else ""
        connection.execute(f"CREATE {unique}INDEX ON {COPY_OF_TABLE} {what}".encode())
    rows = [copy_baseline.file_of(folder, target.name, number).read_bytes() for number in range(batches)]
    connection.execute("CHECKPOINT")
    backend = connection.info.backend_pid
    wal, cpu = pg_stats.wal(connection), pg_stats.process_cpu_seconds(backend)
    into = copy_baseline.statement_into(COPY_OF_TABLE, target)
    for batch in rows:
        with connection.transaction(), connection.cursor() as cursor, cursor.copy(into) as copy:
            copy.write(batch)
    wal, cpu = pg_stats.wal(connection) - wal, pg_stats.process_cpu_seconds(backend) - cpu
    disk = pg_stats.fetch_int(connection, f"SELECT pg_indexes_size('{COPY_OF_TABLE}')")
    return _Load(disk, wal, cpu)


def _print(found: list[Cost], orders: int) -> None:
    table = Table(title=f"indexes of {orders:,} orders")
    for column in ("table", "index"):
        table.add_column(column)
    for column in ("disk kB", "WAL kB", "processor ms"):
        table.add_column(column, justify="right")
    for cost in found:
        figures = f"{cost.disk / 1000:,.0f}", f"{cost.wal / 1000:,.0f}", f"{cost.cpu * 1000:,.0f}"
        table.add_row(cost.table, cost.index, *figures)
    Console(width=120).print(table)


if __name__ == "__main__":
    run_cli(main)
