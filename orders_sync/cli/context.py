"""The context that commands share: common options, settings, the database, the event loop, accounts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from orders_sync.engine.page_client import AccountSource, RetryPolicy

try:
    from uvloop import new_event_loop
except ImportError:
    from asyncio import new_event_loop  # type: ignore[assignment]

import httpx
import typer
from psycopg.errors import InsufficientPrivilege

from orders_sync import embedded_postgres
from orders_sync import settings as settings_module
from orders_sync.cli import output, signals
from orders_sync.cli.output import info
from orders_sync.domain import local_times
from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.errors import (
    ConfigurationError,
    DatabaseError,
    DeclinedError,
    NotFoundError,
    SchemaVersionError,
    SettingsError,
    UsageError,
)
from orders_sync.domain.setting_types import FIRST_YEAR
from orders_sync.engine.window_job import Limits
from orders_sync.platforms import PLATFORMS, network
from orders_sync.settings import Settings
from orders_sync.store import bi, change_feed, database, demo_data, identities, order_statuses, pauses, schema
from orders_sync.store.conninfo import shown
from orders_sync.store.database import Connection
from orders_sync.store.overview import ProcessStatus

FULL = b"No space left on device"

ROLES = "The database role lacks a privilege: see docs/operations.md (Roles that read) for the grants"
PAST_YEARS = 2200  # as the tables take it
START = "Start, as a date or time. Without an offset it is Asia/Shanghai, or [display] time_zone."

Result = TypeVar("Result")

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Settings file. [default: ORDERS_SYNC_CONFIG, else ./orders_sync.toml]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def account_names(incomplete: str) -> list[str]:
    """Return the accounts that a shell may complete a word to; none where the settings cannot be read."""
    try:
        return [each.name for each in settings_module.load(None).accounts if each.name.startswith(incomplete)]
    except SettingsError:
        return []


Account = Annotated[
    str | None,
    typer.Option("--account", "-a", help="Only this account.", show_default=False, autocompletion=account_names),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        "-a",
        help="Only this account; may be repeated.",
        show_default=False,
        autocompletion=account_names,
    ),
]


def load(config: Path | None, *, with_secrets: bool = False) -> Settings:
    """Load the settings; from now on times are typed and shown in their zone. Raises `ConfigurationError`.

    with_secrets: read those of accounts too; an account whose secrets cannot be read is misconfigured.
    """
    found = settings_module.load(config, with_secrets=with_secrets)
    local_times.use(found.display.time_zone)
    return found


@dataclass(frozen=True)
class Host:
    """A database server. `revive` restarts the embedded one if it died; it does nothing for any other."""

    url: str
    revive: Callable[[], None] = lambda: None


@contextmanager
def opened(settings: Settings) -> Iterator[str]:
    """Yield the URL of an existing database with this version's tables; create and migrate nothing.

    Raises `DatabaseError`, with what to do, when there is no database, no tables or tables of another version, and when
    the role may not read what the block queries.
    """
    with server(settings) as host:
        try:
            with database.session(host.url) as connection:
                difference = schema.difference(connection)
            if difference:
                raise SchemaVersionError(f"database {shown(host.url)}: {difference}")
            yield host.url
        except DatabaseError as error:
            if isinstance(error.__cause__, InsufficientPrivilege):
                raise DatabaseError(f"{error.__cause__.diag.message_primary}. {ROLES}") from error
            raise


@contextmanager
def hosted(settings: Settings, notify: Callable[[str], None] = info) -> Iterator[Host]:
    """Yield a database with this version's tables, created and migrated if necessary. Raises `DatabaseError`.

    notify: receives what is being waited for.
    """
    with server(settings, create=True, notify=notify) as host:
        bring_up(host.url)
        yield host


def bring_up(url: str, *, anew: bool = False) -> list[str]:
    """Migrate a database to this version's tables; return the revisions applied, oldest first.

    Also makes the views of schema `bi` and the roles that read them, and fills `order_statuses` with the statuses of
    every installed platform. `anew`: even where tables and views are current. Raises `DatabaseError`.
    """
    applied = []
    with database.session(url) as connection:
        current = schema.is_current(connection) and (bi.is_complete(connection) or bi.obstacle(connection) is not None)
    if anew or not current:
        refuse_others(url)
        from orders_sync.store import migrate  # Alembic and SQLAlchemy: two thirds of an idle `sync`

        applied = migrate.migrate(url)
    with database.session(url) as connection, connection.transaction():
        order_statuses.fill(connection, {each.name: (each.direction, each.statuses) for each in PLATFORMS.values()})
        change_feed.settle(connection)
    return applied


def refuse_others(url: str) -> None:
    """Raise `DatabaseError` for a database whose tables belong to another program or to a newer version."""
    with database.session(url) as connection:
        if why := schema.refusal(connection):
            raise DatabaseError(f"database {shown(url)}: {why}")


def demo_file(home: Path) -> Path:
    """Return the path of the file that marks an embedded database as filled by the demo."""
    return home / "demo.json"


def refuse_demo(settings: Settings, url: str) -> None:
    """Raise `DatabaseError` where real orders would land among the demo's, which are invented."""
    if settings.database.url is not None or not demo_file(home := embedded_home(settings)).is_file():
        return
    with database.session(url) as connection:
        invented = {name for name in demo_data.accounts(connection) if not named(settings, name)}
    if invented:
        raise DatabaseError(
            f"the embedded database in {home} has the simulated orders of `orders-sync demo` ({', '.join(invented)}): "
            "`orders-sync demo --clear` removes them; or set DATABASE_URL, or ORDERS_SYNC_HOME to an empty folder"
        )


