"""`orders-sync audit`: what differs is shown, repaired when asked, and decides the exit code."""

from __future__ import annotations

import pytest

from orders_sync.sandbox import World
from tests.cli.conftest import Landed
from tests.cli.terminal import Tables, Terminal, platforms


def test_equal_tables_are_exit_code_0_and_leave_their_counts(landed: Landed) -> None:
    said = landed.terminal.run("audit", "--json").assert_well()
    assert [(each["platform_orders"], each["table_orders"], each["differences"]) for each in said.json] == [
        (100, 100, [])
    ] * 3
    assert landed.tables.query("SELECT count(*) FROM sync.audits WHERE finished_at IS NOT NULL") == [(3,)]


def test_a_lost_order_is_exit_code_1_until_it_is_repaired(terminal: Terminal, url: str, world: World) -> None:
    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (root, _):
        terminal.describe(world, root)
        terminal.run("sync").assert_well()
        [(lost,)] = Tables(url).query(
            "SELECT order_id FROM orders WHERE account = 'sandbox-ka' ORDER BY created_at LIMIT 1"
        )
        for table in ("raw_orders", "orders", "sub_orders", "product_items", "order_receivers", "order_history"):
            Tables(url).execute(f"DELETE FROM {table} WHERE order_id = %s", lost)
        said = terminal.run("audit", "--account", "sandbox-ka")
        assert said.code == 1
        assert "Ranges that differ" in said.out
        assert "audit --repair" in said.err
        assert "sandbox-1688" not in said.out
        [repaired] = terminal.run("audit", "--account", "sandbox-ka", "--repair", "--json").assert_well().json
        assert [(each["missing"], each["repaired"]) for each in repaired["differences"]] == [(1, True)]
        terminal.run("audit").assert_well()
        assert terminal.run("verify", root).code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "2026-11-02", "--to", "2026-11-01"], "nothing lies between"),
        (["--from", "yesterday"], "must be a date or a time"),
        (["--account", "nobody"], "nobody"),
    ],
)
def test_mistakes_are_one_clear_message(landed: Landed, options: list[str], words: str) -> None:
    landed.terminal.run("audit", *options).assert_complains(words)
