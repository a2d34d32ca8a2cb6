from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orders_sync.sandbox import Sandbox, World
from tests.cli.terminal import Said, Tables, Terminal, platforms
from tests.conftest import on


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A user's terminal, without settings and without a database."""
    made = Terminal(tmp_path)
    yield made
    made.close()


@pytest.fixture
def world() -> World:
    """A hundred orders a platform; the youngest are an hour old, so that all of them are due."""
    return a_world(300)


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


@pytest.fixture(scope="package")
def landed(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    world = a_world(300)
    with made_database(server, "landed", template) as tables, platforms(world) as (root, sandbox):
        terminal = Terminal(tmp_path_factory.mktemp("landed"), {"DATABASE_URL": tables.url})
        terminal.describe(world, root)
        first = terminal.run("sync", "--json").assert_well()
        yield Landed(terminal, tables, world, root, sandbox, first)
        terminal.close()


@contextmanager
def made_database(server: str, word: str, template: str = "template1") -> Iterator[Tables]:
    """A database for the tests of one module to share."""
    name = f"orders_sync_{word}_{os.getpid()}"
    Tables(server).execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield Tables(on(server, name))
    Tables(server).execute(f"DROP DATABASE {name} WITH (FORCE)")