def embedded_home(settings: Settings) -> Path:
    """Return the home directory of the embedded server. Raises `EmbeddedError` for a user who has none."""
    return settings.home or embedded_postgres.default_home()


@contextmanager
def server(settings: Settings, *, create: bool = False, notify: Callable[[str], None] = info) -> Iterator[Host]:
    """Yield a database server that runs during the block, whatever tables it holds.

    create: create the embedded one if there is none. notify: receives what is being waited for. Raises
    `DatabaseError` and `EmbeddedError`.
    """
    if settings.database.url is not None:
        yield Host(settings.database.url.reveal())
        return
    home = embedded_home(settings)
    if not create and not embedded_postgres.is_initialized(home):
        raise DatabaseError(
            f"there is no database yet: DATABASE_URL is not set, and no embedded Postgres exists in {home}. "
            "`orders-sync sync`, `run` or `migrate` creates one; `orders-sync demo` is a trial"
        )
    with embedded_postgres.running(home, listen=settings.database.listen, notify=notify) as server:
        told_before = server.log.stat().st_size
        try:
            yield Host(server.url, server.ensure)
        except DatabaseError as error:
            # a server that finds no room restarts, and its connections only see it go
            if FULL in server.log.read_bytes()[told_before:]:
                raise DatabaseError(
                    f"the disk is full (No space left on device): make room for {home}, then run the command again. "
                    "Stored orders are intact, and nothing is half written"
                ) from error
            raise


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in an event loop of its own and return its result.

    Raises KeyboardInterrupt after SIGINT or SIGTERM, once the coroutine was cancelled and has cleaned up.
    """
    with event_loop() as runner:
        return run_in(runner, work)


@contextmanager
def event_loop() -> Iterator[asyncio.Runner]:
    """Yield an event loop for several calls of `run_in`: uvloop's if it is installed (a tenth less work)."""
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            yield runner
    finally:
        signals.install()  # a loop that took signals has left them to the system


