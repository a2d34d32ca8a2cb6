"""What audits found, name by name: taken over by later ones, acknowledged, shown."""

from __future__ import annotations

from datetime import datetime

import pytest

from orders_sync.domain.windows import Feed, Window
from orders_sync.store import audit_reports, audits
from orders_sync.store.audits import RecordedDifference
from orders_sync.store.database import Connection
from tests.support.databases import one, rows
from tests.support.differences import DAY, HOUR, difference

OPEN = """
    SELECT d.audit_id, d.starts_at FROM sync.audit_differences AS d JOIN sync.audits AS a ON a.id = d.audit_id
    WHERE d.repaired_at IS NULL ORDER BY 1, 2
"""


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def audit(
    connection: Connection, *found: RecordedDifference, account: str = "shop", window: Window = DAY
) -> tuple[int, list[datetime]]:
    """A finished audit that found these; its number, and the starts of what was acknowledged before."""
    number = await audits.begin(connection, account, window, is_routine=False)
    for each in found:
        await audits.record_difference(connection, number, each)
    known = await audits.supersede(connection, account, number, Feed.CREATED, window)
    await audits.finish(
        connection, number, window.start, platform=10, tables=10, rejects=2, awaited=3, differences=len(found), calls=1
    )
    return number, known


async def test_a_later_audit_settles_what_earlier_ones_found_in_the_range_it_compared(connection: Connection) -> None:
    first, _ = await audit(connection, difference(1, "a"), difference(20, "b"))
    other, _ = await audit(connection, difference(1, "x"), account="other")
    half = Window(DAY.start, DAY.start + 12 * HOUR)
    again, _ = await audit(connection, difference(1, "a"), window=half)
    assert await rows(connection, OPEN) == [
        (first, DAY.start + 20 * HOUR),
        (other, DAY.start + HOUR),
        (again, DAY.start + HOUR),
    ]
    await audit(connection)
    assert await rows(connection, OPEN) == [(other, DAY.start + HOUR)]
    found = await audit_reports.report(connection, first)
    assert found is not None
    assert [each.state for each in found[1]] == [f"see audit {again}", f"see audit {again + 1}"]


async def test_what_was_acknowledged_stays_so_until_another_order_differs(connection: Connection) -> None:
    first, _ = await audit(connection, difference(1, "a", "b", older=("c",)), difference(5, gone=("d",)))
    assert await audit_reports.acknowledge(connection, first, "the platform confirms it", "ana") == 2
    assert await audit_reports.acknowledge(connection, first, "again", "ana") == 0
    second, known = await audit(connection, difference(1, "a", older=("c",)), difference(5, gone=("d",)))
    assert known == [DAY.start + HOUR, DAY.start + 5 * HOUR]
    third, known = await audit(connection, difference(1, "a", "e"), difference(5, gone=("d",)))
    assert known == [DAY.start + 5 * HOUR]
    reports = {each.id: each for each in await audit_reports.listed(connection)}
    assert [(reports[number].open, reports[number].acknowledged) for number in (first, second, third)] == [
        (0, 0),
        (0, 0),
        (1, 1),
    ]
    because = "SELECT DISTINCT acknowledged_because FROM sync.audit_differences WHERE acknowledged_at IS NOT NULL"
    assert await one(connection, because) == "the platform confirms it"


async def test_a_difference_without_ids_stays_acknowledged_with_the_same_range_and_counts_only(
    connection: Connection,
) -> None:
    same = RecordedDifference(Feed.CREATED, difference(1).window, 90, 60, 30)
    first, _ = await audit(connection, same)
    await audit_reports.acknowledge(connection, first, "known", "ana")
    _, known = await audit(connection, same)
    assert known == [DAY.start + HOUR]
    _, known = await audit(connection, RecordedDifference(Feed.CREATED, same.window, 91, 60, 31))
    assert known == []


async def test_an_audit_whose_records_name_no_order_is_not_acknowledged_by_the_others_of_its_range(
    connection: Connection,
) -> None:
    first, _ = await audit(connection, difference(1, "a"))
    await audit_reports.acknowledge(connection, first, "known", "ana")
    window = difference(1).window
    _, known = await audit(connection, RecordedDifference(Feed.CREATED, window, 12, 10, 2, ["a"]))  # one has no id
    assert known == []


async def test_audits_are_listed_as_what_became_of_them(connection: Connection) -> None:
    finished, _ = await audit(connection, difference(1, "a"))
    running = await audits.begin(connection, "shop", DAY, is_routine=True)
    killed = await audits.begin(connection, "shop", DAY, is_routine=True)
    await connection.execute("UPDATE sync.audits SET seen_at = now() - interval '1 hour' WHERE id = %s", [killed])
    failed = await audits.begin(connection, "shop", DAY, is_routine=True)
    await audits.fail(connection, failed, "no answer", 3)
    states = {each.id: each.state for each in await audit_reports.listed(connection)}
    assert states == {finished: "finished", running: "running", killed: "interrupted", failed: "failed"}
    await audits.record_heartbeat(connection, killed)
    assert (await audit_reports.listed(connection, "shop", 2))[1].state == "running"
    assert [each.id for each in await audit_reports.listed(connection, only_open=True)] == [finished]
    assert await audit_reports.listed(connection, "nobody") == []
    assert await audit_reports.report(connection, 999) is None


async def test_audits_are_paged_by_their_number_and_differences_are_bounded(connection: Connection) -> None:
    numbers = [(await audit(connection, difference(1, f"{n}"), difference(5, f"{n}")))[0] for n in range(5)]
    await audit(connection, account="other")
    seen: list[int] = []
    while found := await audit_reports.listed(connection, "shop", 2, before=seen[-1] if seen else None):
        seen += [each.id for each in found]
    assert seen == numbers[::-1]
    shown = await audit_reports.report(connection, numbers[-1], most=1)
    assert shown is not None
    assert (shown[0].differences, [each.starts_at for each in shown[1]]) == (2, [DAY.start + HOUR])


async def test_rejects_are_not_here_and_what_was_awaited_is_read_once_the_account_is_read_beyond_the_audit(
    connection: Connection,
) -> None:
    await connection.execute(
        "INSERT INTO sync.accounts (name, platform, host, seller, feed, history_from, watermark) "
        "VALUES ('shop', '1688', 'h', 's', 'updated', %s, %s)",
        [DAY.start, DAY.end],
    )
    number, _ = await audit(connection)
    other, _ = await audit(connection, account="of nobody")
    found = {each.id: each for each in await audit_reports.listed(connection)}
    assert [found[number].rejects, found[number].here, found[number].are_awaited_read] == [2, 8, False]
    await connection.execute(
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state) "
        "VALUES ('shop', 'incremental', 'updated', %s, clock_timestamp(), 'done')",
        [DAY.start],
    )
    found = {each.id: each for each in await audit_reports.listed(connection)}
    assert [found[number].are_awaited_read, found[other].are_awaited_read] == [True, False]
    shown = await audit_reports.report(connection, number)
    assert shown is not None
    assert shown[0].are_awaited_read
