"""`orders-sync doctor`: check the installation and advise on what is wrong."""

from __future__ import annotations

import asyncio
import platform as python_platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import httpx
import typer

from orders_sync import embedded_postgres
from orders_sync.cli import account_selection, databases, event_loop, options, output, user_settings
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.cli.status import View, view
from orders_sync.domain.assumptions import Probe
from orders_sync.domain.errors import (
    BlockedError,
    DatabaseError,
    EmbeddedError,
    NotFoundError,
    OrdersSyncError,
    PlatformError,
    RateLimitError,
    SettingsError,
    TransientError,
    is_server_error,
)
from orders_sync.domain.local_times import stamp
from orders_sync.domain.problems import AccountState, Severity
from orders_sync.domain.windows import Window, whole_second
from orders_sync.engine.page_client import LARGEST_SKEW, DatabaseClock, PageClient, RetryPolicy
from orders_sync.engine.probe import probe_account
from orders_sync.engine.rate_limiter import LocalRateBackend, RateLimiter
from orders_sync.engine.run_context import rate_limiters
from orders_sync.engine.sources import AccountSource
from orders_sync.engine.tasks import run_all
from orders_sync.platforms import PageQuery
from orders_sync.settings import Settings
from orders_sync.store import bi, database, identities, probes, rights, roles, schema, suspensions
from orders_sync.store.conninfo import shown
from orders_sync.store.database import Session
from orders_sync.store.queries import select_values
from orders_sync.store.session_settings import OLDEST

