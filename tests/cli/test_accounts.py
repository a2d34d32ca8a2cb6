"""`orders-sync accounts`: which accounts there are, which are suspended, and how that ends."""

from __future__ import annotations

from orders_sync.sandbox import World
from tests.cli.conftest import Landed
from tests.cli.terminal import Tables, Terminal, platforms

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
        assert said[1].complaints == said[0].complaints
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
