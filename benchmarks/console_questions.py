"""The questions that the pages of the console ask the database: a name and a function of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from psycopg import conninfo

from orders_sync.domain import local_times
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.engine import account_list, order_answer, service_status
from orders_sync.engine.remarks import KnownAccounts
from orders_sync.engine.service_status import Verdict
from orders_sync.settings import Settings
from orders_sync.store import audit_reports, backfill_ranges, database, open_differences, overview, requests, schema
from orders_sync.store.backfill_ranges import AskedRange
from orders_sync.store.console import account as account_page
from orders_sync.store.console import freshness, heat_map, rejects, system, windows
from orders_sync.store.console import overview as console_overview
from orders_sync.store.database import Connection
from orders_sync.store.overview import AccountStatus, ProcessStatus

_SETTINGS = Settings()
PAGE = [f"shop{n:03}" for n in range(1, 51)]
Question = Callable[[Connection], Awaitable[object]]


async def _status(connection: Connection) -> None:
    accounts = await overview.read_accounts(connection)
    rows = account_list.ranked(accounts, _verdict(accounts, await overview.read_processes(connection)))
    account_list.total(rows)
    account_list.page(rows, text="shop")


def _verdict(accounts: list[AccountStatus], processes: list[ProcessStatus]) -> Verdict:
    return service_status.assess(accounts, processes, {}, _SETTINGS.sync, _SETTINGS.service.audit)


async def _order(connection: Connection, text: str) -> None:
    """Answer by a connection that blocks and is opened for it, as the command does; the page keeps one open."""
    info = connection.info
    await asyncio.to_thread(_answer, conninfo.make_conninfo(info.dsn, password=info.password), text)


def _answer(url: str, text: str) -> None:
    with database.session(url) as session:
        numbers, matches = order_answer.find(session, [text])
        accounts = overview.accounts(session)
        order_answer.answer(session, numbers, matches, KnownAccounts(accounts, _verdict(accounts, [])))


async def _figures(connection: Connection) -> None:
    await console_overview.figures(connection, PAGE, datetime.now(UTC))


async def _lags(connection: Connection) -> None:
    await freshness.delays(connection, "shop001", datetime.now(UTC))


async def _heat_map(connection: Connection, account: str, ago: int) -> None:
    now = datetime.now(UTC)
    last = local_times.date_of(now) - timedelta(days=ago)
    days = [last - timedelta(days=back) for back in reversed(range(heat_map.MOST_DAYS))]
    await heat_map.heat_map(connection, account, days, now - timedelta(minutes=10))


async def _hour(connection: Connection, account: str, ago: timedelta) -> None:
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - ago
    await windows.touching(connection, account, Window(end - timedelta(hours=1), end))


async def _reads(connection: Connection) -> None:
    await windows.failed(connection, "shop001")
    await windows.latest(connection, "shop001", [WindowKind.SWEEP])
    await windows.by_kind(connection, "shop001")


async def _messages(connection: Connection) -> None:
    await account_page.messages(connection, "shop003")
    await account_page.messages(connection, "no such shop")
    await account_page.observed(connection, "shop003")


async def _reasons(connection: Connection) -> None:
    await rejects.groups(connection)
    await rejects.groups(connection, account="shop003")


async def _rejects(connection: Connection) -> None:
    found = await rejects.listed(connection)
    await rejects.listed(connection, "no_order_id", before=found[-1].id if found else None)
    await rejects.listed(connection, "no_order_id", account="shop003")
    await rejects.row(connection, found[0].id if found else 1)


async def _record(connection: Connection) -> None:
    found = await rejects.listed(connection, limit=1)
    await rejects.record(connection, found[0].id if found else 1)


async def _audits(connection: Connection) -> None:
    found = await audit_reports.listed(connection, limit=50)
    await audit_reports.listed(connection, limit=50, before=found[-1].id if found else None)
    await audit_reports.listed(connection, "shop003", limit=50)
    await audit_reports.listed(connection, limit=50, only_open=True)
    await audit_reports.report(connection, found[0].id if found else 1, most=100)
    await requests.audits_asked(connection)
    await requests.audits_asked(connection, "shop003")


async def _system(connection: Connection) -> None:
    await overview.read_processes(connection)
    await schema.revision_of(connection)
    await system.read(connection)


async def _backfill(connection: Connection, days: int, ago: int) -> None:
    """Ask for the state of a range for all accounts, as the preview of a backfill does."""
    now = datetime.now(UTC).replace(microsecond=0)
    rows = await (await connection.execute("SELECT name, feed FROM sync.accounts ORDER BY name")).fetchall()
    asked = [AskedRange(str(name), Feed(str(feed)), now, timedelta(days=7), 100) for name, feed in rows]
    start = now - timedelta(days=ago + days)
    await backfill_ranges.states(connection, asked, start, start + timedelta(days=days))
    names = [each.account for each in asked]
    await open_differences.missing_within(connection, names, start, start + timedelta(days=days))


QUESTIONS: dict[str, Question] = {
    "backfill: preview of all accounts and a day of last week": partial(_backfill, days=1, ago=6),
    "backfill: preview of all accounts and a year": partial(_backfill, days=365, ago=0),
    "backfill: preview of all accounts and two years": partial(_backfill, days=730, ago=0),
    "status: state of all accounts and processes, ranked": _status,
    "overview: figures of a page of 50 accounts": _figures,
    "account: freshness of 48 hours": _lags,
    "account: heat map of 31 days, a window a minute": partial(_heat_map, account="shop001", ago=0),
    "account: heat map of 31 days, windows of one second": partial(_heat_map, account="shop002", ago=0),
    "account: heat map of 31 days, most of a year ago": partial(_heat_map, account="shop001", ago=300),
    "account: an hour of the heat map, a window a minute": partial(_hour, account="shop001", ago=timedelta(hours=5)),
    "account: an hour of the heat map, windows of one second": partial(
        _hour, account="shop002", ago=timedelta(hours=5)
    ),
    "account: an hour of the heat map, weeks ago": partial(_hour, account="shop001", ago=timedelta(days=29)),
    "account: failed windows and newest reads": _reads,
    "account: messages and what was seen of the platform": _messages,
    "rejects: by reason, of all accounts and of one": _reasons,
    "rejects: pages of the list": _rejects,
    "rejects: one record as received": _record,
    "audits: pages of the list, those open, one with its differences": _audits,
    "system: processes, database, queues": _system,
    "order: found by its tracking number": partial(_order, text="trackno77"),
    "order: why a number is not here": partial(_order, text="9876543210"),
}

WITH_PAYLOADS = {"rejects: one record as received"}  # for people who may see personal data
