"""`orders-sync demo`: from nothing to tables one can query, without credentials and without a database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from orders_sync import embedded_postgres
from orders_sync.service.web import listening_socket
from orders_sync.store.demo_data import EXAMPLES, REJECTS
from tests.support.databases import Tables
from tests.support.homes import ORDERS, Homes
from tests.support.landed import a_world
from tests.support.terminal import Said, Terminal, eventually, platforms, working_folder

pytestmark = pytest.mark.db
DAY = 86_400
PLATFORMS = ("1688", "xportcn_open", "xportcn_ka")


@dataclass(frozen=True)
class Twice:
    """Run in an empty folder, then again in a copy of it. ORDERS_SYNC_HOME is its own."""

    home: Path  # after both runs; nobody changes it
    first: Said
    second: Said  # with a DATABASE_URL that leads nowhere


@pytest.fixture(scope="module")
def demo(homes: Homes) -> Twice:
    terminal, second = homes.demo_again()
    return Twice(terminal.home, homes.demo()[1], second)


@pytest.fixture(scope="module")
def kept_up(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Terminal, Tables]]:
    """A terminal where the demo has been run, whose server stays up, for tests that leave its rows as they are."""
    terminal = homes.with_demo(tmp_path_factory.mktemp("kept") / "up")
    with embedded_postgres.running(terminal.home) as server:
        yield terminal, Tables(server.url)
        terminal.close()


@pytest.fixture
def copied(homes: Homes, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal of its own where the demo has been run."""
    terminal = homes.with_demo(tmp_path / "copied")
    yield terminal
    terminal.close()


def test_one_command_lands_orders_of_all_three_platforms(demo: Twice) -> None:
    demo.first.assert_well()
    words = " ".join(demo.first.out.split())
    for name in ("sandbox-1688", "sandbox-open", "sandbox-ka"):
        assert f"{name} {ORDERS // 3:,} 0 0 0 0 " in words  # new, changed, unchanged, stale, rejected
    for platform in PLATFORMS:
        direction = "sale" if platform == "1688" else "purchase"
        assert f"\n{direction} {platform} " in re.sub(" +", " ", demo.first.out)


def test_a_demo_that_is_served_goes_on_selling_and_the_next_one_begins_anew(copied: Terminal) -> None:
    terminal = copied
    service = terminal.serve("demo", "--serve", "--console", "127.0.0.1:0")
    eventually(lambda: "The console: http" in service.said)
    root, token = re.findall(r"The console: (http://\S+)/ +name: demo +token: (\S+)", service.said)[0]
    with httpx.Client(base_url=root, headers={"Origin": root}, trust_env=False) as client:
        assert client.post("/login", data={"name": "demo", "password": token}).status_code == 303
        overview = client.get("/").text
        assert "sandbox-1688" in overview
        assert re.search("paused until [^<]* by .*: for practice, made by the demo", overview)
        rejects = client.get("/rejects").text
        assert "for practice, made by the demo: its order was taken out of the tables" in rejects
        with embedded_postgres.running(terminal.home) as server:
            tables = Tables(server.url)
            kept = tables.query("SELECT platform, order_id FROM sync.rejects WHERE resolved_at IS NULL")
            assert len(kept) == REJECTS
            [lost] = re.findall(r"order (\d+), taken out of the tables", service.said)
            eventually(lambda: tables.query("SELECT count(*) FROM orders WHERE order_id = %s", lost) == [(0,)])
            audited = (
                "SELECT EXISTS (SELECT FROM sync.audits WHERE account = 'sandbox-1688' AND finished_at IS NOT NULL)"
            )
            assert tables.query(audited) == [(True,)]
            terminal.run("rejects", "replay", "--all").assert_well()
            for key in kept:
                assert tables.query("SELECT count(*) FROM orders WHERE (platform, order_id) = (%s, %s)", *key) == [(1,)]
        eventually(lambda: "✓ current" in client.get("/accounts/sandbox-1688").text)
    service.stop()
    again = terminal.run("demo").assert_well()
    assert "beginning with new ones" in again.text
    assert f"Verified: {ORDERS:,} orders and " in again.out


