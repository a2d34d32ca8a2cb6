"""Orders more than one account lists: one owner, nothing twice (P3), no change lost, no host over another."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.directions import Direction
from orders_sync.domain.records import LoadCounts, Record
from orders_sync.domain.windows import Feed
from orders_sync.store import identities, ledger, load, suspensions
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import LandingSource, fingerprint, flatten
from orders_sync.store.ownership import SHARED
from tests.support.databases import one, rows
from tests.support.loading import at, normalize, payload

NORTH = Account("north", "1688", "https://h", "n", "app 1", "secret")
SOUTH = Account("south", "1688", "https://h", "s", "app 2", "secret")
ELSEWHERE = Account("elsewhere", "1688", "https://other", "n", "app 1", "secret")
WRITTEN = ("orders", "raw_orders", "order_history", "sync.shared_orders", "sync.rejects")


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


@pytest.fixture(autouse=True)
async def registered(connection: Connection) -> None:
    for each in (NORTH, SOUTH, ELSEWHERE):
        await ledger.register(connection, each, Feed.UPDATED)


async def land(connection: Connection, account: Account, *payloads: bytes, read: float = 0) -> LoadCounts:
    source = LandingSource("1688", account.name, None, normalize, Direction.SALE)
    records = [Record(json.loads(each)["id"], each, at(read)) for each in payloads]
    async with connection.transaction():
        return await load.land(connection, source, records)


async def versions(connection: Connection) -> list[Any]:
    """Every row version: any write, and any lock of a row, changes it."""
    queries = (f"SELECT string_agg(concat(ctid, xmin, xmax), ' ' ORDER BY ctid) FROM {each}" for each in WRITTEN)
    return [await one(connection, query) for query in queries]


async def order(connection: Connection) -> Any:
    return await one(
        connection,
        "SELECT o.account, r.account, o.status FROM orders AS o JOIN raw_orders AS r USING (platform, order_id)",
    )


async def deactivate(connection: Connection, account: Account, how: str) -> None:
    await connection.execute(f"UPDATE sync.accounts SET {how} = now() WHERE name = %s".encode(), [account.name])


def of(app: str, status: str = "paid", modified: float | None = 0, order_id: str = "1") -> bytes:
    """An order as an app sees it: with an id of the buyer that no other app sees."""
    return payload(order_id, status, modified, name=f"encrypted for {app}")


@pytest.mark.parametrize("modified", [0, None])
@pytest.mark.parametrize("apps", [("one", "two"), ("one", "one")])
async def test_an_order_two_accounts_list_is_written_once_and_read_without_a_write_or_a_lock_P3(
    connection: Connection, modified: float | None, apps: tuple[str, str]
) -> None:
    first, second = (of(app, modified=modified) for app in apps)
    assert await land(connection, NORTH, first) == LoadCounts(new=1)
    assert await land(connection, SOUTH, second, read=1) == LoadCounts(unchanged=1)
    before = await versions(connection)
    for again in (2, 4):
        assert await land(connection, NORTH, first, read=again) == LoadCounts(unchanged=1)
        assert await land(connection, SOUTH, second, read=again + 1) == LoadCounts(unchanged=1)
    assert await versions(connection) == before
    assert await order(connection) == ("north", "north", "paid")
    assert await rows(connection, SHARED) == [("south", "north", 1)]


@pytest.mark.parametrize("modified", [[0, 9], [0, 0], [None, None]])
async def test_a_change_that_only_the_other_account_sees_lands_and_the_order_stays_with_its_owner_P1(
    connection: Connection, modified: list[float | None]
) -> None:
    await land(connection, NORTH, of("one", modified=modified[0]))
    await land(connection, SOUTH, of("two", modified=modified[0]), read=1)
    changed = of("two", "shipped", modified=modified[1])
    assert await land(connection, SOUTH, changed, read=2) == LoadCounts(changed=1)
    assert await order(connection) == ("north", "north", "shipped")
    before = await versions(connection)
    assert await land(connection, SOUTH, changed, read=3) == LoadCounts(unchanged=1)
    assert await versions(connection) == before


async def test_a_change_both_see_is_written_twice_at_most_and_then_no_more_P3(connection: Connection) -> None:
    for account, app in ((NORTH, "one"), (SOUTH, "two")):
        await land(connection, account, of(app))
    for read in range(1, 5):
        for account, app in ((SOUTH, "two"), (NORTH, "one")):
            await land(connection, account, of(app, "shipped", 9), read=read)
    assert await one(connection, "SELECT count(*) FROM order_history") == 3
    assert await order(connection) == ("north", "north", "shipped")


async def test_an_older_version_another_account_lists_replaces_nothing_P2(connection: Connection) -> None:
    await land(connection, NORTH, of("one", "shipped", 9))
    await land(connection, SOUTH, of("two", "paid", 0), read=1)
    await land(connection, SOUTH, of("two", "created", -1), read=2)
    assert await order(connection) == ("north", "north", "shipped")


@pytest.mark.parametrize("how", ["removed_at", "retired_at", "suspended_at"])
@pytest.mark.parametrize("app", ["one", "two"])
async def test_an_order_whose_owner_is_active_no_more_belongs_to_who_lists_it(
    connection: Connection, how: str, app: str
) -> None:
    await land(connection, NORTH, of("one"))
    await deactivate(connection, NORTH, how)
    await land(connection, SOUTH, of(app), read=1)
    assert (await order(connection))[:2] == ("south", "south")
    before = await versions(connection)
    assert await land(connection, SOUTH, of(app), read=2) == LoadCounts(unchanged=1)
    assert await versions(connection) == before


async def test_an_older_version_takes_the_order_over_and_not_its_place_P2(connection: Connection) -> None:
    await land(connection, NORTH, of("one", "shipped", 9))
    await deactivate(connection, NORTH, "removed_at")
    assert await land(connection, SOUTH, of("two", "paid", 0), read=1) == LoadCounts(stale=1)
    assert await order(connection) == ("south", "south", "shipped")


async def test_orders_of_an_account_that_is_suspended_go_to_who_lists_them_and_no_others(
    connection: Connection,
) -> None:
    await land(connection, NORTH, of("one"), of("one", order_id="2"))
    await land(connection, SOUTH, of("two"), read=1)
    await suspensions.suspend(connection, NORTH, "refused")
    assert await rows(connection, "SELECT order_id, account FROM orders ORDER BY 1") == [("1", "south"), ("2", "north")]
    assert await rows(connection, "SELECT order_id, account FROM raw_orders ORDER BY 1") == [
        ("1", "south"),
        ("2", "north"),
    ]


async def test_orders_of_an_account_removed_from_the_settings_go_to_who_lists_them(
    connection: Connection, url: str
) -> None:
    await land(connection, NORTH, of("one"))
    await land(connection, SOUTH, of("two"), read=1)
    with psycopg.connect(url, autocommit=True) as session:
        identities.register(session, [SOUTH, ELSEWHERE])
    assert (await order(connection))[:2] == ("south", "south")


@pytest.mark.parametrize(
    ("account", "outcome"), [(SOUTH, LoadCounts(unchanged=1)), (ELSEWHERE, LoadCounts(rejected=1))]
)
async def test_an_order_two_accounts_land_for_the_first_time_at_once_has_one_owner(
    connection: Connection, account: Account, outcome: LoadCounts
) -> None:
    source = LandingSource("1688", account.name, None, normalize, Direction.SALE)
    async with connection.transaction():
        loader = load._Loader(connection, source)
        flat = flatten(source, Record("1", of("two"), at(1)), fingerprint(of("two")))
        await land(connection, NORTH, of("one"))
        await loader._store([flat], [])  # nobody had landed it when it asked
        await loader.finish()
    assert loader.landed == outcome
    assert await order(connection) == ("north", "north", "paid")
    assert await one(connection, "SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL") == outcome.rejected


@pytest.mark.parametrize("app", ["one", "two"])
@pytest.mark.parametrize("how", ["", "removed_at", "suspended_at"])
async def test_an_order_of_one_host_never_replaces_another_host_s_of_the_same_id_P4(
    connection: Connection, app: str, how: str
) -> None:
    await land(connection, NORTH, of("one"))
    if how:
        await deactivate(connection, NORTH, how)
    assert await land(connection, ELSEWHERE, of(app, "shipped", 9), read=1) == LoadCounts(rejected=1)
    assert await order(connection) == ("north", "north", "paid")
    reject = "SELECT account, order_id, reason, resolved_at FROM sync.rejects"
    account, order_id, reason, resolved_at = await one(connection, reject)
    assert (account, order_id, resolved_at) == ("elsewhere", "1", None)
    assert "orders-sync accounts merge north elsewhere" in reason
    # what its own host brings of the order settles nothing of the other
    await land(connection, NORTH, of("one", "received", 10), read=2)
    assert await one(connection, "SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL") == 1
    assert await land(connection, ELSEWHERE, of(app, "shipped", 9), read=1.5) == LoadCounts(rejected=1)
    assert await one(connection, "SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL") == 1
    assert await order(connection) == ("north", "north", "received")


async def test_a_host_not_known_yet_is_no_other_host(connection: Connection) -> None:
    await land(connection, NORTH, of("one"))
    await connection.execute("UPDATE sync.accounts SET host = NULL WHERE name = 'north'")
    assert await land(connection, ELSEWHERE, of("one", "shipped", 9), read=1) == LoadCounts(changed=1)


async def test_a_reject_of_one_account_is_settled_by_what_another_of_its_host_lands_P4(connection: Connection) -> None:
    await land(connection, SOUTH, payload("1", broken=True))
    await land(connection, NORTH, of("one"), read=1)
    assert await one(connection, "SELECT resolved_at IS NOT NULL FROM sync.rejects") is True
    await land(connection, SOUTH, payload("1", broken=2), read=2)
    assert await land(connection, SOUTH, of("two"), read=3) == LoadCounts(unchanged=1)
    assert await one(connection, "SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL") == 0
