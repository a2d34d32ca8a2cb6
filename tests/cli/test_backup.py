"""`orders-sync db dump`, `restore` and `move`: what is typed in docs/operations.md, by an ordinary role."""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import psycopg
import pytest

from orders_sync import embedded_postgres
from orders_sync.embedded_postgres import binaries
from orders_sync.store.session_settings import OLDEST
from tests.support.databases import Tables, on
from tests.support.homes import Homes
from tests.support.landed import Landed
from tests.support.servers import installed, system_server
from tests.support.terminal import Said, Terminal, closed_port

DOC = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
PAGE = DOC[DOC.index("## Back up and restore") : DOC.index("## Reading the ledger")]
DUMP, RESTORE, MOVE = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
ROWS = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} AS t"
# a cluster's own numbers of transactions: they begin anew where the tables are restored, by an update of the rows,
# which also writes down the moment of a refund that followed from the row until then
CHANGED = (
    "SELECT md5(string_agg(t::text, '|' ORDER BY t::text))"
    " FROM (SELECT to_jsonb(t) - 'changed_xid' - 'refunded_at' FROM {} AS t) AS t"
)
COMPARED = ("orders", "sub_orders", "raw_orders", "order_history", "sync.accounts", "sync.windows", "order_statuses")
ACTED = "SELECT action, details ->> 'file' FROM sync.activity ORDER BY id DESC LIMIT 1"
PROCESSES = "SELECT id FROM sync.processes"
MAJORS = [major for major in sorted(installed()) if int(major) >= OLDEST]


@dataclass
class Place:
    """A server, and the ordinary role `orders` on it."""

    server: str

    def url(self, database: str) -> str:
        return on(self.server, database).replace("postgres@", "orders@").replace("postgres:@", "orders@")

    def close(self) -> None:
        tables = Tables(self.server)
        for (name,) in tables.query("SELECT datname FROM pg_database WHERE datdba = 'orders'::regrole"):
            tables.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        tables.execute("DROP ROLE orders")


@pytest.fixture
def place(server: str) -> Iterator[Place]:
    Tables(server).execute("CREATE ROLE orders LOGIN CREATEDB")
    made = Place(server)
    yield made
    made.close()


def make(place: Place, name: str, owner: str = "orders") -> str:
    Tables(place.server).execute(f"CREATE DATABASE {name} OWNER {owner}")
    return place.url(name)


def typed(terminal: Terminal, block: str, **variables: str) -> Said:
    """A block of the documents as somebody types it, with our programs and Postgres's on the path."""
    path = f"{binaries.wheel()}:/usr/bin:/bin"
    done = terminal.shell(f"set -eu\n{block}", HOME=str(terminal.folder), PATH=path, **variables)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def assert_same(left: str, right: str) -> None:
    for table in COMPARED:
        query = (CHANGED if table in ("orders", "order_history") else ROWS).format(table)
        assert Tables(left).query(query) == Tables(right).query(query), table
    refunds = "SELECT platform, order_id, refunded_at, is_refund_day_estimated FROM bi.orders ORDER BY 1, 2"
    assert Tables(left).query(refunds) == Tables(right).query(refunds)
    views = "SELECT viewname FROM pg_views WHERE schemaname = 'bi' ORDER BY 1"
    assert Tables(left).query(views) == Tables(right).query(views) != []


@pytest.fixture(scope="module")
def running(landed: Landed) -> Iterator[None]:
    """A process that is listed as running while tables are dumped and moved."""
    landed.tables.execute(
        "INSERT INTO sync.processes (id, parts, version, tables, host, pid, misconfigured, seen_at) "
        "VALUES ('gone', '{worker}', '1', '1', 'host', 1, '{}', now())"
    )
    yield
    landed.tables.execute("DELETE FROM sync.processes")


