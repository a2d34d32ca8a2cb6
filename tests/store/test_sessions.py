"""Sessions are what the product relies on, whatever the environment, the role, the database or the URL says."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orders_sync import embedded_postgres
from orders_sync.domain.errors import DatabaseError
from orders_sync.service import queue
from orders_sync.store import database, migrate, session_settings
from tests.support.homes import Homes
from tests.support.prepared_server import folder_of_run

_numbers = itertools.count(1)
ODD = {  # settings that somebody may have made, and what a session must have instead
    "client_encoding": ("LATIN1", "UTF8"),
    "DateStyle": ("German, DMY", "ISO, YMD"),
    "TimeZone": ("Asia/Kathmandu", "UTC"),
    "IntervalStyle": ("sql_standard", "postgres"),
    "default_transaction_isolation": ("serializable", "read committed"),
    "default_transaction_read_only": ("on", "off"),
    "statement_timeout": ("1ms", "0"),
    "lock_timeout": ("1ms", "0"),
    "idle_session_timeout": ("1h", "0"),
    "idle_in_transaction_session_timeout": ("1h", "10min"),
    "standard_conforming_strings": ("off", "on"),
    "bytea_output": ("escape", "hex"),
    "extra_float_digits": ("-15", "1"),
    "search_path": ("pg_catalog", "public"),
    "jit": ("on", "off"),
}
MADE = {name: value for name, (_, value) in ODD.items()}


def shows(connection: database.Session) -> dict[str, object]:
    return {name: connection.execute(f"SHOW {name}".encode()).fetchone()[0] for name in ODD}  # type: ignore[index]


@contextmanager
def role(url: str, **settings: str) -> Iterator[str]:
    """The URL by a superuser of its own with these settings."""
    name = f"orders_sync_role_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as owner:
        identifier = sql.Identifier(name)
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD 'x'").format(identifier))
        for setting, value in settings.items():
            change = sql.SQL("ALTER ROLE {} SET {} TO {}").format(identifier, sql.Identifier(setting), value)
            owner.execute(change)
        try:
            yield make_conninfo(url, user=name, password="x")
        finally:
            owner.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(identifier))
            owner.execute(sql.SQL("DROP OWNED BY {}").format(identifier))
            owner.execute(sql.SQL("DROP ROLE {}").format(identifier))


def options(url: str, text: str) -> str:
    return f"{url}&options={quote(text)}"


def test_settings_of_a_role_are_set_right(empty_url: str) -> None:
    with role(empty_url, **{name: odd for name, (odd, _) in ODD.items()}) as url, database.session(url) as connection:
        assert shows(connection) == MADE


async def test_settings_that_a_busy_server_ends_by_the_roles_time_out_are_applied_again_and_again(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_at_first(version: int, search_path: str = "public") -> bytes:
        slow = b"SELECT CASE WHEN nextval('public.attempts') <= 20 THEN pg_sleep(60) END;"
        return slow + session_settings.statements(version, search_path)

    monkeypatch.setattr(database, "statements", slow_at_first)
    with role(empty_url, statement_timeout="10ms") as url:
        with psycopg.connect(empty_url) as owner:
            owner.execute("CREATE SEQUENCE attempts")
        with database.session(url) as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)
        with psycopg.connect(empty_url) as owner:
            owner.execute("ALTER SEQUENCE attempts RESTART")
        async with database.connected(url, 1) as pool, pool.connection() as lent:
            assert await (await lent.execute("SHOW statement_timeout")).fetchone() == ("0",)


async def test_a_server_that_never_applies_the_settings_in_time_is_given_up(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SETTING_SECONDS", 0.05)
    monkeypatch.setattr(database, "statements", lambda *_: b"SELECT pg_sleep(60)")
    with role(empty_url, statement_timeout="10ms") as url:
        with pytest.raises(DatabaseError, match="statement timeout"), database.session(url):
            pass
        with pytest.raises(DatabaseError, match="statement timeout"):
            async with database.connected(url, 1):
                pass


def test_settings_of_the_environment_are_set_right(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGCLIENTENCODING": "GBK", "PGTZ": "Asia/Kathmandu", "PGDATESTYLE": "German"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGOPTIONS", "-c search_path=pg_catalog -c default_transaction_read_only=on -c lock_timeout=1h")
    with database.session(empty_url) as connection:
        assert shows(connection) == MADE


def test_settings_of_the_database_are_set_right(empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as owner:
        name = sql.Identifier(owner.info.dbname)
        for setting, (odd, _) in ODD.items():
            if setting != "default_transaction_read_only":  # that one is obeyed
                owner.execute(sql.SQL("ALTER DATABASE {} SET {} TO {}").format(name, sql.Identifier(setting), odd))
    with database.session(empty_url) as connection:
        assert shows(connection) == MADE


def test_settings_of_the_url_are_kept_but_for_what_the_product_relies_on(empty_url: str) -> None:
    url = (
        options(empty_url, "-c work_mem=5MB -c search_path=pg_catalog -c orders.endpoint=ep-1") + "&client_encoding=GBK"
    )
    with database.session(url) as connection:
        assert shows(connection) == MADE
        assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)
        assert connection.execute("SHOW orders.endpoint").fetchone() == ("ep-1",)


async def test_the_pool_and_the_queue_have_the_same_settings(url: str) -> None:
    with role(url, **{name: odd for name, (odd, _) in ODD.items()}) as odd:
        async with database.connected(odd, 1) as pool, pool.connection() as connection:
            for name, value in MADE.items():
                assert await (await connection.execute(f"SHOW {name}".encode())).fetchone() == (value,)
        async with queue.open_queue(odd) as jobs:
            await jobs.enqueue(queue.DRAIN, "门店")
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT args ->> 'account' FROM sync_jobs.procrastinate_jobs").fetchall()
    assert found == [("门店",)]


async def test_texts_land_as_they_are_whatever_the_environment_encodes_in(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "GBK")
    async with database.connected(url, 1) as pool, pool.connection() as connection:
        await connection.execute("CREATE TEMP TABLE texts (text text)")
        async with connection.cursor().copy("COPY texts FROM STDIN") as copy:
            await copy.write("上海 红色 é\n".encode())
        assert await (await connection.execute("SELECT text FROM texts")).fetchone() == ("上海 红色 é",)


@pytest.mark.parametrize("schema", ["shop", "sync_jobs"])
def test_tables_are_in_public_and_sync_whatever_the_role_is_called(empty_url: str, schema: str) -> None:
    """A schema of the role's name comes first in PostgreSQL's own search path."""
    with psycopg.connect(empty_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER").format(sql.Identifier(schema)))
        try:
            if schema == "shop":
                owner.execute("CREATE SCHEMA shop")
            asked = make_conninfo(empty_url, user=schema)
            migrate.migrate(asked)
            assert migrate.migrate(asked) == []
            migrate.check(asked)
            made = "SELECT schemaname FROM pg_tables WHERE tablename IN ('orders', 'windows', 'procrastinate_jobs')"
            assert {name for (name,) in owner.execute(made)} == {"public", "sync", "sync_jobs"}
        finally:
            owner.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(sql.Identifier(schema)))
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(schema)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(schema)))


def test_a_host_that_is_down_is_passed_over(empty_url: str) -> None:
    asked = conninfo_to_dict(empty_url)
    several = make_conninfo(empty_url, host=f"/nowhere,{asked['host']}", port=f"{asked.get('port', 5432)}")
    with database.session(several) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_CN"])
def test_a_database_that_is_not_utf8_is_refused_with_the_remedy(server: str, encoding: str) -> None:
    name = f"orders_sync_{encoding.lower()}_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0".encode())
        try:
            with pytest.raises(DatabaseError, match=rf"{encoding}.*CREATE DATABASE orders ENCODING 'UTF8'"):
                migrate.migrate(make_conninfo(server, dbname=name))
        finally:
            owner.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def test_a_database_made_read_only_is_obeyed_and_may_still_be_asked(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        name = owner.info.dbname
        owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only TO on".encode())
    with pytest.raises(DatabaseError, match=f'read-only.*ALTER DATABASE "{name}" RESET'):
        async with database.connected(url, 1):
            pass
    with database.session(url) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    migrate.check(url)
    with pytest.raises(DatabaseError, match="is read-only by a setting of the database"):
        migrate.migrate(url)


def test_migrating_a_read_only_database_says_why_it_cannot(empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {owner.info.dbname} SET default_transaction_read_only TO on".encode())
    with pytest.raises(DatabaseError, match="is read-only by a setting of the database"):
        migrate.migrate(empty_url)


def test_rights_that_are_missing_are_said_as_the_statements_that_give_them(empty_url: str) -> None:
    with role(empty_url) as url, psycopg.connect(empty_url, autocommit=True) as owner:
        name = conninfo_to_dict(url)["user"]
        owner.execute(f"ALTER ROLE {name} NOSUPERUSER".encode())
        owner.execute(f"REVOKE TEMP ON DATABASE {owner.info.dbname} FROM public".encode())
        with pytest.raises(DatabaseError, match="lacks rights") as raised:
            migrate.migrate(url)
        for grant in str(raised.value).partition("run ")[2].removesuffix(". Nothing was changed").split("; "):
            owner.execute(grant.encode())
        assert migrate.migrate(url)


SPOILED = {
    "read-only": ["SET default_transaction_read_only TO on", "DELETE FROM orders"],
    "other tables": [
        "SELECT * FROM things",
        "DO $$BEGIN EXECUTE 'ALTER TABLE things ADD COLUMN two int'; END$$",
        "SELECT * FROM things",
    ],
    "other server process": ["PREPARE _pg3_0 AS SELECT 1", "SELECT 2"],
}


@pytest.mark.parametrize("statements", SPOILED.values(), ids=SPOILED)
async def test_a_connection_that_goes_on_failing_is_thrown_away(url: str, statements: list[str]) -> None:
    async def spoil() -> None:
        async with pool.connection() as connection:
            for statement in statements:
                await connection.execute(statement.encode(), prepare=statement.startswith("SELECT"))

    async with database.connected(url, 1) as pool:
        async with pool.connection() as connection:
            before = connection.info.backend_pid
            await connection.execute("CREATE TEMP TABLE things (one int)")
        with pytest.raises(psycopg.Error):
            await spoil()
        async with pool.connection() as connection:
            assert connection.info.backend_pid != before
            await connection.execute("DELETE FROM orders")


def test_an_unknown_parameter_of_a_url_is_named(empty_url: str) -> None:
    with pytest.raises(DatabaseError, match=r'"schema".*libpq'), database.session(f"{empty_url}&schema=public"):
        pass


def test_a_url_that_asks_for_a_service_finds_it(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{key}={value}" for key, value in conninfo_to_dict(empty_url).items()]
    (tmp_path / "services").write_text("\n".join(["[shop]", *lines]))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    with database.session("postgresql:///?service=shop") as connection:
        assert connection.info.dbname == conninfo_to_dict(empty_url)["dbname"]


@pytest.mark.db
def test_the_embedded_server_is_used_whatever_the_environment_says(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Homes(folder_of_run(tmp_path_factory)).migrated(tmp_path).home
    for name, value in {
        "PGSERVICE": "nowhere",
        "PGOPTIONS": "-c nonsense=1",
        "PGTZ": "Mars",
        "PGCLIENTENCODING": "none",
        "PGSSLMODE": "nonsense",
        "PGREQUIREAUTH": "scram-sha-256",
        "PGTARGETSESSIONATTRS": "standby",
    }.items():
        monkeypatch.setenv(name, value)
    with embedded_postgres.running(home) as running, database.session(running.url) as connection:
        assert shows(connection) == MADE
