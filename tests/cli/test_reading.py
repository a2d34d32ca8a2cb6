"""Commands that need what is stored make and migrate no database; those that only read need no right to write."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.databases import Tables
from tests.support.landed import Landed
from tests.support.terminal import Terminal, result

NEEDING_TABLES = (
    ("status",),
    ("order", "1"),
    ("accounts", "list"),
    ("rejects", "list"),
    ("rejects", "show", "1"),
    ("backfill", "list"),
    ("verify", "http://127.0.0.1:1"),
    ("rejects", "replay"),
    ("rejects", "drop", "1", "--yes"),
    ("backfill", "cancel", "1"),
    ("renormalize",),
    ("accounts", "resume", "kingdo"),
)
CONNECTORS = (("db", "url"), ("db", "shell", "--", "-c", "SELECT 1"), ("migrate", "--check"))
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def test_a_shell_without_its_database_url_makes_no_database(terminal: Terminal) -> None:
    for process in [terminal.start(*command) for command in (*NEEDING_TABLES, *CONNECTORS, ("db", "serve"))]:
        result(process).assert_complains("no database yet", "DATABASE_URL is not set", str(terminal.home))
    said = terminal.run("doctor").assert_well()
    assert f"the first `sync` creates it in {terminal.home}" in said.out
    assert not terminal.home.exists()


def test_without_tables_nobody_who_reads_makes_them(terminal: Terminal, empty_url: str) -> None:
    for process in [terminal.start(*command, DATABASE_URL=empty_url) for command in NEEDING_TABLES]:
        result(process).assert_complains("no tables of orders-sync yet", "orders-sync migrate")
    terminal.run("doctor", DATABASE_URL=empty_url).assert_well()
    terminal.run("db", "url", DATABASE_URL=empty_url).assert_well()
    assert Tables(empty_url).names() == []


OTHER_VERSIONS = {
    "0001": ("older than", "run `orders-sync migrate`"),
    "9999": ("9999", "needs a newer version of orders-sync"),
    "3f2a9c77d1e0": ("another program's", "3f2a9c77d1e0", "database of its own"),
}


def test_tables_of_another_version_are_said_and_stay_as_they_are(terminal: Terminal, tables: Tables) -> None:
    terminal.write(SHOP)
    terminal.variables["DATABASE_URL"] = tables.url
    for version, words in OTHER_VERSIONS.items():
        tables.execute("UPDATE sync.alembic_version SET version_num = %s", version)
        before = tables.names(), tables.everything()
        # which commands look at the version, and what is said of each version, do not depend on each other
        commands = NEEDING_TABLES if version == "0001" else (*NEEDING_TABLES[:2], ("sync",), ("migrate",))
        for process in [terminal.start(*command) for command in commands]:
            result(process).assert_complains(*words)
        doctor = terminal.run("doctor")
        assert version == "0001" or "✗ tables: its " in doctor.out
        assert (tables.names(), tables.everything()) == before, version


SHOP = """
[[accounts]]
name = "shop"
platform = "1688"
base_url = "http://127.0.0.1:9"
seller_nick = "shop"
app_id = "app"
app_secret = "secret"
history_from = "2026-01-01"
"""


@pytest.mark.parametrize(
    ("theirs", "named"),
    [
        ("CREATE TABLE orders AS SELECT 42 AS theirs", "orders"),
        ("CREATE VIEW raw_orders AS SELECT 42 AS theirs", "raw_orders"),
        ("CREATE TYPE orders AS ENUM ('theirs')", "orders"),
        ("CREATE SEQUENCE sub_orders", "sub_orders"),
        ("CREATE SCHEMA sync; CREATE TABLE sync.jobs (id int)", "schema sync"),
        ("CREATE SCHEMA sync; CREATE FUNCTION sync.theirs() RETURNS int LANGUAGE sql AS 'SELECT 42'", "schema sync"),
        ("CREATE SCHEMA sync_jobs; CREATE VIEW sync_jobs.theirs AS SELECT 42 AS theirs", "schema sync_jobs"),
    ],
)
def test_what_stands_under_our_names_is_not_touched(
    terminal: Terminal, empty_url: str, theirs: str, named: str
) -> None:
    tables = Tables(empty_url)
    for statement in theirs.split("; "):
        tables.execute(statement)
    before = tables.names()
    terminal.write(SHOP)
    commands = [["sync"]]
    if named == "raw_orders":  # which commands look does not depend on what they find
        commands += [["status"], ["migrate"], ["run", "--listen", "127.0.0.1:0"]]
        assert f"✗ tables: {named}: not ours" in terminal.run("doctor", DATABASE_URL=empty_url).out
    for process in [terminal.start(*command, DATABASE_URL=empty_url) for command in commands]:
        result(process).assert_complains(named, "not ours", "database of its own")
    assert tables.names() == before


@pytest.fixture
def operations(landed: Landed) -> Iterator[str]:
    """The URL of a login of the role that the documentation describes, with just its grants."""
    prefix = f"t{os.getpid()}_"
    block = re.search(r"```sql\n(CREATE ROLE operations;.*?)```", OPERATIONS.read_text(), re.DOTALL)
    assert block
    for statement in re.sub(r"--.*", "", block[1]).split(";"):
        if statement.strip():
            landed.tables.execute(re.sub(r"\boperations\b", f"{prefix}operations", statement))
    role = f"{prefix}operations"
    landed.tables.execute(f"ALTER ROLE {role} LOGIN PASSWORD 'password'")
    parts = conninfo_to_dict(landed.tables.url)
    host, port = parts.get("host", ""), parts.get("port", "")
    yield f"postgresql://{role}:password@/{parts['dbname']}?host={host}&port={port}"
    landed.tables.execute(f"DROP OWNED BY {role}")
    landed.tables.execute(f"DROP ROLE {role}")


@pytest.fixture
def operator(landed: Landed) -> Iterator[str]:
    """The URL of a login that is a member of `orders_operator`."""
    role = f"t{os.getpid()}_operator"
    landed.tables.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'password' IN ROLE orders_operator")
    parts = conninfo_to_dict(landed.tables.url)
    host, port = parts.get("host", ""), parts.get("port", "")
    yield f"postgresql://{role}:password@/{parts['dbname']}?host={host}&port={port}"
    landed.tables.execute(f"DROP ROLE {role}")


def test_doctor_says_which_roles_of_the_console_a_login_may_not_take(landed: Landed, operator: str) -> None:
    found = {each["what"]: each for each in landed.terminal.run("doctor", "--json", DATABASE_URL=operator).json}
    assert "GRANT orders_console TO t" in found["roles for readers"]["advice"]
    assert "orders_operator" not in found["roles for readers"]["advice"]
    assert "! roles for readers: " in landed.terminal.run("doctor", DATABASE_URL=operator).out
    assert "roles for readers" not in landed.terminal.run("doctor").out


def test_an_operator_can_use_the_commands_that_read_and_sees_no_person(landed: Landed, operator: str) -> None:
    [(order_id,)] = landed.tables.query("SELECT order_id FROM orders WHERE buyer_name IS NOT NULL ORDER BY 1 LIMIT 1")
    commands = (
        ["status"],
        ["order", order_id],
        ["order", order_id, "--json"],
        ["accounts", "list"],
        ["rejects", "list"],
        ["rejects", "list", "--ids"],
        ["backfill", "list"],
        ["audit", "list"],
    )
    for process in [landed.terminal.start(*command, DATABASE_URL=operator) for command in commands]:
        assert "buyer_name" not in result(process).assert_well().out
    absent = landed.terminal.run("order", "31415926535", "--json", DATABASE_URL=operator)
    assert absent.json[0]["order"] is None


def test_the_role_that_the_documentation_describes_can_use_every_reading_command(
    landed: Landed, operations: str
) -> None:
    [(order_id,)] = landed.tables.query("SELECT order_id FROM orders ORDER BY platform, order_id LIMIT 1")
    status = (["status"], ["status", "--problems", "--orders"], ["status", "--json"])
    lists = (["accounts", "list"], ["rejects", "list"], ["backfill", "list"], ["audit", "list"])
    commands = (*status, ["order", order_id], *lists)
    for process in [landed.terminal.start(*command, DATABASE_URL=operations) for command in commands]:
        result(process).assert_well()
    for command in (["order", order_id, "--raw"], ["rejects", "show", "1"], ["renormalize"]):
        message = landed.terminal.run(*command, DATABASE_URL=operations).assert_complains("permission denied", "grants")
        assert "CREATE on the database" not in message
