"""One platform that drips stops no shop of another."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.drip import accounts, drip
from tests.support.services import ANYWHERE, PACE, equal
from tests.support.terminal import Terminal, eventually, platforms

pytestmark = pytest.mark.waits


@pytest.fixture
def tables(terminal: Terminal, tables: Tables) -> Tables:
    terminal.variables["DATABASE_URL"] = tables.url
    return tables


def test_shops_of_another_platform_stay_current_while_one_drips(
    terminal: Terminal, tables: Tables, world: World
) -> None:
    """Twelve accounts that drip: more than there are window slots, and more than a worker takes jobs at once."""
    with drip() as slow, platforms(world) as (root, _):
        terminal.describe(world, root, extra=PACE + accounts(slow.url, 12))
        service = terminal.serve("run", *ANYWHERE)
        eventually(lambda: slow.calls >= 2)
        eventually(lambda: equal(tables, world))
        for _ in range(2):
            victim = next(o for o in world.shop("sandbox-1688").index.orders.values() if o.quirk != "sample")
            world.change("sandbox-1688", victim.order_id, "write_memo", now=datetime.now(UTC))
            eventually(lambda: equal(tables, world))
        held = tables.query("SELECT count(*) FROM sync.windows WHERE state = 'running' AND account LIKE 'drip%'")
        assert held[0][0] <= 2  # of four
        slow.closed.set()
        service.stop()


def test_doctor_shows_who_answers_before_it_has_waited_for_who_does_not(
    terminal: Terminal, tables: Tables, world: World
) -> None:
    with drip() as slow, platforms(world) as (root, _):
        terminal.describe(world, root, extra=accounts(slow.url, 2))
        process = terminal.start("doctor")
        assert process.stdout is not None
        shown: list[str] = []
        while sum("✓ account" in line for line in shown) < len(world.accounts):
            line = process.stdout.readline()
            assert line, shown
            shown.append(line)
        assert not [line for line in shown if "drip" in line]
        slow.closed.set()
        rest = process.communicate()[0]
        assert process.returncode == 1
        assert rest.count("✗ account drip") == 2
