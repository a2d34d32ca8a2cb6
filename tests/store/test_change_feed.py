"""The change feed: whoever reads `bi.changes_since()` misses no change, whatever is written beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import errors

from orders_sync.store import change_feed, removal
from orders_sync.store.database import Connection, Pool
from tests.support.databases import Tables, one, rows
from tests.support.loading import land, payload

READ = "SELECT order_id, kind, changed, cursor FROM bi.changes_since(%s, %s)"


@pytest.fixture(autouse=True)
def begun(url: str) -> None:
    """A test's database is a copy of another: its feed begins here."""
    with psycopg.connect(url) as session:
        assert change_feed.restart_if_moved(session)


async def read(connection: Connection, cursor: str | None = None, limit: int = 1000) -> list[tuple[Any, ...]]:
    return await rows(connection, READ, cursor, limit)


async def all_read(connection: Connection, cursor: str | None = None) -> tuple[list[tuple[Any, ...]], str | None]:
    """Everything after a cursor without the cursors, and the last of them."""
    found = await read(connection, cursor)
    return [row[:3] for row in found], found[-1][3] if found else cursor


@asynccontextmanager
async def writer(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction that stays open as long as the body runs."""
    async with pool.connection() as connection, connection.transaction():
        yield connection


async def test_every_order_comes_once_in_pages_of_any_size(connection: Connection) -> None:
    await land(connection, *(payload(f"o{number}") for number in range(7)))
    for limit in (1, 2, 3, 7, 100):
        seen, cursor = [], None
        while page := await read(connection, cursor, limit):
            seen += [row[0] for row in page]
            cursor = page[-1][3]
        assert sorted(seen) == [f"o{number}" for number in range(7)], limit
    assert await read(connection, cursor) == []


async def test_a_change_comes_with_the_columns_and_tables_that_differ(connection: Connection) -> None:
    await land(connection, payload("a"), payload("b"))
    first, cursor = await all_read(connection)
    assert first == [("a", "new", []), ("b", "new", [])]
    await land(connection, payload("a", "sent", 1), payload("b"), read=1)
    await land(connection, payload("a", "sent", 2, lines=["a-1"]), read=2)
    assert (await all_read(connection, cursor))[0] == [
        ("a", "changed", ["line_count", "modified_at", "product_items", "status", "sub_orders"])
    ]


async def test_what_lands_unchanged_does_not_come_again(connection: Connection) -> None:
    await land(connection, payload("a"))
    _, cursor = await all_read(connection)
    await land(connection, payload("a"), read=1)
    assert await read(connection, cursor) == []


async def test_a_writer_that_is_paused_hides_what_commits_before_it_and_nothing_is_passed_over(
    pool: Pool, connection: Connection
) -> None:
    await land(connection, payload("known"))
    _, cursor = await all_read(connection)
    async with writer(pool) as slow:
        await land(slow, payload("slow"))
        await land(connection, payload("fast"))
        assert await read(connection, cursor) == []
        assert await rows(
            connection, "SELECT held_back_orders, oldest_transaction_since < now() FROM bi.feed_lag()"
        ) == [(1, True)]
    assert sorted(row[0] for row in await read(connection, cursor)) == ["fast", "slow"]
    assert await one(connection, "SELECT held_back_orders FROM bi.feed_lag()") == 0


@pytest.mark.parametrize("seed", [0, 7])  # 0 fails without the horizon, 7 if an order that landed again were deleted
async def test_a_copy_that_follows_the_feed_is_equal_however_writers_and_readers_are_interrupted(
    pool: Pool, connection: Connection, seed: int
) -> None:
    """Three writers commit, roll back and pause in any order; the reader dies between a page and its cursor."""
    rng = Random(seed)
    copy: dict[str, str] = {}
    cursor: str | None = None
    version = 0
    ids = [[f"{which}{number}" for number in range(12)] for which in "abc"]  # no writer waits for another

    async def follow(limit: int, *, dies: bool) -> bool:
        nonlocal cursor
        page = await read(connection, cursor, limit)
        for order_id, kind, _, _ in page:
            if kind == "deleted":
                copy.pop(order_id, None)
            else:
                copy[order_id] = await one(connection, "SELECT status FROM orders WHERE order_id = %s", order_id)
        if page and not dies:
            cursor = page[-1][3]
        return bool(page)

    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(pool.connection()) for _ in ids]
        for session in sessions:
            await session.execute("BEGIN")
        for _ in range(40):
            which = rng.randrange(3)
            session, step = sessions[which], rng.random()
            if step < 0.5:
                version += 1
                chosen = rng.sample(ids[which], rng.randrange(1, 4))
                await land(session, *(payload(each, f"v{version}", version) for each in chosen), read=version)
            elif step < 0.6:
                await session.execute("DELETE FROM raw_orders WHERE order_id = %s", [gone := rng.choice(ids[which])])
                for table in ("orders", "sub_orders", "product_items", "order_receivers", "order_history"):
                    await session.execute(f"DELETE FROM {table} WHERE order_id = %s".encode(), [gone])
            elif step < 0.7:
                await session.execute("COMMIT")
                await session.execute("BEGIN")
            elif step < 0.8:
                await session.execute("ROLLBACK")
                await session.execute("BEGIN")
            else:
                await follow(rng.randrange(1, 6), dies=rng.random() < 0.5)
        for session in sessions:
            await session.execute("COMMIT")
    while await follow(3, dies=False):
        pass
    stored = dict(await rows(connection, "SELECT order_id, status FROM orders"))
    assert copy == stored


async def test_deleted_orders_come_and_one_that_lands_again_comes_as_it_is(connection: Connection, url: str) -> None:
    await land(connection, payload("a"), payload("b"))
    _, cursor = await all_read(connection)
    with psycopg.connect(url, autocommit=True) as session:
        removal.remove(session, ["shop"])
    gone, after = await all_read(connection, cursor)
    assert gone == [("a", "deleted", []), ("b", "deleted", [])]
    await land(connection, payload("a", "sent", 1), read=1)
    assert (await all_read(connection, after))[0] == [("a", "new", [])]
    assert (await all_read(connection, cursor))[0] == [("b", "deleted", []), ("a", "new", [])]


def test_tables_copied_elsewhere_end_every_cursor_and_are_read_from_the_beginning(url: str, server: str) -> None:
    tables = Tables(url)
    tables.execute(
        "INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count) "
        "SELECT '1688', 'shop', n::text, 'x', 'other', 'CNY', 0 FROM generate_series(1, 3) AS n"
    )
    [cursor] = tables.query("SELECT max(cursor) FROM bi.changes_since(NULL)")[0]
    # as a restore into a younger cluster leaves them: written by transactions that this one did not come to yet
    tables.execute("ALTER TABLE orders DISABLE TRIGGER USER")
    tables.execute("UPDATE orders SET changed_xid = '900000000000'")
    tables.execute("ALTER TABLE orders ENABLE TRIGGER USER")
    tables.execute("UPDATE sync.change_feed SET system_identifier = 1")
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="restored or copied"):
        tables.query("SELECT * FROM bi.changes_since(%s)", cursor)
    with psycopg.connect(url) as session:
        assert change_feed.restart_if_moved(session) is True
        assert change_feed.restart_if_moved(session) is False
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="another change feed"):
        tables.query("SELECT * FROM bi.changes_since(%s)", cursor)
    assert tables.query("SELECT count(*) FROM bi.changes_since(NULL)") == [(3,)]


def test_orders_that_were_deleted_more_than_once_do_not_keep_a_restored_feed_from_beginning(url: str) -> None:
    """Numbers of a restored dump lie beyond those of a young cluster: all of them get the same one."""
    with psycopg.connect(url) as session:
        session.execute(
            """
            INSERT INTO sync.deleted_orders (changed_xid, platform, order_id, account) VALUES
                ('9000000001', '1688', '1', 'earlier'), ('9000000002', '1688', '1', 'later'),
                ('9000000003', '1688', '2', 'once'), ('9000000004', 'xportcn_ka', '1', 'once')
            """
        )
        session.execute("UPDATE sync.change_feed SET database_oid = 1")
        assert change_feed.restart_if_moved(session)
        kept = session.execute("SELECT account, changed_xid::text FROM sync.deleted_orders ORDER BY account").fetchall()
        assert [account for account, _ in kept] == ["later", "once", "once"]
        assert len({number for _, number in kept}) == 1


def test_emptied_tables_end_every_cursor(url: str) -> None:
    tables = Tables(url)
    tables.execute(
        "INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count) "
        "VALUES ('1688', 'shop', '1', 'x', 'other', 'CNY', 0)"
    )
    [cursor] = tables.query("SELECT max(cursor) FROM bi.changes_since(NULL)")[0]
    tables.execute("TRUNCATE orders")
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="another change feed"):
        tables.query("SELECT * FROM bi.changes_since(%s)", cursor)


def test_what_is_no_cursor_is_said_to_be_none(tables: Tables) -> None:
    for cursor in ("", "x", "WyJhIl0=", "bnVsbA==", "W251bGwsbnVsbCxudWxsLG51bGxd", "订单", "{}", "1" * 5000):
        with pytest.raises(errors.InvalidParameterValue, match="not a cursor"):
            tables.query("SELECT * FROM bi.changes_since(%s)", cursor)


def test_a_role_that_may_read_nothing_else_reads_the_feed_once_it_is_granted_it(url: str) -> None:
    tables = Tables(url)
    tables.execute("DROP ROLE IF EXISTS feed_reader")
    tables.execute("CREATE ROLE feed_reader")
    try:
        tables.execute("GRANT USAGE ON SCHEMA bi TO feed_reader")
        with psycopg.connect(url, autocommit=True) as session:
            session.execute("SET ROLE feed_reader")
            for feed in ("bi.changes_since(NULL)", "bi.feed_lag()"):
                with pytest.raises(errors.InsufficientPrivilege):
                    session.execute(f"SELECT * FROM {feed}".encode())
            session.execute("RESET ROLE")
            session.execute(b"GRANT EXECUTE ON FUNCTION bi.changes_since, bi.feed_lag TO feed_reader")
            session.execute("SET ROLE feed_reader")
            assert session.execute("SELECT * FROM bi.changes_since(NULL)").fetchall() == []
            assert session.execute("SELECT held_back_orders FROM bi.feed_lag()").fetchone() == (0,)
            with pytest.raises(errors.InsufficientPrivilege):
                session.execute("SELECT * FROM orders")
    finally:
        tables.execute("DROP OWNED BY feed_reader")
        tables.execute("DROP ROLE feed_reader")


@pytest.mark.parametrize("change", ["new", "changed", "deleted"])
async def test_whoever_listens_is_woken_by_a_change(pool: Pool, connection: Connection, change: str) -> None:
    if change != "new":
        await land(connection, payload("a"))
    async with pool.connection() as listener:
        await listener.execute("LISTEN orders_changed")
        await listener.commit()
        if change == "deleted":
            await connection.execute("DELETE FROM orders")
        else:
            await land(connection, payload("a", "sent", 1), read=1)
        async for notice in listener.notifies(timeout=300, stop_after=1):
            assert notice.channel == "orders_changed"
            break
        else:
            pytest.fail("nobody was woken")
        await listener.execute("UNLISTEN *")
