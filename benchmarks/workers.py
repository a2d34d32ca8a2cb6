"""Many workers on one Postgres: how much faster, and that nothing is missed or doubled when they die.

    python -m benchmarks.workers --orders 12000 --latency 300

    throughput    a scheduler and 1, 2, 3 workers read the same history from platforms that take so long for an answer
    misfortune    three workers: one is killed by SIGKILL while it holds windows, one is frozen by SIGSTOP for longer
                  than its lease while it holds windows, then goes on; in the end every order is compared

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
from benchmarks.ground import Broken, Ground, Platforms, ground, platforms, product, say, start
from benchmarks.truth import post, verdicts
from benchmarks.workforce import FROZEN
from orders_sync.store import database

MOST_WORKERS = 3
LOOK_EVERY = 0.2  # seconds
GIVE_UP = 900.0  # seconds without an end
SETTINGS = 'lag = "0s"\noverlap = "0s"\nconfirm = "0s"\ninterval = "1h"\nsweep = "1h every 1d"\nwindow_rows = 200'

_OPEN = "SELECT count(*) FROM sync.windows WHERE state NOT IN ('done', 'split')"
_PLANNED = "SELECT count(*) FROM sync.accounts WHERE history_from IS NOT NULL"
_SPAN = "SELECT extract(epoch FROM max(finished_at) - min(started_at))::float, sum(calls)::int FROM sync.windows"
_HOLDS = "SELECT count(*) FROM sync.windows WHERE state = 'running' AND owner LIKE %s"
_DOUBLED = "SELECT count(*) - (SELECT count(*) FROM orders) FROM order_history"


@dataclass
class Throughput:
    """`seconds` from the first claim to the last commit, by the database's clock."""

    workers: int
    orders: int
    calls: int
    seconds: float

    @property
    def orders_per_second(self) -> float:
        return self.orders / self.seconds


@dataclass
class Proof:
    """Three workers of which one was killed and one frozen while they held windows."""

    killed_holding: int = 0
    frozen_holding: int = 0
    orders: int = 0
    lines: int = 0
    missed: int = 0
    stale: int = 0
    surplus: int = 0
    doubled: int = 0

    @property
    def holds(self) -> bool:
        return not (self.missed or self.stale or self.surplus or self.doubled)


@dataclass
class Report:
    latency_ms: float
    throughput: list[Throughput] = field(default_factory=list)
    proof: Proof = field(default_factory=Proof)


def main(
    orders: Annotated[int, typer.Option(min=1, help="Over all shops.")] = 12_000,
    shops: Annotated[int, typer.Option(min=1, help="On 1688, xportcn_open, xportcn_ka, 1688, ...")] = 6,
    latency: Annotated[float, typer.Option(min=0, help="Milliseconds a platform takes for an answer.")] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the folder and the database.")] = False,
) -> None:
    """1, 2 and 3 workers at a latency; then three of which one is killed and one frozen."""
    report = Report(latency)
    with ground(keep=keep) as where:
        say(f"building a world of {orders:,} orders")
        with platforms(where, "--orders", str(orders), "--shops", str(shops)) as sandbox:
            post(sandbox, "faults", {"latency_ms": latency})
            settings = sandbox.settings(where.folder / "orders_sync.toml", sync=SETTINGS, account="page_size = 100")
            for workers in range(1, MOST_WORKERS + 1):
                report.throughput.append(_throughput(where, sandbox, settings, workers))
            report.proof = _prove(where, sandbox, settings)
    if as_json:
        print(json.dumps(asdict(report), indent=2))
    else:
        _show(report)
    if not report.proof.holds:
        raise typer.Exit(1)


def _throughput(where: Ground, sandbox: Platforms, settings: Path, workers: int) -> Throughput:
    say(f"{workers} workers")
    _empty(where, settings)
    with _staff(where, settings, workers):
        _await_end(where)
    [(seconds, calls)] = _ask(where, _SPAN)
    [(landed,)] = _ask(where, "SELECT count(*) FROM orders")
    listed = sum(httpx.get(f"{sandbox.root}/sandbox/stats", timeout=60).json()["orders"].values())
    if landed != listed:
        raise Broken(f"{landed} orders landed, the sandbox lists {listed}")
    return Throughput(workers, landed, calls, seconds)


