"""The fault campaign: everything goes wrong at once while platforms live, then every value is held against the truth.

    python -m benchmarks.faults --minutes 60 --seed 1 --workers 3

    workers       sync, sync, sync, ... on the same accounts; one of them with a clock that is two minutes wrong
    platforms     orders change, appear late, move while paged, lose lines; calls fail in every way the sandbox knows
    misfortune    at random moments: SIGKILL of a worker, SIGSTOP for longer than its lease, connections cut,
                  Postgres restarted or crashed
    then quiet    the world stops, a last pass or two, and every order, line, amount, status and time is compared

Exit code 1 when one order is missed, stale or doubled, or a command ended in a way no user should see.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from benchmarks.commands import run
from benchmarks.ground import Ground, Platforms, ground, platforms, product, say, start
from benchmarks.truth import FAULTS, LAG, LAST_PASSES, MALFORMED, await_late, post, sync, verdicts
from orders_sync.store.ledger import LEASE

MISFORTUNE_EVERY = (4.0, 15.0)  # seconds, between two of them
MISFORTUNES = {
    "worker killed": 6,
    "worker frozen": 2,
    "connections cut": 3,
    "postgres restarted": 1,
    "postgres crashed": 1,
}
FROZEN = LEASE.total_seconds() + 5  # longer than it may hold a window without a word
WRONG_CLOCK = 120  # seconds
PAGE_SIZE = 20  # so that windows have many pages, and rows move between them
SWEEPS = ("none", "due", "open", "open", "all")
EXPECTED = (0, 1, -signal.SIGKILL)  # of a sync: done, an error it explains, killed by us
SKEWED = Path(__file__).with_name("skewed.py")
NEWS_EVERY = 30.0  # seconds

_DOUBLED = """
SELECT count(*) FROM (
    SELECT changed, lag(h) OVER (PARTITION BY platform, order_id ORDER BY seen_at) IS NOT NULL AS is_later
    FROM order_history AS h
) AS rows WHERE is_later AND (changed IS NULL OR changed = '{}')
"""
_DEAD = "SELECT coalesce(sum(n_dead_tup), 0)::int FROM pg_stat_user_tables WHERE schemaname = 'public'"
_CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass
class Campaign:
    """What was done to the service and how it ended. `doubled`: landings in the history that changed nothing."""

    minutes: float
    seed: int
    workers: int
    passes: int = 0
    gave_up: int = 0
    happened: int = 0
    misfortunes: dict[str, int] = field(default_factory=dict)
    injected: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
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

    @property
    def held(self) -> bool:
        return not (self.missed or self.stale or self.surplus or self.doubled or self.broken)


class Worker(threading.Thread):
    """Runs `sync` again and again until told to stop, as cron would, whatever happens to it."""

    def __init__(self, where: Ground, settings: Path, number: int, chance: random.Random, campaign: Campaign) -> None:
        super().__init__(daemon=True)
        self._where = where
        self._settings = settings
        self._number = number
        self._chance = chance
        self._campaign = campaign
        self._process: subprocess.Popen[bytes] | None = None
        self._ends = threading.Event()

    def run(self) -> None:
        log = self._where.folder / f"worker-{self._number}.log"
        while not self._ends.is_set():
            arguments = ["sync", "--config", str(self._settings), "--sweep", self._chance.choice(SWEEPS)]
            wrong_clock = self._number == 1 and self._chance.random() < 0.5
            command = [sys.executable, str(SKEWED), str(WRONG_CLOCK)] if wrong_clock else [product()]
            with log.open("wb") as out:
                self._process = subprocess.Popen(
                    [*command, *arguments], stdout=out, stderr=out, env=self._where.environment, cwd=self._where.folder
                )
                code = self._process.wait()
            self._campaign.passes += 1
            self._campaign.gave_up += code == 1
            said = log.read_text(errors="replace")
            if code not in EXPECTED or "Traceback" in said:
                self._campaign.broken.append(f"worker {self._number} ended with {code}: {said[-1500:]}")
                self._ends.wait(1)

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def freeze(self) -> None:
        """SIGSTOP, and on again when others may have taken its windows."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            threading.Timer(FROZEN, process.send_signal, [signal.SIGCONT]).start()

    def stop(self) -> None:
        """Let the pass that runs come to its end."""
        self._ends.set()


