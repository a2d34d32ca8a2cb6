"""`orders-sync status` as a verdict: its sum, its problems, its exit codes, on every screen and for every reader."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import psycopg
import pytest
from rich.cells import cell_len

from orders_sync.sandbox import World
from orders_sync.store import database, schema
from tests.support.databases import Tables, made_database
from tests.support.ledgers import fill
from tests.support.services import PACE
from tests.support.terminal import Terminal, closed_port, eventually, interrupt, platforms, result

OPTIONS = ((), ("--problems",), ("--account", "busy"), ("--orders",))
SHOP = """
    INSERT INTO sync.accounts (name, platform, seller, feed, history_from, watermark)
    VALUES (%s, '1688', 's', 'updated', now() - interval '9 d', now())
"""
READ = """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state)
    SELECT name, 'incremental', 'updated', history_from, now(), 'done' FROM sync.accounts WHERE name = %s
"""
REJECT = """
    INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at)
    VALUES ('shop', '1688', '', '1', 'odd', now())
"""


@pytest.fixture
def tables(terminal: Terminal, tables: Tables) -> Tables:
    """The tables of the terminal's database, which hold one account that is current."""
    terminal.variables["DATABASE_URL"] = tables.url
    tables.execute(SHOP, "shop")
    tables.execute(READ, "shop")
    return tables


