"""Fault campaign: inject faults of all kinds while orders change, then compare every value with the expected one.

    python -m benchmarks.faults --minutes 60 --seed 1 --workers 3 [--service]

    workers          sync, sync, sync, ... on the same accounts; one of them with a clock that is two minutes ahead
                     or, --service: one `run` that is never killed, the others `worker`, with wrong clocks
    platforms        orders change, are indexed late, move between pages, lose lines; calls fail with every fault of
                     the sandbox
    infrastructure   at random times: SIGKILL of a worker, SIGSTOP for longer than its lease, connections terminated,
                     Postgres restarted or crashed
    afterwards       changes stop; one to three complete syncs (or the service's own sweeps), then every order, line,
                     amount, status and time is compared

Exit code 1 when an order is missed, stale, surplus or doubled, or a command exited unexpectedly.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import psycopg
import typer

from benchmarks.commands import run
from benchmarks.environment import Environment, SandboxServer, info, open_environment, run_cli, run_sandbox
from benchmarks.truth import (
    FAULTS,
    LAG,
    MALFORMED,
    count_hidden,
    post_sandbox,
    repeat_until_equal,
    sync,
    verify_results,
    wait_until_indexed,
)
from benchmarks.worker_processes import FAILED, ServiceWorker, SyncWorker, Worker
from orders_sync.store import database

INFRASTRUCTURE_FAULTS = {  # by name: the relative frequency
    "worker killed": 6,
    "worker frozen": 2,
    "connections cut": 3,
    "postgres restarted": 1,
    "postgres crashed": 1,
}
PAGE_SIZE = 20  # small, so that windows have many pages and rows move between them
SERVICE = """interval = "15s"
sweep = "3d every 1m, 30d every 2m, 90d every 5m"
confirm = "3m"
"""
CONVERGENCE_TIMEOUT = 600.0  # seconds for the service to read everything again after changes stopped
PROGRESS_INTERVAL = 30.0  # seconds

_DOUBLED = """
SELECT count(*) FROM (
    SELECT changed, lag(h) OVER (PARTITION BY platform, order_id ORDER BY seen_at) IS NOT NULL AS is_later
    FROM order_history AS h
) AS rows WHERE is_later AND (changed IS NULL OR changed = '{}')
"""
_DEAD_TUPLES = "SELECT coalesce(sum(n_dead_tup), 0)::int FROM pg_stat_user_tables WHERE schemaname = 'public'"
_TERMINATE_CONNECTIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass
class Campaign:
    """Injected faults and the result of the comparison.

    `interval`: the greatest number of seconds between two infrastructure faults; the least is a quarter of it.
    `infrastructure_faults` and `api_faults` count faults by kind. `passes` counts exits of workers, `failed_passes`
    those that said what failed. `doubled`: rows of the history without a change. `memory`: resident bytes of `run`, one
    value per minute.
    """

    minutes: float
    seed: int
    workers: int
    interval: float
    passes: int = 0
    failed_passes: int = 0
    changes: int = 0
    infrastructure_faults: dict[str, int] = field(default_factory=dict)
    api_faults: dict[str, int] = field(default_factory=dict)
    unexpected_exits: list[str] = field(default_factory=list)
    still_hidden: int = 0
    orders: int = 0
    lines: int = 0
    rejects: int = 0
    missed: int = 0
    stale: int = 0
    surplus: int = 0
    doubled: int = 0
    dead_tuples: int = 0
    examples: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    seconds_to_stop: float = 0.0

    @property
    def passed(self) -> bool:
        """True if the tables are equal and every command exited as expected."""
        return not (self.missed or self.stale or self.surplus or self.doubled or self.unexpected_exits)


def main(
    minutes: Annotated[float, typer.Option(min=0, help="Duration of the fault injection.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the world and of the random faults.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes on the same accounts.")] = 2,
    orders: Annotated[int, typer.Option(min=1, help="Initial number of orders, over all shops.")] = 3000,
    rate: Annotated[float, typer.Option(min=0, help="Changes per second.")] = 10,
    interval: Annotated[float, typer.Option(min=1, help="Longest seconds between two infrastructure faults.")] = 15,
    wait: Annotated[float, typer.Option(min=0, help="Longest wait in seconds for orders that are indexed late.")] = 240,
    service: Annotated[bool, typer.Option("--service", help="Run the service instead of repeated syncs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
) -> None:
    """Inject faults, then compare every order. Exit code 1 when one differs."""
    campaign = Campaign(minutes, seed, workers, interval)
    with open_environment(keep=keep) as environment:
        info(f"creating {orders:,} orders")
        options = ("--orders", str(orders), "--seed", str(seed), "--live", "--rate", str(rate))
        with run_sandbox(environment, *options) as sandbox:
            sync_settings = f'lag = "{LAG:g}s"\n' + (SERVICE if service else "")
            settings = sandbox.write_settings(
                environment.folder / "orders_sync.toml", sync=sync_settings, account=f"page_size = {PAGE_SIZE}"
            )
            run(environment, "migrate", "--config", str(settings)).expect_success()
            worker_class = ServiceWorker if service else SyncWorker
            rng = random.Random(seed)
            started = [
                worker_class(environment, settings, number, random.Random(rng.random()))
                for number in range(1, workers + 1)
            ]
            _inject_faults(environment, sandbox, started, rng, campaign)
            if service:
                _wait_until_equal(environment, sandbox, settings, campaign, wait)
                _stop_workers(started, campaign)
            else:
                _stop_workers(started, campaign)
                _sync_until_equal(environment, sandbox, settings, campaign, wait)
    if as_json:
        print(json.dumps(asdict(campaign), indent=2, ensure_ascii=False))
    else:
        _show(campaign)
    if not campaign.passed:
        raise typer.Exit(1)


def _inject_faults(
    environment: Environment, sandbox: SandboxServer, workers: Sequence[Worker], rng: random.Random, campaign: Campaign
) -> None:
    """Start the workers and inject faults for the duration of the campaign; end with changes and API faults stopped.

    The duration begins once a worker reads from the platforms: programs take long to start on a busy machine.
    """
    post_sandbox(sandbox, "faults", {"rates": FAULTS | MALFORMED, "hang_seconds": 1, "retry_after": 0.2})
    for worker in workers:
        worker.start()
    while not _count_api_faults(sandbox) and not any(worker.exit_codes for worker in workers):
        time.sleep(0.1)
    deadline = time.monotonic() + campaign.minutes * 60
    next_progress = time.monotonic() + PROGRESS_INTERVAL
    possible = [
        name
        for name in INFRASTRUCTURE_FAULTS
        if environment.restart_postgres is not None or not name.startswith("postgres")
    ]
    weights = [INFRASTRUCTURE_FAULTS[name] for name in possible]
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, rng.uniform(campaign.interval / 4, campaign.interval)))
        [fault] = rng.choices(possible, weights)
        if _inject(fault, environment, rng.choice(workers)):
            campaign.infrastructure_faults[fault] = campaign.infrastructure_faults.get(fault, 0) + 1
        if time.monotonic() > next_progress:
            next_progress += PROGRESS_INTERVAL
            exits = sum(len(worker.exit_codes) for worker in workers)
            faults = sum(campaign.infrastructure_faults.values())
            info(f"{left / 60:.1f} min left, {exits} exits, {faults} infrastructure faults")
    campaign.changes = post_sandbox(sandbox, "live", {"rate": 0})["happened"]
    campaign.api_faults = post_sandbox(sandbox, "faults", {"clear": True, "rates": MALFORMED})["injected"]
    info(f"{campaign.changes} changes; no more changes and faults from now on")
    time.sleep(LAG + 1)


def _count_api_faults(sandbox: SandboxServer) -> int:
    response = httpx.get(f"{sandbox.root}/sandbox/faults", timeout=60).raise_for_status()
    return sum(response.json()["injected"].values())


def _inject(fault: str, environment: Environment, worker: Worker) -> bool:
    """Inject the fault and return True; return False for a kill of the `run` that must survive."""
    if fault == "worker killed":
        if isinstance(worker, ServiceWorker) and worker.number == 1:
            return False
        worker.kill()
    elif fault == "worker frozen":
        worker.freeze()
    elif fault == "connections cut":
        with database.connect(environment.url) as connection:
            connection.execute(_TERMINATE_CONNECTIONS)
    else:
        assert environment.restart_postgres is not None
        assert environment.data_dir is not None
        postmaster = int((environment.data_dir / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGINT if fault == "postgres restarted" else signal.SIGQUIT)
        environment.restart_postgres()
    return True


def _stop_workers(workers: Sequence[Worker], campaign: Campaign) -> None:
    """Stop all workers, wait for them, and add up their results."""
    for worker in workers:
        worker.stop()
    for worker in workers:
        worker.join()
        campaign.passes += len(worker.exit_codes)
        campaign.failed_passes += sum(worker.exit_codes.count(code) for code in FAILED)
        campaign.unexpected_exits += worker.unexpected_exits
        if isinstance(worker, ServiceWorker):
            campaign.memory = campaign.memory or worker.memory
            campaign.seconds_to_stop = max(campaign.seconds_to_stop, worker.stop_seconds)


def _sync_until_equal(
    environment: Environment, sandbox: SandboxServer, settings: Path, campaign: Campaign, wait: float
) -> None:
    """Sync everything until the tables are equal."""
    campaign.still_hidden = wait_until_indexed(environment, sandbox, settings, wait)

    def is_equal() -> bool:
        sync(environment, settings, "--sweep", "all").expect_success()
        return _compare(environment, sandbox, settings, campaign)

    repeat_until_equal(sandbox.root, is_equal)


def _wait_until_equal(
    environment: Environment, sandbox: SandboxServer, settings: Path, campaign: Campaign, wait: float
) -> None:
    """Wait until everything is indexed and the service has made the tables equal by itself."""
    deadline = time.monotonic() + wait
    while (left := deadline - time.monotonic()) > 0:
        campaign.still_hidden = count_hidden(sandbox.root)
        if not campaign.still_hidden:
            break
        info(f"{campaign.still_hidden} changes are not in the platforms' index yet, at most {left:.0f} s more")
        time.sleep(min(PROGRESS_INTERVAL, left))
    deadline = time.monotonic() + CONVERGENCE_TIMEOUT
    while not _compare(environment, sandbox, settings, campaign) and time.monotonic() < deadline:
        info(f"{campaign.missed} missed and {campaign.stale} stale so far")
        time.sleep(PROGRESS_INTERVAL)


def _compare(environment: Environment, sandbox: SandboxServer, settings: Path, campaign: Campaign) -> bool:
    """Compare the tables with the expected values. Return whether they are equal."""
    accounts = list(verify_results(run(environment, "verify", sandbox.root, "--json", "--config", str(settings))))
    campaign.orders, campaign.lines = _total(accounts, "orders"), _total(accounts, "lines")
    campaign.rejects = _total(accounts, "rejects")
    campaign.missed, campaign.stale = _total(accounts, "missed"), _total(accounts, "different")
    campaign.surplus = _total(accounts, "surplus")
    campaign.examples = [
        f"{account['account']}: {line}"
        for account in accounts
        for line in [*account["missed"][:5], *(f"{k}: {v}" for k, v in list(account["different"].items())[:5])]
    ]
    with database.connect(environment.url) as connection:
        campaign.doubled = _fetch_int(connection, _DOUBLED)
        campaign.dead_tuples = _fetch_int(connection, _DEAD_TUPLES)
    return not (campaign.missed or campaign.stale or campaign.surplus)


def _total(accounts: list[dict[str, Any]], what: str) -> int:
    return sum(value if isinstance(value, int) else len(value) for value in (account[what] for account in accounts))


def _fetch_int(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _format_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def _show(campaign: Campaign) -> None:
    print(f"{campaign.minutes:g} minutes, seed {campaign.seed}, {campaign.workers} workers")
    print(f"{campaign.passes} passes ({campaign.failed_passes} failed in part), {campaign.changes:,} changes meanwhile")
    print(f"infrastructure faults: {_format_counts(campaign.infrastructure_faults)}")
    print(f"API faults: {_format_counts(campaign.api_faults)}")
    for what in ("orders", "lines", "rejects", "missed", "stale", "surplus", "doubled", "dead_tuples", "still_hidden"):
        print(f"{what.replace('_', ' '):>14}: {getattr(campaign, what):,}")
    if campaign.memory:
        spans = [campaign.memory[start : start + 10] for start in range(0, len(campaign.memory), 10)]
        highest = ", ".join(f"{max(span) / 2**20:.0f}" for span in spans)
        print(f"memory of `run`, MB, the highest of each ten minutes: {highest}")
        print(f"seconds to stop: {campaign.seconds_to_stop:.1f}")
    for line in [*campaign.examples, *campaign.unexpected_exits[:5]]:
        print(f"  {line}")
    print("PASSED" if campaign.passed else "FAILED")


if __name__ == "__main__":
    run_cli(main)
