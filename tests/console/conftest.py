"""A console on an empty database, and one on the orders of a sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from orders_sync.console import passwords
from tests.support.console import Served, served
from tests.support.databases import Tables, made_database
from tests.support.landed import land_world


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords a thousand times faster than is safe: nearly every test has somebody log in."""
    monkeypatch.setattr(passwords, "COST", 2**4)


@pytest.fixture
async def console(url: str) -> AsyncIterator[Served]:
    async with served(url) as found:
        yield found


@pytest.fixture(scope="package")
def bare(server: str, template: str) -> Iterator[Tables]:
    """A database without shops and orders. Shared: tests only add people to it, and let them log in."""
    with made_database(server, "bare", template) as tables:
        yield tables


@pytest.fixture
async def gate(bare: Tables) -> AsyncIterator[Served]:
    """A console for tests of who may pass: nothing is changed by it but sessions."""
    async with served(bare.url) as found:
        yield found


@pytest.fixture(scope="package")
def landed(server: str, template: str) -> Iterator[Tables]:
    """Orders of all three platforms, with history. Shared: tests only add to it what others do not see."""
    with made_database(server, "console", template) as tables:
        asyncio.run(land_world(tables.url))
        yield tables


@pytest.fixture
async def shop(landed: Tables) -> AsyncIterator[Served]:
    """A console on the orders of a sandbox."""
    async with served(landed.url) as found:
        yield found