def test_a_web_page_whose_port_is_taken_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with listening_socket("127.0.0.1:0") as taken:
        said = terminal.run("demo", "--serve", "--console", f"127.0.0.1:{taken.getsockname()[1]}")
    assert said.code != 0
    assert said.err.endswith("choose one with --console\n")
    terminal.close()


def test_verified_stands_beside_what_is_proven(demo: Twice) -> None:
    words = " ".join(demo.first.out.split())
    assert re.search(
        r"Verified: .* By bi.sync_freshness: sandbox-1688 .*, sandbox-ka .*, sandbox-open to be confirmed\.", words
    )
    assert "a second read" in words


def test_best_selling_products_are_those_of_the_view_with_their_unit(demo: Twice) -> None:
    [query] = [query for title, query in EXAMPLES if title == "Best-selling products"]
    assert "GROUP BY platform, product_id, unit" in query
    assert "bi.product_sales" in query


def test_every_order_is_compared_with_its_platform(demo: Twice) -> None:
    for said in (demo.first, demo.second):
        assert f"Verified: {ORDERS:,} orders and " in said.out


def test_tables_that_differ_from_the_platforms_are_an_error_with_the_way_out(copied: Terminal) -> None:
    """What is left after `--clear`, and that the demo can begin anew in it: the tests beside this one."""
    terminal = copied
    with embedded_postgres.running(terminal.home) as server:
        Tables(server.url).execute("UPDATE orders SET total_amount = 0 WHERE platform = '1688' AND total_amount > 0")
    said = terminal.run("demo")
    assert said.code == 5
    assert "total_amount is 0.00, should be" in said.err
    assert "orders-sync demo --clear" in said.err
    terminal.run("demo", "--clear").assert_well()


def test_it_shows_how_to_query_what_landed(demo: Twice) -> None:
    for title, query in EXAMPLES:
        assert title in " ".join(demo.first.out.split())
        assert query.strip() in demo.first.out


def test_it_says_what_can_be_done_next(demo: Twice) -> None:
    for command in ("db shell", "db url", "status", "order ", "doctor", "run", "sync"):
        assert f"\norders-sync {command}" in demo.first.out


def test_run_again_nothing_changed_and_no_row_is_written_P3(demo: Twice) -> None:
    demo.second.assert_well()
    assert "Nothing changed since the last run" in demo.second.out
    assert "Nothing changed" not in demo.first.out


def test_it_says_what_is_proven_only_by_a_second_answer(demo: Twice, kept_up: tuple[Terminal, Tables]) -> None:
    assert "sandbox-open: between" in demo.first.err
    assert "listed as empty" in demo.first.err
    for row in kept_up[0].run("status", "--json").assert_well().json:
        assert row["behind_seconds"] < DAY, row["account"]  # though the first answers of old history prove nothing yet
        assert row["history_share"] == 1


def test_it_uses_its_own_database_whatever_DATABASE_URL_says(demo: Twice) -> None:
    assert str(demo.home) in demo.second.err
    assert "127.0.0.1" not in demo.second.text


def test_no_server_process_is_left_behind(demo: Twice) -> None:
    assert (demo.home / "postgres" / "data" / "PG_VERSION").is_file()
    assert not (demo.home / "postgres" / "data" / "postmaster.pid").exists()
    assert [process.pid for process in psutil.process_iter() if str(demo.home) in working_folder(process)] == []


def test_invented_orders_are_never_mixed_with_real_ones(kept_up: tuple[Terminal, Tables]) -> None:
    terminal, tables = kept_up
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('kingdo', '1688', 'kingdo', 'updated')"
    )
    terminal.run("demo").assert_complains("kingdo", "ORDERS_SYNC_HOME")
    tables.execute("DELETE FROM sync.accounts WHERE name = 'kingdo'")


