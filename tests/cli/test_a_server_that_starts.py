"""A command that begins while the database's server recovers waits for it."""

from __future__ import annotations

import asyncio

import pytest

from orders_sync.cli import databases
from orders_sync.domain.errors import DatabaseStartingError
from orders_sync.domain.secret import Secret
from orders_sync.settings import DatabaseSettings, Settings
from orders_sync.store import database, schema
from tests.support.cable import cable


def settings(url: str) -> Settings:
    return Settings(database=DatabaseSettings(url=Secret(url)))


def is_current(settings: Settings, said: list[str]) -> bool:
    with databases.hosted(settings, said.append) as host, database.session(host.url) as connection:
        return schema.is_current(connection)


async def test_a_server_that_is_starting_is_waited_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "START_PAUSE", 0.01)
    said: list[str] = []
    async with cable(url) as way:
        way.refusals = 2
        assert await asyncio.to_thread(is_current, settings(way.url), said)
    assert len(said) == 2
    assert all("the database system is starting up" in each for each in said)


async def test_a_server_that_never_starts_is_said_to_be_starting(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "LONGEST_START", -1.0)
    async with cable(url) as way:
        way.refusals = 9
        with pytest.raises(DatabaseStartingError, match="run the command again"):
            await asyncio.to_thread(is_current, settings(way.url), [])
