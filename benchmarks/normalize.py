"""Processor time of recognizing and of normalizing one order, without network and database.

    python -m benchmarks.normalize [--orders 3000] [--passes 7] [--json]

Method and figures: docs/benchmarks.md.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.environment import run_cli
from orders_sync.platforms import PLATFORMS
from orders_sync.platforms.contract import Platform
from orders_sync.sandbox.world import World

NOW = datetime(2026, 11, 1, tzinfo=UTC)  # the same records at every run
SEED = 1


@dataclass(frozen=True)
class Cost:
    """Microseconds per order: the fastest of all passes for each order, then the mean.

    `recognize`: `identify`, which every record that is read costs, an unchanged one as well.
    `normalize`: only a new or changed order is. `noted`: the share of orders that got a note.
    """

    platform: str
    orders: int
    recognize: float
    normalize: float
    noted: float


def main(
    orders: Annotated[int, typer.Option(min=1, help="Of each platform.")] = 3_000,
    passes: Annotated[int, typer.Option(min=1, help="Over all orders; the fastest of each order counts.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Microseconds per order of `identify` and `normalize`."""
    records = sandbox_records(orders)
    costs = [_cost(PLATFORMS[name], of_platform, passes) for name, of_platform in records.items()]
    if as_json:
        print(json.dumps([asdict(cost) for cost in costs], indent=2))
    else:
        _show(costs, Console(highlight=False, width=120))


def sandbox_records(orders: int) -> dict[str, list[bytes]]:
    """So many records of each platform, by its name: the same bytes at every run."""
    world = World(orders * 3, shops=3, seed=SEED, now=NOW)
    return {shop.platform: [order.record for order in shop.index.orders.values()] for shop in world.shops}


def _cost(platform: Platform, records: Sequence[bytes], passes: int) -> Cost:
    noted = sum(platform.normalize(record).order.notes is not None for record in records)
    return Cost(
        platform.name,
        len(records),
        _fastest(platform.identifier(platform.feed), records, passes),
        _fastest(platform.normalize, records, passes),
        noted / len(records),
    )


def _fastest(call: Callable[[bytes], object], records: Sequence[bytes], passes: int) -> float:
    """Microseconds per call: the mean over all records of the fastest call for each."""
    fastest = [sys.maxsize] * len(records)
    clock = time.perf_counter_ns
    for _ in range(passes):
        for place, record in enumerate(records):
            began = clock()
            call(record)
            fastest[place] = min(fastest[place], clock() - began)
    return sum(fastest) / len(records) / 1000


def _show(costs: Sequence[Cost], console: Console) -> None:
    table = Table("platform", title="microseconds per order")
    for name in ("orders", "recognize", "normalize", "with notes"):
        table.add_column(name, justify="right")
    for cost in costs:
        figures = f"{cost.recognize:.2f}", f"{cost.normalize:.1f}", f"{cost.noted:.1%}"
        table.add_row(cost.platform, f"{cost.orders:,}", *figures)
    console.print(table)


if __name__ == "__main__":
    run_cli(main)
