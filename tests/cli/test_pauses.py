"""`orders-sync accounts pause`, `resume` and `test`: one account at a time, and nothing is lost by it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from orders_sync.sandbox import Sandbox, World
from orders_sync.sandbox.messages import build_message
from tests.support.databases import Tables
from tests.support.landed import Landed
from tests.support.services import ANYWHERE, PACE, equal
from tests.support.terminal import Terminal, eventually, platforms

pytestmark = pytest.mark.waits
SHOP, OTHER = "sandbox-ka", "sandbox-1688"
WINDOWS = f"SELECT count(*) FROM sync.windows WHERE account = '{SHOP}'"
TURNS = f"SELECT count(*) FROM sync_jobs.procrastinate_jobs WHERE status = 'doing' AND args ->> 'account' = '{SHOP}'"


@pytest.fixture
def tables(terminal: Terminal, tables: Tables) -> Tables:
    terminal.variables["DATABASE_URL"] = tables.url
    return tables


@pytest.fixture
def shops(terminal: Terminal, world: World) -> Iterator[Sandbox]:
    with platforms(world) as (root, sandbox):
        terminal.describe(world, root, SHOP, OTHER, extra=PACE)
        yield sandbox


def test_a_paused_account_is_neither_planned_nor_read_until_it_is_resumed(
    terminal: Terminal, tables: Tables, world: World, shops: Sandbox
) -> None:
    said = terminal.run("accounts", "pause", SHOP, "--reason", "moves to a new app", "--until", "2199-01-01 12:00")
    sentence = said.assert_well().err
    for words in (f"{SHOP}: paused until 2199-01-01 12:00:00", " by ", "moves to a new app", f"accounts resume {SHOP}"):
        assert words in " ".join(sentence.split())
    assert f"{SHOP}: paused" in terminal.run("sync").assert_well().err
    assert equal(tables, world, OTHER)
    assert tables.query(WINDOWS) == [(0,)]
    terminal.run("sync", "--account", SHOP).assert_complains(f"{SHOP}: paused", "moves to a new app")
    terminal.run("audit", "--account", SHOP).assert_complains(f"{SHOP}: paused")
    [(by, because)] = tables.query(f"SELECT paused_by, paused_because FROM sync.accounts WHERE name = '{SHOP}'")
    assert " on " in by
    assert " as " in by
    assert because == "moves to a new app"
    terminal.run("accounts", "resume", SHOP).assert_well()
    terminal.run("accounts", "resume", SHOP).assert_complains("neither paused nor suspended")
    terminal.run("sync").assert_well()
    assert equal(tables, world, SHOP, OTHER)


def test_a_pause_is_shown_and_no_problem(copied: Landed) -> None:
    terminal, tables = copied.terminal, copied.tables
    tables.execute(
        "UPDATE sync.windows SET ends_at = ends_at - interval '1 day', starts_at = starts_at - interval '2 d'"
    )
    tables.execute(f"UPDATE sync.accounts SET last_error = 'an error' WHERE name = '{SHOP}'")
    assert any(SHOP in line for line in problems(terminal))
    terminal.run("accounts", "pause", SHOP).assert_well()
    assert [line for line in problems(terminal) if SHOP in line] == []
    said = terminal.run("status").assert_well()
    assert "1 paused" in said.out.splitlines()[0]
    assert f"- {SHOP}: paused since" in said.out
    [row] = [each for each in terminal.run("status", "--json").json if each["account"] == SHOP]
    assert row["state"] == "paused"
    assert "paused since" in terminal.run("accounts", "list").assert_well().out
    checked = terminal.run("status", "--check", "--json").json
    assert len(checked["notes"]) == 1


def calls_for(sandbox: Sandbox, name: str) -> int:
    return sum(count for key, count in sandbox.stats.items() if name in key)


def problems(terminal: Terminal) -> list[str]:
    return [line for line in terminal.run("status").out.splitlines() if line.startswith(("!", "✗"))]


def wait_for_other(tables: Tables) -> None:
    """Wait until changes of the other account have been read once more."""
    read = "SELECT max(finished_at) FROM sync.windows WHERE account = %s AND kind = 'incremental'"
    before = tables.query(read, OTHER)
    eventually(lambda: tables.query(read, OTHER) > before)


def test_a_pause_stops_what_runs_and_what_came_meanwhile_is_read_afterwards(
    terminal: Terminal, tables: Tables, world: World, shops: Sandbox
) -> None:
    service = terminal.serve("run", *ANYWHERE)
    eventually(lambda: equal(tables, world, SHOP, OTHER))
    terminal.run("accounts", "pause", SHOP).assert_well()
    for _ in range(2):  # the scheduler may be planning
        wait_for_other(tables)
    eventually(lambda: tables.query(TURNS) == [(0,)])  # no window is read, and no probe made
    planned, calls = tables.query(WINDOWS), calls_for(shops, SHOP)
    shop = world.shop(SHOP)
    victim = next(o for o in shop.index.orders.values() if o.quirk != "sample")
    answer = httpx.post(f"{service.root}/hooks/xportcn/{SHOP}/{shop.account.hook_token}", content=build_message(victim))
    assert answer.status_code == 200
    wait_for_other(tables)
    assert tables.query(WINDOWS) == planned
    assert calls_for(shops, SHOP) == calls > 0
    assert f'orders_sync_account_paused{{account="{SHOP}"}} 1.0' in httpx.get(f"{service.root}/metrics").text
    waiting = "SELECT count(*) FROM sync.messages WHERE handled_at IS NULL"
    assert tables.query(waiting) == [(1,)]
    terminal.run("accounts", "resume", SHOP).assert_well()
    eventually(lambda: tables.query(waiting) == [(0,)])
    assert tables.query(WINDOWS) > planned
    service.stop()


def test_a_pause_ends_by_itself(terminal: Terminal, tables: Tables, world: World, shops: Sandbox) -> None:
    terminal.run("accounts", "pause", SHOP, "--until", "2199-01-01").assert_well()
    tables.execute("UPDATE sync.accounts SET paused_until = now() - interval '1 second'")
    terminal.run("sync").assert_well()
    assert equal(tables, world, SHOP, OTHER)
    assert "paused" not in terminal.run("status").out
    terminal.run("accounts", "resume", SHOP).assert_complains("neither paused")


def test_a_mistake_in_a_pause_is_one_message_and_pauses_nothing(
    terminal: Terminal, tables: Tables, shops: Sandbox
) -> None:
    mistakes = {
        "there is no account nobody": ["nobody"],
        "--until: lies in the past": [SHOP, "--until", "2001-01-01"],
        "--until: ": [SHOP, "--until", "soon"],
    }
    for complaint, words in mistakes.items():
        terminal.run("accounts", "pause", *words).assert_complains(complaint)
        assert tables.query("SELECT count(*) FROM sync.accounts WHERE paused_at IS NOT NULL") == [(0,)], words


def test_a_pause_stays_with_an_account_that_is_renamed(copied: Landed) -> None:
    terminal = copied.terminal
    terminal.run("accounts", "pause", SHOP).assert_well()
    terminal.write(terminal.settings.read_text().replace(f'name = "{SHOP}"', 'name = "new"'))
    assert "new: paused" in terminal.run("sync").assert_well().err
    terminal.run("accounts", "resume", "new").assert_well()


def test_one_account_is_tested_alone(terminal: Terminal, tables: Tables, world: World, shops: Sandbox) -> None:
    right = terminal.settings.read_text()
    terminal.write(right.replace(world.shop(OTHER).account.app_secret, "Hush-not-the-secret"))
    for command in (["accounts", "test", SHOP], ["doctor", "--account", SHOP]):
        said = terminal.run(*command).assert_well()
        assert f"account {SHOP}: " in said.out
        assert f"account {OTHER}" not in said.out
    said = terminal.run("accounts", "test", OTHER)
    assert said.code == 1
    assert f"✗ account {OTHER}: " in said.out
    terminal.run("accounts", "test", "nobody").assert_complains("there is no account nobody")
    terminal.write(right.replace(f'name = "{SHOP}"', f'name = "{SHOP}"\npage_size = 0'))
    said = terminal.run("accounts", "test", SHOP)
    assert said.code == 1
    assert "page_size: must be from 1 to 500" in said.out
    terminal.run("accounts", "test", OTHER).assert_well()


def test_a_backfill_of_a_paused_account_is_said_to_wait(copied: Landed) -> None:
    terminal, tables = copied.terminal, copied.tables
    terminal.run("accounts", "pause", SHOP, "--reason", "moves to a new app").assert_well()
    tables.execute(
        "INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at) "
        "VALUES ('p', '{scheduler,worker}', '1', '1', 'h', 1, now() + interval '1 hour')"
    )
    request = ["backfill", "--from", "2026-10-01", "--to", "2026-10-02", "--everything", "--yes"]
    said = " ".join(terminal.run(*request, "--account", SHOP).assert_well().err.split())
    assert f"Paused accounts wait: {SHOP}: paused" in said
    assert "reads it from now on" not in said
    said = " ".join(terminal.run(*request, "--account", SHOP, "--account", OTHER).assert_well().err.split())
    assert f"Paused accounts wait: {SHOP}: paused" in said
    assert "reads it from now on" in said
    assert "a running service" in " ".join(terminal.run("accounts", "resume", SHOP).assert_well().err.split())


def test_several_accounts_are_paused_at_once_or_none(terminal: Terminal, tables: Tables, shops: Sandbox) -> None:
    paused = "SELECT name FROM sync.accounts WHERE paused_at IS NOT NULL"
    terminal.run("accounts", "pause", SHOP, "nobody").assert_complains("there is no account nobody")
    assert tables.query(paused) == []
    said = terminal.run("accounts", "pause", SHOP, OTHER, SHOP, "--until", "30m", "--json").assert_well().json
    assert [each["account"] for each in said] == [SHOP, OTHER]
    assert {each["paused_until"] is not None for each in said} == {True}
    assert sorted(tables.query(paused)) == [(OTHER,), (SHOP,)]
