"""Throughput of a first load, a re-sync of unchanged orders, and plain COPY of the same rows.

    python -m benchmarks.speed --orders 20000 [--runs 3] [--json]

The goals are printed with the measured values; missing one does not change the exit code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from benchmarks import copy_baseline, pg_stats
from benchmarks.commands import CommandResult, run
from benchmarks.environment import (
    BenchmarkError,
    Environment,
    SandboxServer,
    info,
    open_environment,
    run_cli,
    run_sandbox,
)
from benchmarks.pg_stats import Connection
from benchmarks.report import Load, Report, Run

_READING_SECONDS = "SELECT extract(epoch FROM max(finished_at) - min(started_at))::float FROM sync.windows"
# makes planning start at history_from again, as if nothing had been read
_FORGET_PROGRESS = "DELETE FROM sync.windows; UPDATE sync.accounts SET watermark = NULL, history_from = NULL"


def main(
    orders: Annotated[int, typer.Option(min=1, help="Number of orders, over all shops.")] = 20_000,
    shops: Annotated[
        int, typer.Option(min=1, help="Number of shops, in turn on 1688, xportcn_open and xportcn_ka.")
    ] = 3,
    runs: Annotated[int, typer.Option(min=1, help="Repeat all three measurements, interleaved; report medians.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
) -> None:
    """Measure a first load, a re-sync of unchanged orders, and plain COPY of the same rows."""
    with open_environment(keep=keep) as environment:
        info(f"creating {orders:,} orders")
        with run_sandbox(environment, "--orders", str(orders), "--shops", str(shops)) as sandbox:
            # no lag: the orders do not change, so nothing is indexed late
            settings = sandbox.write_settings(
                environment.folder / "orders_sync.toml", sync='lag = "0s"', account="page_size = 500"
            )
            finished_runs = [
                _measure(environment, sandbox, settings, f"{number} of {runs}") for number in range(1, runs + 1)
            ]
        with pg_stats.connect(environment.url) as connection:
            version = str(connection.info.parameter_status("server_version"))
    report = Report(finished_runs, shops, version)
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        report.show(Console(highlight=False, width=120))


def _measure(environment: Environment, sandbox: SandboxServer, settings: Path, number: str) -> Run:
    """Measure all three once, in an empty database. `number` is for progress messages."""
    environment.recreate_database()
    run(environment, "migrate", "--config", str(settings)).expect_success()
    with pg_stats.connect(environment.url) as connection:
        info(f"run {number}: first load")
        first_load, _ = _measure_load(environment, sandbox, settings, connection)
        connection.execute("VACUUM (ANALYZE)")  # as autovacuum does before a later re-sync
        connection.execute(_FORGET_PROGRESS)
        info(f"run {number}: re-sync")
        resync, wal_resync = _measure_load(environment, sandbox, settings, connection)
        info(f"run {number}: plain COPY of the same rows")
        return Run(
            first_load,
            resync,
            copy_baseline.measure(connection, environment.folder, environment.postmaster),
            wal_resync,
        )


def _measure_load(
    environment: Environment, sandbox: SandboxServer, settings: Path, connection: Connection
) -> tuple[Load, dict[str, int] | None]:
    """Measure one sync of everything.

    The second value is its WAL by schema, only if no row version was written.
    """
    connection.execute("CHECKPOINT")
    versions, wal = pg_stats.row_versions(connection), pg_stats.wal(connection)
    postgres_cpu, sandbox_cpu = pg_stats.postgres_cpu_seconds(environment.postmaster), pg_stats.cpu_seconds(sandbox.pid)
    result = run(environment, "sync", "--json", "--config", str(settings)).expect_success()
    wal_after = pg_stats.wal(connection)
    postgres_after = pg_stats.postgres_cpu_seconds(environment.postmaster)
    reading = connection.execute(_READING_SECONDS).fetchone()
    assert reading is not None
    assert isinstance(reading[0], float)
    load = Load(
        orders=_check_complete(sandbox, connection, result),
        seconds=result.seconds,
        reading=reading[0],
        peak_memory=result.peak_memory,
        cpu=result.cpu,
        cpu_postgres=None if postgres_after is None or postgres_cpu is None else postgres_after - postgres_cpu,
        cpu_sandbox=pg_stats.cpu_seconds(sandbox.pid) - sandbox_cpu,
        wal=wal_after - wal,
        row_versions=pg_stats.row_versions(connection) - versions,
    )
    by_schema = pg_stats.wal_by_schema(connection, wal, wal_after) if load.row_versions == 0 else None
    return load, by_schema


def _check_complete(sandbox: SandboxServer, connection: Connection, result: CommandResult) -> int:
    """Return the number of stored orders. Raises `BenchmarkError` if not all orders of the sandbox were read.

    More rows than orders may have been read: an order on the border of two windows is in both, and a range may be read
    twice.
    """
    listed = httpx.get(f"{sandbox.root}/sandbox/stats", timeout=60).raise_for_status().json()["orders"]
    rows = connection.execute("SELECT account, count(*) FROM orders GROUP BY account").fetchall()
    stored = {str(account): count for account, count in rows}
    if stored != listed:
        raise BenchmarkError(f"the tables hold {stored}, the sandbox lists {listed}")
    orders = sum(listed.values())
    read = sum(account["rows"]["new"] + account["rows"]["unchanged"] for account in result.output)
    if read < orders:
        raise BenchmarkError(f"{read} rows were new or unchanged, the sandbox lists {orders} orders")
    return int(orders)


if __name__ == "__main__":
    run_cli(main)
