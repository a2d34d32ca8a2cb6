from __future__ import annotations

import pytest

from orders_sync.sandbox import Sandbox, World
from tests.support.sandbox_calls import NOW, fixed
from tests.support.worlds import world_of


@pytest.fixture(scope="session")
def large_world() -> World:
    """A world of 2,000 orders that no test changes."""
    return World(2000, now=NOW)


@pytest.fixture
def world() -> World:
    """A small world of the test's own."""
    return world_of(240, now=NOW, days=30, samples=True)


@pytest.fixture(scope="session")
def shared_sandbox() -> Sandbox:
    """A small world behind the APIs. Tests do not change it, or restore it."""
    return Sandbox(World(240, now=NOW), clock=fixed)


@pytest.fixture
def sandbox(world: World) -> Sandbox:
    """The small world of the test behind the APIs, with a fixed clock."""
    return Sandbox(world, clock=fixed)
