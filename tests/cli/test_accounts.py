"""`orders-sync accounts`: which accounts there are, which are suspended, and how that ends."""

from __future__ import annotations

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.landed import Landed
from tests.support.terminal import Terminal, platforms

WRONG = "Hush-not-the-secret"


def test_every_account_is_a_line_with_its_rate_and_state(landed: Landed) -> None:
    said = landed.terminal.run("accounts", "list").assert_well()
    for account in landed.world.accounts:
        [line] = [line for line in said.out.splitlines() if line.startswith(f"{account.name} ")]
        assert line.split() == [account.name, account.platform, account.seller, "1000", "active"]
    found = landed.terminal.run("accounts", "list", "--json").assert_well().json
    assert [(each["account"], each["suspended_at"]) for each in found] == [
        (account.name, None) for account in landed.world.accounts
    ]


def test_an_account_that_is_not_suspended_cannot_be_resumed(landed: Landed) -> None:
    landed.terminal.run("accounts", "resume", "sandbox-ka").assert_complains("sandbox-ka", "orders-sync accounts list")


def test_refused_account_is_suspended_until_resumed_or_mended_P6_P8(terminal: Terminal, url: str, world: World) -> None:
    terminal.variables["DATABASE_URL"] = url
    shop = world.shop("sandbox-1688").account
    with platforms(world) as (root, sandbox):
        terminal.describe(world, root, shop.name)
        right = terminal.settings.read_text()
        terminal.write(right.replace(shop.app_secret, WRONG))
        terminal.run("sync").assert_complains(shop.name, "orders-sync accounts resume")
        calls = sandbox.stats.total()
        said = [terminal.run("sync"), terminal.run("status"), terminal.run("accounts", "list")]
        said[0].assert_complains(shop.name, "suspended since", "no call is made", "orders-sync accounts resume")
        assert said[1].assert_well().out.splitlines()[1] == said[0].complaints[0].replace("orders-sync:", "✗")
        assert "suspended since" in said[2].assert_well().out
        assert sandbox.stats.total() == calls
        terminal.run("accounts", "resume", shop.name).assert_well()
        terminal.run("sync").assert_complains(shop.name)
        assert sandbox.stats.total() == calls + 1

        terminal.write(right)
        listed = terminal.run("accounts", "list").assert_well()
        assert "the next sync tries them" in listed.err
        terminal.write("")
        assert "suspended since" in terminal.run("accounts", "list").assert_well().out
        [(fingerprint,)] = Tables(url).query("SELECT credentials FROM sync.accounts")
        json = terminal.run("accounts", "list", "--json").assert_well()
        told = "".join(each.text for each in (*said, listed, json, terminal.run("status", "--json")))
        assert [secret for secret in (WRONG, shop.app_secret, fingerprint) if secret in told] == []
        terminal.write(right)
        terminal.run("sync").assert_well()


def test_a_renamed_a_removed_and_a_retired_account_are_reported(copied: Landed) -> None:
    terminal = copied.terminal
    terminal.write(terminal.settings.read_text().replace('"sandbox-ka"', '"ka-main"'))
    assert "sandbox-ka was renamed to ka-main" in terminal.run("sync").assert_well().err
    terminal.describe(copied.world, copied.root, "sandbox-1688")
    terminal.run("sync").assert_well()
    for command in (["status"], ["accounts", "list"], ["doctor"]):
        assert "orders-sync accounts retire ka-main" in " ".join(terminal.run(*command).text.split())
    terminal.run("accounts", "retire", "sandbox-1688").assert_complains("remove it there first")
    terminal.run("accounts", "retire", "ka-main").assert_well()
    said = terminal.run("status").text + terminal.run("doctor").text
    assert "accounts retire ka-main" not in said
    terminal.run("accounts", "rename", "ka-main", "ka-2025").assert_well()
    terminal.run("accounts", "rename", "ka-main", "x").assert_complains("no account is known as ka-main")
    assert copied.tables.query("SELECT count(*) > 0 FROM orders WHERE account = 'ka-2025'") == [(True,)]


def test_a_new_name_in_the_settings_says_what_makes_the_tables_follow(copied: Landed) -> None:
    """Also two names that were swapped, of which each problem would blame the other shop."""
    terminal = copied.terminal
    before = terminal.settings.read_text()
    assert "rename" not in terminal.run("status").out
    terminal.write(before.replace('"sandbox-ka"', '"ka-main"'))
    copied.tables.execute(
        "INSERT INTO sync.processes (id, parts, version, tables, host, pid, accounts, seen_at) "
        "VALUES ('a', '{scheduler,worker}', '1', 'x', 'one', 3791, '{sandbox-ka}', now() + interval '1 h')"
    )
    said = " ".join(terminal.run("status").out.split())
    assert "the settings rename sandbox-ka to ka-main" in said
    assert "reload (SIGHUP) process 3791 on one" in said
    terminal.run("accounts", "rename", "sandbox-ka", "ka-main").assert_complains("reload (SIGHUP) process 3791")
    terminal.run("accounts", "rename", "nobody", "ka-main").assert_complains("choose another")
    copied.tables.execute("DELETE FROM sync.processes")
    swapped = before.replace('"sandbox-ka"', '"x"').replace('"sandbox-open"', '"sandbox-ka"')
    terminal.write(swapped.replace('"x"', '"sandbox-open"'))
    said = " ".join(terminal.run("status", "--problems").out.split())
    assert "rename sandbox-ka to sandbox-open" in said
    assert "rename sandbox-open to sandbox-ka" in said
    assert "the next `orders-sync sync` or `run` renames it" in said
    terminal.run("sync").assert_well()
    assert "rename" not in terminal.run("status").out


def test_the_same_shop_at_another_address_is_merged_into_one_account(
    terminal: Terminal, url: str, world: World
) -> None:
    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (first, _), platforms(world) as (second, _):
        terminal.describe(world, first, "sandbox-1688")
        terminal.run("sync").assert_well()
        terminal.describe(world, second, "sandbox-1688")
        terminal.run("sync")
        tables = Tables(url)
        [(reason,)] = tables.query("SELECT DISTINCT reason FROM sync.rejects ORDER BY 1 LIMIT 1")
        assert "orders-sync accounts merge sandbox-1688~old sandbox-1688" in reason
        terminal.run("accounts", "merge", "sandbox-1688~old", "sandbox-1688").assert_well()
        terminal.run("rejects", "replay")
        assert tables.query("SELECT DISTINCT account FROM orders") == [("sandbox-1688",)]
        assert tables.query("SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL") == [(0,)]