def run_in(runner: asyncio.Runner, work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in this loop; otherwise as `run`."""

    async def main() -> Result:
        with signals.cancelling():
            return await work

    try:
        result = runner.run(main())
    except asyncio.CancelledError:
        if signals.was_received():
            raise KeyboardInterrupt from None
        raise
    if signals.was_received():
        raise KeyboardInterrupt
    return result


async def ask(url: str, question: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Call `question` with one connection and return its result. Raises `DatabaseError`."""
    async with database.connected(url, size=1) as pool, pool.connection() as connection:
        return await question(connection)


def load_with_secrets(config: Path | None) -> Settings:
    """Load the settings for a command that calls platforms. Raises `ConfigurationError`, also if none is usable."""
    settings = load(config, with_secrets=True)
    if settings.misconfigured and not settings.accounts:
        raise ConfigurationError("\n".join(["no account can be used:", *settings.mistakes]))
    return settings


def sources(settings: Settings, only: list[str] | None = None) -> list[AccountSource]:
    """Return the usable accounts with their platforms and schedules, or only those named in `only`.

    Raises `NotFoundError` for an unknown name, `SettingsError` for one that is misconfigured, `ConfigurationError` when
    there is no account.
    """
    if not settings.listed:
        where = settings.file or "orders_sync.toml"
        raise ConfigurationError(
            f"{where}: no accounts. `orders-sync config example` shows how to add one ([[accounts]]); "
            "`orders-sync demo` needs none"
        )
    for name in only or []:
        if misconfigured := [each for each in settings.misconfigured if each.label == name]:
            raise SettingsError(f"{name} is misconfigured: {misconfigured[0]}")
        if not named(settings, name):
            known = ", ".join(each.name for each in settings.accounts)
            raise NotFoundError(f"there is no account {name}; known are {known}")
    return [
        AccountSource(each.account(), settings.policy(each), PLATFORMS[each.platform])
        for each in settings.accounts
        if not only or each.name in only
    ]


def misconfigured(settings: Settings, processes: Sequence[ProcessStatus]) -> dict[str, str]:
    """Return by account why it cannot be used, by these settings and by those of the processes that run.

    Secrets are only theirs to read: this shell need not have any.
    """
    found = {each.label: str(each) for each in settings.misconfigured}
    for process in processes:
        if process.is_alive:
            for name, mistake in process.misconfigured.items():
                found.setdefault(name, f"{mistake} (process {process.pid} on {process.host})")
    return found


def report_misconfigured(settings: Settings, only: list[str] | None = None) -> bool:
    """Print why accounts cannot be used; return whether there are any. None is reported where `only` names others."""
    for each in [] if only else settings.misconfigured:
        output.error(f"{each.label} is misconfigured and was left out: {each}")
    return not only and bool(settings.misconfigured)


def without_paused(url: str, sources: list[AccountSource], only: list[str] | None = None) -> list[AccountSource]:
    """Leave out accounts that a person has paused, and print a notice for each.

    Raises `UsageError` where `only` names one of them.
    """
    with database.session(url) as connection:
        paused = pauses.active(connection, [each.account.name for each in sources])
    if only and paused:
        raise UsageError("\n".join(map(str, paused)))
    for each in paused:
        info(str(each))
    names = {each.name for each in paused}
    return [each for each in sources if each.account.name not in names]


def paces(settings: Settings) -> dict[str, SyncPolicy]:
    """Return how every account of the settings is read, by its name."""
    return {each.name: settings.policy(each) for each in settings.accounts}


def named(settings: Settings, name: str) -> bool:
    """Return whether an account of the settings has this name, usable or not."""
    return name in {each.name for each in settings.accounts} | {each.label for each in settings.misconfigured}


def settle(settings: Settings, url: str, notify: Callable[[str], None] = info) -> None:
    """Apply renamed, replaced and removed accounts of the settings to the tables; pass a notice for each to `notify`.

    For commands that plan or read. A settings file without accounts removes none. Raises `DatabaseError`.
    """
    with database.session(url) as connection:
        said = identities.settle(connection, settings.listed)
    for each in said:
        notify(each)


def moment(text: str, option: str) -> datetime:
    """Parse an option's date or time to the second (`local_times.parse`). Raises `UsageError`."""
    try:
        found = local_times.parse(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    if not FIRST_YEAR <= found.year < PAST_YEARS:
        raise UsageError(f'{option}: must lie between {FIRST_YEAR} and {PAST_YEARS} (got "{text}")')
    return found


def confirm(question: str) -> None:
    """Ask on standard error. Raises `DeclinedError` for any answer but yes, where nobody answers, and with --json."""
    if output.is_json():
        raise DeclinedError(f"nothing was done: with --json, --yes must confirm it ({question})")
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        print(file=sys.stderr)
        raise DeclinedError("nothing was done: nobody answered. --yes answers beforehand")
    if answer.strip().lower() not in ("y", "yes"):
        raise DeclinedError("nothing was done: it was not confirmed")


def limits(settings: Settings) -> Limits:
    """Return the limits of windows and calls that the settings give."""
    sync = settings.sync
    retry_policy = RetryPolicy(sync.retries, largest_body=sync.largest_body, seconds=sync.timeout.total_seconds())
    return Limits(sync.workers, sync.window_rows, sync.attempts, retry_policy, probes=True)


def http_client(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return an HTTP client for all accounts of the settings. Raises `SettingsError` (`platforms/network.py`).

    transport: answers instead of the network.
    """
    seconds = settings.sync.timeout.total_seconds()
    urls = {each.base_url for each in settings.accounts}
    return network.client(urls, httpx.Timeout(seconds, connect=min(10.0, seconds)), transport)
