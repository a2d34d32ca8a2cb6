"""What audits found is settled by whatever read brings the orders, and the figures of an audit add up."""

from __future__ import annotations

from datetime import datetime

import pytest

from orders_sync.domain.windows import Feed, Window
from orders_sync.store import audit_reports, audits, open_differences, overview
from orders_sync.store.audits import RecordedDifference
from orders_sync.store.database import Connection
from tests.support.databases import one
from tests.support.differences import DAY, HOUR, difference

ACCOUNT = """
    INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark)
    VALUES (%s, '1688', 'h', %s, 'updated', %s, %s)
"""
ORDER = """
    INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count, synced_at)
    VALUES ('1688', %s, 'shop', 's', 'other', 'CNY', 0, clock_timestamp())
"""
REJECT = """
    INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at)
    VALUES ('shop', '1688', %s, '', %s::text::bytea, 'odd', now())
"""


@pytest.fixture
async def shop(connection: Connection) -> Connection:
    await connection.execute(ACCOUNT, ["shop", "shop", DAY.start, DAY.end])
    return connection


def changed(hour: int, *missing: str, older: tuple[str, ...] = ()) -> RecordedDifference:
    found = difference(hour, *missing, older=older)
    return RecordedDifference(Feed.UPDATED, found.window, found.platform, found.tables, found.missing, missing, older)


async def audited(connection: Connection, *found: RecordedDifference, platform: int = 20, tables: int = 10) -> int:
    number = await audits.begin(connection, "shop", DAY, is_routine=False)
    for each in found:
        await audits.record_difference(connection, number, each)
    for feed in Feed:
        await audits.supersede(connection, "shop", number, feed, DAY)
    await audits.finish(
        connection,
        number,
        DAY.start,
        platform=platform,
        tables=tables,
        rejects=2,
        awaited=3,
        differences=len(found),
        calls=1,
    )
    return number


async def missing(connection: Connection) -> tuple[int, int, str | None]:
    """Of the shop: open ranges, missing orders, one of them."""
    [status] = await overview.read_account(connection, "shop")
    return status.differences, status.audit_missing, status.audit_missing_id


async def report(connection: Connection, number: int) -> audit_reports.AuditReport:
    found = await audit_reports.report(connection, number)
    assert found is not None
    listed = {each.id: each for each in await audit_reports.listed(connection)}
    assert listed[number] == found[0]
    return found[0]


async def test_a_missing_order_is_missing_until_any_read_brings_it(shop: Connection) -> None:
    number = await audited(shop, difference(1, "a", "b"), difference(5, "c"))
    assert await missing(shop) == (2, 3, "a")
    await shop.execute(ORDER, ["a"])
    assert await missing(shop) == (2, 2, "b")
    await shop.execute(ORDER, ["b"])
    assert await missing(shop) == (1, 1, "c")
    assert [each.id for each in await audit_reports.listed(shop, only_open=True)] == [number]
    await shop.execute(ORDER, ["c"])
    assert await missing(shop) == (0, 0, None)
    assert await audit_reports.listed(shop, only_open=True) == []
    found = await audit_reports.report(shop, number)
    assert found is not None
    assert [each.state for each in found[1]] == ["repaired", "repaired"]


async def test_an_order_that_became_a_reject_was_read_and_is_missing_again_once_the_reject_is_gone(
    shop: Connection,
) -> None:
    await audited(shop, difference(1, "a"))
    await shop.execute(REJECT, ["a", "a"])
    assert await missing(shop) == (0, 0, None)
    await shop.execute("UPDATE sync.rejects SET resolved_at = now()")
    assert await missing(shop) == (1, 1, "a")


async def test_an_older_version_is_settled_by_a_version_that_lands_after_the_audit(shop: Connection) -> None:
    await shop.execute(ORDER, ["a"])
    await audited(shop, changed(1, older=("a",)))
    assert await missing(shop) == (1, 1, "a")
    await shop.execute("UPDATE orders SET synced_at = clock_timestamp()")
    assert await missing(shop) == (0, 0, None)