SECONDS = 10.0  # for an account's call
CORRECT = "correct it, then run `orders-sync config check`; `orders-sync config example` shows every setting"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `advice`: what to do; empty when it passed and nothing could be better."""

    what: str
    is_well: bool
    found: str
    advice: str = ""


Probed = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Also test the assumptions about the platforms: at most nine calls per account; results are stored.",
    ),
]


def doctor(
    config: options.Config = None,
    json: options.Json = False,
    probe: Probed = False,
    account: options.Accounts = None,
) -> None:
    """Check settings, database, clocks and credentials, with one call per account. Writes nothing without --probe."""
    findings = []
    for finding in _examine(config, probe, account):
        findings.append(finding)
        if not json:
            _show(finding)
    if json:
        output.print_json([asdict(finding) for finding in findings])
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _show(finding: Finding) -> None:
    mark = ("✗", "bold red") if not finding.is_well else ("!", "yellow") if finding.advice else ("✓", "green")
    output.say(f"{finding.what}: {finding.found}", mark, keep="\n" if finding.what == "settings" else "")
    if finding.advice:
        output.say(finding.advice, ("   ", ""))


def _examine(config: options.Config, is_probed: bool, only: list[str] | None) -> Iterator[Finding]:
    yield Finding("version", True, f"orders-sync {version('orders-sync')}, Python {python_platform.python_version()}")
    try:
        settings = user_settings.load(config, with_secrets=True, warns=False)
    except SettingsError as error:
        yield Finding("settings", False, str(error), CORRECT)
        return
    yield Finding("settings", True, f"{settings.file or 'none, defaults'}; {len(settings.listed)} accounts")
    if settings.unknown:
        yield Finding("settings", False, "\n".join(settings.unknown), CORRECT)
    for warning in settings.warnings:
        yield Finding("settings", True, warning, "rename it before the next update")
    for name in only or []:
        if not account_selection.named(settings, name):
            raise NotFoundError(f"there is no account {name}: `orders-sync accounts list` shows every account")
    yield from _database(settings, only, shows_probes=not is_probed)
    for each in settings.misconfigured:
        if not only or each.label in only:
            yield Finding(f"account {each.label}", False, f"misconfigured: {each}", CORRECT)
    if not settings.listed:
        yield Finding("accounts", True, "none yet: add one to orders_sync.toml, or try `orders-sync demo`")
        return
    usable = [each.name for each in settings.accounts if not only or each.name in only]
    if not usable:
        return
    try:
        sources = account_selection.sources(settings, usable)
        yield from _accounts(settings, sources)
        if is_probed:
            yield from _probe(settings, sources)
    except SettingsError as error:
        yield Finding("network", False, str(error))


def _database(settings: Settings, only: list[str] | None, *, shows_probes: bool) -> Iterator[Finding]:
    if settings.database.url is None:
        try:
            home = databases.embedded_home(settings)
        except EmbeddedError as error:
            yield Finding("database", False, str(error))
            return
        if not embedded_postgres.is_initialized(home):
            yield Finding("embedded server", True, f"does not exist yet: the first `sync` creates it in {home}")
            yield _room(home)
            return
        yield Finding("embedded server", True, f"data in {home}")
        yield _room(home)
    try:
        with databases.server(settings) as host, host.session() as connection:
            started = datetime.now(UTC)
            clock = database.clock(connection)
            state, tables = database.state_of(connection), _tables(connection)
            needs_tables = not schema.is_current(connection)
            names = [account.name for account in settings.accounts if not only or account.name in only]
            probed = {} if needs_tables or not shows_probes else probes.stored(connection, names)
            unrefreshed = [] if needs_tables else identities.unrefreshed(connection)
            grants = select_values(connection, rights.missing(migrates=needs_tables), None, str)
            readers = None if needs_tables else roles.advice(connection)
            status = None if needs_tables else view(settings, connection)
            demo = "" if needs_tables or not settings.listed else databases.demo_beside(settings, connection)
    except OrdersSyncError as error:
        yield Finding("database", False, str(error))
        return
    is_recent = state.version >= OLDEST
    yield Finding(
        "database",
        is_recent,
        f"PostgreSQL {state.version}.{state.version_number % 10_000} at {shown(host.url)}",
        "" if is_recent else f"PostgreSQL {OLDEST} or newer is needed",
    )
    if state.unwritable:
        yield Finding("writing", False, f"the database {state.unwritable}")
    else:
        yield Finding("rights", not grants, "as needed" if not grants else rights.advice(grants))
    yield tables
    if readers:
        yield Finding("roles for readers", True, "not as needed", readers)
    if demo:
        yield Finding("demo", False, demo)
    elif not only and status and not _is_unused(status):
        yield from _service(status)
    for each in unrefreshed:
        yield Finding("removed account", False, each)
    for name, probe in probed.items():
        yield _probed(name, probe, "of an earlier probe")
    skew = abs(clock - started)
    yield Finding(
        "clocks",
        skew < LARGEST_SKEW,
        f"this machine and the database differ by {skew.total_seconds():.1f} s",
        "" if skew < LARGEST_SKEW else "correct the clocks: the platforms refuse wrong timestamps",
    )


def _tables(connection: Session) -> Finding:
    if why := schema.why_not_to_change(connection):
        return Finding("tables", False, why)
    revision = schema.revision(connection)
    if revision is None:
        return Finding("tables", True, "do not exist yet: the first `sync` creates them")
    if revision != schema.HEAD:
        return Finding("tables", True, "of an older version: the next `sync` migrates them")
    if obstacle := bi.obstacle(connection):
        return Finding("tables", True, f"up to date; {obstacle}")
    views = "" if bi.is_current(connection) else "; views of an older version: the next `sync` makes them anew"
    return Finding("tables", True, f"up to date{views}")


def _is_unused(status: View) -> bool:
    """Tell whether nothing was ever started here: that is the next step, not a fault."""
    return not status.verdict.processes and set(status.verdict.states.values()) <= {AccountState.NOT_READ}


def _service(status: View) -> Iterator[Finding]:
    """The verdict of `orders-sync status`: what a person has to act on is not well."""
    problems = status.verdict.problems
    advice = f"problems: {len(problems)}; `orders-sync status --problems` names them" if problems else ""
    yield Finding("service", status.verdict.severity is not Severity.BROKEN, status.summary, advice)
    for each in problems:
        if each.severity is Severity.BROKEN:
            yield Finding("service", False, each.text)


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.is_dir())).free / 2**30
    return Finding("disk", free > 1, f"{free:.1f} GB free", "" if free > 1 else "free some space before the next sync")


def _probed(name: str, probe: Probe, which: str = "") -> Finding:
    """Return what a probe found. `which`: said of a stored one with its time, for it is not of today."""
    made = f"{which} at {stamp(probe.probed_at)}: " if which and probe.probed_at else ""
    return Finding(f"probe of {name}", not probe.remedy, f"{made}{probe}", probe.remedy)


def _probe(settings: Settings, sources: list[AccountSource]) -> Iterator[Finding]:
    """Test the assumptions about these accounts' platforms concurrently and store the answers with the accounts."""

    async def probe_all(url: str) -> list[Finding]:
        retry_policy = user_settings.limits(settings).retry_policy
        async with database.connected(url, len(sources) + 1) as pool, user_settings.http_client(settings) as http:
            limiters = rate_limiters(pool, sources)

            async def probe(source: AccountSource) -> Finding:
                name = source.account.name
                async with pool.connection() as connection:
                    suspended = await suspensions.lift_outdated(connection, source.account)
                if suspended is not None:
                    return Finding(f"probe of {name}", False, str(suspended))
                probed = await probe_account(pool, http, source, limiters[name], retry_policy)
                if probed.fault:
                    return Finding(f"probe of {name}", False, f"no answer: {probed.fault}", "run it again later")
                return _probed(name, Probe(probed.answers))

            return await run_all(probe(source) for source in sources)

    try:
        with databases.opened(settings) as host:
            host.close()
            yield from event_loop.run(probe_all(host.url))
    except DatabaseError as error:
        yield Finding("probe", False, str(error), "this needs the tables: run `orders-sync migrate` first")


