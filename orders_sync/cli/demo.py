"""`orders-sync demo`: the whole product in a minute, without credentials and without a database."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import structs

from orders_sync import embedded_postgres
from orders_sync.cli import account_selection, actor, databases, demo_service, event_loop, output, prompt, user_settings
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.cli.progress import bars
from orders_sync.cli.sync import catch_up, show
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import DatabaseError, UsageError
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.results import AccountResult
from orders_sync.engine.sources import AccountSource
from orders_sync.sandbox import Sandbox, SandboxTransport, World, load_simulations
from orders_sync.sandbox.verify import verify_account
from orders_sync.service.web import listening_socket
from orders_sync.settings import Settings
from orders_sync.settings.models import ConsoleSettings
from orders_sync.store import activity, demo_data, overview, removal
from orders_sync.store.database import Session
from orders_sync.store.progress import of as progress_of

ORDERS = 3000
SIMULATION_ORDERS = 300  # of each installed platform that brings a simulation
CALLS_PER_SECOND = 200.0
NEXT = (
    ("orders-sync db shell", "psql on these tables"),
    ("orders-sync db url", "the URL for any other client"),
    ("orders-sync db serve", "keeps the server running for other clients"),
    ("orders-sync status", "how current every account is"),
    ("orders-sync order 3876532491611498520", "all there is to know of an order"),
    ("orders-sync demo", "run again: nothing has changed"),
    ("orders-sync demo --serve", "the shops go on selling, and a web page shows it"),
)
NEXT_WITH_ACCOUNTS = (
    ("orders-sync config example", "prints a settings file: save it as orders_sync.toml and add an account"),
    ("orders-sync doctor", "checks settings, database and credentials"),
    ("orders-sync run", "keeps everything current; set DATABASE_URL for your own Postgres"),
    ("orders-sync sync", "or syncs once and exits, for cron"),
)
ROOT = f"http://{demo_data.HOST}"


def demo(
    clear: Annotated[bool, typer.Option("--clear", help="Remove the simulated orders, and nothing else.")] = False,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="Go on until Ctrl-C: the shops sell, the service keeps up, the web page shows it."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --clear: do not ask for confirmation.")] = False,
    console: Annotated[
        str, typer.Option("--console", metavar="ADDRESS:PORT", help="Address of the web page with --serve.")
    ] = ConsoleSettings().listen,
) -> None:
    """Try it out: a full sync from simulated platforms into an embedded Postgres, and its results. Run it twice.

    Always uses the embedded server, whatever DATABASE_URL is: simulated orders do not belong in a real database.
    """
    settings = Settings(home=user_settings.load(None).home)
    home = databases.embedded_home(settings)
    if clear:
        _clear(settings, home, is_confirmed=yes)
        return
    listening = listening_socket(console, "--console") if serve else None
    output.info(f"starting the embedded Postgres in {home}")
    with databases.hosted(settings) as host:
        with host.session() as session:
            _refuse_mixing(session, home)
            if _has_changed(home):
                output.info("the simulated shops went on selling in the last demo: beginning with new ones")
                _remove(session, home)
        sandbox = _sandbox(_anchor(home))
        settings = _with_accounts(settings, sandbox)
        sources = account_selection.sources(settings)
        output.info(f"reading the orders of {len(sources)} simulated accounts")
        http = user_settings.http_client(settings, SandboxTransport(sandbox.app))
        with bars([source.account.name for source in sources]) as progress:
            outcomes = event_loop.run(catch_up(host.url, sources, Limits(), progress, http))
        with host.session() as session:
            show(outcomes, progress_of(session, [source.account.name for source in sources]))
            _show_tables(session)
            is_equal = _verify(session, sandbox, sources)
        if listening is not None and is_equal:
            _record_change(home)
            demo_service.serve(host, settings, sandbox, sources, listening)
            return
        _show_next(outcomes)
    if any(outcome.errors for outcome in outcomes):
        raise typer.Exit(ExitCode.FAILED)
    if not is_equal:
        raise typer.Exit(ExitCode.DIFFERENCE)


def _clear(settings: Settings, home: Path, *, is_confirmed: bool) -> None:
    """Remove the simulated orders. Asks on a terminal. Raises `UsageError` beside a demo that is served."""
    if not embedded_postgres.is_initialized(home):
        output.say(f"nothing to remove: there is no embedded database in {home}")
        return
    with databases.hosted(settings) as host, host.session() as connection:
        names = demo_data.accounts(connection)
        busy = [
            process
            for process in overview.processes(connection)
            if process.is_alive and not set(names).isdisjoint(process.accounts)
        ]
        if busy:
            raise UsageError(
                f"`orders-sync demo --serve` is running (process {busy[0].pid} on {busy[0].host}): end it, then remove "
                "its orders"
            )
        if names and not is_confirmed and sys.stdin.isatty():
            orders = demo_data.count_orders(connection, names)
            prompt.confirm(f"Remove {orders:,} simulated orders of {', '.join(names)} from the database in {home}?")
        orders = _remove(connection, home)
    output.say(f"removed {orders:,} simulated orders of {len(names)} account{'' if len(names) == 1 else 's'}")


def _remove(connection: Session, home: Path) -> int:
    """Remove the simulated orders and the person of the console that the demo added; return how many orders."""
    names = demo_data.accounts(connection)
    with connection.transaction():
        orders = removal.remove(connection, names)
        removal.remove_person(connection, demo_service.PERSON)
        details = {"orders": orders, "accounts": names}
        activity.record_blocking(connection, actor.current(), Action.DEMO_CLEAR, details=details)
    databases.demo_file(home).unlink(missing_ok=True)
    return orders


def _refuse_mixing(session: Session, home: Path) -> None:
    others = demo_data.other_accounts(session)
    if others:
        raise DatabaseError(
            f"the embedded database in {home} has orders of other accounts ({', '.join(others)}), and the demo's are "
            "simulated. Give it a folder of its own: `ORDERS_SYNC_HOME=~/orders-sync-demo orders-sync demo`"
        )


def _anchor(home: Path) -> datetime:
    """Return when the demo's world was created, stored beside its database so that a second run has the same world."""
    try:
        return datetime.fromisoformat(_recorded(home)["world_made_at"])
    except (ValueError, KeyError, TypeError):
        now = datetime.now(UTC).replace(microsecond=0)
        databases.demo_file(home).write_text(json.dumps({"world_made_at": now.isoformat()}))
        return now


