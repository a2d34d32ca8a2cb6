"""`orders-sync config`: every mistake at once, where each secret is found, and an example to begin with."""

from __future__ import annotations

from orders_sync.settings.example import example
from tests.support.terminal import CONFIGURATION, Terminal

SECRET = "Hush-not-the-secret"
SHOP = f"""
[[accounts]]
name = "shop"
platform = "1688"
seller_nick = "shop"
app_id = {{ env = "SHOP_APP" }}
app_secret = "{SECRET}"
history_from = "2026-01-01"
"""
KA = """
[[accounts]]
name = "ka"
platform = "xportcn_ka"
user_id = "u1"
access_key = "key"
access_secret = { file = "/no/such/file" }
history_from = "2999-01-01"
"""


def test_settings_without_a_mistake_show_where_each_secret_is_found_and_none_of_them_P8(terminal: Terminal) -> None:
    terminal.write(SHOP)
    variables = {"SHOP_APP": SECRET, "DATABASE_URL": f"postgresql://me:{SECRET}@host/x"}
    said = terminal.run("config", "check", **variables).assert_well()
    assert "app_id: variable SHOP_APP, app_secret: written in the settings" in said.out
    assert "database: variable DATABASE_URL" in said.out
    found = terminal.run("config", "check", "--json", **variables).assert_well()
    assert found.json["accounts"] == [
        {
            "account": "shop",
            "platform": "1688",
            "secrets": {"app_id": "variable SHOP_APP", "app_secret": "written in the settings"},
        }
    ]
    assert SECRET not in said.text + found.text


def test_a_former_name_of_a_setting_is_a_warning_and_no_mistake(terminal: Terminal) -> None:
    terminal.write("[sync]\nretries = 3\n" + SHOP)
    warning = "orders_sync.toml: [sync] retries: is called tries now"
    said = terminal.run("config", "check", SHOP_APP="app").assert_well()
    assert f"! {warning}" in said.out
    assert warning not in said.err
    [found] = terminal.run("config", "check", "--json", SHOP_APP="app").assert_well().json["warnings"]
    assert found.startswith(warning)
    said = terminal.run("db", "url", DATABASE_URL="postgresql://me@host/x").assert_well()  # as every other command
    assert warning in said.err
    assert warning not in said.out


def test_every_mistake_of_accounts_is_shown_at_once_and_the_others_can_be_used(terminal: Terminal) -> None:
    terminal.write(SHOP + KA)
    said = terminal.run("config", "check", SHOP_APP="app")
    assert said.code == 1
    assert [line for line in said.out.splitlines() if line.startswith("✗")] == [
        '✗ orders_sync.toml: accounts[1] "ka": history_from: lies in the future (got "2999-01-01")',
    ]
    assert "shop" in said.out
    terminal.write(SHOP + KA.replace("2999", "2026"))
    said = terminal.run("config", "check", SHOP_APP="app")
    assert 'accounts[1] "ka": access_secret: file /no/such/file cannot be read: No such file' in said.out
    assert terminal.run("config", "check", "--json", SHOP_APP="app").json["misconfigured"][0]["account"] == "ka"


def test_settings_with_which_nothing_can_start_have_an_exit_code_of_their_own(terminal: Terminal) -> None:
    terminal.write(f"[sync]\nlag = 'x'\n[log]\nlevel = 'y'\n{SHOP}")
    said = terminal.run("config", "check")
    assert said.code == CONFIGURATION
    assert [line.split(": ")[1] for line in said.out.splitlines() if line.startswith("✗")] == [
        'accounts[0] "shop"',
        "[sync] lag",
        "[log] level",
    ]
    terminal.write(SHOP)
    assert terminal.run("config", "check").code == CONFIGURATION
    terminal.write("[sync")
    assert terminal.run("config", "check").code == CONFIGURATION
    assert terminal.run("config", "check", "--json").json["mistakes"][0].startswith("orders_sync.toml: is not TOML")


def test_the_example_is_printed_whole_and_is_valid(terminal: Terminal) -> None:
    printed = terminal.run("config", "example").assert_well().out
    assert printed == example()
    terminal.write(printed)
    secrets = dict.fromkeys(("MY_1688_SECRET", "MY_TAOBAO_SECRET", "MY_KA_SECRET"), "x")
    terminal.run("config", "check", **secrets).assert_well()
