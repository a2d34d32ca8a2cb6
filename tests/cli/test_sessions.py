"""Commands on databases as others set them up: each works, or says in one sentence what to change."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from orders_sync.sandbox import World
from tests.support.databases import Tables, made_database
from tests.support.terminal import Terminal, platforms, result
from tests.support.worlds import an_hour_ago

pytestmark = pytest.mark.waits


@contextmanager
def role(url: str, attributes: str, *settings: str) -> Iterator[str]:
    """The URL by a role of its own."""
    name = f"orders_sync_commands_{os.getpid()}"
    tables = Tables(url)
    tables.execute(f"CREATE ROLE {name} LOGIN {attributes} PASSWORD 'x'")
    for setting in settings:
        tables.execute(f"ALTER ROLE {name} SET {setting}")
    try:
        yield url.replace("//postgres@", f"//{name}:x@")
    finally:
        tables.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER")
        tables.execute(f"DROP OWNED BY {name}")
        tables.execute(f"DROP ROLE {name}")


@pytest.fixture
def local(server: str) -> None:
    if "//postgres@" not in server:
        pytest.skip("roles of TEST_DATABASE_URL's server may not log in as these do")


@pytest.mark.usefixtures("local")
def test_a_role_with_time_outs_encoding_and_read_only_of_its_own_syncs_into_a_schema_that_was_made_for_us(
    terminal: Terminal, empty_url: str, world: World
) -> None:
    Tables(empty_url).execute("CREATE SCHEMA sync")  # empty, so it is nobody else's
    odd: tuple[str, ...] = (
        "statement_timeout = 1",
        "lock_timeout = 1",
        "client_encoding = 'LATIN1'",
        "search_path = pg_catalog",
    )
    odd += ("idle_in_transaction_session_timeout = 1", "default_transaction_read_only = on", "TimeZone = 'Asia/Tokyo'")
    with role(empty_url, "SUPERUSER", *odd) as url, platforms(world) as (root, _):
        terminal.variables["DATABASE_URL"] = url
        terminal.describe(world, root, "sandbox-ka")
        for command in ("migrate", "doctor", "sync", "status", "audit"):
            terminal.run(command).assert_well()
        truth = {each["account"]: each for each in terminal.run("verify", root, "--json").json}
        assert (truth["sandbox-ka"]["missed"], truth["sandbox-ka"]["different"]) == ([], {})


@pytest.mark.usefixtures("local")
def test_missing_rights_are_reported_by_doctor_and_migrate_as_statements(terminal: Terminal, empty_url: str) -> None:
    with role(empty_url, "") as url:
        name = url.split("//")[1].split(":")[0]
        grant = f"GRANT CREATE, USAGE ON SCHEMA public TO {name}"
        said = terminal.run("doctor", "--json", DATABASE_URL=url)
        assert [each["found"] for each in said.json if not each["is_well"]] == [
            f"the role lacks rights: as an owner of the database run GRANT CREATE ON DATABASE "
            f"{Tables(empty_url).query('SELECT current_database()')[0][0]} TO {name}; {grant}"
        ]
        terminal.run("migrate", DATABASE_URL=url).assert_complains(grant, "Nothing was changed")
        terminal.run("status", DATABASE_URL=url).assert_complains("no tables", "orders-sync migrate")


def test_a_database_that_is_not_utf8_is_refused_by_every_command(terminal: Terminal, server: str) -> None:
    with made_database(server, "latin", "template0 ENCODING 'LATIN1' LOCALE 'C'") as tables:
        terminal.variables["DATABASE_URL"] = tables.url
        for command in ("migrate", "status"):
            terminal.run(command).assert_complains("LATIN1", "ENCODING 'UTF8' TEMPLATE template0")
        said = terminal.run("doctor")
        assert said.code == 1
        assert "ENCODING 'UTF8'" in said.out


def test_a_pass_whose_connections_are_cut_ends_in_one_sentence_or_well(
    terminal: Terminal, url: str, world: World
) -> None:
    """No traceback of the driver, however often and wherever it happens. No connection lives longer than 0.15 s.

    Windows that nobody could release are free at once for the next command.
    """
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s AND datname = %s "
        "AND backend_start < clock_timestamp() - interval '0.1 s'"
    )
    expire = "UPDATE sync.windows SET lease_until = clock_timestamp() WHERE state = 'running'"
    last = an_hour_ago().date()
    days = ["--from", str(last - timedelta(days=3)), "--to", str(last)]
    backfill = ["backfill", "--account", "sandbox-ka", *days, "--everything", "--yes", "--wait"]
    tables, over = Tables(url), threading.Event()
    name = tables.query("SELECT current_database()")[0][0]

    def rage() -> None:
        while not over.wait(0.05):
            tables.query(cut, "orders-sync%", name)

    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (root, _):
        terminal.describe(world, root)
        raging = threading.Thread(target=rage)
        raging.start()
        try:
            said = []
            for command in (["sync"], ["status"], ["sync"], backfill, ["audit"]):
                said.append(terminal.run(*command))
                tables.execute(expire)
        finally:
            over.set()
            raging.join()
        for each in said:
            assert "Traceback" not in each.text
            assert "never retrieved" not in each.text
            assert "internal error" not in each.text
        assert result(terminal.start("sync")).code == 0


@pytest.mark.usefixtures("local")
def test_connections_that_are_all_in_use_are_said_so(terminal: Terminal, url: str) -> None:
    tables = Tables(url)
    name = tables.query("SELECT current_database()")[0][0]
    tables.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    with role(url, "", "work_mem = '4MB'") as limited:
        said = terminal.run("status", DATABASE_URL=limited).assert_complains(
            "takes no more connections", "max_connections"
        )
    assert "reached" not in said
