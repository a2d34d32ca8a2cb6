"""Errors of the database say what to do, call no server that answers unreachable, and hold no rows of orders (P8)."""

from __future__ import annotations

import threading

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from orders_sync.domain.errors import DatabaseError
from orders_sync.store import database
from orders_sync.store.database_errors import advice, plain_words, strip


async def test_an_error_that_leaves_the_pool_holds_no_rows(url: str) -> None:
    async def fail() -> None:
        async with database.connected(url, 1) as pool, pool.connection() as connection:
            await connection.execute("CREATE TEMP TABLE buyers (name text CHECK (name <> '王小明'))")
            async with connection.cursor().copy("COPY buyers FROM STDIN") as copy:
                await copy.write("王小明\n".encode())

    with pytest.raises(DatabaseError, match="violates check constraint") as raised:
        await fail()
    cause = raised.value.__cause__
    assert isinstance(cause, psycopg.errors.CheckViolation)
    assert "王小明" in str(cause.diag.message_detail)
    assert "王小明" not in f"{raised.value} {cause}"


def cancel_once_it_waits(url: str, process: int) -> None:
    """End the statement of a session as a statement_timeout does, in the middle of it."""
    query = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute(query, [process]).fetchall():
            pass


def test_a_cancelled_statement_passes_and_shows_no_row(url: str) -> None:
    def wait_too_long() -> None:
        with psycopg.connect(url, autocommit=True) as holder, database.session(url) as one:
            holder.execute("BEGIN; LOCK TABLE order_history IN EXCLUSIVE MODE")
            body = "BEGIN LOCK order_history; RETURN NEW; END"
            one.execute(f"CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $${body}$$".encode())
            one.execute("CREATE TEMP TABLE buyers (name text)")
            one.execute("CREATE TRIGGER wait BEFORE INSERT ON buyers FOR EACH ROW EXECUTE FUNCTION wait()")
            cancelling = threading.Thread(target=cancel_once_it_waits, args=(url, one.info.backend_pid))
            cancelling.start()
            try:
                with one.cursor().copy("COPY buyers FROM STDIN") as copy:
                    copy.write("王小明\n".encode())
            finally:
                cancelling.join()

    with pytest.raises(DatabaseError, match="this passes: run the command again") as raised:
        wait_too_long()
    cause = raised.value.__cause__
    assert isinstance(cause, psycopg.errors.QueryCanceled)
    assert "王小明" in str(cause.diag.context)
    assert "王小明" not in f"{raised.value} {cause}"
    assert "reached" not in str(raised.value)


@pytest.mark.parametrize(
    "change",
    [
        {"dbname": "nobody_made_this"},
        {"user": "nobody_of_this_name"},
        {"options": "-c nonsense=1"},
        {"options": "-c a b"},
    ],
)
def test_a_server_that_answers_is_never_said_to_be_out_of_reach(server: str, change: dict[str, str]) -> None:
    url = make_conninfo(server, **change)
    with pytest.raises(DatabaseError, match="does not accept the connection") as raised, database.session(url):
        pass
    assert "reached" not in str(raised.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('to server at "h", port 1 failed: FATAL:  sorry, too many clients already', "takes no more connections"),
        ('to server at "h", port 1 failed: FATAL:  query_wait_timeout', "does not accept"),
        ('to server at "h", port 1 failed: 致命错误:  数据库 "x" 不存在', "does not accept"),
        ('to server at "h", port 1 failed: FATAL:  the database system is starting up', "coming up"),
        ("server closed the connection unexpectedly\n\tThis probably means", "the connection was lost"),
        ('to server at "h", port 1 failed: Connection refused\n\tIs the server running', "cannot be reached"),
        ("connection timeout expired", "cannot be reached"),
    ],
)
def test_what_became_of_a_connection_is_said_in_other_words(said: str, words: str) -> None:
    assert words in advice(psycopg.OperationalError(said))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Connection refused\n\tIs the server running?", "Connection refused. Is the server running? Check its URL"),
        ("Name or service not known", "Name or service not known. Check its URL"),
        ("FATAL:  no such role\nx failed: FATAL:  no", "FATAL: no such role. x failed: FATAL: no. Check its URL"),
        ("FATAL:  sorry, too many clients already", "FATAL: sorry, too many clients already. All its connections"),
    ],
)
def test_sentences_about_the_way_to_a_server_have_their_stops(said: str, shown: str) -> None:
    assert shown in advice(psycopg.OperationalError(f"x failed: {said}"))


def test_an_error_that_is_behind_itself_is_stripped() -> None:
    error, other = psycopg.OperationalError("x"), ValueError("y")
    error.__context__, other.__cause__ = other, error
    assert strip(error) is error


def test_plain_words_keep_an_error_that_says_enough() -> None:
    with pytest.raises(DatabaseError, match="orders on h: gone"), plain_words("postgresql://u:Hush@h/orders"):
        raise DatabaseError("database orders on h: gone")
