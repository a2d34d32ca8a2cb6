"""`orders-sync doctor`: is everything in place, and if not, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from orders_sync.sandbox import World
from tests.support.databases import Tables, made_database
from tests.support.landed import Landed
from tests.support.terminal import Said, Terminal, closed_port, platforms, result

PATIENT = {"ORDERS_SYNC_SYNC__INTERVAL": "7d"}  # nobody reads the orders that landed before: they are still current


@dataclass(frozen=True)
class Visits:
    """The output in each of these cases, and the port nobody listens on."""

    said: dict[str, Said]
    port: int
    foreign: Tables
    empty: Tables

    def unwell(self, case: str) -> dict[str, str]:
        """Return its complaints: finding to words, advice included."""
        said = self.said[case]
        assert "Traceback" not in said.text
        found = {each["what"]: f"{each['found']} {each['advice']}" for each in said.json if not each["is_well"]}
        assert said.code == (1 if found else 0)
        return found


@pytest.fixture(scope="module")
def visits(landed: Landed, server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    """All cases at once."""
    terminals = {
        case: Terminal(tmp_path_factory.mktemp("doctor"), {"DATABASE_URL": landed.tables.url, **PATIENT})
        for case in ("wrong secret", "no platform", "no database", "newer", "foreign", "no settings", "mistakes")
    }
    with (
        made_database(server, "newer", template) as newer,
        made_database(server, "foreign") as foreign,
        made_database(server, "empty") as empty,
        closed_port() as port,
    ):
        newer.execute("UPDATE sync.alembic_version SET version_num = '9999'")
        foreign.execute("CREATE TABLE orders (theirs int)")
        secret = landed.world.shop("sandbox-ka").account.app_secret
        right = landed.terminal.settings.read_text()
        terminals["wrong secret"].write(right.replace(secret, "not-the-secret"))
        terminals["no platform"].describe(landed.world, f"http://127.0.0.1:{port}", "sandbox-1688")
        terminals["no database"].write(right)
        terminals["no database"].variables["DATABASE_URL"] = f"postgresql://somebody@127.0.0.1:{port}/orders"
        terminals["newer"].variables["DATABASE_URL"] = newer.url
        terminals["foreign"].variables["DATABASE_URL"] = foreign.url
        terminals["no settings"].variables |= {"DATABASE_URL": empty.url, "ORDERS_SYNC_SYNC__RETRIES": "3"}
        terminals["mistakes"].write('[sync]\nlag = "soon"\nwrokers = 3\n')
        running = {case: terminal.start("doctor", "--json") for case, terminal in terminals.items()}
        yield Visits({case: result(process) for case, process in running.items()}, port, foreign, empty)
        for terminal in terminals.values():
            terminal.close()


def test_all_is_well(landed: Landed) -> None:
    before = landed.tables.row_versions()
    said = landed.terminal.run("doctor", **PATIENT).assert_well()
    assert "✗" not in said.out
    for words in (
        "settings",
        "database",
        "tables: up to date",
        "service: 3 accounts: 3 current; no scheduler, no worker",
        "clocks",
        "account sandbox-open",
    ):
        assert f"✓ {words}" in said.out
    assert landed.tables.row_versions() == before


def test_wrong_secret_is_found_with_one_call_P6(visits: Visits, landed: Landed) -> None:
    found = visits.unwell("wrong secret")
    assert list(found) == ["account sandbox-ka"]
    assert "credentials" in found["account sandbox-ka"]
    assert landed.sandbox.stats["?", "xportcn_ka"] == 1


def test_unreachable_platform_is_said_with_its_address(visits: Visits) -> None:
    found = visits.unwell("no platform")
    assert list(found) == ["account sandbox-1688"]
    assert "base_url" in found["account sandbox-1688"]
    assert f"127.0.0.1:{visits.port}" in found["account sandbox-1688"]


def test_unreachable_database_does_not_hide_the_rest(visits: Visits) -> None:
    found = visits.unwell("no database")
    assert list(found) == ["database"]
    assert f"127.0.0.1:{visits.port}" in found["database"]
    assert sum("accepts the credentials" in each["found"] for each in visits.said["no database"].json) == 3


def test_tables_of_a_newer_version_are_not_well(visits: Visits) -> None:
    assert "newer" in visits.unwell("newer")["tables"]


def test_tables_that_are_not_ours_are_not_well(visits: Visits) -> None:
    assert "orders" in visits.unwell("foreign")["tables"]
    assert visits.foreign.names() == ["public.orders"]


def test_without_settings_it_says_where_to_begin(visits: Visits) -> None:
    assert visits.unwell("no settings") == {}
    assert "orders_sync.toml" in visits.said["no settings"].out
    assert "orders-sync demo" in visits.said["no settings"].out
    assert visits.empty.names() == []


def test_a_former_name_of_a_setting_is_well_with_advice(visits: Visits) -> None:
    [found] = [each for each in visits.said["no settings"].json if "ORDERS_SYNC_SYNC__TRIES" in each["found"]]
    assert found["is_well"]
    assert found["advice"]


def test_every_mistake_in_the_settings_is_shown(visits: Visits) -> None:
    found = visits.unwell("mistakes")
    assert "[sync] lag" in found["settings"]
    assert "workers" in found["settings"]


def test_a_probe_finds_nothing_otherwise_on_the_sandbox_and_is_shown_again(landed: Landed) -> None:
    said = landed.terminal.run("doctor", "--probe", **PATIENT).assert_well()
    assert said.out.count("✓ probe of sandbox-") == 3
    assert landed.terminal.run("doctor", **PATIENT).assert_well().out.count("✓ probe of sandbox-") == 3


def test_what_status_calls_broken_is_not_well(terminal: Terminal, url: str) -> None:
    terminal.variables["DATABASE_URL"] = url
    tables = Tables(url)
    tables.execute(
        """INSERT INTO sync.accounts (name, platform, seller, feed, history_from, suspended_at, suspended_because)
        VALUES ('shop', '1688', 's', 'updated', now() - interval '9 d', now(), 'code 50')"""
    )
    said = terminal.run("doctor", "--json")
    found = [each for each in said.json if not each["is_well"]]
    assert said.code == 1
    assert [each["what"] for each in found] == ["service", "service"]
    assert found[0]["found"].startswith("1 account: 1 suspended; no scheduler, no worker")
    assert "`orders-sync status --problems`" in found[0]["advice"]
    assert "shop: suspended since" in found[1]["found"]


def test_a_platform_that_is_down_is_not_blamed_on_the_settings(
    landed: Landed, terminal: Terminal, world: World
) -> None:
    terminal.variables |= {"DATABASE_URL": landed.tables.url, **PATIENT}
    with platforms(world) as (root, sandbox):
        terminal.describe(world, root, "sandbox-ka")
        sandbox.faults.set_rates({"http_5xx": 1.0}, "sandbox-ka")
        said = terminal.run("doctor", "--json")
    [found] = [each for each in said.json if each["what"] == "account sandbox-ka"]
    assert (said.code, found["is_well"]) == (1, False)
    assert found["advice"] == "the platform is down or overloaded: try again later"


def test_views_of_an_older_version_are_named(terminal: Terminal, url: str) -> None:
    Tables(url).execute("UPDATE sync.views SET definition_hash = '' WHERE name = 'buyers'")
    said = terminal.run("doctor", DATABASE_URL=url)
    assert "tables: up to date; views of an older version: the next `sync` makes them anew" in said.out
