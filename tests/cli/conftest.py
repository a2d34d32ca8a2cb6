from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orders_sync.sandbox import World
from tests.support.databases import made_database
from tests.support.homes import Homes
from tests.support.landed import Landed, a_world
from tests.support.prepared_server import folder_of_run
from tests.support.terminal import Terminal, platforms


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A user's terminal, without settings and without a database."""
    made = Terminal(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="package")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return Homes(folder_of_run(tmp_path_factory))


@pytest.fixture
def world() -> World:
    """Thirty orders a platform; the youngest are an hour old, so that all of them are due."""
    return a_world(90)


@pytest.fixture(scope="package")
def landed(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    world = a_world(300)
    with made_database(server, "landed", template) as tables, platforms(world) as (root, sandbox):
        terminal = Terminal(tmp_path_factory.mktemp("landed"), {"DATABASE_URL": tables.url})
        terminal.describe(world, root)
        first = terminal.run("sync", "--json").assert_well()
        yield Landed(terminal, tables, world, root, sandbox, first)
        terminal.close()


@pytest.fixture
def copied(landed: Landed, server: str, terminal: Terminal) -> Iterator[Landed]:
    """The same sandbox, which stays as it is, and a copy of its tables for a test that writes there."""
    with made_database(server, "copied", landed.tables.name) as made, made.in_one_session() as tables:
        terminal.variables["DATABASE_URL"] = tables.url
        terminal.describe(landed.world, landed.root)
        yield replace(landed, terminal=terminal, tables=tables)
