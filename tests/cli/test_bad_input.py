"""Mistakes of a user: one message that says what is wrong and what to do, exit code 1, and nothing half written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from orders_sync.cli.exit_codes import ExitCode
from orders_sync.domain.errors import DatabaseError
from orders_sync.sandbox import Faults, World
from orders_sync.store import database_errors, migrate
from tests.support.databases import Tables, made_database, on
from tests.support.terminal import CONFIGURATION, Said, Terminal, closed_port, platforms, result

ACCOUNT = """
[[accounts]]
name = "kingdo"
platform = "1688"
base_url = "http://127.0.0.1:9"
seller_nick = "kingdo"
app_id = "app"
app_secret = "secret"
history_from = "2025-01-01"
"""


@dataclass(frozen=True)
class Mistake:
    """`words` are in the message. In `variables`, PORT stands for a port nobody listens on."""

    words: tuple[str, ...]
    settings: str = ACCOUNT
    variables: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ("sync",)
    code: int = CONFIGURATION


MISTAKES = {
    "unknown platform": Mistake(
        ("accounts[0]", "kingdo", "platform", "xportcn_open", "taobao"), ACCOUNT.replace('"1688"', '"taobao"')
    ),
    "secret's variable not set": Mistake(
        ("app_secret", "KINGDO_SECRET", "not set"), ACCOUNT.replace('"secret"', '{ env = "KINGDO_SECRET" }')
    ),
    "secret's file missing": Mistake(
        ("app_secret", "/nowhere/kingdo", "No such file"), ACCOUNT.replace('"secret"', '{ file = "/nowhere/kingdo" }')
    ),
    "history in the future": Mistake(
        ("history_from", "future", "2999-01-01"), ACCOUNT.replace("2025-01-01", "2999-01-01")
    ),
    "settings that are not TOML": Mistake(("orders_sync.toml", "TOML", "line 2"), "[sync]\nworkers 4\n"),
    "settings that are not there": Mistake(("there.toml", "--config"), arguments=("sync", "--config", "there.toml")),
    "no account": Mistake(("no accounts", "orders-sync demo"), ""),
    "misspelt variable": Mistake(("ORDERS_SYNC_SYNC__LAGG", "__LAG?"), variables={"ORDERS_SYNC_SYNC__LAGG": "1s"}),
    "database URL that is none": Mistake(("DATABASE_URL", "postgresql://"), variables={"DATABASE_URL": "localhost"}),
    "database that is not reached": Mistake(
        ("127.0.0.1:PORT", "Is the server running", "DATABASE_URL"),
        variables={"DATABASE_URL": "postgresql://somebody@127.0.0.1:PORT/orders"},
        code=ExitCode.DATABASE,
    ),
    "database that does not exist": Mistake(
        ("nobody_made_this", "does not exist", "DATABASE_URL"), code=ExitCode.DATABASE
    ),
}


@dataclass(frozen=True)
class Made:
    """All mistakes, made at once on one empty database."""

    said: dict[str, Said]
    tables: Tables
    port: int


@pytest.fixture(scope="module")
def made(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    terminals = {kind: Terminal(tmp_path_factory.mktemp("mistake")) for kind in MISTAKES}
    with made_database(server, "mistakes") as tables, closed_port() as port:
        running = {}
        for kind, mistake in MISTAKES.items():
            url = on(server, "nobody_made_this") if kind == "database that does not exist" else tables.url
            given = {key: value.replace("PORT", str(port)) for key, value in mistake.variables.items()}
            terminals[kind].write(mistake.settings)
            running[kind] = terminals[kind].start(*mistake.arguments, **{"DATABASE_URL": url, **given})
        yield Made({kind: result(process) for kind, process in running.items()}, tables, port)
        for terminal in terminals.values():
            terminal.close()


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_one_clear_message(made: Made, kind: str) -> None:
    words = [word.replace("PORT", str(made.port)) for word in MISTAKES[kind].words]
    made.said[kind].assert_complains(*words, code=MISTAKES[kind].code)
    assert made.said[kind].out == ""


def test_a_mistake_leaves_the_database_as_it_was(made: Made) -> None:
    assert made.tables.names() == []


def test_wrong_usage_is_exit_code_2_and_points_to_the_help(terminal: Terminal) -> None:
    for process in [terminal.start("sync", "--acount", "x"), terminal.start("snyc"), terminal.start("order")]:
        said = result(process)
        assert said.code == 2
        assert "-h" in said.err
        assert (said.out, "Traceback" in said.err) == ("", False)


def test_somebody_elses_tables_are_not_touched(terminal: Terminal, empty_url: str) -> None:
    tables = Tables(empty_url)
    tables.execute("CREATE TABLE orders AS SELECT 42 AS theirs")
    terminal.write(ACCOUNT)
    terminal.run("sync", DATABASE_URL=empty_url).assert_complains("orders", "not ours", "database of its own")
    assert tables.names() == ["public.orders"]
    assert tables.query("SELECT * FROM orders") == [(42,)]


def test_tables_of_a_newer_version_are_not_touched(terminal: Terminal, url: str) -> None:
    tables = Tables(url)
    tables.execute("UPDATE sync.alembic_version SET version_num = '9999'")
    before = tables.names(), tables.everything()
    terminal.write(ACCOUNT)
    terminal.run("sync", DATABASE_URL=url).assert_complains("9999", "newer version of orders-sync")
    assert (tables.names(), tables.everything()) == before


def test_too_old_postgres_is_said_with_the_version_that_is_needed(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "OLDEST", 99)
    with pytest.raises(DatabaseError, match=r"PostgreSQL \d+ is too old: 99 or newer is needed"):
        migrate.migrate(empty_url)
    assert Tables(empty_url).names() == []


def test_refused_signature_is_asked_once_and_said_with_what_to_check_P6(
    terminal: Terminal, url: str, world: World
) -> None:
    tables, before = Tables(url), Tables(url).counts()
    with platforms(world) as (root, sandbox):
        terminal.describe(world, root, "sandbox-open")
        secret = world.shop("sandbox-open").account.app_secret
        terminal.write(terminal.settings.read_text().replace(secret, "not-the-secret"))
        terminal.run("sync", DATABASE_URL=url).assert_complains("sandbox-open", "Check the credentials")
        assert sandbox.stats.total() == 1
    assert tables.counts() == before


def test_a_page_for_people_in_place_of_an_answer(terminal: Terminal, url: str, world: World) -> None:
    tables, before = Tables(url), Tables(url).counts()
    with platforms(world, Faults({"html": 1.0})) as (root, _):
        terminal.describe(world, root, "sandbox-1688", extra="[sync]\nretries = 1")
        terminal.run("sync", DATABASE_URL=url).assert_complains("sandbox-1688", "base_url", "maintenance")
    assert tables.counts() == before


def test_a_platform_that_refuses_the_connection(terminal: Terminal, url: str, world: World) -> None:
    tables, before = Tables(url), Tables(url).counts()
    with closed_port() as port:
        terminal.describe(world, f"http://127.0.0.1:{port}", "sandbox-ka", extra="[sync]\nretries = 2")
        terminal.run("sync", DATABASE_URL=url).assert_complains("sandbox-ka", f"127.0.0.1:{port}", "base_url")
    assert tables.counts() == before


def test_full_disk_is_said_with_what_was_lost_and_what_to_do() -> None:
    with pytest.raises(DatabaseError) as raised, database_errors.plain_words("postgresql://somebody@db.example/orders"):
        raise psycopg.errors.DiskFull('could not extend file "base/5/16391": No space left on device')
    for words in ("orders on db.example", "No space left", "Nothing of the transaction was written", "make room"):
        assert words in str(raised.value)
