"""A console on an empty database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.console import Served, served


@pytest.fixture
async def console(url: str) -> AsyncIterator[Served]:
    async with served(url) as found:
        yield found
