"""A paused account hands out no window, whoever asks and whatever is planned of it."""

from __future__ import annotations

import psycopg
import pytest

from orders_sync.domain.accounts import Identity
from orders_sync.store import claims, pauses, probes
from orders_sync.store.database import Connection
from tests.support.ledger_steps import SHOP, claim, hours, plan


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def test_nothing_of_a_paused_account_is_claimed(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    paused = await pauses.pause(connection, SHOP, Identity("1688", "h", "s"), "updated", "a person")
    assert (paused.name, paused.paused_until) == (SHOP, None)
    assert await pauses.is_paused(connection, SHOP)
    assert await claims.claim(connection, SHOP, "worker") is None
    assert await pauses.resume(connection, SHOP)
    assert not await pauses.is_paused(connection, SHOP)
    assert (await claim(connection)).window == hours(0, 1)


async def test_an_account_that_was_paused_while_it_was_read_is_not_probed(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    await pauses.pause(connection, SHOP, Identity("1688", "h", "s"), "updated", "a person")
    assert not await probes.begin(connection, SHOP)
    assert await pauses.resume(connection, SHOP)
    assert await probes.begin(connection, SHOP)


async def test_a_pause_that_has_ended_holds_nothing_up(connection: Connection, url: str) -> None:
    await plan(connection, hours(0, 1))
    await pauses.pause(connection, SHOP, Identity("1688", "h", "s"), "updated", "a person")
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("UPDATE sync.accounts SET paused_until = clock_timestamp()")
        assert pauses.active(session, [SHOP]) == []
    assert not await pauses.resume(connection, SHOP)
    assert (await claim(connection)).window == hours(0, 1)
