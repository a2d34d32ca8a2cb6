"""Connections: what is handed out works."""

from __future__ import annotations

from contextlib import suppress

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from orders_sync.store import database


async def test_connection_whose_server_process_ended_in_the_pool_is_not_handed_out(empty_url: str) -> None:
    async with database.connected(empty_url, size=1) as pool:
        async with pool.connection() as connection:
            before = connection.info.backend_pid
        with psycopg.connect(empty_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [before])  # returns once it is gone
        async with pool.connection() as connection:
            cursor = await connection.execute("SELECT 1")
            assert await cursor.fetchone() == (1,)
            assert connection.info.backend_pid != before


async def test_a_pool_makes_a_second_connection_only_for_a_second_user(empty_url: str) -> None:
    async with database.connected(empty_url, size=2) as pool, pool.connection():
        assert pool.get_stats()["connections_num"] == 1
        async with pool.connection():
            assert pool.get_stats()["connections_num"] == 2


async def test_a_pool_goes_on_with_the_session_by_which_the_database_was_tried(server: str, empty_url: str) -> None:
    async with database.connected(empty_url, size=2) as pool, pool.connection() as connection:
        process = connection.info.backend_pid
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [process])  # returns once it is gone and counted
        counted = "SELECT sessions FROM pg_stat_database WHERE datname = %s"
        assert other.execute(counted, [conninfo_to_dict(empty_url)["dbname"]]).fetchone() == (1,)


def _process(session: database.Session) -> int:
    return session.info.backend_pid


def test_a_session_that_is_kept_is_lent_again_and_at_most_as_many_stay_as_were_asked_for(empty_url: str) -> None:
    sessions = database.Sessions(empty_url, 1, "orders-sync-test")
    with sessions.session() as one, sessions.session() as other:
        first = {_process(one), _process(other)}
    assert [one.closed, other.closed].count(True) == 1
    with sessions.session() as again:
        assert _process(again) in first
        assert again.info.parameter_status("application_name") == "orders-sync-test"
    sessions.close()
    assert again.closed
    with sessions.session() as late:
        late.execute("SELECT 1")
    assert late.closed


def test_a_session_whose_server_process_ended_is_not_lent_again(empty_url: str) -> None:
    sessions = database.Sessions(empty_url, 1, "orders-sync-test")
    with sessions.session() as session:
        before = _process(session)
    with psycopg.connect(empty_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [before])
    with sessions.session() as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    sessions.close()


@pytest.mark.parametrize(
    ("statement", "is_kept"),
    [
        ("SELECT 1 / 0", True),
        ("SET statement_timeout = '1ms'; SELECT pg_sleep(10)", True),
        ("BEGIN", False),
        ("BEGIN; SELECT 1 / 0", False),
        ("SELECT pg_terminate_backend(pg_backend_pid())", False),
        ("SET transaction_read_only = on; CREATE TABLE t ()", False),  # as after a fail-over
    ],
)
def test_a_session_is_kept_after_an_error_only_where_the_next_user_can_go_on(
    empty_url: str, statement: str, is_kept: bool
) -> None:
    sessions = database.Sessions(empty_url, 1, "orders-sync-test")
    with suppress(psycopg.Error), sessions.session() as session:
        session.execute(statement.encode())
    assert session.closed is not is_kept
    with sessions.session() as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    sessions.close()


def test_an_error_of_a_session_shows_no_row(empty_url: str) -> None:
    sessions = database.Sessions(empty_url, 1, "orders-sync-test")
    with pytest.raises(psycopg.errors.NotNullViolation) as caught, sessions.session() as session:
        session.execute("CREATE TEMPORARY TABLE t (a text, b text NOT NULL); INSERT INTO t VALUES ('13800000000')")
    assert "13800000000" not in str(caught.value)
    sessions.close()
