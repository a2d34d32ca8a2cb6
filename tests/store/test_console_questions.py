"""Every question of the console is answered by the role of its page, on full, empty and half-filled tables."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from benchmarks.console_data import Size, fill
from benchmarks.console_questions import QUESTIONS, WITH_PAYLOADS
from orders_sync.store import database, roles
from tests.support.databases import Tables, made_database

SIZE = Size(orders=200, accounts=10, days=3)
# every column that may be empty, of every table that a page reads
_EMPTY = """
SELECT format('UPDATE %I.%I SET %s', n.nspname, c.relname, string_agg(format('%I = NULL', a.attname), ', '))
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE n.nspname IN ('public', 'sync') AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    AND NOT a.attnotnull AND a.attname <> 'resolved_at' GROUP BY n.nspname, c.relname
"""


@pytest.fixture(scope="module")
def filled(server: str, template: str) -> Iterator[Tables]:
    with made_database(server, "console_questions", template) as tables:
        with database.connect(tables.url) as connection:
            fill(connection, SIZE)
        yield tables


async def assert_answered(url: str) -> None:
    """Ask every question in one session: what is read of the catalogue for the first costs more than the others."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for name, question in QUESTIONS.items():
            role = roles.CONSOLE if name in WITH_PAYLOADS else roles.OPERATOR
            await connection.execute(f"SET TRANSACTION READ ONLY; SET LOCAL ROLE {role}".encode())
            try:
                await question(connection)
            except Exception as error:
                raise AssertionError(name) from error
            await connection.rollback()


async def test_questions_are_answered_for_the_role_of_their_page(filled: Tables) -> None:
    await assert_answered(filled.url)


async def test_questions_are_answered_on_empty_tables(url: str) -> None:
    await assert_answered(url)


async def test_questions_are_answered_where_every_column_that_may_be_empty_is(server: str, filled: Tables) -> None:
    with made_database(server, "console_half", filled.name) as half_filled:
        with database.connect(half_filled.url) as connection:
            connection.execute("ALTER TABLE sync.accounts DROP CONSTRAINT IF EXISTS uq_accounts_identity")
            for (statement,) in connection.execute(_EMPTY).fetchall():
                connection.execute(str(statement).encode())
        await assert_answered(half_filled.url)
