"""The machine around a command: proxies and certificates as people set them. It works, or one sentence says why not."""

from __future__ import annotations

from tests.support.landed import Landed
from tests.support.terminal import CONFIGURATION, Terminal, result

PROXIES = (
    {"ALL_PROXY": "socks5://127.0.0.1:1", "NO_PROXY": "localhost,fe80::/10,[::1]"},
    {"HTTP_PROXY": "127.0.0.1:1", "https_proxy": "no such thing"},
    {"ALL_PROXY": "socks://127.0.0.1:1/", "no_proxy": ", ,[,10.0.0.0/8,::1"},
)
SHOP = """
[[accounts]]
name = "shop"
platform = "1688"
seller_nick = "shop"
app_id = "app"
app_secret = "secret"
history_from = "2026-01-01"
"""


def test_a_sandbox_on_this_machine_is_read_whatever_proxies_are_set(landed: Landed) -> None:
    late = {"ORDERS_SYNC_SYNC__INTERVAL": "1d"}  # the orders landed long ago where this test comes late
    for process in [landed.terminal.start("doctor", **variables, **late) for variables in PROXIES]:
        said = result(process).assert_well()
        assert said.out.count("accepts the credentials") == len(landed.world.accounts)


def test_a_variable_that_cannot_be_used_is_named_by_every_command_that_calls_a_platform(
    terminal: Terminal, url: str
) -> None:
    terminal.write(SHOP)
    database = {"DATABASE_URL": url}
    certificates = {**database, "SSL_CERT_FILE": "/nowhere.pem"}
    proxy = {**database, "HTTPS_PROXY": "socks4://me:SECRET@127.0.0.1:1"}
    asked = [
        (variable, terminal.start(*command, **variables))
        for variable, variables in (("SSL_CERT_FILE", certificates), ("HTTPS_PROXY", proxy))
        for command in (["sync"], ["run", "--listen", "127.0.0.1:0"], ["audit"])
    ]
    for variable, process in asked:
        assert "SECRET" not in result(process).assert_complains(f"{variable}: ", code=CONFIGURATION)
    said = terminal.run("doctor", **certificates)
    assert (said.code, said.complaints) == (1, [])
    assert "network: SSL_CERT_FILE: /nowhere.pem cannot be used: No such file or directory" in said.out