def _has_changed(home: Path) -> bool:
    """Return whether the world of the last demo went on living, so that it cannot be made again."""
    return bool(_recorded(home).get("has_changed"))


def _record_change(home: Path) -> None:
    databases.demo_file(home).write_text(json.dumps({**_recorded(home), "has_changed": True}))


def _recorded(home: Path) -> dict[str, Any]:
    """Return what the demo has recorded beside its database; nothing where that cannot be read."""
    try:
        recorded = json.loads(databases.demo_file(home).read_text())
    except (OSError, ValueError):
        return {}
    return recorded if isinstance(recorded, dict) else {}


def _sandbox(now: datetime) -> Sandbox:
    """Create the demo's orders on the simulated platforms, those of installed packages included."""
    simulations, unusable = load_simulations(SIMULATION_ORDERS, now)
    output.info(
        f"creating {ORDERS + SIMULATION_ORDERS * len(simulations):,} orders on {3 + len(simulations)} platforms"
    )
    for name, reason in unusable.items():
        output.info(f"{name} is left out: {reason}")
    return Sandbox(World(ORDERS, now=now), simulations=simulations)


def _with_accounts(settings: Settings, sandbox: Sandbox) -> Settings:
    """Return the settings with the accounts of the sandbox."""
    accounts = [structs.replace(each, requests_per_second=CALLS_PER_SECOND) for each in sandbox.accounts(ROOT)]
    return structs.replace(settings, accounts=accounts)


def _verify(connection: Session, sandbox: Sandbox, sources: list[AccountSource]) -> bool:
    """Compare the tables with the sandbox's expected values, print the result, and return whether all are equal."""
    accounts = [source.account for source in sources]
    results = [
        verify_account(connection, each.name, each.platform, sandbox.expected_orders(each.name)) for each in accounts
    ]
    for result in results:
        for example in result.examples():
            output.error(example)
    if not all(result.is_equal for result in results):
        output.error("the tables differ from the simulated platforms: `orders-sync demo --clear`, then run it again")
        return False
    orders, lines = sum(result.orders for result in results), sum(result.lines for result in results)
    output.out().print()
    output.say(f"{orders:,} orders and {lines:,} lines are as their platforms list them.", ("Verified:", "green"))
    verdicts = demo_data.verdicts(connection, [each.name for each in accounts])
    if any(verdict != "fresh" for verdict in verdicts.values()):
        shown = ", ".join(f"{name} {verdict}" for name, verdict in verdicts.items())
        output.say(
            f"{shown}. Verified is by the simulation, this by what was read: long ranges that were listed as empty "
            "count after a second read, which `orders-sync demo --serve` makes.",
            ("By bi.sync_freshness:", "yellow"),
        )
    return True


def _show_tables(connection: Session) -> None:
    _show_query(connection, "What is in the tables", demo_data.LANDED)
    for title, query in demo_data.EXAMPLES:
        output.out().print()
        output.out().print(query.strip(), style="cyan", markup=False, soft_wrap=True)
        _show_query(connection, title, query)


def _show_query(connection: Session, title: str, query: str) -> None:
    columns, rows = demo_data.answer(connection, query)
    output.out().print()
    output.table(title, columns, rows, {"orders", "lines", "yuan", "sold"})


def _show_next(outcomes: list[AccountResult]) -> None:
    output.out().print()
    if not any(outcome.rows.new or outcome.rows.changed for outcome in outcomes) and not any(
        outcome.errors for outcome in outcomes
    ):
        calls = sum(outcome.calls for outcome in outcomes)
        output.say(f"{calls} calls, no row written.", ("Nothing changed since the last run:", "green"))
    output.table("Next steps", ["command", "what it does"], NEXT)
    output.out().print()
    output.table("With real accounts", ["command", "what it does"], NEXT_WITH_ACCOUNTS)