@pytest.fixture(scope="module")
def dumped(landed: Landed, running: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump that tests only read."""
    typed(landed.terminal, DUMP).assert_well()
    return (landed.terminal.folder / "orders.dump").rename(tmp_path_factory.mktemp("dumped") / "orders.dump")


def test_the_documented_restore_gives_back_every_row_but_no_process_and_the_next_sync_goes_on(
    landed: Landed, place: Place, dumped: Path
) -> None:
    shutil.copy(dumped, landed.terminal.folder / "orders.dump")
    url = place.url("orders_restored")
    said = typed(landed.terminal, RESTORE, ADMIN_URL=place.server, RESTORED_URL=url).assert_well()
    assert "restored" in said.out
    assert_same(landed.tables.url, url)
    assert Tables(url).query(ACTED) == [("database.restore", "orders.dump")]
    assert [Tables(each).query(PROCESSES) for each in (landed.tables.url, url)] == [[("gone",)], []]
    landed.terminal.run("migrate", "--check", DATABASE_URL=url).assert_well()
    landed.terminal.run("sync", DATABASE_URL=url).assert_well()
    (landed.terminal.folder / "orders.dump").unlink()


@pytest.mark.usefixtures("running")
def test_the_documented_move_compares_every_row_and_deletes_nothing(landed: Landed, place: Place) -> None:
    """But processes: those that are listed do not run there."""
    before = landed.tables.counts()
    url = place.url("orders")
    said = typed(landed.terminal, MOVE, ADMIN_URL=place.server, NEW_URL=url).assert_well()
    assert "all equal" in said.out
    assert landed.tables.counts() == Tables(url).counts() == before
    assert_same(landed.tables.url, url)
    assert [Tables(each).query(ACTED) for each in (landed.tables.url, url)] == [[("database.move", None)]] * 2
    assert [Tables(each).query(PROCESSES) for each in (landed.tables.url, url)] == [[("gone",)], []]
    landed.terminal.run("db", "reopen").assert_well()


@pytest.mark.parametrize("major", MAJORS or [pytest.param("", marks=pytest.mark.skip("none installed"))])
def test_a_move_to_every_supported_version_of_the_system(
    major: str, landed: Landed, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with system_server(installed()[major], tmp_path_factory.mktemp(f"postgres-{major}")) as other:
        Tables(other).execute("CREATE ROLE orders LOGIN")
        url = make(Place(other), "orders")
        said = landed.terminal.run("db", "move", url).assert_well()
        assert "all equal" in said.out
        assert_same(landed.tables.url, url)
        landed.terminal.run("db", "reopen").assert_well()
        back = landed.terminal.run("db", "dump", "back.dump", DATABASE_URL=url).assert_well()
        assert "back.dump" in back.out


def test_a_dump_that_was_cut_short_restores_nothing(landed: Landed, place: Place, dumped: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.dump"
    url = make(place, "cut_short")
    for share in (0.02, 0.3, 0.6, 0.9, 0.999):
        short.write_bytes(dumped.read_bytes()[: int(dumped.stat().st_size * share)])
        landed.terminal.run("db", "restore", str(short), DATABASE_URL=url).assert_complains("end of file")
        assert Tables(url).names() == [], share


@pytest.fixture(scope="module")
def embedded(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """The terminal of somebody whose tables are in the embedded server."""
    terminal = homes.migrated(tmp_path_factory.mktemp("embedded"))
    yield terminal
    terminal.close()


@pytest.fixture(scope="module")
def guarded(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitResult]:
    """The URL of a server that asks for a password."""
    with closed_port() as port:
        pass
    terminal = homes.migrated(tmp_path_factory.mktemp("guarded"))  # one that is made anew costs a second
    with embedded_postgres.running(terminal.home, listen=f"127.0.0.1:{port}") as server:
        assert server.tcp_url is not None
        yield urlsplit(server.tcp_url)
    terminal.close()


@pytest.fixture(scope="module")
def moved(embedded: Terminal, guarded: SplitResult) -> Said:
    """What a move of the embedded database to `moved` on the server that asks for a password said."""
    with psycopg.connect(guarded.geturl(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE moved")
    url = f"postgresql://postgres@127.0.0.1:{guarded.port}/moved"
    return embedded.run("db", "move", url, PGPASSWORD=str(guarded.password), PGOPTIONS="-c statement_timeout=1min")


@pytest.mark.db
def test_the_embedded_database_moves_to_a_server_that_asks_for_a_password(moved: Said, guarded: SplitResult) -> None:
    moved.assert_well()
    assert "all equal" in moved.out
    assert str(guarded.password) not in moved.text


@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize("place_of_password", ["PGPASSFILE", "HOME", "PGSERVICEFILE"])
def test_a_password_is_where_libpq_looks_for_it_for_every_program(
    place_of_password: str, terminal: Terminal, guarded: SplitResult, tmp_path: Path
) -> None:
    """For ours and for those of Postgres, which all get their environment from one function."""
    password = str(guarded.password)
    (tmp_path / ".pgpass").write_text(f"*:*:*:*:{password}\n")
    (tmp_path / ".pgpass").chmod(0o600)
    (tmp_path / "services").write_text(f"[new]\nhost=127.0.0.1\nport={guarded.port}\npassword={password}\n")
    url, variables = {
        "PGPASSFILE": (
            "postgresql://postgres@/moved",
            {"PGHOST": "127.0.0.1", "PGPORT": str(guarded.port), "PGPASSFILE": str(tmp_path / ".pgpass")},
        ),
        "HOME": (f"postgresql://postgres@127.0.0.1:{guarded.port}/moved", {"HOME": str(tmp_path)}),
        "PGSERVICEFILE": (
            "postgresql://postgres@/moved?service=new",
            {"PGSERVICEFILE": str(tmp_path / "services")},
        ),
    }[place_of_password]
    said = terminal.run("db", "dump", str(tmp_path / "x.dump"), DATABASE_URL=url, **variables).assert_well()
    assert "x.dump" in said.out
    assert password not in said.text


def test_a_place_to_move_to_that_cannot_be_used_is_refused_before_anything_is_dumped(
    landed: Landed, place: Place, embedded: Terminal, guarded: SplitResult
) -> None:
    theirs = make(place, "theirs_to_move")
    Tables(theirs).execute("CREATE TABLE orders (id int)")
    with closed_port() as port:
        for terminal in (landed.terminal, embedded):
            for url, words in (
                (f"postgresql://orders@127.0.0.1:{port}/orders", "argument of `db move`"),
                (place.url("missing"), "does not exist"),
                (landed.tables.url, "holds tables of orders-sync already"),
                (theirs, "orders stand there already"),
                (f"postgresql://postgres@127.0.0.1:{guarded.port}/orders_sync", "argument of `db move`"),
                ("postgresql://or ders@127.0.0.1/orders", "must be a URL without spaces"),
                ("postgresql://127.0.0.1/orders?no_such=1", "no_such"),
            ):
                said = terminal.run("db", "move", url)
                said.assert_complains(words)
                assert "dumping" not in said.text


def test_a_dump_is_readable_by_its_owner_alone_and_replaces_a_file_only_with_force(
    landed: Landed, tmp_path: Path
) -> None:
    file = tmp_path / "x.dump"
    landed.terminal.run("db", "dump", str(file)).assert_well()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(b"the only backup")
    file.chmod(0o644)
    landed.terminal.run("db", "dump", str(file)).assert_complains("exists already", "--force")
    assert file.read_bytes() == b"the only backup"
    landed.terminal.run("db", "dump", "--force", str(file)).assert_well()
    assert file.stat().st_size > 1000
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    landed.terminal.run("db", "dump", "--force", str(tmp_path)).assert_complains("no ordinary file")
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_no_dump_is_said_to_be_none(landed: Landed, place: Place, tmp_path: Path) -> None:
    url = make(place, "no_dump")
    (tmp_path / "notes").write_text("not a dump at all\n" * 1000)
    landed.terminal.run("db", "restore", str(tmp_path / "notes"), DATABASE_URL=url).assert_complains("archive")
    landed.terminal.run("db", "restore", str(tmp_path / "none"), DATABASE_URL=url).assert_complains("no such file")
    assert Tables(url).names() == []


def test_a_database_that_holds_tables_is_not_restored_into(landed: Landed, place: Place, dumped: Path) -> None:
    before = landed.tables.counts()
    landed.terminal.run("db", "restore", str(dumped)).assert_complains("holds tables of orders-sync already")
    assert landed.tables.counts() == before
    url = make(place, "theirs")
    Tables(url).execute("CREATE TABLE orders (id int)")
    landed.terminal.run("db", "restore", str(dumped), DATABASE_URL=url).assert_complains("orders stand there already")
    assert Tables(url).names() == ["public.orders"]


def test_a_database_of_another_owner_is_refused_with_the_command_that_makes_one(
    landed: Landed, place: Place, dumped: Path
) -> None:
    Tables(place.server).execute("CREATE DATABASE of_admin")
    try:
        said = landed.terminal.run("db", "restore", str(dumped), DATABASE_URL=place.url("of_admin"))
        said.assert_complains("role orders may not make tables", 'createdb --owner="orders" of_admin')
    finally:
        Tables(place.server).execute("DROP DATABASE of_admin WITH (FORCE)")


def test_nothing_is_moved_while_somebody_is_connected(landed: Landed, place: Place) -> None:
    url = make(place, "busy_move")
    with psycopg.connect(landed.tables.url):
        landed.terminal.run("db", "move", url).assert_complains("1 other connection", "Stop `orders-sync run`")
    assert Tables(url).names() == []


def test_a_dump_goes_whole_or_not_at_all(landed: Landed, place: Place, tmp_path: Path) -> None:
    landed.terminal.run("db", "dump", str(tmp_path / "no" / "x.dump")).assert_complains("there is no folder")
    url = make(place, "empty_dump")
    landed.terminal.run("db", "dump", str(tmp_path / "x.dump"), DATABASE_URL=url).assert_complains("nothing to dump")
    assert list(tmp_path.iterdir()) == []
