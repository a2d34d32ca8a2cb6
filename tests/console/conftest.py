"""A console on an empty database, and one on the orders of a sandbox."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from jinja2 import FileSystemBytecodeCache

from orders_sync.console import passwords, rendering
from tests.support.console import Served, served
from tests.support.databases import Tables, made_database
from tests.support.landed import land_world


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords a thousand times faster than is safe: nearly every test has somebody log in."""
    monkeypatch.setattr(passwords, "COST", 2**4)


@pytest.fixture(scope="session", autouse=True)
def compiled_templates(pytestconfig: pytest.Config) -> None:
    """Keep the bytecode of templates: to compile them costs each worker half a second.

    It is kept by the text of each, and by what else decides: the module that sets their environment up, and Jinja.
    """
    cache = pytestconfig.cache
    assert cache is not None
    settings = hashlib.sha256(Path(rendering.__file__).read_bytes()).hexdigest()[:12]
    folder = cache.mkdir(f"templates-{version('jinja2')}-{settings}")
    rendering._environment().bytecode_cache = FileSystemBytecodeCache(str(folder))


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
