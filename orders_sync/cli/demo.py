"""`orders-sync demo`: the whole product in a minute, without credentials and without a database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from orders_sync.cli import context, output
from orders_sync.cli.progress import bars
from orders_sync.cli.sync import catch_up, show
from orders_sync.domain.accounts import Account, SyncPolicy
from orders_sync.domain.errors import DatabaseError
from orders_sync.engine.page_client import AccountSource
from orders_sync.engine.runner import AccountResult
from orders_sync.engine.window_job import Limits
from orders_sync.platforms import PLATFORMS
from orders_sync.sandbox import Sandbox, SandboxAccount, SandboxTransport, World
from orders_sync.settings import Settings
from orders_sync.store import database, demo_data, removal
from orders_sync.store.progress import of as progress_of

ORDERS = 3000
CALLS_PER_SECOND = 200.0
ROOT = "http://sandbox"  # never resolved: the sandbox runs in this process


def demo(
    clear: Annotated[bool, typer.Option("--clear", help="Remove the simulated orders, and nothing else.")] = False,
) -> None:
    """Try it out: a full sync from simulated platforms into an embedded Postgres, and its results. Run it twice.

    Always uses the embedded server, whatever DATABASE_URL is: simulated orders do not belong in a real database.
    """
    settings = Settings(home=context.load(None).home)
    home = context.embedded_home(settings)
    if clear:
        _clear(settings, home)
        return
    output.info(f"starting the embedded Postgres in {home}")
    with context.hosted(settings) as host:
        url = host.url
        _refuse_mixing(url)
        output.info(f"creating {ORDERS:,} orders on three simulated platforms, and reading them")
        world = World(ORDERS, now=_anchor(home))
        sources = [_source(account) for account in world.accounts]
        http = context.http_client(settings, SandboxTransport(Sandbox(world).app))
        with bars([source.account.name for source in sources]) as progress:
            outcomes = context.run(catch_up(url, sources, Limits(), progress, http))
        with database.session(url) as connection:
            show(outcomes, progress_of(connection, [source.account.name for source in sources]))
            _show_tables(connection)
        _show_next(outcomes)
    if any(outcome.errors for outcome in outcomes):
        raise typer.Exit(1)


def _clear(settings: Settings, home: Path) -> None:
    with context.server(settings) as host, database.session(host.url) as connection:
        names = demo_data.accounts(connection)
        orders = removal.remove(connection, names)
        context.demo_file(home).unlink(missing_ok=True)
    output.say(f"removed {orders:,} simulated orders of {len(names)} accounts")


def _refuse_mixing(url: str) -> None:
    with database.session(url) as connection:
        others = demo_data.other_accounts(connection)
    if others:
        names = ", ".join(others)
        raise DatabaseError(
            f"the embedded database has orders of real accounts ({names}), and the demo's are simulated: "
            "set ORDERS_SYNC_HOME to an empty folder for the demo"
        )


def _anchor(home: Path) -> datetime:
    """Return when the demo's world was created, stored beside its database so that a second run has the same world."""
    file = context.demo_file(home)
    try:
        return datetime.fromisoformat(json.loads(file.read_text())["world_made_at"])
    except (OSError, ValueError, KeyError, TypeError):
        now = datetime.now(UTC).replace(microsecond=0)
        file.write_text(json.dumps({"world_made_at": now.isoformat()}))
        return now


def _source(shop: SandboxAccount) -> AccountSource:
    platform = PLATFORMS[shop.platform]
    account = Account(
        name=shop.name,
        platform=shop.platform,
        base_url=ROOT if shop.platform == "1688" else f"{ROOT}/api",
        seller=shop.seller,
        app_id=shop.app_id,
        app_secret=shop.app_secret,
    )
    policy = SyncPolicy(
        history_from=shop.history_from,
        requests_per_second=CALLS_PER_SECOND,
        page_size=platform.page_size,
        longest_window=platform.longest_window,
        interval=timedelta(minutes=1),
        lag=timedelta(seconds=10),
        overlap=timedelta(minutes=10),
        confirm=timedelta(hours=3),
    )
    return AccountSource(account, policy, platform)


def _show_tables(connection: database.Session) -> None:
    _show_query(connection, "What is in the tables", demo_data.LANDED)
    for title, query in demo_data.EXAMPLES:
        output.out().print()
        output.out().print(query.strip(), style="cyan", markup=False, soft_wrap=True)
        _show_query(connection, title, query)


def _show_query(connection: database.Session, title: str, query: str) -> None:
    columns, rows = demo_data.answer(connection, query)
    output.out().print()
    output.table(title, columns, rows, {"orders", "lines", "yuan", "sold"})


def _show_next(outcomes: list[AccountResult]) -> None:
    output.out().print()
    if not any(outcome.rows.new or outcome.rows.changed for outcome in outcomes) and not any(
        outcome.errors for outcome in outcomes
    ):
        calls = sum(outcome.calls for outcome in outcomes)
        output.out().print(f"[green]Nothing changed since the last run:[/] {calls} calls, no row written.")
    output.out().print(
        """[bold]Next steps[/]
  orders-sync db shell            psql on these tables
  orders-sync db url              the URL for any other client; `orders-sync db serve` keeps the server running
  orders-sync status              how current every account is
  orders-sync order 3876532491611498520
  orders-sync demo                run again: nothing has changed
[bold]With real accounts[/]
  cp orders_sync.example.toml orders_sync.toml    add an account; set DATABASE_URL for your own Postgres
  orders-sync doctor              settings, database, credentials
  orders-sync run                 keep everything current
  orders-sync sync                or: sync once and exit, for cron""",
        soft_wrap=True,
    )