async def test_an_order_that_both_lists_lack_is_one_order(shop: Connection) -> None:
    await audited(shop, difference(1, "a"), changed(9, "a"))
    assert await missing(shop) == (2, 1, "a")
    await shop.execute(ORDER, ["a"])
    assert await missing(shop) == (0, 0, None)


async def test_what_has_no_name_or_is_listed_no_more_stays_open_until_it_is_acknowledged(shop: Connection) -> None:
    counted = RecordedDifference(Feed.CREATED, difference(1).window, 90, 60, 30)
    number = await audited(shop, counted, difference(5, "a", gone=("b",)))
    await shop.execute(ORDER, ["a"])
    assert await missing(shop) == (2, 30, None)
    await audit_reports.acknowledge(shop, number, "known", "ana")
    assert await missing(shop) == (0, 0, None)
    assert await open_differences.settle(shop) == 0


async def test_differences_of_former_versions_count_by_their_numbers(shop: Connection) -> None:
    await audited(shop, difference(1, "a"))
    await shop.execute("UPDATE sync.audit_differences SET missing = NULL, missing_ids = NULL, older_ids = NULL")
    assert await missing(shop) == (1, 1, None)


async def test_what_is_looked_up_is_bounded_and_the_rest_is_settled_by_the_service(
    shop: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = difference(1, "a"), difference(5, "b", "c", "d")
    number = await audited(shop, few, many)
    for each in "abcd":
        await shop.execute(ORDER, [each])
    assert await missing(shop) == (0, 0, None)
    narrow = open_differences.open_by_account().replace(f"<= {open_differences.MOST_LOOKED_UP}", "<= 3")
    assert "<= 3" in narrow
    assert await one(shop, f"SELECT ranges FROM ({narrow}) AS found") == 1
    assert await open_differences.settle(shop) == 2
    assert await open_differences.settle(shop) == 0
    assert (await report(shop, number)).open == 0


async def test_only_what_is_wholly_read_is_settled(shop: Connection) -> None:
    number = await audited(shop, difference(1, "a", "b"), difference(5, "c"), difference(7, gone=("x",)))
    for each in "ac":
        await shop.execute(ORDER, [each])
    assert await open_differences.settle(shop) == 1
    assert [(await report(shop, number)).open, (await missing(shop))[1]] == [2, 1]


async def test_the_figures_of_an_audit_add_up_whatever_was_read_since(shop: Connection) -> None:
    number = await audited(
        shop, difference(1, "a", "b", gone=("x",)), changed(9, "a", "y", older=("z",)), platform=20, tables=14
    )
    for brought in ("", "a", "z"):
        if brought:
            await shop.execute(ORDER, [brought])
            await shop.execute("UPDATE orders SET synced_at = clock_timestamp() WHERE order_id = %s", [brought])
        found = await report(shop, number)
        assert found.here is not None
        assert found.awaited_then is not None
        assert found.rejects is not None
        assert (
            found.platform_orders
            == found.here + found.missing_then + found.rejects + found.awaited_then - found.not_listed_then
        )
        assert found.missing_then + found.changed_then == found.missing + found.read_since
    assert (found.missing_then, found.changed_then, found.missing, found.read_since) == (2, 2, 2, 2)


async def test_what_a_later_audit_compared_again_is_not_said_to_be_read(shop: Connection) -> None:
    first = await audited(shop, difference(1, "a"))
    second = await audited(shop, difference(1, "a"))
    found = await report(shop, first)
    assert (found.missing_then, found.missing, found.read_since, found.compared_again) == (1, 0, 0, 1)
    assert (await report(shop, second)).missing == 1


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(DAY.start, DAY.end, 2), (DAY.start + HOUR, DAY.start + 2 * HOUR, 1), (DAY.end, DAY.end + HOUR, None)],
)
async def test_a_range_knows_the_missing_orders_of_what_it_touches(
    shop: Connection, start: datetime, end: datetime, expected: int | None
) -> None:
    number = await audited(shop, difference(1, "a"), difference(5, "b"))
    await shop.execute(ACCOUNT, ["other", "other", DAY.start, DAY.end])
    found = await open_differences.missing_within(shop, ["shop", "other"], Window(start, end).start, end)
    assert [(each.account, each.audit, each.orders, each.order_id) for each in found] == (
        [("shop", number, expected, "a")] if expected else []
    )
