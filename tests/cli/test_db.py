"""`orders-sync migrate` and `orders-sync db`: the database itself."""

from __future__ import annotations

import io
import os
import pty
from contextlib import suppress
from pathlib import Path

import psycopg

from orders_sync import embedded_postgres
from orders_sync.store import schema
from tests.support.databases import Tables
from tests.support.homes import Homes
from tests.support.landed import Landed
from tests.support.terminal import PROGRAM, Terminal


def test_without_tables_the_check_says_what_to_do_and_changes_nothing(terminal: Terminal, empty_url: str) -> None:
    terminal.run("migrate", "--check", DATABASE_URL=empty_url).assert_complains("orders-sync migrate")
    assert Tables(empty_url).names() == []


def test_migrate_makes_the_tables_once(homes: Homes, tmp_path: Path) -> None:
    """In a database of its own where none is given. `--json` lists the revisions; `--check` passes afterwards."""
    assert homes.migrate().assert_well().json["applied"][-1] == schema.HEAD
    terminal = homes.migrated(tmp_path / "migrated")
    with embedded_postgres.running(terminal.home) as server:
        tables = Tables(server.url)
        made = tables.names()
        assert {"public.orders", "public.raw_orders", "sync.windows"} <= set(made)
        assert "up to date" in terminal.run("migrate").assert_well().err
        for command in (["migrate", "--json"], ["migrate", "--check", "--json"]):
            assert terminal.run(*command).assert_well().json == {"applied": []}
        said = terminal.run("migrate", "--check").assert_well()
        assert (said.out, said.err) == ("", "the tables are those of this version\n")
        assert tables.names() == made
    terminal.close()


def test_a_table_that_was_changed_by_hand_is_found(terminal: Terminal, url: str) -> None:
    Tables(url).execute("ALTER TABLE orders DROP COLUMN closed_by")
    terminal.run("migrate", "--check", DATABASE_URL=url).assert_complains("closed_by")


def test_url_is_one_line_any_client_takes(landed: Landed) -> None:
    said = landed.terminal.run("db", "url").assert_well()
    with psycopg.connect(said.out.strip()) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (300,)
    assert said.out.count("\n") == 1


def test_shell_finds_the_tables_whatever_the_role_is_called(landed: Landed) -> None:
    """And takes what the user has set up for psql, and every parameter of the URL."""
    (landed.terminal.folder / "my psqlrc").write_text("\\set QUIET on\n\\pset null NOTHING\n")
    tables = landed.tables
    tables.execute("CREATE ROLE shell_shop LOGIN SUPERUSER")
    tables.execute("CREATE SCHEMA shell_shop CREATE TABLE orders ()")
    try:
        said = landed.terminal.run(
            *("db", "shell", "--", "-Atc", "SELECT count(*), NULL FROM orders"),
            DATABASE_URL=tables.url.replace("postgres@", "shell_shop@") + "&keepalives_idle=7&application_name=shop",
            PSQLRC=str(landed.terminal.folder / "my psqlrc"),
        )
    finally:
        tables.execute("DROP SCHEMA shell_shop CASCADE; DROP ROLE shell_shop")
    assert (said.code, said.out, said.err) == (0, "300|NOTHING\n", "")


def test_shell_is_psql_and_its_exit_code_is_passed_on(landed: Landed) -> None:
    assert landed.terminal.run("db", "shell", "--", "-Atc", "SELECT 1").assert_well().out == "1\n"
    assert landed.terminal.run("db", "shell", "--", "-c", "SELECT nonsense").code == 1


def test_arguments_of_psql_need_no_dashes_before_them(landed: Landed) -> None:
    assert landed.terminal.run("db", "shell", "-Atc", "SELECT 1").assert_well().out == "1\n"
    assert landed.terminal.run("db", "shell", "-At", "-c", "SELECT 1", "-c", "SELECT 2").assert_well().out == "1\n2\n"


SLEEPING = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"


def test_ctrl_c_in_the_shell_cancels_the_query_and_psql_goes_on(landed: Landed) -> None:
    """Send SIGINT as a terminal does: to psql and to us."""
    arguments = [str(PROGRAM), "db", "shell", "-At", "--no-readline", "--pset=pager=off"]
    variables = {**os.environ, **landed.terminal.variables, "TERM": "dumb", "PSQL_HISTORY": "/dev/null"}
    process, screen = pty.fork()
    if process == 0:
        os.chdir(landed.terminal.folder)
        os.execve(PROGRAM, arguments, variables)
    with os.fdopen(screen, "r+b", buffering=0) as shell:
        typed(shell, b"SELECT 'it ' || 'waits'; SELECT pg_sleep(600);\n", b"it waits")
        while not landed.tables.query(SLEEPING):  # between two queries psql takes no notice of Ctrl-C
            pass
        typed(shell, b"\x03", b"canceling statement due to user request")
        typed(shell, b"SELECT 'still ' || 'here';\n", b"still here")
        shell.write(b"\\q\n")
        with suppress(OSError):  # EIO: the other side is closed
            while shell.read(1024):
                pass
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def typed(shell: io.FileIO, keys: bytes, answer: bytes) -> None:
    """Type into a terminal and return once the answer stands on it."""
    shell.write(keys)
    seen = b""
    while answer not in seen:
        part = shell.read(1024)
        assert part, seen
        seen += part
