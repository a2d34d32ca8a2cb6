"""What a database says after a move, an interrupted one and a restore: no two services read on in two databases."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from orders_sync.cli import backup
from orders_sync.domain.errors import DatabaseError
from orders_sync.store import database, database_mark
from orders_sync.store.database_mark import MarkKind
from tests.support.databases import Tables, made_database
from tests.support.landed import a_world
from tests.support.terminal import Said, Terminal

NOWHERE = "http://127.0.0.1:9"
SHOP = "INSERT INTO sync.accounts (name, platform, host, seller, feed) VALUES ('shop', '1688', 'h', 's', 'updated')"


def flat(said: Said) -> str:
    """Return what was printed without the line breaks of a narrow terminal."""
    return " ".join(said.text.split())


def mark(url: str, kind: MarkKind | None, place: str = "") -> None:
    with database.session(url) as connection:
        database_mark.write(connection, kind, place)


def marked(url: str) -> database_mark.DatabaseMark | None:
    with database.session(url) as connection:
        return database_mark.read(connection)


@pytest.fixture(scope="module")
def dump(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump of tables without orders, which is only read. What it was made of has no mark afterwards."""
    file = tmp_path_factory.mktemp("dump") / "x.dump"
    with made_database(server, "dumped", template) as tables:
        backup.dump(tables.url, file, print)
        assert marked(tables.url) is None
    return file


def test_a_moved_database_says_where_to_and_is_refused_until_it_is_reopened(
    terminal: Terminal, url: str, empty_url: str
) -> None:
    terminal.describe(a_world(3), NOWHERE)
    Tables(url).execute(SHOP)
    said = terminal.run("db", "move", empty_url, DATABASE_URL=url).assert_well()
    assert "all equal" in said.out
    assert "orders-sync db reopen" in said.out
    status = terminal.run("status", DATABASE_URL=url).assert_well()
    assert "this database was moved to" in flat(status)
    assert "Set DATABASE_URL" in flat(status)
    assert "start `orders-sync run`" not in flat(status)
    assert terminal.run("status", "--check", DATABASE_URL=url).code == 4
    for command in (["sync"], ["migrate"], ["run", "--listen", "127.0.0.1:0"]):
        terminal.run(*command, DATABASE_URL=url).assert_complains("was moved to", "db reopen")
    assert Tables(url).query("SELECT action FROM sync.activity ORDER BY id DESC LIMIT 1") == [("database.move",)]
    assert marked(empty_url) is None
    assert "moved" not in terminal.run("status", DATABASE_URL=empty_url).assert_well().text
    terminal.run("migrate", DATABASE_URL=empty_url).assert_well()
    terminal.run("db", "reopen", DATABASE_URL=url).assert_well()
    terminal.run("migrate", DATABASE_URL=url).assert_well()
    assert Tables(url).query("SELECT action FROM sync.activity ORDER BY id DESC LIMIT 1") == [("database.reopen",)]
    terminal.run("db", "reopen", DATABASE_URL=url).assert_well()


def test_a_database_whose_schema_belongs_to_another_role_is_moved_all_the_same(
    terminal: Terminal, url: str, empty_url: str
) -> None:
    """Only the mark is missing then, which is reported."""
    Tables(url).execute("CREATE ROLE mover LOGIN; GRANT pg_read_all_data, pg_write_all_data TO mover")
    try:
        asked = url.replace("postgres@", "mover@").replace("postgres:@", "mover@")
        said = terminal.run("db", "move", empty_url, DATABASE_URL=asked).assert_well()
        assert "could not be marked as moved" in flat(said)
        assert marked(url) is None
        assert marked(empty_url) is None
    finally:
        Tables(url).execute("DROP OWNED BY mover; DROP ROLE mover")


