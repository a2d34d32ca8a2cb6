"""Throughput of 1 to 3 workers on one database, and recovery when workers are killed or frozen.

    python -m benchmarks.workers --orders 12000 --latency 300

    throughput    a scheduler and 1, 2, 3 workers read the same history from platforms with this latency in ms
    recovery      three workers: one is killed by SIGKILL while it holds windows, one is frozen by SIGSTOP for longer
                  than its lease while it holds windows, then continues; afterwards every order is compared

Exit code 1 when an order is missed, stale, surplus or doubled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from benchmarks.commands import run
from benchmarks.environment import (
    BenchmarkError,
    Environment,
    SandboxServer,
    executable,
    info,
    open_environment,
    run_cli,
    run_sandbox,
)
from benchmarks.truth import post_sandbox, verify_results
from benchmarks.worker_processes import FROZEN
from orders_sync.store import database

MAX_WORKERS = 3
POLL_INTERVAL = 0.2  # seconds
TIMEOUT = 900.0  # seconds for all windows of a load
SETTINGS = 'lag = "0s"\noverlap = "0s"\nconfirm = "0s"\ninterval = "1h"\nsweep = "1h every 1d"\nwindow_rows = 200'

_OPEN = "SELECT count(*) FROM sync.windows WHERE state NOT IN ('done', 'split', 'beyond')"
_PLANNED = "SELECT count(*) FROM sync.accounts WHERE history_from IS NOT NULL"
# without empty windows: those are read again after minutes
_SPAN = """
SELECT extract(epoch FROM max(finished_at) - min(started_at))::float, sum(calls)::int FROM sync.windows WHERE total > 0
"""
_WINDOWS_HELD = "SELECT count(*) FROM sync.windows WHERE state = 'running' AND owner LIKE %s"
_DOUBLED = "SELECT count(*) - (SELECT count(*) FROM orders) FROM order_history"


@dataclass
class Throughput:
    """One complete load. `seconds` from the first claim to the last commit, by the database's clock.

    Time and calls of windows without orders are not included.
    """

    workers: int
    orders: int
    calls: int
    seconds: float

    @property
    def orders_per_second(self) -> float:
        """The throughput."""
        return self.orders / self.seconds


@dataclass
class Recovery:
    """A load by three workers, one of them killed and one frozen.

    `killed_holding`, `frozen_holding`: number of windows they held then. The others: results of the comparison.
    """

    killed_holding: int = 0
    frozen_holding: int = 0
    orders: int = 0
    lines: int = 0
    missed: int = 0
    stale: int = 0
    surplus: int = 0
    doubled: int = 0

    @property
    def passed(self) -> bool:
        """True if the tables are equal to the expected values."""
        return not (self.missed or self.stale or self.surplus or self.doubled)


@dataclass
class Report:
    """Results of both parts."""

    latency_ms: float
    throughput: list[Throughput] = field(default_factory=list)
    recovery: Recovery = field(default_factory=Recovery)


def main(
    orders: Annotated[int, typer.Option(min=1, help="Number of orders, over all shops.")] = 12_000,
    shops: Annotated[
        int, typer.Option(min=1, help="Number of shops, in turn on 1688, xportcn_open and xportcn_ka.")
    ] = 6,
    latency: Annotated[float, typer.Option(min=0, help="Milliseconds until each response.")] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
) -> None:
    """Measure 1, 2 and 3 workers; then kill one of three and freeze another. Exit code 1 when an order differs."""
    report = Report(latency)
    with open_environment(keep=keep) as environment:
        info(f"creating {orders:,} orders")
        with run_sandbox(environment, "--orders", str(orders), "--shops", str(shops)) as sandbox:
            post_sandbox(sandbox, "faults", {"latency_ms": latency})
            settings = sandbox.write_settings(
                environment.folder / "orders_sync.toml", sync=SETTINGS, account="page_size = 100"
            )
            for workers in range(1, MAX_WORKERS + 1):
                report.throughput.append(_measure_throughput(environment, sandbox, settings, workers))
            report.recovery = _measure_recovery(environment, sandbox, settings)
    if as_json:
        print(json.dumps(asdict(report), indent=2))
    else:
        _show(report)
    if not report.recovery.passed:
        raise typer.Exit(1)


def _measure_throughput(environment: Environment, sandbox: SandboxServer, settings: Path, workers: int) -> Throughput:
    info(f"{workers} workers")
    _reset(environment, settings)
    with _run_workers(environment, settings, workers):
        _await_completion(environment)
    [(seconds, calls)] = _query(environment, _SPAN)
    [(landed,)] = _query(environment, "SELECT count(*) FROM orders")
    listed = sum(httpx.get(f"{sandbox.root}/sandbox/stats", timeout=60).json()["orders"].values())
    if landed != listed:
        raise BenchmarkError(f"{landed} orders landed, the sandbox lists {listed}")
    return Throughput(workers, landed, calls, seconds)


def _measure_recovery(environment: Environment, sandbox: SandboxServer, settings: Path) -> Recovery:
    info("three workers, one killed and one frozen")
    recovery = Recovery()
    _reset(environment, settings)
    with _run_workers(environment, settings, MAX_WORKERS) as workers:
        recovery.killed_holding = _await_holding(environment, workers[0])
        workers[0].kill()
        recovery.frozen_holding = _await_holding(environment, workers[1])
        os.kill(workers[1].pid, signal.SIGSTOP)
        time.sleep(FROZEN)
        os.kill(workers[1].pid, signal.SIGCONT)
        _await_completion(environment)
    accounts = list(verify_results(run(environment, "verify", sandbox.root, "--json", "--config", str(settings))))
    recovery.orders, recovery.lines = (sum(account[what] for account in accounts) for what in ("orders", "lines"))
    recovery.missed, recovery.stale, recovery.surplus = (
        sum(len(account[what]) for account in accounts) for what in ("missed", "different", "surplus")
    )
    [(recovery.doubled,)] = _query(environment, _DOUBLED)
    return recovery


def _reset(environment: Environment, settings: Path) -> None:
    environment.recreate_database()
    run(environment, "migrate", "--config", str(settings)).expect_success()


@contextmanager
def _run_workers(environment: Environment, settings: Path, workers: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run a scheduler and workers until the end of the block; yields the worker processes."""
    processes: list[subprocess.Popen[bytes]] = []
    for name in ["scheduler", *["worker"] * workers]:
        log = (environment.folder / f"{name}-{len(processes)}.log").open("wb")
        command = [executable(), name, "--config", str(settings)]
        processes.append(environment.start(command, log, log))
    try:
        yield processes[1:]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _await_completion(environment: Environment) -> None:
    """Wait until every account is planned and no window is open. Raises `BenchmarkError` after `TIMEOUT`."""
    deadline = time.monotonic() + TIMEOUT
    accounts = 0
    while time.monotonic() < deadline:
        [(planned,)], [(still_open,)] = _query(environment, _PLANNED), _query(environment, _OPEN)
        if planned and planned == accounts and not still_open:
            return
        accounts = planned
        time.sleep(POLL_INTERVAL)
    raise BenchmarkError(f"{still_open} windows are still open after {TIMEOUT:.0f} s")