def _prove(where: Ground, sandbox: Platforms, settings: Path) -> Proof:
    say("three workers, one killed and one frozen")
    proof = Proof()
    _empty(where, settings)
    with _staff(where, settings, MOST_WORKERS) as staff:
        proof.killed_holding = _await_holding(where, staff[0])
        staff[0].kill()
        proof.frozen_holding = _await_holding(where, staff[1])
        os.kill(staff[1].pid, signal.SIGSTOP)
        time.sleep(FROZEN)
        os.kill(staff[1].pid, signal.SIGCONT)
        _await_end(where)
    found = list(verdicts(run(where, "verify", sandbox.root, "--json", "--config", str(settings))))
    proof.orders, proof.lines = (sum(each[what] for each in found) for what in ("orders", "lines"))
    proof.missed, proof.stale, proof.surplus = (
        sum(len(each[what]) for each in found) for what in ("missed", "different", "surplus")
    )
    [(proof.doubled,)] = _ask(where, _DOUBLED)
    return proof


def _empty(where: Ground, settings: Path) -> None:
    where.empty()
    run(where, "migrate", "--config", str(settings)).expect_success()


@contextmanager
def _staff(where: Ground, settings: Path, workers: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A scheduler and so many workers, the workers given; all stopped in the end."""
    made = []
    for name in ["scheduler", *["worker"] * workers]:
        log = (where.folder / f"{name}-{len(made)}.log").open("wb")
        command = [product(), name, "--config", str(settings)]
        made.append(subprocess.Popen(command, stdout=log, stderr=log, env=where.environment, cwd=where.folder))
    try:
        yield made[1:]
    finally:
        for process in made:
            process.terminate()
        for process in made:
            process.wait()


def _await_end(where: Ground) -> None:
    """Until every account is planned and no window is open any more."""
    deadline = time.monotonic() + GIVE_UP
    accounts = 0
    while time.monotonic() < deadline:
        [(planned,)], [(still_open,)] = _ask(where, _PLANNED), _ask(where, _OPEN)
        if planned and planned == accounts and not still_open:
            return
        accounts = planned
        time.sleep(LOOK_EVERY)
    raise Broken(f"{still_open} windows are still open after {GIVE_UP:.0f} s")


def _await_holding(where: Ground, process: subprocess.Popen[bytes]) -> int:
    """Until this process holds windows; how many."""
    deadline = time.monotonic() + GIVE_UP
    while time.monotonic() < deadline:
        [(holds,)] = _ask(where, _HOLDS, f"%:{process.pid}:%")
        if holds:
            return int(holds)
        time.sleep(LOOK_EVERY / 10)
    raise Broken(f"worker {process.pid} claimed no window within {GIVE_UP:.0f} s")


def _ask(where: Ground, query: str, *values: object) -> list[Any]:
    with database.connect(where.url) as connection:
        return connection.execute(query.encode(), values or None).fetchall()


def _show(report: Report) -> None:
    print(f"{report.latency_ms:g} ms an answer")
    first = report.throughput[0]
    for each in report.throughput:
        print(
            f"  {each.workers} workers: {each.orders:,} orders in {each.seconds:.1f} s, {each.calls:,} calls, "
            f"{each.orders_per_second:,.0f} orders/s, {first.seconds / each.seconds:.2f} times one worker"
        )
    proof = report.proof
    print(f"killed while it held {proof.killed_holding} windows, frozen while it held {proof.frozen_holding}")
    for what in ("orders", "lines", "missed", "stale", "surplus", "doubled"):
        print(f"{what:>10}: {getattr(proof, what):,}")
    print("HOLDS" if proof.holds else "BROKEN")


if __name__ == "__main__":
    start(main)