def _accounts(settings: Settings, sources: list[AccountSource]) -> Iterator[Finding]:
    """Check these accounts concurrently; yield results in the order of the answers."""
    with event_loop.runner() as runner:
        http = user_settings.http_client(settings)
        waiting = {runner.get_loop().create_task(_account(http, source)) for source in sources}
        while waiting:
            first = asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            answered, waiting = event_loop.run_in(runner, first)
            yield from sorted((task.result() for task in answered), key=lambda finding: finding.what)
        event_loop.run_in(runner, http.aclose())


def _advice(error: PlatformError) -> str:
    """Say what to check: an answer of the server itself does not come from wrong settings."""
    if isinstance(error, TransientError) and is_server_error(error):
        return "the platform is down or overloaded: try again later"
    if isinstance(error, BlockedError):
        return "something before the platform blocks the call: check base_url, a proxy and which addresses it lets in"
    if isinstance(error, RateLimitError):
        return "the platform asks for fewer calls: try again later, or lower requests_per_second"
    return "check base_url, the credentials and this machine's clock"


async def _account(http: httpx.AsyncClient, source: AccountSource) -> Finding:
    """Request a minute of orders, which proves address, credentials and clock."""
    now = whole_second(datetime.now(UTC))
    ask = PageQuery(source.platform.feed, Window(now - timedelta(minutes=1), now), 1, min(10, source.policy.page_size))
    # not shared: it is one call, and there may be no database
    rate_limiter = RateLimiter(source.policy.requests_per_second, LocalRateBackend())
    client = PageClient(
        http, source, rate_limiter, DatabaseClock(now), RetryPolicy(1, largest_body=2**20, seconds_per_try=SECONDS)
    )
    what = f"account {source.account.name}"
    try:
        answer = await client.page(ask)
    except PlatformError as error:
        return Finding(what, False, str(error), _advice(error))
    return Finding(
        what, True, f"{source.account.base_url} accepts the credentials; {answer.page.total} orders in the last minute"
    )