def _await_holding(environment: Environment, process: subprocess.Popen[bytes]) -> int:
    """Wait until this process holds windows; return their number. Raises `BenchmarkError` after `TIMEOUT`."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        [(held,)] = _query(environment, _WINDOWS_HELD, f"%:{process.pid}:%")
        if held:
            return int(held)
        time.sleep(POLL_INTERVAL / 10)
    raise BenchmarkError(f"worker {process.pid} claimed no window within {TIMEOUT:.0f} s")


def _query(environment: Environment, query: str, *values: object) -> list[Any]:
    with database.connect(environment.url) as connection:
        return connection.execute(query.encode(), values or None).fetchall()


def _show(report: Report) -> None:
    print(f"{report.latency_ms:g} ms latency")
    first = report.throughput[0]
    for load in report.throughput:
        print(
            f"  {load.workers} workers: {load.orders:,} orders in {load.seconds:.1f} s, {load.calls:,} calls, "
            f"{load.orders_per_second:,.0f} orders/s, {first.seconds / load.seconds:.2f} times one worker"
        )
    recovery = report.recovery
    print(f"killed while it held {recovery.killed_holding} windows, frozen while it held {recovery.frozen_holding}")
    for what in ("orders", "lines", "missed", "stale", "surplus", "doubled"):
        print(f"{what:>10}: {getattr(recovery, what):,}")
    print("PASSED" if recovery.passed else "FAILED")


if __name__ == "__main__":
    run_cli(main)