@pytest.fixture(scope="module")
def troubled(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A database with accounts and processes in every state."""

    async def prepare(url: str) -> None:
        async with database.connected(url, size=1) as pool, pool.connection() as connection:
            await fill(connection)

    with made_database(server, "troubled", template) as tables:
        asyncio.run(prepare(tables.url))
        tables.execute("UPDATE sync.accounts SET suspended_because = 'code 50' WHERE name = 'refused'")
        tables.execute("UPDATE sync.processes SET seen_at = now() + interval '1 d' WHERE pid = 7")  # runs on
        terminal = Terminal(tmp_path_factory.mktemp("troubled"), {"DATABASE_URL": tables.url})
        yield terminal
        terminal.close()


def test_the_sum_comes_first_then_problems_then_accounts_the_worst_first(troubled: Terminal) -> None:
    said = troubled.run("status").assert_well().out
    first, *others = said.splitlines()
    assert first.startswith("4 accounts: 1 behind, 2 not read yet, 1 suspended; 1 scheduler, no worker, 1 console; ")
    assert first.endswith(f"tables {schema.HEAD}")
    signs = [line[0] for line in others[: others.index("")]]
    assert signs == sorted(signs, key="✗!".index)
    assert others[0].startswith("✗ no worker is running: nothing is read; the last one reported at ")
    assert others[1].startswith("✗ refused: suspended since ")
    for words in (
        "! process 8 on two (worker) has not reported since",
        "! busy: no call is made until",
        "! busy: 1 read failed, tried again with the next reads",
        "! busy: 1 record could not be converted into an order",
        "! busy: audit 2 counted more orders at the platform than are here",
        "! quiet: nothing has been read yet",
        "! quiet: messages of the platform wait for a read (2)",
        "! gone: ",
    ):
        assert words in said
    rows = [line.split()[0] for line in others[others.index("") :] if line.startswith(("busy", "quiet", "ref", "gone"))]
    assert rows == ["refused", "gone", "quiet", "busy"]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_nothing_is_cut_on_a_narrow_screen(troubled: Terminal, options: tuple[str, ...]) -> None:
    wide = troubled.run("status", *options)
    for width in (80, 60):
        shown = troubled.on_screen(width, "status", *options)
        assert max(cell_len(line) for line in shown.out.splitlines()) <= width
        said = shown.out.split()
        for word in wide.out[: wide.out.index("\n\n")].split():
            if not any(c.isdigit() for c in word):  # times and durations move on
                assert word in said, width


@pytest.mark.parametrize("width", [80, 60])
def test_six_shops_fit_a_screen_and_a_current_one_takes_a_line(terminal: Terminal, tables: Tables, width: int) -> None:
    for number in range(2, 7):
        tables.execute(SHOP, f"sandbox-{number}")
        tables.execute(READ, f"sandbox-{number}")
    tables.execute("UPDATE sync.accounts SET suspended_at = now(), suspended_because = 'code 50' WHERE name = 'shop'")
    shown = terminal.on_screen(width, "status").out
    lines = shown.splitlines()
    assert len(lines) <= 24, shown
    assert [len([line for line in lines if line.startswith(f"sandbox-{n} ")]) for n in range(2, 7)] == [1] * 5, shown
    assert all("current" in line for line in lines if line.startswith("sandbox-"))
    assert "✗ shop: suspended since" in shown
    assert "Not shown: current to" in shown
    one = terminal.on_screen(width, "status", "--account", "sandbox-2").out
    assert "Not shown" not in one
    for words in ("platform", "current to", "audited", "history", "times in Asia/Shanghai"):
        assert words in one, one


def test_histories_of_many_accounts_are_explained_one_by_one_only_where_asked_for(
    terminal: Terminal, tables: Tables
) -> None:
    for number in range(2, 6):
        tables.execute(SHOP, f"shop-{number}")
        tables.execute(READ, f"shop-{number}")
    tables.execute("UPDATE sync.accounts SET proven_from = history_from + interval '1 d' WHERE name <> 'shop'")
    said = terminal.run("status").assert_well().out
    assert "4 accounts have a history that is not read or not proven in full" in said
    assert "complete only from" not in said
    assert said.count(" from 20") == 4
    assert "shop-3: complete only from" in terminal.run("status", "--account", "shop-3").assert_well().out
    tables.execute("UPDATE sync.accounts SET proven_from = NULL WHERE name = 'shop-2'")
    assert terminal.run("status").out.count("complete only from") == 3


def test_only_what_was_asked_for_is_shown(troubled: Terminal) -> None:
    def named(*options: str) -> list[str]:
        return [row["account"] for row in troubled.run("status", "--json", *options).assert_well().json]

    assert named() == ["busy", "gone", "quiet", "refused"]
    assert named("--account", "quiet", "-a", "busy") == ["busy", "quiet"]
    troubled.run("status", "--account", "bisy").assert_complains("no account is named bisy", "accounts list")
    said = troubled.run("status", "--account", "quiet").assert_well().out
    assert said.startswith("1 account: 1 not read yet; ")
    assert "busy" not in said
    assert "no worker is running" in said


def test_only_accounts_with_problems_are_shown(terminal: Terminal, tables: Tables) -> None:
    tables.execute(SHOP, "late")
    said = terminal.run("status", "--problems").assert_well().out
    assert [line.split()[0] for line in said.splitlines() if " 1688 " in line] == ["late"]
    assert said.startswith("2 accounts: 1 current, 1 not read yet; ")
    assert [row["account"] for row in terminal.run("status", "--problems", "--json").json] == ["late"]


def test_many_problems_leave_room_for_the_table_and_all_are_shown_where_asked_for(
    terminal: Terminal, tables: Tables
) -> None:
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, suspended_at) "
        "SELECT 'off' || n, '1688', 's' || n, 'updated', now() FROM generate_series(1, 22) AS n"
    )
    said, every = terminal.run("status").assert_well().out, terminal.run("status", "--problems").assert_well().out
    assert (said.count("✗"), every.count("✗")) == (20, 22)
    assert "... 2 more problems: `orders-sync status --problems` shows all of them" in said
    assert "more problems" not in every


def test_a_row_that_a_killed_service_left_long_ago_asks_for_no_process(terminal: Terminal, tables: Tables) -> None:
    """`sync` by cron needs none, and nobody would ever remove the row."""
    left = """
        INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at)
        VALUES ('a:1:b', ARRAY['scheduler', 'worker'], '0', '0', 'a', 1, now() - %s::interval)
    """
    tables.execute(left, "1 h")
    assert terminal.run("status", "--check").code == 4
    tables.execute("UPDATE sync.processes SET seen_at = now() - interval '25 h'")
    assert terminal.run("status", "--check").code == 0


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        ("SELECT 1", 0, None),
        (REJECT, 3, "attention"),
        ("UPDATE sync.windows SET ends_at = now() - interval '20 m 20 s'", 4, "broken"),  # and nobody reads
        ("UPDATE sync.accounts SET suspended_at = now(), suspended_because = 'code 50'", 4, "broken"),
        ("UPDATE sync.accounts SET removed_at = now()", 0, None),
        ("UPDATE sync.accounts SET rests_until = now() + interval '1 h'", 3, "attention"),
    ],
)
def test_check_says_by_its_exit_code_what_there_is_to_do(
    terminal: Terminal, tables: Tables, change: str, code: int, severity: str | None
) -> None:
    tables.execute(change)
    runs = [terminal.start("status", *options) for options in (["--check"], ["--check", "--json"], [])]
    check, machine, plain = map(result, runs)
    assert (check.code, machine.code, plain.code) == (code, code, 0)
    assert check.err == machine.err == ""  # a job of cron that keeps nothing but the exit code sends no mail
    assert check.out.splitlines()[:-1] == plain.out.splitlines()[:-1]  # the last line says how far it is behind
    assert machine.json["severity"] == severity
    assert machine.json["summary"].startswith("1 account: ")
    assert [row["account"] for row in machine.json["accounts"]] == ["shop"]
    assert machine.json["processes"] == []


def test_check_without_a_verdict_has_a_code_of_its_own(terminal: Terminal, tables: Tables) -> None:
    assert terminal.run("status", "--check", "--nonsense").code == 2
    for option in ("--check", "--json"):
        said = terminal.run("status", "--watch", option)
        assert (said.code, said.out) == (2, "")
    with closed_port() as port:
        away = f"postgresql://u@127.0.0.1:{port}/d"
        terminal.run("status", "--check", DATABASE_URL=away).assert_complains("cannot be reached")
    tables.execute("UPDATE sync.alembic_version SET version_num = '9999'")
    said = terminal.run("status", "--check")
    assert (said.code, len(said.complaints)) == (4, 1)
    assert "newer version" in said.complaints[0]
    terminal.run("status").assert_complains("newer version")


def test_check_of_a_database_without_accounts_is_not_well(terminal: Terminal, url: str) -> None:
    said = terminal.run("status", "--check", DATABASE_URL=url)
    assert (said.code, said.err) == (3, "")


def test_watch_shows_it_again_until_ctrl_c_also_after_an_outage(terminal: Terminal, tables: Tables) -> None:
    process = terminal.start("status", "--watch", "--every", "0.1")
    assert process.stdout is not None

    def sums(words: str) -> None:
        assert process.stdout is not None
        for _ in range(2):
            while words not in process.stdout.readline():
                assert process.poll() is None

    sums("1 account: 1 current; ")
    tables.execute("UPDATE sync.accounts SET suspended_at = now(), suspended_because = 'code 50'")
    sums("1 account: 1 suspended; ")
    tables.execute("ALTER TABLE sync.processes RENAME TO away")
    assert process.stderr is not None
    assert "processes" in process.stderr.readline()
    tables.execute("ALTER TABLE sync.away RENAME TO processes")
    sums("1 account: 1 suspended; ")
    interrupt(process)
    process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGINT


def test_an_account_of_the_settings_that_was_never_read_is_shown(
    terminal: Terminal, tables: Tables, world: World
) -> None:
    terminal.describe(world, "http://127.0.0.1:1", "sandbox-ka")
    said = terminal.run("status", "--check")
    assert said.code == 4
    assert "✗ no process of the service is running and accounts are not current" in said.out
    assert "! sandbox-ka: nothing has been read yet: the service does not run: `orders-sync sync` reads it" in said.out


def test_processes_are_counted_while_they_run(terminal: Terminal, url: str, world: World) -> None:
    terminal.variables["DATABASE_URL"] = url

    def parts() -> list[list[str]]:
        said = terminal.run("status", "--check", "--json")
        return sorted(each["parts"] for each in said.json["processes"] if each["is_alive"])

    with platforms(world) as (root, _):
        terminal.describe(world, root, "sandbox-1688", extra=PACE)
        terminal.run("migrate").assert_well()
        services = [terminal.serve(name) for name in ("scheduler", "worker", "worker")]
        eventually(lambda: parts() == [["scheduler"], ["worker"], ["worker"]])
        assert "; 1 scheduler, 2 workers; " in terminal.run("status").assert_well().out
        for each in services:
            each.stop()
    assert "; no scheduler, no worker; " in terminal.run("status").assert_well().out
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM sync.processes").fetchone() == (0,)
