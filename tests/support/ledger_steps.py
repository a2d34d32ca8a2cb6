"""Steps of one account's windows through the ledger: planned, claimed, finished."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orders_sync.domain.accounts import Account
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.store import claims, closing, ledger
from orders_sync.store.database import Connection

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SHOP = "kingdo"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def at(hours: float) -> datetime:
    return BEGIN + timedelta(hours=hours)


def hours(first: float, last: float) -> Window:
    return Window(at(first), at(last))


async def register(connection: Connection, name: str = SHOP, feed: Feed = Feed.UPDATED) -> None:
    await ledger.register(connection, Account(name, "1688", "", f"seller of {name}", "app", "secret"), feed)


async def plan(
    connection: Connection, *windows: Window, kind: WindowKind = WindowKind.INCREMENTAL, account: str = SHOP
) -> None:
    await register(connection, account)
    await ledger.plan(connection, account, kind, Feed.UPDATED, list(windows))


async def claim(connection: Connection, claimant: str = "worker", account: str = SHOP) -> Claim:
    found = await claims.claim(connection, account, claimant)
    assert found is not None
    return found


async def finish(connection: Connection, claimed: Claim, landed: LoadCounts | None = None) -> None:
    async with connection.transaction():
        await closing.finish(connection, claimed, total=1, seen=1, calls=1, landed=landed or LoadCounts())
