"""The fault campaign: everything goes wrong at once while platforms live, then every value is held against the truth.

    python -m benchmarks.faults --minutes 60 --seed 1 --workers 3 [--service]

    workers       sync, sync, sync, ... on the same accounts; one of them with a clock that is two minutes wrong
                  or, --service: one `run` that is never killed, the others `worker`, with clocks that are wrong
    platforms     orders change, appear late, move while paged, lose lines; calls fail in every way the sandbox knows
    misfortune    at random moments: SIGKILL of a worker, SIGSTOP for longer than its lease, connections cut,
                  Postgres restarted or crashed
    then quiet    the world stops, a last pass or two (or the service's own sweeps), and every order, line, amount,
                  status and time is compared

Exit code 1 when one order is missed, stale or doubled, or a command ended in a way no user should see.
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
from benchmarks.ground import Ground, Platforms, ground, platforms, say, start
from benchmarks.truth import FAULTS, LAG, LAST_PASSES, MALFORMED, await_late, post, sync, verdicts
from benchmarks.workforce import Passing, Serving, Worker
from orders_sync.store import database

MISFORTUNE_EVERY = (4.0, 15.0)  # seconds, between two of them
MISFORTUNES = {
    "worker killed": 6,
    "worker frozen": 2,
    "connections cut": 3,
    "postgres restarted": 1,
    "postgres crashed": 1,
}
PAGE_SIZE = 20  # so that windows have many pages, and rows move between them
SERVICE = """interval = "15s"
sweep = "3d every 1m, 30d every 2m, 90d every 5m"
confirm = "3m"
"""
SETTLED_AFTER = 600.0  # seconds the service has, once it is quiet, to have read everything again by itself
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
    """What was done to the service and how it ended. `doubled`: landings in the history that changed nothing.

    `memory`: resident bytes of the `run` that lives throughout, a minute each.
    """

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
    memory: list[int] = field(default_factory=list)
    seconds_to_stop: float = 0.0

    @property
    def held(self) -> bool:
        return not (self.missed or self.stale or self.surplus or self.doubled or self.broken)


def main(
    minutes: Annotated[float, typer.Option(min=0, help="How long everything goes wrong.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the world and of the misfortunes.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes on the same accounts at once.")] = 2,
    orders: Annotated[int, typer.Option(min=1, help="Before life begins, over all shops.")] = 3000,
    rate: Annotated[float, typer.Option(min=0, help="Changes a second.")] = 10,
    wait: Annotated[float, typer.Option(min=0, help="Most seconds to wait for what is indexed late.")] = 240,
    service: Annotated[bool, typer.Option("--service", help="The service instead of passes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the folder and the database.")] = False,
) -> None:
    """Everything goes wrong for a while; then every order is compared. Exit code 1 when one differs."""
    campaign = Campaign(minutes, seed, workers)
    with ground(keep=keep) as where:
        say(f"building a world of {orders:,} orders")
        options = ("--orders", str(orders), "--seed", str(seed), "--live", "--rate", str(rate))
        with platforms(where, *options) as sandbox:
            pace = f'lag = "{LAG:g}s"\n' + (SERVICE if service else "")
            settings = sandbox.settings(
                where.folder / "orders_sync.toml", sync=pace, account=f"page_size = {PAGE_SIZE}"
            )
            run(where, "migrate", "--config", str(settings)).expect_success()
            make = Serving if service else Passing
            chance = random.Random(seed)
            staff = [make(where, settings, each, random.Random(chance.random())) for each in range(1, workers + 1)]
            _rage(where, sandbox, staff, chance, campaign)
            if service:
                _settle(where, sandbox, settings, campaign, wait)
                _dismiss(staff, campaign)
            else:
                _dismiss(staff, campaign)
                _pass(where, sandbox, settings, campaign, wait)
    if as_json:
        print(json.dumps(asdict(campaign), indent=2, ensure_ascii=False))
    else:
        _show(campaign)
    if not campaign.held:
        raise typer.Exit(1)


def _rage(
    where: Ground, sandbox: Platforms, staff: Sequence[Worker], chance: random.Random, campaign: Campaign
) -> None:
    post(sandbox, "faults", {"rates": FAULTS | MALFORMED, "hang_seconds": 1, "retry_after": 0.2})
    for worker in staff:
        worker.start()
    ends = time.monotonic() + campaign.minutes * 60
    news = time.monotonic() + NEWS_EVERY
    possible = [name for name in MISFORTUNES if where.revive is not None or not name.startswith("postgres")]
    weights = [MISFORTUNES[name] for name in possible]
    while (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, chance.uniform(*MISFORTUNE_EVERY)))
        [misfortune] = chance.choices(possible, weights)
        if _befall(misfortune, where, chance.choice(staff)):
            campaign.misfortunes[misfortune] = campaign.misfortunes.get(misfortune, 0) + 1
        if time.monotonic() > news:
            news += NEWS_EVERY
            ends_so_far = sum(len(worker.ended) for worker in staff)
            say(f"{left / 60:.1f} min left, {ends_so_far} ends, {sum(campaign.misfortunes.values())} misfortunes")
    campaign.happened = post(sandbox, "live", {"rate": 0})["happened"]
    campaign.injected = post(sandbox, "faults", {"clear": True, "rates": MALFORMED})["injected"]
    say(f"{campaign.happened} changes happened; now it is quiet")
    time.sleep(LAG + 1)


def _befall(misfortune: str, where: Ground, worker: Worker) -> bool:
    """Do it, unless it would kill what has to live throughout; whether it was done."""
    if misfortune == "worker killed":
        if isinstance(worker, Serving) and worker.number == 1:
            return False
        worker.kill()
    elif misfortune == "worker frozen":
        worker.freeze()
    elif misfortune == "connections cut":
        with database.connect(where.url) as connection:
            connection.execute(_CUT)
    else:
        assert where.revive is not None
        assert where.postmaster is not None
        postmaster = int((where.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGINT if misfortune == "postgres restarted" else signal.SIGQUIT)
        where.revive()
    return True


def _dismiss(staff: Sequence[Worker], campaign: Campaign) -> None:
    for worker in staff:
        worker.stop()
    for worker in staff:
        worker.join()
        campaign.passes += len(worker.ended)
        campaign.gave_up += worker.ended.count(1)
        campaign.broken += worker.broken
        if isinstance(worker, Serving):
            campaign.memory = campaign.memory or worker.memory
            campaign.seconds_to_stop = max(campaign.seconds_to_stop, worker.took_to_stop)


def _pass(where: Ground, sandbox: Platforms, settings: Path, campaign: Campaign, wait: float) -> None:
    """Passes over everything, until it is equal."""
    campaign.still_hidden = await_late(where, sandbox, settings, wait)
    for _ in range(LAST_PASSES):
        sync(where, settings, "--sweep", "all").expect_success()
        if _compare(where, sandbox, settings, campaign):
            break


def _settle(where: Ground, sandbox: Platforms, settings: Path, campaign: Campaign, wait: float) -> None:
    """The service is left alone until everything is equal; nobody helps it."""
    deadline = time.monotonic() + wait
    while (left := deadline - time.monotonic()) > 0:
        campaign.still_hidden = int(httpx.get(f"{sandbox.root}/sandbox/live", timeout=60).json()["hidden"])
        if not campaign.still_hidden:
            break
        say(f"{campaign.still_hidden} changes are not in the platforms' index yet, at most {left:.0f} s more")
        time.sleep(min(NEWS_EVERY, left))
    deadline = time.monotonic() + SETTLED_AFTER
    while not _compare(where, sandbox, settings, campaign) and time.monotonic() < deadline:
        say(f"{campaign.missed} missed and {campaign.stale} stale so far")
        time.sleep(NEWS_EVERY)


def _compare(where: Ground, sandbox: Platforms, settings: Path, campaign: Campaign) -> bool:
    """Hold the tables against the truth; whether they are equal."""
    found = list(verdicts(run(where, "verify", sandbox.root, "--json", "--config", str(settings))))
    campaign.orders, campaign.lines = _total(found, "orders"), _total(found, "lines")
    campaign.rejects = _total(found, "rejects")
    campaign.missed, campaign.stale = _total(found, "missed"), _total(found, "different")
    campaign.surplus = _total(found, "surplus")
    campaign.examples = [
        f"{verdict['account']}: {line}"
        for verdict in found
        for line in [*verdict["missed"][:5], *(f"{k}: {v}" for k, v in list(verdict["different"].items())[:5])]
    ]
    with database.connect(where.url) as connection:
        campaign.doubled = _number(connection, _DOUBLED)
        campaign.dead_tuples = _number(connection, _DEAD)
    return not (campaign.missed or campaign.stale or campaign.surplus)


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
    if campaign.memory:
        spans = [campaign.memory[start : start + 10] for start in range(0, len(campaign.memory), 10)]
        highest = ", ".join(f"{max(span) / 2**20:.0f}" for span in spans)
        print(f"memory of `run`, MB, the highest of each ten minutes: {highest}")
        print(f"seconds to stop: {campaign.seconds_to_stop:.1f}")
    for line in [*campaign.examples, *campaign.broken[:5]]:
        print(f"  {line}")
    print("HELD" if campaign.held else "BROKEN")


if __name__ == "__main__":
    start(main)
