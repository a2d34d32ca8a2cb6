"""A sandbox whose orders have landed, for tests that only read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orders_sync.sandbox import Sandbox, World
from tests.support.databases import Tables
from tests.support.terminal import Said, Terminal


def a_world(orders: int) -> World:
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    return World(orders, 3, seed=1, now=now, days=5)


@dataclass
class Landed:
    """A sandbox whose orders have landed by `orders-sync sync`. Tests that share it write nothing."""

    terminal: Terminal
    tables: Tables
    world: World
    root: str
    sandbox: Sandbox
    first: Said
