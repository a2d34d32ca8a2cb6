"""The lag of an account over time follows from the windows that were read and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.store.console import freshness
from orders_sync.store.console.freshness import Delay
from orders_sync.store.database import Connection

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SPAN = freshness.SPAN


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def read(
    connection: Connection, end: timedelta, finished: timedelta | None, kind: str = "incremental", state: str = "done"
) -> None:
    """A window that ends `end` before now and was read `finished` before now."""
    await connection.execute(
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, finished_at) "
        "VALUES ('shop', %s, 'created', %s, %s, %s, %s)",
        [kind, NOW - end - HOUR, NOW - end, state, None if finished is None else NOW - finished],
    )


async def delays(connection: Connection) -> list[Delay]:
    return await freshness.delays(connection, "shop", NOW)


async def test_lag_grows_with_time_and_falls_when_a_window_is_read(connection: Connection) -> None:
    await read(connection, 49 * HOUR, SPAN + HOUR / 2)
    await read(connection, 10 * HOUR, 10 * HOUR - MINUTE)
    await read(connection, 2 * HOUR, HOUR)
    hour = 3600.0
    assert await delays(connection) == [
        Delay(NOW - SPAN, None, hour),
        Delay(NOW - 10 * HOUR + MINUTE, 39 * hour + 60, 60.0),
        Delay(NOW - HOUR, 9 * hour, hour),
        Delay(NOW, 2 * hour, 2 * hour),
    ]


async def test_a_window_of_older_time_changes_no_lag(connection: Connection) -> None:
    await read(connection, 3 * HOUR, 3 * HOUR)
    await read(connection, 9 * HOUR, 2 * HOUR)
    await read(connection, 90 * HOUR, HOUR)
    for other in ("confirm", "sweep", "hook"):
        await read(connection, MINUTE, MINUTE, other)
    for state in ("planned", "running", "failed", "split", "beyond"):
        await read(connection, MINUTE, MINUTE, state=state)
    found = await delays(connection)
    assert [each.after for each in found] == [0.0, 3600.0, 7200.0, 10800.0]  # it only rises


async def test_nothing_read_has_no_lag_and_the_first_read_has_none_before(connection: Connection) -> None:
    assert await delays(connection) == []
    await read(connection, HOUR, None)  # no time of its end: a row that is half filled
    assert await delays(connection) == []
    await read(connection, HOUR, HOUR)
    assert await delays(connection) == [Delay(NOW - HOUR, None, 0.0), Delay(NOW, 3600.0, 3600.0)]


async def test_an_account_that_stands_still_has_a_line_that_only_rises(connection: Connection) -> None:
    await read(connection, 100 * HOUR, 99 * HOUR)
    hour = 3600.0
    assert await delays(connection) == [Delay(NOW - SPAN, None, 52 * hour), Delay(NOW, 100 * hour, 100 * hour)]


async def test_of_many_windows_the_highest_teeth_remain(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "MOST_TEETH", 24)  # one of two hours
    for minute in range(0, 600):
        if not 100 < minute < 130:
            await read(connection, minute * MINUTE, minute * MINUTE)
    found = await delays(connection)
    assert len(found) <= 24 + 2
    assert max(each.before for each in found if each.before is not None) == 30 * 60
    assert [each.at for each in found] == sorted(each.at for each in found)


async def test_of_two_reads_close_together_the_one_after_the_longer_wait_remains(connection: Connection) -> None:
    start = SPAN - HOUR  # a whole number of parts after the beginning
    await read(connection, start + MINUTE, start + MINUTE)
    await read(connection, start - 2 * MINUTE, start - 2 * MINUTE)
    await read(connection, start - 8 * MINUTE, start - 8 * MINUTE)
    found = await delays(connection)
    assert [each.at for each in found[1:-1]] == [NOW - start + 8 * MINUTE]
    assert found[1].before == 6 * 60


async def test_the_highest_lag_in_the_minutes_of_the_first_read_is_not_forgotten(connection: Connection) -> None:
    second = timedelta(seconds=1)
    await read(connection, 200 * second, 199 * second)  # before it nothing had been read
    await read(connection, 15 * second, 14 * second)
    await read(connection, 10 * second, 9 * second)
    found = await delays(connection)
    assert [each.before for each in found] == [None, 186.0, 10.0]