def test_clearing_asks_on_a_terminal_and_a_demo_that_is_served_keeps_its_orders(
    terminal: Terminal, homes: Homes, tmp_path: Path
) -> None:
    assert "nothing to remove" in terminal.run("demo", "--clear").assert_well().out
    terminal = homes.migrated(tmp_path / "migrated")
    with embedded_postgres.running(terminal.home) as server:
        tables = Tables(server.url)
        for name, host in (("sandbox-ka", "sandbox"), ("sandbox-open", "127.0.0.1:8688"), ("sandbox-shop", None)):
            tables.execute(
                "INSERT INTO sync.accounts (name, platform, host, seller, feed) "
                "VALUES (%s, '1688', %s, 's', 'updated')",
                name,
                host,
            )
        said = terminal.on_screen(80, "demo", "--clear", typed="n\n", both=True)
        assert said.code == 7
        question = " ".join(said.out.split())
        assert "Remove 0 simulated orders of sandbox-ka from the database in" in question
        tables.execute(
            "INSERT INTO sync.processes (id, parts, version, tables, host, pid, accounts, seen_at) "
            "VALUES ('a', '{worker}', '1', '1', 'here', 4711, '{sandbox-ka}', now() + interval '1 h')"
        )
        terminal.run("demo", "--clear", "--yes").assert_complains("demo --serve", "4711")
        tables.execute("DELETE FROM sync.processes")
        assert tables.query("SELECT action FROM sync.activity") == [("database.migrate",)]
        for typed in ("y\n", None):
            assert "of 1 account\n" in terminal.on_screen(80, "demo", "--clear", typed=typed).assert_well().out
            tables.execute("UPDATE sync.accounts SET host = 'sandbox' WHERE name = 'sandbox-open'")
        assert tables.query("SELECT name FROM sync.accounts") == [("sandbox-shop",)]
        assert tables.query("SELECT details FROM sync.activity WHERE action = 'demo.clear' ORDER BY id") == [
            ({"orders": 0, "accounts": [name]},) for name in ("sandbox-ka", "sandbox-open")
        ]
    terminal.close()


def test_real_orders_are_not_read_among_invented_ones_and_the_demos_are_removed_whole(copied: Terminal) -> None:
    terminal = copied
    with platforms(a_world(30)) as (root, sandbox), embedded_postgres.running(terminal.home) as server:
        shop = sandbox.world.accounts[0]
        terminal.describe(sandbox.world, root, shop.name)
        terminal.run("sync").assert_complains("orders-sync demo --clear", "ORDERS_SYNC_HOME")  # a name of the demo's
        advised = terminal.run("doctor")
        assert "orders-sync demo --clear" in advised.out
        assert "no process of the service" not in advised.out
        terminal.write(terminal.settings.read_text().replace(f'name = "{shop.name}"', 'name = "kingdo"'))
        said = terminal.run("sync").assert_complains("orders-sync demo --clear", "sandbox-ka")
        assert "kingdo" not in said
        assert f"removed {ORDERS:,} simulated orders of 3 accounts" in terminal.run("demo", "--clear").assert_well().out
        with Tables(server.url).in_one_session() as tables:
            kept = {"order_statuses", "sync.alembic_version", "sync.rates", "sync.fences", "bi.calendar"}
            kept |= {"sync.views", "sync.view_sets", "sync.daily_zone"}  # what the views were made of, and their zone
            kept |= {"sync.activity"}  # which says who removed them
            kept |= {"sync.change_feed", "sync.deleted_orders"}  # who follows the changes must learn of it
            counts = {name: tables.query(f"SELECT count(*) FROM {name}")[0][0] for name in tables.names()}
            assert {
                name: count for name, count in counts.items() if count and name.removeprefix("public.") not in kept
            } == {}
        terminal.run("sync").assert_well()