def test_a_copy_that_was_not_compared_to_the_end_says_so(
    terminal: Terminal, url: str, empty_url: str, dump: Path
) -> None:
    """As after Ctrl-C, or a difference: the mark is written in the transaction that restores the copy."""
    terminal.describe(a_world(3), NOWHERE)
    backup.restore(empty_url, dump, print, copy_of="orders on old")
    found = marked(empty_url)
    assert found is not None
    assert found.orders_sync is MarkKind.UNPROVEN
    assert "unproven copy of orders on old" in backup.remains(empty_url)
    assert "dropdb" in backup.remains(empty_url)
    Tables(empty_url).execute(SHOP)
    assert "unproven copy" in flat(terminal.run("status", DATABASE_URL=empty_url).assert_well())
    terminal.run("sync", DATABASE_URL=empty_url).assert_complains("unproven copy of orders on old", "db move")
    terminal.run("db", "move", empty_url, DATABASE_URL=url).assert_complains("unproven copy", "dropdb")


@pytest.mark.parametrize("kind", MarkKind)
def test_a_dump_of_a_marked_database_is_restored_without_the_mark_and_every_row_counted(
    kind: MarkKind, url: str, empty_url: str, terminal: Terminal
) -> None:
    Tables(url).execute(SHOP)
    mark(url, kind, "orders on new")
    terminal.run("db", "dump", "x.dump", DATABASE_URL=url).assert_well()
    said = terminal.run("db", "restore", "x.dump", DATABASE_URL=empty_url).assert_well()
    assert "            1 sync.accounts" in said.out.splitlines()
    assert "            0 public.orders" in said.out.splitlines()
    assert marked(empty_url) is None


def test_a_comment_of_somebody_else_is_no_mark(url: str, terminal: Terminal) -> None:
    for comment in ("the ledger of orders", "{}", '{"orders_sync": "gone", "place": "", "at": ""}'):
        Tables(url).execute(f"COMMENT ON SCHEMA sync IS '{comment}'")
        assert marked(url) is None, comment
        said = terminal.run("migrate", DATABASE_URL=url)
        assert (said.code, said.complaints) == (0, []), comment


def test_a_place_with_quotes_is_kept_as_it_is(url: str) -> None:
    place = 'o\'rders\\ "x" on 日本'
    mark(url, MarkKind.MOVED, place)
    found = marked(url)
    assert found is not None
    assert found.place == place


def test_a_restore_beside_another_connection_is_refused(terminal: Terminal, empty_url: str, dump: Path) -> None:
    with psycopg.connect(empty_url):
        said = terminal.run("db", "restore", str(dump), DATABASE_URL=empty_url)
    said.assert_complains("1 other connection", "Stop `orders-sync run`")
    assert "1 other connection(s): waiting up to 3 s for them to end" in said.err
    assert Tables(empty_url).names() == []


def test_nothing_is_announced_that_is_refused(terminal: Terminal, url: str, empty_url: str) -> None:
    (terminal.folder / "settings.toml").write_text("[sync]\n")
    (terminal.folder / "there.dump").write_text("x")
    for command, words in (
        (["dump", "there.dump"], "exists already"),
        (["dump", "no/x.dump"], "there is no folder"),
        (["restore", "none.dump"], "no such file"),
        (["restore", "settings.toml"], "is no complete dump by `orders-sync db dump`"),
    ):
        said = terminal.run("db", *command, DATABASE_URL=url if command[0] == "dump" else empty_url)
        said.assert_complains(words)
        assert "dumping" not in said.text
        assert "restoring" not in said.text


def test_what_a_killed_dump_has_left_is_named(terminal: Terminal, url: str) -> None:
    left = terminal.folder / ".x.dump.123.unfinished"
    left.write_text("persons")
    said = terminal.run("db", "dump", "x.dump", DATABASE_URL=url).assert_well()
    assert ".x.dump.123.unfinished is what a dump that was killed has left" in flat(said)
    assert left.exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_an_interrupted_dump_says_what_is_left(
    is_there: bool, terminal: Terminal, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from orders_sync.cli import db

    file = terminal.folder / "x.dump"
    if is_there:
        file.write_text("before")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "dump", interrupted)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.chdir(terminal.folder)
    with pytest.raises(KeyboardInterrupt):
        db.dump(file, force=True)
    assert f"{file} {'is as it was' if is_there else 'was not written'}" in capsys.readouterr().err.replace("\n", " ")


def test_what_an_interruption_leaves_is_what_is_there(url: str, empty_url: str) -> None:
    assert "is still empty" in backup.remains(empty_url)
    assert "everything was restored" in backup.remains(url)
    with pytest.raises(DatabaseError):
        backup.remains(empty_url + "_missing")
