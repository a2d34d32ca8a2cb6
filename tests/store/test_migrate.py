"""Bringing a database to our tables: from nothing, again, at once from many, and never over somebody else's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from orders_sync.domain.errors import DatabaseError
from orders_sync.platforms import PLATFORMS
from orders_sync.store import locks, migrate, order_statuses, schema
from orders_sync.store.session_settings import OLDEST
from orders_sync.store.tables import metadata
from tests.support.migrations import REVISIONS, alembic
from tests.support.servers import installed, system_server

ROOT = Path(migrate.__file__).resolve().parents[2]
MIGRATE = "import sys; from orders_sync.store.migrate import migrate; print(migrate(sys.argv[1]))"
EVERYTHING = """
    SELECT n.nspname, c.relkind::text, c.relname, c.oid, c.relfilenode
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION SELECT nspname, 'schema', '', oid, 0 FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1, 2, 3
"""


def ask(url: str, query: str, *values: object) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []


def names(url: str) -> list[Any]:
    return ask(
        url, "SELECT platform, status, name_zh, name_en, status_group, is_final FROM order_statuses ORDER BY 1, 2"
    )


DOCUMENTED = sorted(
    (platform.name, each.status, each.name_zh, each.name_en, str(each.group), each.is_final)
    for platform in PLATFORMS.values()
    for each in platform.statuses
)


def test_an_empty_database_gets_every_table_and_a_second_time_nothing(empty_url: str) -> None:
    assert migrate.migrate(empty_url) == REVISIONS
    made = ask(empty_url, EVERYTHING)
    assert migrate.migrate(empty_url) == []
    assert ask(empty_url, EVERYTHING) == made
    found = ask(
        empty_url,
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('public', 'sync')",
    )
    ours = {(table.schema or "public", table.name) for table in metadata.tables.values()}
    assert ours | {("sync", "alembic_version")} == set(found) - {each for each in found if each[0].startswith("pg_")}


def test_the_version_the_code_works_on_is_the_newest_migration(url: str) -> None:
    assert ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_heads() == [schema.HEAD]
    assert REVISIONS[-1] == schema.HEAD
    with psycopg.connect(url) as connection:
        assert schema.is_current(connection)


def test_a_database_without_our_tables_or_with_others_is_not_current(url: str, empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        assert not schema.is_current(connection)
    ask(url, "UPDATE sync.alembic_version SET version_num = '9999'")
    with psycopg.connect(url) as connection:
        assert not schema.is_current(connection)


def test_many_processes_migrate_at_once_and_one_of_them_does_it(url: str) -> None:
    alembic(url, "downgrade", "-1")
    command = [sys.executable, "-c", MIGRATE, url]
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with ThreadPoolExecutor() as threads, psycopg.connect(url, autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", [locks.MIGRATION])
        here = threads.submit(migrate.migrate, url)
        there = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while gate.execute(waiting).fetchone() != (2,) and there.poll() is None and not here.done():
            time.sleep(0.05)
    applied = [str(here.result()), b"".join(there.communicate()).decode().strip()]
    assert sorted(applied) == sorted(["[]", str(REVISIONS[-1:])])


def test_every_table_and_column_of_ours_is_explained_in_the_database(url: str) -> None:
    tables = ask(
        url,
        """
        SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'sync') AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname <> 'alembic_version'
          AND coalesce(obj_description(c.oid, 'pg_class'), '') = ''
        """,
    )
    columns = ask(
        url,
        """
        SELECT table_schema, table_name, column_name FROM information_schema.columns
        WHERE table_schema IN ('public', 'sync') AND table_name <> 'alembic_version'
          AND coalesce(col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position), '') = ''
        """,
    )
    assert tables == columns == []


def test_statuses_have_both_names_and_are_those_of_the_code(url: str) -> None:
    assert names(url) == DOCUMENTED


def test_a_status_that_says_something_else_is_put_right_and_the_others_are_not_written(url: str) -> None:
    ask(url, "UPDATE order_statuses SET name_zh = '?', status_group = 'other' WHERE status = 'success'")
    ask(url, "DELETE FROM order_statuses WHERE status = 'cancel'")
    ask(url, "INSERT INTO order_statuses VALUES ('1688', 'their own', '自己的', 'own', 'other', false)")
    versions = "SELECT platform, status, xmin::text FROM order_statuses"
    before = ask(url, versions)
    with psycopg.connect(url) as connection:
        order_statuses.fill(connection, {each.name: (each.direction, each.statuses) for each in PLATFORMS.values()})
    written = {each[:2] for each in set(ask(url, versions)) - set(before)}
    assert written == {("1688", "success"), ("1688", "cancel")}
    assert [each for each in names(url) if each[1] != "their own"] == DOCUMENTED
    assert len(names(url)) == len(DOCUMENTED) + 1


def test_check_finds_nothing_in_a_migrated_database_and_writes_nothing(url: str) -> None:
    ask(url, "UPDATE order_statuses SET name_en = 'changed by hand'")
    before = ask(url, EVERYTHING)
    migrate.check(url)
    assert ask(url, EVERYTHING) == before
    assert {each[3] for each in names(url)} == {"changed by hand"}


def test_check_finds_everything_that_was_changed_by_hand(url: str) -> None:
    changes = {
        "ALTER TABLE orders ADD COLUMN ours text": r"remove_column', None, 'orders', Column\('ours",
        "ALTER TABLE orders DROP COLUMN closed_by": r"add_column', None, 'orders', Column\('closed_by",
        "ALTER TABLE sync.windows ALTER COLUMN total TYPE bigint": "modify_type', 'sync', 'windows', 'total'",
        "ALTER TABLE orders ALTER COLUMN status DROP NOT NULL": "modify_nullable', None, 'orders', 'status'",
        "ALTER TABLE orders ALTER COLUMN synced_at DROP DEFAULT": "modify_default', None, 'orders', 'synced_at'",
        "DROP INDEX ix_orders_order_no": r"add_index', Index\('ix_orders_order_no'",
        "DROP TABLE order_parcels CASCADE": r"add_table', Table\('order_parcels'",
        "COMMENT ON COLUMN orders.status IS 'something else'": "modify_comment', None, 'orders', 'status'",
    }
    for change in changes:
        ask(url, change)
    with pytest.raises(DatabaseError) as caught:
        migrate.check(url)
    assert [found for found in changes.values() if not re.search(found, str(caught.value))] == []


def test_check_finds_a_view_that_was_dropped(url: str) -> None:
    ask(url, "DROP VIEW bi.sync_health")
    with pytest.raises(DatabaseError, match=r"bi\.sync_health: not as in this version"):
        migrate.check(url)


def test_check_of_a_database_without_our_tables_says_so_and_writes_nothing(empty_url: str) -> None:
    before = ask(empty_url, EVERYTHING)
    with pytest.raises(DatabaseError, match="holds no tables of orders-sync yet"):
        migrate.check(empty_url)
    assert ask(empty_url, EVERYTHING) == before


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        pytest.param("CREATE TABLE orders (id int)", "orders", id="a table"),
        pytest.param("CREATE VIEW sub_orders AS SELECT 1 AS id", "sub_orders", id="a view"),
        pytest.param("CREATE MATERIALIZED VIEW orders AS SELECT 1 AS id", "orders", id="a materialized view"),
        pytest.param("CREATE TABLE order_statuses (id int)", "order_statuses", id="a table filled by us"),
        pytest.param("CREATE SCHEMA sync; CREATE TABLE sync.windows (id int)", "sync.windows", id="a table in sync"),
        pytest.param("CREATE TYPE orders AS (id int)", "orders", id="a type"),
    ],
)
def test_somebody_elses_under_our_name_is_refused_and_nothing_is_changed(
    empty_url: str, theirs: str, name: str
) -> None:
    ask(empty_url, theirs)
    before = ask(empty_url, EVERYTHING)
    with pytest.raises(DatabaseError, match=name):
        migrate.migrate(empty_url)
    assert ask(empty_url, EVERYTHING) == before


def test_schemas_that_were_made_for_us_are_taken_and_others_live_in_them_undisturbed(empty_url: str) -> None:
    ask(
        empty_url, "CREATE TABLE theirs (id int); CREATE SCHEMA sync; CREATE SCHEMA bi; CREATE TABLE bi.orders (id int)"
    )
    assert migrate.migrate(empty_url) == REVISIONS
    migrate.check(empty_url)
    assert ask(empty_url, "SELECT * FROM theirs, bi.orders") == []


def test_a_database_from_a_newer_version_is_left_alone(url: str) -> None:
    ask(url, "UPDATE sync.alembic_version SET version_num = '9999'")
    ask(url, "UPDATE order_statuses SET name_en = 'newer'")
    before = ask(url, EVERYTHING)
    with pytest.raises(DatabaseError, match="newer version of orders-sync"):
        migrate.migrate(url)
    assert ask(url, EVERYTHING) == before
    assert {each[3] for each in names(url)} == {"newer"}


def test_a_database_that_is_not_there_is_said_in_plain_words_without_the_password_P8(server: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        migrate.migrate("postgresql://nobody:very-secret@127.0.0.1:1/none")
    assert "very-secret" not in str(caught.value)
    assert "none on 127.0.0.1:1" in str(caught.value)


def test_the_alembic_command_migrates_the_database_of_the_environment(url: str) -> None:
    alembic(url, "downgrade", "-1")
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, check=True, capture_output=True)
    alembic(url, "check")
    assert migrate.migrate(url) == []


@pytest.mark.db
@pytest.mark.parametrize("major", sorted(installed()) or [pytest.param("", marks=pytest.mark.skip("none installed"))])
def test_every_postgres_of_the_system_takes_the_tables_or_is_said_to_be_too_old(
    major: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with system_server(installed()[major], tmp_path_factory.mktemp(f"postgres-{major}")) as url:
        assert ask(url, "SHOW server_version")[0][0].startswith(major)
        if int(major) < OLDEST:
            with pytest.raises(DatabaseError, match="too old"):
                migrate.migrate(url)
            return
        assert migrate.migrate(url) == REVISIONS
        assert migrate.migrate(url) == []
        migrate.check(url)


def test_reports_by_day_have_statistics_of_the_days(url: str) -> None:
    assert ask(url, "SELECT stxname FROM pg_statistic_ext") == [("orders_shop_days",)]
