"""How fast orders land: first load, re-sync of unchanged orders, and plain COPY of the same rows, in one run.

    python -m benchmarks.speed --orders 20000 [--runs 3] [--json]

No exit code for slowness: the goals are printed with what was found.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from benchmarks import floor, gauges
from benchmarks.commands import Ran, run
from benchmarks.gauges import Connection
from benchmarks.ground import Broken, Ground, Platforms, ground, platforms, say, start
from benchmarks.report import Load, Report, Run

_READING = "SELECT extract(epoch FROM max(finished_at) - min(started_at))::float FROM sync.windows"
# as if nothing had ever been read: planning starts at history_from again
_FORGET = "DELETE FROM sync.windows; UPDATE sync.accounts SET watermark = NULL, history_from = NULL"


def main(
    orders: Annotated[int, typer.Option(min=1, help="Over all shops.")] = 20_000,
    shops: Annotated[int, typer.Option(min=1, help="On 1688, xportcn_open, xportcn_ka, 1688, ...")] = 3,
    runs: Annotated[int, typer.Option(min=1, help="Repeat all three measurements, interleaved; report medians.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the folder and the database.")] = False,
) -> None:
    """First load, re-sync of unchanged orders, and plain COPY of the same rows."""
    with ground(keep=keep) as where:
        say(f"building a world of {orders:,} orders")
        with platforms(where, "--orders", str(orders), "--shops", str(shops)) as sandbox:
            # the world stands still: nothing hides in the last seconds
            settings = sandbox.settings(where.folder / "orders_sync.toml", sync='lag = "0s"', account="page_size = 500")
            found = [_measure(where, sandbox, settings, f"{number} of {runs}") for number in range(1, runs + 1)]
        with gauges.connected(where.url) as connection:
            version = str(connection.info.parameter_status("server_version"))
    report = Report(found, shops, version)
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        report.show(Console(highlight=False, width=120))


def _measure(where: Ground, sandbox: Platforms, settings: Path, which: str) -> Run:
    where.empty()
    run(where, "migrate", "--config", str(settings)).expect_success()
    with gauges.connected(where.url) as connection:
        say(f"run {which}: first load")
        first, _ = _load(where, sandbox, settings, connection)
        connection.execute("VACUUM (ANALYZE)")  # as autovacuum will have done before the next reading of everything
        connection.execute(_FORGET)
        say(f"run {which}: re-sync")
        again, wal_again = _load(where, sandbox, settings, connection)
        say(f"run {which}: plain COPY of the same rows")
        return Run(first, again, floor.measure(connection, where.folder, where.postmaster), wal_again)


def _load(
    where: Ground, sandbox: Platforms, settings: Path, connection: Connection
) -> tuple[Load, dict[str, int] | None]:
    """One sync of everything. The WAL by schema is only looked into when there is little of it."""
    connection.execute("CHECKPOINT")
    versions, wal = gauges.row_versions(connection), gauges.wal(connection)
    postgres, served = gauges.postgres_seconds(where.postmaster), gauges.processor_seconds(sandbox.pid)
    ran = run(where, "sync", "--json", "--config", str(settings)).expect_success()
    wal_after = gauges.wal(connection)
    postgres_after = gauges.postgres_seconds(where.postmaster)
    reading = connection.execute(_READING).fetchone()
    assert reading is not None
    assert isinstance(reading[0], float)
    load = Load(
        orders=_expect_all(sandbox, connection, ran),
        seconds=ran.seconds,
        reading=reading[0],
        peak=ran.peak,
        cpu=ran.cpu,
        cpu_postgres=None if postgres_after is None or postgres is None else postgres_after - postgres,
        cpu_sandbox=gauges.processor_seconds(sandbox.pid) - served,
        wal=wal_after - wal,
        row_versions=gauges.row_versions(connection) - versions,
    )
    by_schema = gauges.wal_by_schema(connection, wal, wal_after) if load.row_versions == 0 else None
    return load, by_schema


def _expect_all(sandbox: Platforms, connection: Connection, ran: Ran) -> int:
    """The orders in the tables. Raises `Broken` unless they are the platforms', each of which was read.

    Rows read may be more: an order on the border of two windows is in both, a range may be read twice.
    """
    listed = httpx.get(f"{sandbox.root}/sandbox/stats", timeout=60).raise_for_status().json()["orders"]
    stored = dict(connection.execute("SELECT account, count(*) FROM orders GROUP BY account").fetchall())
    if stored != listed:
        raise Broken(f"the tables hold {stored}, the sandbox lists {listed}")
    orders = sum(listed.values())
    read = sum(outcome["rows"]["new"] + outcome["rows"]["unchanged"] for outcome in ran.result)
    if read < orders:
        raise Broken(f"{read} rows were landed or known, the sandbox lists {orders} orders")
    return int(orders)


if __name__ == "__main__":
    start(main)
