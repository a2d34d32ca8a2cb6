"""The tables follow when an account is renamed, replaced or removed in the settings, on a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.activity import Actor, Origin
from orders_sync.domain.errors import LeaseLostError
from orders_sync.domain.records import LoadCounts, Record
from orders_sync.domain.windows import Feed, WindowKind
from orders_sync.store import claims, closing, identities, ledger, load, processes
from orders_sync.store.database import Connection, Pool, Session
from orders_sync.store.flat_orders import LandingSource
from orders_sync.store.processes import ReportedAccounts
from tests.support.databases import one
from tests.support.ledger_steps import WAITING, finish, hours
from tests.support.loading import SOURCE, at, payload
from tests.support.loading import land as load_into

BY_NAME = (
    "orders",
    "raw_orders",
    *(f"sync.{name}" for name in ("windows", "rejects", "backfills", "audits", "messages")),
)
TRACES = [
    "INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at)"
    " VALUES (%(name)s, '1688', '', '', 'odd', now())",
    "INSERT INTO sync.backfills (account, feed, starts_at, ends_at)"
    " VALUES (%(name)s, 'updated', date_trunc('day', now() - interval '1 d'), date_trunc('day', now()))",
    "INSERT INTO sync.audits (account, starts_at, ends_at) VALUES (%(name)s, now(), now())",
    "INSERT INTO sync.messages (account, digest, body) VALUES (%(name)s, '', '')",
    "INSERT INTO sync.shared_orders VALUES ('1688', 'shared', %(name)s, '', now())",
]


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


def account(name: str, seller: str, base_url: str = "https://h", platform: str = "1688") -> Account:
    return Account(name, platform, base_url, seller, "app", "secret")


@pytest.fixture
def session(url: str) -> Iterator[Session]:
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as made:
        yield made


async def fill(connection: Connection, which: Account, order: str) -> None:
    """An account with an order, a window read and one to read, and a row wherever else it is named."""
    await ledger.register(connection, which, Feed.UPDATED)
    await ledger.plan(connection, which.name, WindowKind.INCREMENTAL, Feed.UPDATED, [hours(0, 1), hours(1, 2)])
    claim = await claims.claim(connection, which.name, "worker")
    assert claim is not None
    await finish(connection, claim)
    async with connection.transaction():
        source = LandingSource("1688", which.name, claim.id, SOURCE.normalize, SOURCE.direction)
        await load.land(connection, source, [Record(order, payload(order), at(0))])
    for each in TRACES:
        await connection.execute(each.encode(), {"name": which.name})


def rows(session: Session, query: str, *values: object) -> list[Any]:
    return session.execute(query.encode(), values).fetchall()


def named(session: Session) -> dict[str, set[str]]:
    """Return the accounts that each table names."""
    return {
        table: {name for (name,) in rows(session, f"SELECT account FROM {table}")}
        for table in (*BY_NAME, "sync.shared_orders")
    }


def known(session: Session) -> list[Any]:
    return rows(
        session, "SELECT name, host, seller, removed_at IS NOT NULL, watermark FROM sync.accounts ORDER BY name"
    )


async def test_a_renamed_account_keeps_its_orders_its_history_and_its_watermark(
    connection: Connection, session: Session
) -> None:
    await fill(connection, account("a", "s"), "1")
    before = rows(session, "SELECT watermark, history_from FROM sync.accounts")
    [(synced_at,)] = rows(session, "SELECT synced_at FROM orders")
    [said] = identities.register(session, [account("b", "s", "http://H:80/api")])
    assert "a was renamed to b" in said
    assert set(map(tuple, map(sorted, named(session).values()))) == {("b",)}
    assert rows(session, "SELECT name, host FROM sync.accounts") == [("b", "h")]
    assert rows(session, "SELECT watermark, history_from FROM sync.accounts") == before
    assert rows(session, "SELECT synced_at > %s FROM orders", synced_at) == [(True,)]  # loads downstream learn of it
    assert identities.register(session, [account("b", "s")]) == []


async def test_what_the_settings_change_of_accounts_is_recorded_with_both_names(
    connection: Connection, session: Session
) -> None:
    ana = Actor("ana", Origin.CLI)
    for name, seller in (("a", "s"), ("b", "t"), ("c", "u")):
        await fill(connection, account(name, seller), seller)
    identities.register(session, [account("new", "s"), account("b", "another")], actor=ana)
    identities.register(session, [account("new", "s"), account("b", "another"), account("c", "u")], actor=ana)
    by = {"by": "the settings"}
    assert rows(session, "SELECT action, account, details, actor, origin FROM sync.activity ORDER BY id") == [
        ("account.rename", "new", {"was": "a", **by}, "ana", "cli"),
        ("account.rename", "b~old", {"was": "b", **by}, "ana", "cli"),
        ("account.remove", "b~old", by, "ana", "cli"),
        ("account.remove", "c", by, "ana", "cli"),
        ("account.return", "c", by, "ana", "cli"),
    ]


async def test_names_that_are_swapped_take_everything_with_them(connection: Connection, session: Session) -> None:
    await fill(connection, account("a", "s"), "1")
    await fill(connection, account("b", "t"), "2")
    identities.register(session, [account("a", "t"), account("b", "s")])
    assert rows(session, "SELECT name, seller FROM sync.accounts ORDER BY 1") == [("a", "t"), ("b", "s")]
    assert rows(session, "SELECT order_id, account FROM orders ORDER BY 1") == [("1", "b"), ("2", "a")]
    assert set(map(tuple, map(sorted, named(session).values()))) == {("a", "b")}


@pytest.mark.parametrize(
    "now", [account("a", "right"), account("a", "s", "https://real"), account("a", "s", platform="xportcn_open")]
)
async def test_another_shop_behind_the_name_inherits_nothing_P5(
    connection: Connection, session: Session, now: Account
) -> None:
    await fill(connection, account("a", "s"), "1")
    [said] = identities.register(session, [now])
    assert "a~old" in said
    assert now.seller in said
    assert set(map(tuple, map(sorted, named(session).values()))) == {("a~old",)}
    await ledger.register(connection, now, Feed.UPDATED)
    planned = await ledger.planned_times(connection, "a")
    assert (planned.history_from, planned.planned_to, planned.watermark) == (None, None, None)
    assert [(name, removed) for name, _, _, removed, _ in known(session)] == [("a", False), ("a~old", True)]


async def test_an_account_gone_from_the_settings_is_marked_once_and_back_when_it_returns(
    connection: Connection, session: Session
) -> None:
    await fill(connection, account("a", "s"), "1")
    await fill(connection, account("b", "t"), "2")
    [said] = identities.register(session, [account("b", "t")])
    assert "a is not in the settings any more" in said
    assert identities.register(session, [account("b", "t")]) == []
    before = [each for each in known(session) if each[0] == "a"]
    assert before[0][3]
    identities.register(session, [account("b", "t"), account("a", "s")])
    [(_, host, _, removed, watermark)] = [each for each in known(session) if each[0] == "a"]
    assert (host, removed, watermark) == ("h", False, before[0][4])


async def test_a_window_being_read_while_its_account_is_renamed_lands_nothing_under_the_old_name_P5(
    connection: Connection, session: Session
) -> None:
    await fill(connection, account("a", "s"), "1")
    claim = await claims.claim(connection, "a", "worker")
    assert claim is not None
    identities.register(session, [account("b", "s")])

    async def land() -> None:
        async with connection.transaction():
            await load_into(connection, payload("2"))
            await closing.finish(connection, claim, total=1, seen=1, calls=1, landed=LoadCounts(new=1))

    with pytest.raises(LeaseLostError):
        await land()
    with pytest.raises(LeaseLostError):
        await claims.renew(connection, claim)
    assert rows(session, "SELECT order_id, account FROM orders") == [("1", "b")]
    again = await claims.claim(connection, "b", "another")
    assert again is not None
    assert (again.window, again.fence > claim.fence) == (claim.window, True)


async def test_who_lands_while_an_account_is_renamed_is_waited_for_and_moves_along_P5(
    pool: Pool, connection: Connection, url: str, session: Session
) -> None:
    await fill(connection, account("a", "s"), "1")
    claim = await claims.claim(connection, "a", "worker")
    assert claim is not None

    def settle() -> None:
        with psycopg.connect(url, autocommit=True) as own:
            identities.register(own, [account("b", "s")])

    async with connection.transaction():
        source = LandingSource("1688", "a", claim.id, SOURCE.normalize, SOURCE.direction)
        await load.land(connection, source, [Record("2", payload("2"), at(0))])
        settling = asyncio.create_task(asyncio.to_thread(settle))
        async with pool.connection() as watching:
            while not settling.done() and await one(watching, WAITING) == 0:
                pass
        assert not settling.done()
        await closing.finish(connection, claim, total=1, seen=1, calls=1, landed=LoadCounts(new=1))
    await settling
    assert rows(session, "SELECT order_id, account FROM orders ORDER BY 1") == [("1", "b"), ("2", "b")]
    assert rows(session, "SELECT name, watermark FROM sync.accounts") == [("b", hours(0, 2).end)]


async def test_many_processes_that_start_at_once_move_a_name_once(
    connection: Connection, url: str, session: Session
) -> None:
    await fill(connection, account("a", "s"), "1")

    def settle() -> list[str]:
        with psycopg.connect(url, autocommit=True) as own:
            return identities.register(own, [account("b", "s")])

    said = await asyncio.gather(*(asyncio.to_thread(settle) for _ in range(4)))
    assert len([each for each in said if each]) == 1
    assert rows(session, "SELECT name FROM sync.accounts") == [("b",)]


async def test_hosts_of_an_older_version_are_filled_and_nothing_else_is_written(
    connection: Connection, session: Session
) -> None:
    await fill(connection, account("a", "s"), "1")
    session.execute("UPDATE sync.accounts SET host = NULL")
    before = rows(session, "SELECT xmin::text FROM orders")
    assert identities.register(session, [account("a", "s", "https://first.example:443/api")]) == []
    assert rows(session, "SELECT host, removed_at FROM sync.accounts") == [("first.example", None)]
    assert rows(session, "SELECT xmin::text FROM orders") == before


async def test_an_account_of_another_process_that_runs_is_not_removed(connection: Connection, session: Session) -> None:
    ours, theirs = account("ours", "one"), account("theirs", "two")
    for each in (ours, theirs):
        await fill(connection, each, f"order of {each.name}")
    await processes.report(connection, "them", ["worker"], "host", 1, ReportedAccounts(["theirs"]))
    assert identities.register(session, [ours]) == []
    assert identities.register(session, [theirs]) == [
        "ours is not in the settings any more: nothing refreshes its orders"
    ]
    assert identities.register(session, [ours]) == []  # and it is back
    assert rows(session, "SELECT name FROM sync.accounts WHERE removed_at IS NOT NULL") == []


@pytest.mark.parametrize(
    "end", ["UPDATE sync.processes SET seen_at = now() - interval '1 m'", "DELETE FROM sync.processes"]
)
async def test_an_account_of_a_process_that_stopped_or_was_killed_is_removed(
    connection: Connection, session: Session, end: str
) -> None:
    for each in (account("ours", "one"), account("theirs", "two")):
        await fill(connection, each, f"order of {each.name}")
    await processes.report(connection, "them", ["worker"], "host", 1, ReportedAccounts(["theirs"]))
    session.execute(end.encode())
    identities.register(session, [account("ours", "one")])
    assert rows(session, "SELECT name FROM sync.accounts WHERE removed_at IS NOT NULL") == [("theirs",)]


async def test_an_account_replaced_under_its_name_is_removed_though_a_process_has_the_name(
    connection: Connection, session: Session
) -> None:
    await fill(connection, account("shop", "one"), "1")
    await processes.report(connection, "them", ["worker"], "host", 1, ReportedAccounts(["shop"]))
    identities.register(session, [account("shop", "two")])
    assert rows(session, "SELECT name FROM sync.accounts WHERE removed_at IS NOT NULL") == [("shop~old",)]


async def test_where_no_account_is_to_be_renamed_removed_ones_are_recorded_all_the_same(
    connection: Connection, session: Session
) -> None:
    """So that two processes that know a shop by two names do not rename it in turns."""
    for each in (account("ours", "one"), account("gone", "two")):
        await fill(connection, each, f"order of {each.name}")
    assert identities.register(session, [account("other", "one")], renames=False) == []
    assert rows(session, "SELECT name FROM sync.accounts WHERE removed_at IS NOT NULL") == []
    assert len(identities.register(session, [account("ours", "one")], renames=False)) == 1
    assert rows(session, "SELECT name FROM sync.accounts WHERE removed_at IS NOT NULL") == [("gone",)]