def main(
    minutes: Annotated[float, typer.Option(min=0, help="How long everything goes wrong.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the world and of the misfortunes.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes on the same accounts at once.")] = 2,
    orders: Annotated[int, typer.Option(min=1, help="Before life begins, over all shops.")] = 3000,
    rate: Annotated[float, typer.Option(min=0, help="Changes a second.")] = 10,
    wait: Annotated[float, typer.Option(min=0, help="Most seconds to wait for what is indexed late.")] = 240,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the folder and the database.")] = False,
) -> None:
    """Everything goes wrong for a while; then every order is compared. Exit code 1 when one differs."""
    campaign = Campaign(minutes, seed, workers)
    with ground(keep=keep) as where:
        say(f"building a world of {orders:,} orders")
        options = ("--orders", str(orders), "--seed", str(seed), "--live", "--rate", str(rate))
        with platforms(where, *options) as sandbox:
            settings = sandbox.settings(
                where.folder / "orders_sync.toml", sync=f'lag = "{LAG:g}s"', account=f"page_size = {PAGE_SIZE}"
            )
            run(where, "migrate", "--config", str(settings)).expect_success()
            _rage(where, sandbox, settings, campaign)
            _compare(where, sandbox, settings, campaign, wait)
    if as_json:
        print(json.dumps(asdict(campaign), indent=2, ensure_ascii=False))
    else:
        _show(campaign)
    if not campaign.held:
        raise typer.Exit(1)


def _rage(where: Ground, sandbox: Platforms, settings: Path, campaign: Campaign) -> None:
    chance = random.Random(campaign.seed)
    post(sandbox, "faults", {"rates": FAULTS | MALFORMED, "hang_seconds": 1, "retry_after": 0.2})
    workers = [
        Worker(where, settings, number, random.Random(chance.random()), campaign)
        for number in range(1, campaign.workers + 1)
    ]
    for worker in workers:
        worker.start()
    ends = time.monotonic() + campaign.minutes * 60
    news = time.monotonic() + NEWS_EVERY
    possible = [name for name in MISFORTUNES if where.revive is not None or not name.startswith("postgres")]
    weights = [MISFORTUNES[name] for name in possible]
    while (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, chance.uniform(*MISFORTUNE_EVERY)))
        [misfortune] = chance.choices(possible, weights)
        _befall(misfortune, where, chance.choice(workers))
        campaign.misfortunes[misfortune] = campaign.misfortunes.get(misfortune, 0) + 1
        if time.monotonic() > news:
            news += NEWS_EVERY
            say(f"{left / 60:.1f} min left, {campaign.passes} passes, {sum(campaign.misfortunes.values())} misfortunes")
    for worker in workers:
        worker.stop()
    campaign.happened = post(sandbox, "live", {"rate": 0})["happened"]
    campaign.injected = post(sandbox, "faults", {"clear": True, "rates": MALFORMED})["injected"]
    for worker in workers:
        worker.join()


def _befall(misfortune: str, where: Ground, worker: Worker) -> None:
    if misfortune == "worker killed":
        worker.kill()
    elif misfortune == "worker frozen":
        worker.freeze()
    elif misfortune == "connections cut":
        with psycopg.connect(where.url, autocommit=True) as connection:
            connection.execute(_CUT)
    else:
        assert where.revive is not None
        assert where.postmaster is not None
        postmaster = int((where.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGINT if misfortune == "postgres restarted" else signal.SIGQUIT)
        where.revive()


def _compare(where: Ground, sandbox: Platforms, settings: Path, campaign: Campaign, wait: float) -> None:
    say(f"{campaign.passes} passes while {campaign.happened} changes happened; now it is quiet")
    time.sleep(LAG + 1)
    campaign.still_hidden = await_late(where, sandbox, settings, wait)
    for _ in range(LAST_PASSES):
        sync(where, settings, "--sweep", "all").expect_success()
        found = list(verdicts(run(where, "verify", sandbox.root, "--json", "--config", str(settings))))
        campaign.orders, campaign.lines = _total(found, "orders"), _total(found, "lines")
        campaign.rejects = _total(found, "rejects")
        campaign.missed, campaign.stale = _total(found, "missed"), _total(found, "different")
        campaign.surplus = _total(found, "surplus")
        if not (campaign.missed or campaign.stale or campaign.surplus):
            break
    campaign.examples = [
        f"{verdict['account']}: {line}"
        for verdict in found
        for line in [*verdict["missed"][:5], *(f"{k}: {v}" for k, v in list(verdict["different"].items())[:5])]
    ]
    with psycopg.connect(where.url, autocommit=True) as connection:
        campaign.doubled = _number(connection, _DOUBLED)
        campaign.dead_tuples = _number(connection, _DEAD)


def _total(found: list[dict[str, Any]], what: str) -> int:
    return sum(value if isinstance(value, int) else len(value) for value in (verdict[what] for verdict in found))


def _number(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _show(campaign: Campaign) -> None:
    print(f"{campaign.minutes:g} minutes, seed {campaign.seed}, {campaign.workers} workers")
    print(f"{campaign.passes} passes ({campaign.gave_up} gave up in part), {campaign.happened:,} changes meanwhile")
    for title, counts in (("misfortunes", campaign.misfortunes), ("faulted calls", campaign.injected)):
        print(f"{title}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    for what in ("orders", "lines", "rejects", "missed", "stale", "surplus", "doubled", "dead_tuples", "still_hidden"):
        print(f"{what.replace('_', ' '):>14}: {getattr(campaign, what):,}")
    for line in [*campaign.examples, *campaign.broken[:5]]:
        print(f"  {line}")
    print("HELD" if campaign.held else "BROKEN")


if __name__ == "__main__":
    start(main)
