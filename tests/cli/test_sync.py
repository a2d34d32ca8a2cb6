"""`orders-sync sync` as cron runs it: catch up and exit. Promise numbers: docs/design.md."""

from __future__ import annotations

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.landed import Landed, a_world
from tests.support.services import equal
from tests.support.terminal import Pause, Terminal, interrupt, kill, platforms, result


def test_everything_lands_exactly_as_it_is_P1(landed: Landed) -> None:
    """`--json` is one document on standard output: an account an element."""
    outcomes = {outcome["account"]: outcome for outcome in landed.first.json}
    assert {name: (outcome["rows"]["new"], outcome["errors"]) for name, outcome in outcomes.items()} == {
        each.name: (each.orders, []) for each in landed.world.accounts
    }
    assert landed.terminal.run("verify", landed.root).code == 0


def test_figures_of_products_are_kept_when_a_run_ends(landed: Landed) -> None:
    """Where cron runs it, no service makes them."""
    assert landed.tables.query("SELECT * FROM sync.outdated_product_weeks") == []
    assert landed.tables.query("SELECT count(*) > 0 FROM sync.product_figures") == [(True,)]


def test_a_second_run_writes_no_row_P3(landed: Landed) -> None:
    before = landed.tables.row_versions()
    said = landed.terminal.run("sync").assert_well()
    assert "Results of this pass" in said.out
    assert landed.tables.row_versions() == before


def test_account_limits_a_run_to_one_account(terminal: Terminal, url: str, world: World) -> None:
    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (root, sandbox):
        terminal.describe(world, root)
        said = terminal.run("sync", "--account", "sandbox-ka", "--json").assert_well()
    assert [outcome["account"] for outcome in said.json] == ["sandbox-ka"]
    assert Tables(url).query("SELECT DISTINCT account FROM orders") == [("sandbox-ka",)]
    assert {account for account, _ in sandbox.stats} == {"sandbox-ka"}


def test_unknown_account_is_said_with_those_there_are(landed: Landed) -> None:
    calls = landed.sandbox.stats.total()
    landed.terminal.run("sync", "--account", "kingdo").assert_complains("kingdo", "sandbox-1688", "sandbox-ka")
    assert landed.sandbox.stats.total() == calls


def test_one_account_that_fails_does_not_stop_the_others(terminal: Terminal, url: str, world: World) -> None:
    """Exit code 1 and one message; `status` keeps saying it, until it is mended and the next run catches up."""
    terminal.variables["DATABASE_URL"] = url
    shop = world.shop("sandbox-1688").account
    with platforms(world) as (root, _):
        terminal.describe(world, root)
        right = terminal.settings.read_text()
        terminal.write(right.replace(shop.app_secret, "not-the-secret"))
        terminal.run("sync").assert_complains("sandbox-1688", "credentials")
        assert Tables(url).query("SELECT account, count(*) FROM orders GROUP BY account ORDER BY account") == [
            ("sandbox-ka", 30),
            ("sandbox-open", 30),
        ]
        assert "✗ sandbox-1688: suspended since" in terminal.run("status").assert_well().out
        terminal.write(right)
        terminal.run("sync").assert_well()
        assert "suspended" not in terminal.run("status").assert_well().text
        assert terminal.run("verify", root).code == 0


def test_killed_in_the_middle_the_next_run_lands_everything_P1_P5(terminal: Terminal, url: str) -> None:
    terminal.variables["DATABASE_URL"] = url
    tables, world = Tables(url), a_world(150, samples=True)
    shops = "sandbox-1688", "sandbox-ka"
    with platforms(world) as (root, _):
        terminal.describe(world, root, *shops)
        with Pause(world, at=16) as pause:
            running = terminal.start("sync")
            pause.wait()
            kill(running)
        assert tables.query("SELECT count(*) > 0 FROM sync.windows WHERE state = 'running'") == [(True,)]
        assert tables.counts()["orders"] > 0
        assert not equal(tables, world, *shops)
        tables.execute("UPDATE sync.windows SET lease_until = now() - interval '1 s' WHERE state = 'running'")
        terminal.run("sync").assert_well()
        assert equal(tables, world, *shops)
    assert tables.query(
        "SELECT count(*) FROM sync.windows WHERE state NOT IN ('done', 'split', 'beyond') AND not_before IS NULL"
    ) == [(0,)]


def test_ctrl_c_says_that_nothing_is_lost(terminal: Terminal, url: str, world: World) -> None:
    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (root, _):
        terminal.describe(world, root)
        with Pause(world, at=6) as pause:
            running = terminal.start("sync")
            pause.wait()
            interrupt(running)
        said = result(running)
    assert said.code == 130, said.text
    assert "orders-sync: interrupted" in said.err
    assert "Traceback" not in said.text


def test_two_first_runs_at_once_land_every_order_once_P3_P5(terminal: Terminal, empty_url: str, world: World) -> None:
    """On an empty database: they also make the tables at once."""
    terminal.variables["DATABASE_URL"] = empty_url
    with platforms(world) as (root, _):
        terminal.describe(world, root)
        both = [terminal.start("sync", "--json") for _ in range(2)]
        said = [result(process).assert_well() for process in both]
        assert terminal.run("verify", root).code == 0
    rows = [outcome["rows"] for each in said for outcome in each.json]
    assert sum(row["new"] for row in rows) == 90
    assert sum(row["changed"] for row in rows) == 0
