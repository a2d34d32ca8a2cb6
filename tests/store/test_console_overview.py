"""The figures of the overview: the last comparison with the platform, orders of two days in the zone people see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain import local_times
from orders_sync.store.console import overview
from orders_sync.store.database import Connection

HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # 07:30 on 2 March in Shanghai


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


@pytest.fixture(autouse=True)
def shanghai() -> Iterator[None]:
    before = local_times.zone_name()
    local_times.use("Asia/Shanghai")
    yield
    local_times.use(before)


async def audit(connection: Connection, hours_ago: float, length: timedelta, **more: object) -> None:
    columns = {"finished_at": NOW - hours_ago * HOUR, "platform_orders": 10, "table_orders": 9, **more}
    end = NOW - hours_ago * HOUR
    await connection.execute(
        f"INSERT INTO sync.audits (account, starts_at, ends_at, started_at, {', '.join(columns)}) "
        f"VALUES ('shop', %s, %s, %s, {', '.join(['%s'] * len(columns))})".encode(),
        [end - length, end, end, *columns.values()],
    )


async def order(connection: Connection, created: datetime, account: str = "shop") -> None:
    await connection.execute(
        "INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count, created_at) "
        "VALUES ('1688', gen_random_uuid()::text, %s, 's', 'other', 'CNY', 0, %s)",
        [account, created],
    )


async def of_shop(connection: Connection) -> overview.Figures:
    return (await overview.figures(connection, ["shop"], NOW))["shop"]


async def test_an_account_without_anything_has_figures(connection: Connection) -> None:
    found = await overview.figures(connection, ["shop", "other"], NOW)
    assert list(found) == ["shop", "other"]
    assert found["shop"] == overview.Figures(overview.Placed("shop"), [0] * 24, None)
    assert await overview.figures(connection, [], NOW) == {}


async def test_an_audit_of_one_day_does_not_replace_that_of_everything(connection: Connection) -> None:
    await audit(connection, 30, timedelta(days=90), platform_orders=999)
    await audit(connection, 20, timedelta(days=80), platform_orders=1000)
    await audit(connection, 2, timedelta(days=1), platform_orders=5)
    found = (await of_shop(connection)).compared
    assert found is not None
    assert (found.platform_orders, found.table_orders, found.difference) == (1000, 9, 991)


async def test_audits_that_run_failed_or_counted_nothing_are_no_comparison(connection: Connection) -> None:
    await audit(connection, 3, timedelta(days=9), finished_at=None, error="refused")
    await audit(connection, 2, timedelta(days=9), finished_at=None, platform_orders=None, table_orders=None)
    assert (await of_shop(connection)).compared is None
    await audit(connection, 1, timedelta(days=9), platform_orders=None)
    found = (await of_shop(connection)).compared
    assert found is not None
    assert found.difference is None


async def test_today_and_yesterday_are_days_of_the_zone_that_people_see(connection: Connection) -> None:
    midnight = datetime(2026, 3, 1, 16, tzinfo=UTC)
    for created in (midnight, NOW - HOUR, midnight - HOUR, midnight - 20 * HOUR, midnight - 25 * HOUR, NOW + HOUR):
        await order(connection, created)
    await order(connection, NOW - HOUR, "another")
    assert (await of_shop(connection)).placed == overview.Placed("shop", today=2, yesterday_by_now=1, yesterday=2)


async def test_orders_are_counted_up_to_a_limit(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = overview._PLACED.replace("LIMIT 10001", "LIMIT 3")
    assert limited != overview._PLACED
    monkeypatch.setattr(overview, "_PLACED", limited)
    for minute in range(9):
        await order(connection, NOW - timedelta(minutes=minute + 1))
    assert (await of_shop(connection)).placed.today == 3


async def test_orders_are_counted_by_the_hour_the_oldest_first(connection: Connection) -> None:
    for minutes in (0, 10, 29, 31, 90, 23 * 60 + 29, 23 * 60 + 31, -31):
        await order(connection, NOW - timedelta(minutes=minutes))
    assert (await of_shop(connection)).by_hour == [1] + [0] * 21 + [2, 3]
