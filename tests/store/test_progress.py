"""The share of an account that is read while its history is read newest first."""

from __future__ import annotations

from datetime import datetime

import pytest

from orders_sync.store import claims, closing, database
from orders_sync.store.database import Connection
from orders_sync.store.progress import AccountProgress, of, progress, remarks, state
from tests.support.ledger_steps import SHOP, at, claim, finish, hours, plan


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def read(connection: Connection) -> AccountProgress:
    found = await progress(connection, SHOP)
    assert found is not None
    return found


async def test_nothing_is_read_before_the_first_window_is(connection: Connection) -> None:
    assert await progress(connection, SHOP) is None
    await plan(connection, hours(0, 1), hours(1, 2))
    found = await read(connection)
    assert (found.read_from, found.read_to, found.history_share) == (None, None, None)


async def test_the_newest_stretch_grows_back_to_the_beginning_of_history(connection: Connection) -> None:
    await plan(connection, *[hours(number, number + 1) for number in range(4)])
    for number in (3, 2, 1, 0):
        await finish(connection, await claim(connection))
        found = await read(connection)
        assert (found.read_from, found.read_to, found.history_share) == (at(number), at(4), (4 - number) / 4)


async def test_a_window_that_failed_ends_the_stretch_and_hides_nothing_newer(connection: Connection) -> None:
    await plan(connection, *[hours(number, number + 1) for number in range(4)])
    await finish(connection, await claim(connection))
    await closing.fail(connection, await claim(connection), "why", calls=1)
    await finish(connection, await claim(connection))
    found = await read(connection)
    assert (found.read_from, found.read_to, found.watermark) == (at(3), at(4), at(0))


async def test_the_next_window_takes_nothing_of_the_stretch_away_though_it_overlaps_it(connection: Connection) -> None:
    await plan(connection, hours(0, 2))
    await finish(connection, await claim(connection))
    await plan(connection, hours(1.5, 3))
    found = await read(connection)
    assert (found.read_from, found.read_to) == (at(0), at(2))


async def test_a_range_that_came_back_empty_once_was_read(connection: Connection) -> None:
    await plan(connection, hours(0, 48), hours(48, 49))
    await finish(connection, await claim(connection))
    await closing.plan_unconfirmed(connection, await claim(connection), at(1) - at(0), calls=1)
    found = await read(connection)
    assert (found.read_from, found.read_to, found.watermark) == (at(0), at(49), at(0))
    assert (found.unconfirmed, found.unconfirmed_from, found.unconfirmed_to) == (1, at(0), at(48))
    assert state(found) == "to be confirmed"
    (said,) = remarks(found)
    assert "between 2026-11-01 08:00:00 +08:00 and 2026-11-03 08:00:00 +08:00" in said
    assert "listed as empty" in said
    assert await claims.claim(connection, SHOP, "worker") is None


async def test_an_account_is_as_current_as_its_newest_stretch_whatever_its_history(connection: Connection) -> None:
    await plan(connection, *[hours(number, number + 1) for number in range(4)])
    await finish(connection, await claim(connection))
    found = await read(connection)
    assert found.watermark == at(0)
    assert found.behind == await seconds_since(connection, at(4))


async def test_an_account_whose_newest_window_is_not_read_is_as_far_behind_as_that(connection: Connection) -> None:
    await plan(connection, hours(0, 1), hours(1, 2))
    await closing.fail(connection, await claim(connection), "why", calls=1)
    await finish(connection, await claim(connection))
    assert (await read(connection)).behind == await seconds_since(connection, at(1))


async def test_an_account_nothing_was_read_of_is_as_far_behind_as_its_history(connection: Connection) -> None:
    await plan(connection, hours(0, 1), hours(1, 2))
    assert (await read(connection)).behind == await seconds_since(connection, at(0))


async def test_several_accounts_are_asked_for_at_once(url: str, connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    with database.session(url) as other:
        assert [each.name for each in of(other, [SHOP, "nobody"])] == [SHOP]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (AccountProgress("shop", None, None, None, None, None, None), ""),
        (AccountProgress("shop", at(0), None, None, None, None, None), ""),
        (AccountProgress("shop", at(0), at(0), None, at(60), at(100), 0.4), "40% read"),
        (AccountProgress("shop", at(0), at(0), None, at(1), at(9000), 0.9999), "99% read"),
        (AccountProgress("shop", at(0), at(99), None, at(0), at(99), 0.99), "complete"),
        (AccountProgress("shop", at(0), at(90), at(50), at(0), at(90), 1.0), "complete from 2026-11-03"),
        (AccountProgress("shop", at(0), at(0), None, at(0), at(90), 1.0, unconfirmed=1), "to be confirmed"),
        (
            AccountProgress("shop", at(0), at(0), None, at(0), at(9), 1.0, unconfirmed=1, empty_read_next=at(9)),
            "nothing listed yet",
        ),
        (AccountProgress("shop", at(0), at(9), None, at(0), at(9), 1.0, empty_since=at(9)), "complete"),
    ],
)
def test_a_few_words_say_how_much_of_the_history_is_there(found: AccountProgress, said: str) -> None:
    assert state(found) == said


async def seconds_since(connection: Connection, moment: datetime) -> object:
    cursor = await connection.execute("SELECT extract(epoch FROM clock_timestamp() - %s)::float", [moment])
    row = await cursor.fetchone()
    assert row is not None
    return pytest.approx(row[0], abs=300)


def test_what_lies_beyond_the_reach_is_said_and_never_called_complete() -> None:
    (said,) = remarks(AccountProgress("shop", at(0), at(90), at(50), at(0), at(90), 1.0))
    assert "complete only from 2026-11-03 10:00:00 +08:00 on" in said
    assert "from 2026-11-01 08:00:00 +08:00" in said


def test_while_history_is_read_the_days_that_are_there_are_said() -> None:
    (said,) = remarks(AccountProgress("shop", at(0), at(0), None, at(60), at(100), 0.4))
    assert "read from 2026-11-03 20:00:00 +08:00 to 2026-11-05 12:00:00 +08:00, 40% of the history" in said


def test_an_account_that_is_current_needs_no_remark() -> None:
    assert remarks(AccountProgress("shop", at(0), at(99), None, at(0), at(99), 0.99)) == []
    assert remarks(AccountProgress("shop", None, None, None, None, None, None)) == []
