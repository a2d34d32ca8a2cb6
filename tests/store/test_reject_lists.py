"""Rejects by reason, ignored for good, and those without an id that settle (P4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders_sync.domain.reject_reasons import RejectReason, RejectState
from orders_sync.store import reject_lists, rejects
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import fingerprint
from orders_sync.store.reject_lists import Chosen
from orders_sync.store.rejects import Reject
from tests.support.databases import one, rows
from tests.support.loading import at

HOUR = timedelta(hours=1)


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def reject(
    connection: Connection,
    payload: bytes,
    order_id: str | None = None,
    read: float = 0,
    window: int | None = None,
    listed: float | None = None,
) -> None:
    reason, moment = "id: missing or empty", None if listed is None else at(listed)
    made = Reject("shop", "1688", order_id, payload, fingerprint(payload), reason, window, at(read), moment)
    async with connection.transaction():
        await rejects.store_and_settle(connection, "1688", "shop", [made], [])


async def window(connection: Connection, hours: tuple[int, int], began: float, **more: object) -> int:
    """A window of the created feed that was read completely; `began`: seconds, as `read` of a reject."""
    columns = {"kind": "sweep", "feed": "created", "state": "done", "seen": 9, **more}
    return int(
        await one(
            connection,
            f"INSERT INTO sync.windows (account, starts_at, ends_at, started_at, {', '.join(columns)}) "
            f"VALUES ('shop', %s, %s, %s, {', '.join(['%s'] * len(columns))}) RETURNING id",
            at(0) + hours[0] * HOUR,
            at(0) + hours[1] * HOUR,
            at(began),
            *columns.values(),
        )
    )


async def open_now(connection: Connection) -> int:
    await reject_lists.settle_nameless(connection, "shop")
    return len(await reject_lists.numbers(connection, Chosen()))


async def test_a_reject_without_an_id_is_settled_by_a_later_complete_read_without_it_P4(
    connection: Connection,
) -> None:
    first = await window(connection, (0, 2), 0)
    await reject(connection, b"{}", read=1, window=first)
    assert await open_now(connection) == 1  # the read that brought it settles nothing
    await window(connection, (0, 1), 10)
    assert await open_now(connection) == 1  # half of its window
    await window(connection, (1, 3), 11)
    assert await open_now(connection) == 0
    assert await one(connection, "SELECT resolved_at IS NOT NULL FROM sync.rejects")


async def test_a_reject_that_shows_its_time_is_settled_by_a_later_read_of_that_time_alone(
    connection: Connection,
) -> None:
    first = await window(connection, (0, 20), 0)
    await reject(connection, b"{}", read=1, window=first, listed=5.5 * 3600)
    await window(connection, (6, 20), 10)
    assert await open_now(connection) == 1  # another time
    await window(connection, (5, 6), 11)
    assert await open_now(connection) == 0


@pytest.mark.parametrize("listed", [5 * 3600, 6 * 3600, 6 * 3600 - 0.5, 30 * 3600, None], ids=str)
async def test_a_time_at_the_end_of_what_was_read_again_or_outside_its_own_window_settles_nothing(
    connection: Connection, listed: float | None
) -> None:
    first = await window(connection, (0, 20), 0)
    await reject(connection, b"{}", read=1, window=first, listed=listed)
    await window(connection, (5, 6), 10)
    await window(connection, (29, 31), 11)
    assert await open_now(connection) == 1


async def test_a_record_that_comes_again_stays_open(connection: Connection) -> None:
    first = await window(connection, (0, 2), 0)
    await reject(connection, b"{}", read=1, window=first)
    await window(connection, (0, 2), 10)
    await reject(connection, b"{}", read=11, window=first)  # that read brought it, too
    assert await open_now(connection) == 1


@pytest.mark.parametrize(
    "doubtful",
    [
        {"state": "failed"},
        {"state": "beyond"},
        {"kind": "hook"},
        {"feed": "updated"},
        {"status": "2"},
        {"account": "other"},
    ],
    ids=str,
)
async def test_a_read_that_proves_nothing_of_the_window_settles_nothing(
    connection: Connection, doubtful: dict[str, object]
) -> None:
    first = await window(connection, (0, 2), 0)
    await reject(connection, b"{}", read=1, window=first)
    account = doubtful.pop("account", "shop")
    later = await window(connection, (0, 2), 10, **doubtful)
    await connection.execute("UPDATE sync.windows SET account = %s WHERE id = %s", [account, later])
    assert await open_now(connection) == 1


async def test_one_empty_answer_for_more_than_a_day_settles_nothing(connection: Connection) -> None:
    first = await window(connection, (0, 2), 0)
    await reject(connection, b"{}", read=1, window=first)
    await window(connection, (-24, 24), 10, seen=0)
    assert await open_now(connection) == 1
    await window(connection, (0, 2), 20, seen=0)
    assert await open_now(connection) == 0


async def test_a_reject_that_names_its_order_waits_for_that_order(connection: Connection) -> None:
    first = await window(connection, (0, 2), 0)
    await reject(connection, b"{}", "7", read=1, window=first)
    await window(connection, (0, 2), 10)
    assert await open_now(connection) == 1


async def test_what_is_ignored_stays_so_when_the_same_bytes_come_again_and_can_be_undone(
    connection: Connection,
) -> None:
    await reject(connection, b"{}")
    await reject(connection, b"[]")
    [number, other] = await reject_lists.numbers(connection, Chosen())
    assert await reject_lists.ignore(connection, [number], "ana") == 1
    assert await reject_lists.ignore(connection, [number], "ana") == 0
    await reject(connection, b"{}", read=5)
    await reject(connection, b"{ }", read=5)
    assert number not in await reject_lists.numbers(connection, Chosen())
    ignored = Chosen(states=[RejectState.IGNORED])
    assert await reject_lists.numbers(connection, ignored) == [number]
    assert await reject_lists.ignored(connection, "shop") == 1
    assert await reject_lists.unignore(connection, [number, other]) == 1
    assert len(await reject_lists.numbers(connection, Chosen())) == 3
    assert await one(connection, "SELECT count(ignored_by) FROM sync.rejects") == 0


async def test_rejects_are_grouped_by_the_kind_of_their_reason(connection: Connection) -> None:
    for number in range(3):
        await reject(connection, b"{%d}" % number, read=number)
    [group] = await reject_lists.groups(connection, Chosen())
    assert (group.reason_key, group.records, group.accounts, group.last) == ("no_order_id", 3, 1, at(2))
    assert (group.example, group.example_reason) == (max(await numbers(connection)), "id: missing or empty")
    for chosen in (
        Chosen(account="nobody"),
        Chosen(reason=RejectReason.DATABASE),
        Chosen(numbers=[99]),
        Chosen(states=[RejectState.SETTLED]),
    ):
        assert await reject_lists.groups(connection, chosen) == []
    assert len(await reject_lists.listed(connection, Chosen(), 2)) == 2


async def numbers(connection: Connection) -> list[int]:
    return [row[0] for row in await rows(connection, "SELECT id FROM sync.rejects")]
