"""A platform that is somebody else's package: everything works for it that works for ours. Nothing here names its code.

It is installed from examples/example_shop and read from its own sandbox by the real commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from orders_sync import embedded_postgres
from orders_sync.cli.demo import SIMULATION_ORDERS
from tests.support import other_platform
from tests.support.databases import Tables, made_database
from tests.support.homes import ORDERS as DEMO_ORDERS
from tests.support.homes import Homes
from tests.support.services import ANYWHERE
from tests.support.terminal import CONFIGURATION, Said, Terminal, eventually

pytestmark = pytest.mark.waits
ORDERS = 60
SETTINGS = (other_platform.PROJECT / "orders_sync.toml").read_text()
NAME = "my-example-shop"
SIMULATED = "sandbox-example_shop"
HOOK_TOKEN = "a-hook-token-of-the-tests"
SECRETS = ("example-app-secret", "example-session-token", HOOK_TOKEN)
OLD_TOKEN = "an-old-session-token"


@dataclass(frozen=True)
class Shop:
    """Its orders have landed by `sync`. Tests that share it write nothing but what nobody else looks at."""

    terminal: Terminal
    tables: Tables
    settings: str
    site: Path
    first: Said


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package is installed."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    other_platform.install(folder)
    return folder


@pytest.fixture(scope="module")
def shop(site: Path, server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """In a database that was migrated before the package was installed."""
    with (
        made_database(server, "other_platform", template) as tables,
        other_platform.sandbox(site, ORDERS) as root,
    ):
        terminal = Terminal(tmp_path_factory.mktemp("terminal"), {"DATABASE_URL": tables.url, "PYTHONPATH": str(site)})
        settings = SETTINGS.replace("http://127.0.0.1:8099", root) + f'hook_token = "{HOOK_TOKEN}"\n'
        assert root in settings
        terminal.write(settings)
        yield Shop(terminal, tables, settings, site, terminal.run("sync", "--json").assert_well())
        terminal.close()


def test_every_order_lands_P1(shop: Shop) -> None:
    [outcome] = shop.first.json
    assert (outcome["account"], outcome["rows"]["new"], outcome["errors"]) == (NAME, ORDERS, [])
    assert shop.tables.query("SELECT platform, count(*), count(notes) FROM orders GROUP BY platform") == [
        ("example_shop", ORDERS, 0)
    ]
    assert shop.tables.query("SELECT count(*) FROM sync.rejects") == [(0,)]
    assert shop.tables.query(
        "SELECT count(*) FROM orders o WHERE total_amount <> shipping_amount + "
        "(SELECT sum(amount) FROM sub_orders l WHERE (l.platform, l.order_id) = (o.platform, o.order_id))"
    ) == [(0,)]


def test_a_second_run_writes_no_row_P3(shop: Shop) -> None:
    before = shop.tables.row_versions()
    shop.terminal.run("sync").assert_well()
    assert shop.tables.row_versions() == before


def test_its_statuses_have_names_and_groups_without_a_migration(shop: Shop) -> None:
    named = shop.tables.query("SELECT status, name_en, is_final FROM order_statuses WHERE platform = 'example_shop'")
    assert ("done", "completed", True) in named
    assert len(named) == 5
    grouped = dict(shop.tables.query("SELECT DISTINCT status, status_group FROM orders"))
    assert (grouped["paid"], grouped["under_review"]) == ("awaiting_shipment", "other")


def test_doctor_status_and_order_know_it(shop: Shop) -> None:
    doctor = shop.terminal.run("doctor", "--json").assert_well()
    assert [each for each in doctor.json if not each["is_well"]] == []
    assert NAME in doctor.out
    status = shop.terminal.run("status").assert_well()
    assert NAME in status.out
    [(order_id,)] = shop.tables.query("SELECT order_id FROM orders WHERE status = 'paid' LIMIT 1")
    order = shop.terminal.run("order", order_id).assert_well()
    assert "example_shop" in order.out
    assert "Example product" in order.out


def test_a_message_at_the_address_of_its_platform_is_taken_and_worked_on(shop: Shop) -> None:
    [(order_id,)] = shop.tables.query("SELECT max(order_id) FROM orders")
    service = shop.terminal.serve("run", *ANYWHERE)
    answer = httpx.post(f"{service.root}/hooks/example_shop/{NAME}/{HOOK_TOKEN}", json={"order_id": order_id})
    assert (answer.status_code, answer.text) == (200, "success")
    assert httpx.post(f"{service.root}/hooks/xportcn/{NAME}/{HOOK_TOKEN}").status_code == 404
    eventually(lambda: shop.tables.query("SELECT 1 FROM sync.windows WHERE kind = 'hook' AND state = 'done'"))
    said = service.stop()
    assert [secret for secret in SECRETS if secret in said] == []


def test_its_credentials_are_redacted_wherever_the_platform_quotes_them_P8(
    shop: Shop, terminal: Terminal, url: str
) -> None:
    """Its sandbox repeats the session token that it refuses."""
    terminal.variables |= {"DATABASE_URL": url, "PYTHONPATH": str(shop.site)}
    settings = shop.settings.replace("example-session-token", OLD_TOKEN)
    terminal.write('[log]\nlevel = "debug"\n' + settings)
    service = terminal.serve("run", *ANYWHERE)
    eventually(lambda: "session *** has ended" in service.said)
    everything = service.stop() + Tables(url).everything()
    for command in ("sync", "doctor", "status"):
        said = terminal.run(command)
        assert "session *** has ended" in said.text
        everything += said.text
    assert [secret for secret in (*SECRETS, OLD_TOKEN) if secret in everything] == []


def test_the_sandbox_serves_its_simulation_and_verify_compares_it_P1(site: Path, terminal: Terminal, url: str) -> None:
    """Beside the shops of ours, with as many orders as each of them."""
    terminal.variables |= {"DATABASE_URL": url, "PYTHONPATH": str(site)}
    _, root = terminal.serve_sandbox("--orders", "30")
    terminal.write(httpx.get(f"{root}/sandbox/accounts.toml").text)
    outcomes = {each["account"]: each for each in terminal.run("sync", "--json").assert_well().json}
    assert outcomes.keys() == {"sandbox-1688", "sandbox-open", "sandbox-ka", SIMULATED}
    assert outcomes[SIMULATED]["rows"]["new"] == 10
    equal = terminal.run("verify", root, "--json").assert_well().json
    assert [(each["orders"], each["lines"]) for each in equal if each["account"] == SIMULATED] == [(10, 20)]

    tables = Tables(url)
    tables.execute(
        "UPDATE product_items SET quantity = quantity + 1 WHERE platform = 'example_shop' AND order_id LIKE '%1'"
    )
    tables.execute("UPDATE orders SET account = 'kingdo' WHERE platform = 'example_shop' AND order_id LIKE '%2'")
    tables.execute("DELETE FROM orders WHERE platform = 'example_shop' AND order_id LIKE '%3'")
    said = terminal.run("verify", root, "--json")
    [found] = [each for each in said.json if each["account"] == SIMULATED]
    assert said.code == 5
    assert (found["missed"], list(found["different"])) == (["0000000000000003"], ["0000000000000001"])


def test_the_demo_syncs_and_verifies_it_too(site: Path, homes: Homes, tmp_path: Path) -> None:
    """Also where the demo was run before the package was installed."""
    terminal = homes.with_demo(tmp_path)
    terminal.variables["PYTHONPATH"] = str(site)
    with embedded_postgres.running(terminal.home):  # kept running between the commands
        said = terminal.run("demo").assert_well()
        again = terminal.run("demo").assert_well()
        removed = terminal.run("demo", "--clear").assert_well()
    words = " ".join(said.out.split())
    assert f"{SIMULATED} {SIMULATION_ORDERS} 0 0 0 0 " in words  # new, changed, unchanged, stale, rejected
    assert f"Verified: {DEMO_ORDERS + SIMULATION_ORDERS:,} orders" in words
    assert [secret for secret in SECRETS if secret in said.text] == []
    assert "Nothing changed since the last run" in again.out
    assert f"removed {DEMO_ORDERS + SIMULATION_ORDERS:,} simulated orders of 4 accounts" in removed.out
    terminal.close()


def test_a_mistake_in_its_settings_is_one_clear_message(shop: Shop, terminal: Terminal) -> None:
    terminal.variables["PYTHONPATH"] = str(shop.site)
    terminal.write(shop.settings.replace("session_token =", "sessiontoken ="))
    complaint = terminal.run("sync").assert_complains(
        "session_token: is required", "sessiontoken: unknown key", code=CONFIGURATION
    )
    assert [secret for secret in SECRETS if secret in complaint] == []


def test_without_the_package_the_settings_say_which_platforms_there_are(shop: Shop, terminal: Terminal) -> None:
    terminal.write(shop.settings)
    terminal.run("sync").assert_complains(
        "platform: must be one of 1688, xportcn_ka, xportcn_open", "example_shop", code=CONFIGURATION
    )
