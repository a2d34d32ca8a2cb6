"""Cost and savings of start-up tricks, by a whole `orders-sync sync` of an idle account.

    python -m benchmarks.startup [--rounds 20] [--only TEXT] [--package "typer>=0.29"] [--json]

The command runs on a migrated database on a running server, reads its one account from a sandbox and finds nothing new.
Variants run in random order; the best of all rounds counts, since other work on the machine only ever adds. A trick
that saves less than 20 % of the whole command is not kept.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.commands import run
from benchmarks.environment import BenchmarkError, Environment, info, open_environment, run_cli, run_sandbox

GOAL = 0.20  # saved of the whole command

UNCHANGED = "unchanged"
VARIANTS = {  # name: code that runs in the process before the command
    UNCHANGED: "",
    "imports not frozen for the garbage collector": "import gc; gc.freeze = lambda: None",
    "garbage collected during imports": "import gc; gc.set_threshold(100_000); gc.disable = lambda: None",
    "httpx without its own command line": "sys.modules['httpx._main'] = None",
    "modules of all commands imported": (
        "import pkgutil, importlib, orders_sync.cli as c\n"
        "for each in pkgutil.iter_modules(c.__path__): importlib.import_module(f'orders_sync.cli.{each.name}')"
    ),
    "migrations imported (Alembic, SQLAlchemy)": "import orders_sync.store.migrate",
    "embedded server imported": "import orders_sync.embedded_postgres",
}
RUN = "import sys; del sys.argv[0]\n{}\nfrom orders_sync.__main__ import main; main()"


@dataclass(frozen=True)
class Result:
    """The best of all rounds, in seconds, and the shares that it saves of the unchanged command; negative: it costs."""

    variant: str
    seconds: float
    cpu_seconds: float
    saved: float
    cpu_saved: float


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each variant runs.")] = 20,
    only: Annotated[list[str] | None, typer.Option(help="Only variants whose name contains this text.")] = None,
    package: Annotated[
        list[str] | None, typer.Option(help="Also with this package, installed by pip for the measurement.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
) -> None:
    """Measure `orders-sync sync` of an idle account with and without each start-up trick."""
    variants = {name: code for name, code in VARIANTS.items() if not only or any(text in name for text in only)}
    with open_environment(keep=keep) as environment:
        for each in package or []:
            variants[each] = f"sys.path.insert(0, {_install(environment, each)!r})"
        with run_sandbox(environment, "--orders", "20", "--shops", "1") as sandbox:
            settings = sandbox.write_settings(environment.folder / "orders_sync.toml", sync='lag = "0s"')
            run(environment, "sync", "--config", str(settings)).expect_success()
            results = _measure(environment, settings, {UNCHANGED: "", **variants}, rounds)
    if as_json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        _print(results, rounds)


def _install(environment: Environment, package: str) -> str:
    """Install a package into a folder of its own and return that folder."""
    folder = environment.folder / "packages" / package
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"pip could not install {package}:\n{done.stderr}")
    return str(folder)


def _measure(environment: Environment, settings: Path, variants: dict[str, str], rounds: int) -> list[Result]:
    best: dict[str, tuple[float, float]] = {}
    for number in range(rounds + 1):  # the first one compiles and warms caches: it does not count
        info(f"round {number} of {rounds}")
        for name, code in random.sample(sorted(variants.items()), len(variants)):
            before = (sys.executable, "-c", RUN.format(code))
            done = run(environment, "sync", "--config", str(settings), before=before).expect_success()
            if number:
                seconds, cpu = best.get(name, (done.seconds, done.cpu))
                best[name] = min(seconds, done.seconds), min(cpu, done.cpu)
    whole, whole_cpu = best[UNCHANGED]
    return [Result(name, *best[name], 1 - best[name][0] / whole, 1 - best[name][1] / whole_cpu) for name in variants]


def _print(results: list[Result], rounds: int) -> None:
    table = Table(title=f"orders-sync sync of an idle account, best of {rounds}")
    table.add_column("variant")
    for column in ("ms", "saved", "processor ms", "saved"):
        table.add_column(column, justify="right")
    for each in results:
        figures = f"{each.seconds * 1000:.0f}", f"{each.saved:+.0%}"
        table.add_row(each.variant, *figures, f"{each.cpu_seconds * 1000:.0f}", f"{each.cpu_saved:+.0%}")
    Console(width=110).print(table)
    print(f"goal: a trick is kept that saves more than {GOAL:.0%} of the whole command")


if __name__ == "__main__":
    run_cli(main)
