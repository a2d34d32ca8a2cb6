"""Rows deleted or changed by hand come back by the commands of the runbook, as an operator types them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from orders_sync.sandbox import World
from tests.support.databases import Tables, made_database
from tests.support.landed import a_world
from tests.support.services import equal
from tests.support.terminal import Terminal, platforms

SHOP = "sandbox-1688"
SOME = f"order_id IN (SELECT order_id FROM orders WHERE account = '{SHOP}' ORDER BY created_at DESC LIMIT 3)"


@pytest.fixture(scope="module")
def world() -> World:
    return a_world(90)


@pytest.fixture(scope="module")
def synced(
    world: World, server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Tables, str]]:
    """Tables that are copied for each test, and the text of the settings."""
    with made_database(server, "synced", template) as made, platforms(world) as (root, _):
        terminal = Terminal(tmp_path_factory.mktemp("synced"), {"DATABASE_URL": made.url})
        terminal.describe(world, root, SHOP)
        terminal.run("sync").assert_well()
        yield made, terminal.settings.read_text()
        terminal.close()


@pytest.fixture
def tables(server: str, synced: tuple[Tables, str], terminal: Terminal) -> Iterator[Tables]:
    prepared, settings = synced
    with made_database(server, "restoration", prepared.name) as made:
        terminal.variables["DATABASE_URL"] = made.url
        terminal.write(settings)
        with made.in_one_session() as tables:
            yield tables


def test_deleted_and_edited_rows_come_back_by_renormalize(terminal: Terminal, tables: Tables, world: World) -> None:
    tables.execute(f"DELETE FROM sub_orders WHERE {SOME}")
    tables.execute(f"UPDATE orders SET total_amount = 1, buyer_name = 'mine' WHERE {SOME}")
    tables.execute("DELETE FROM orders WHERE ctid IN (SELECT ctid FROM orders ORDER BY created_at LIMIT 3)")
    [result] = terminal.run("renormalize", "--json").assert_well().json
    assert (result["rebuilt"], result["rejected"]) == (6, 0)
    assert equal(tables, world, SHOP)


def test_deleted_orders_come_back_by_an_audit(terminal: Terminal, tables: Tables, world: World) -> None:
    tables.execute(f"DELETE FROM orders WHERE {SOME}")
    assert terminal.run("audit").code == 5
    assert "nothing missing" in terminal.run("audit", "--repair").text
    assert equal(tables, world, SHOP)


@pytest.mark.parametrize(
    "damage", ["DELETE FROM raw_orders", "UPDATE raw_orders SET payload = replace(payload::text, '1', '2')::json"]
)
def test_payloads_come_back_by_the_command_that_renormalize_names(
    terminal: Terminal, tables: Tables, world: World, damage: str
) -> None:
    payloads = "SELECT order_id, payload::text FROM raw_orders ORDER BY 1"
    before = tables.query(payloads)
    tables.execute(f"{damage} WHERE {SOME}")
    tables.execute(f"UPDATE orders SET status = 'mine' WHERE {SOME}")
    said = " ".join(terminal.run("renormalize").assert_well().err.split())
    assert f"{SHOP}: the payloads of 3 orders were deleted or changed by hand" in said
    [command] = re.findall(r"`orders-sync (backfill [^`]*)`", said)
    terminal.run(*command.split(), "--wait", "--yes").assert_well()
    assert equal(tables, world, SHOP)
    assert tables.query(payloads) == before
    assert "by hand" not in terminal.run("renormalize").assert_well().err


def test_orders_without_any_payload_are_not_called_unknown(terminal: Terminal, tables: Tables) -> None:
    tables.execute("DELETE FROM raw_orders")
    assert "by hand" in " ".join(terminal.run("renormalize", "--account", SHOP).assert_well().err.split())
