from __future__ import annotations

import pytest

from orders_sync.sandbox import Sandbox, World
from tests.support.sandbox_calls import NOW, fixed


@pytest.fixture(scope="session")
def quiet() -> World:
    """Two thousand orders to which nothing happens: tests only read it."""
    return World(2000, now=NOW)


@pytest.fixture
def world() -> World:
    """A small world of the test's own."""
    return World(240, now=NOW)


@pytest.fixture(scope="session")
def calm() -> Sandbox:
    """A small world, served, which tests only read."""
    return Sandbox(World(240, now=NOW), clock=fixed)


@pytest.fixture
def sandbox(world: World) -> Sandbox:
    """The small world, served; its clock stands still."""
    return Sandbox(world, clock=fixed)
