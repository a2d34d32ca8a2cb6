"""`orders-sync sandbox`: simulated platforms; `orders-sync verify`: comparison of the tables with them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import httpx
import typer

from orders_sync.cli import databases, options, output, user_settings
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.cli.progress import reporting
from orders_sync.domain.errors import OrdersSyncError
from orders_sync.sandbox import World, load_simulations, serve
from orders_sync.sandbox.verify import advice, fetch_accounts, fetch_expected, verify_account

LIVE_RATE = 20.0  # changes per second


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any free one.")] = 8688,
    orders: Annotated[int, typer.Option(min=0, help="Number of orders, over all shops.")] = 3000,
    shops: Annotated[
        int, typer.Option(min=1, help="Number of shops, in turn on 1688, xportcn_open and xportcn_ka.")
    ] = 3,
    seed: Annotated[int, typer.Option(help="Random seed. The same seed at the same second gives the same orders.")] = 1,
    live: Annotated[bool, typer.Option("--live", help="Create, pay, ship and refund orders while it runs.")] = False,
    rate: Annotated[float, typer.Option(min=0, help="Changes per second with --live.")] = LIVE_RATE,
    hooks: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="With --live: send messages about Xportcn changes to the service at this URL ([service] listen).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve simulations of the three platforms on this machine until interrupted.

    An installed platform that brings a simulation is served too: one account, with as many orders as each shop.

    GET /sandbox/accounts.toml returns a settings file for it. GET /sandbox/faults names every fault, POST injects some;
    POST /sandbox/live sets or stops the changes. How: docs/sandbox.md.
    """
    output.info(f"creating {orders:,} orders")
    now = datetime.now(UTC)
    world = World(orders, shops, seed, now=now)
    simulations, unusable = load_simulations(orders // shops, now)
    for name, reason in unusable.items():
        output.info(f"{name} is left out: {reason}")

    def ready(root: str) -> None:
        output.info(
            f"the sandbox listens on {root}; Ctrl-C stops it. In another terminal:\n"
            f"  curl -s {root}/sandbox/accounts.toml > orders_sync.toml && orders-sync sync\n"
            f"  orders-sync verify {root}",
            keep="\n",
        )

    try:
        serve(world, port, live_rate=rate if live else 0, ready=ready, hooks=hooks, simulations=simulations)
    except OSError as error:
        raise OrdersSyncError(f"cannot listen on port {port} ({error}): choose another with --port") from None


def verify(
    root: Annotated[
        str, typer.Argument(metavar="URL", help="URL of a running sandbox, for example http://127.0.0.1:8688")
    ],
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Compare the tables with a sandbox's expected values, down to every line. Stop live changes and sync first.

    How is in docs/sandbox.md, and said where something differs. Exit code 5 when anything differs.
    """
    # one client for all calls: each new one reads the certificates of the machine
    with databases.opened(user_settings.load(config)) as host, host.session() as connection, httpx.Client() as http:
        results = []
        for account, platform in fetch_accounts(http, root):
            with reporting(lambda name=account: f"comparing {name}"):  # type: ignore[misc]
                results.append(verify_account(connection, account, platform, fetch_expected(http, root, account)))
    if json:
        output.print_json([asdict(result) for result in results])
    else:
        columns = ["account", "orders", "lines", "rejects", "missed", "different", "surplus"]
        output.table(
            "Tables compared with the sandbox",
            columns,
            [
                (r.account, r.orders, r.lines, r.rejects, len(r.missed), len(r.different), len(r.surplus))
                for r in results
            ],
            columns[1:],
        )
        for result in results:
            for example in result.examples():
                output.error(example)
    if not all(result.is_equal for result in results):
        output.info(f"before the next `orders-sync verify`:\n{advice(root)}", keep="\n")
        raise typer.Exit(ExitCode.DIFFERENCE)
