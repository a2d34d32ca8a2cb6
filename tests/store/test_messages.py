"""Messages are kept whole and once, and wait until somebody says what came of them."""

from __future__ import annotations

import asyncio

import pytest

from orders_sync.domain.messages import MessageOutcome
from orders_sync.store import messages
from orders_sync.store.database import Connection, Pool


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def test_a_message_is_kept_once_and_byte_for_byte_P4(connection: Connection) -> None:
    for body in (b'{"a": 1}', b"", b"\x00\xff garbage \\u0000"):
        assert await messages.keep(connection, "shop", body)
        assert not await messages.keep(connection, "shop", body)
        assert await messages.keep(connection, "other", body)
    assert [each.body for each in await messages.waiting(connection, "shop")] == [
        b'{"a": 1}',
        b"",
        b"\x00\xff garbage \\u0000",
    ]


async def test_of_many_who_bring_the_same_at_once_one_learns_that_it_is_new(pool: Pool) -> None:
    async def bring() -> bool:
        async with pool.connection() as connection:
            return await messages.keep(connection, "shop", b"same")

    assert sorted(await asyncio.gather(*(bring() for _ in range(8)))) == [False] * 7 + [True]


async def test_what_is_handled_waits_no_longer_and_its_repetition_is_still_no_new_one(connection: Connection) -> None:
    for body in (b"1", b"2"):
        await messages.keep(connection, "shop", body)
    first, second = await messages.waiting(connection, "shop")
    assert first.outcome is None
    await messages.record_outcomes(
        connection,
        [
            MessageOutcome(first.id, "ORDER_CREATE", "7", "8", "done", True),
            MessageOutcome(second.id, None, None, None, "not yet", False),
        ],
    )
    assert [(each.id, each.outcome) for each in await messages.waiting(connection, "shop")] == [(second.id, "not yet")]
    assert not await messages.keep(connection, "shop", b"1")
    cursor = await connection.execute(
        "SELECT message_type, order_no, order_id, outcome, handled_at >= received_at FROM sync.messages ORDER BY id"
    )
    assert await cursor.fetchall() == [("ORDER_CREATE", "7", "8", "done", True), (None, None, None, "not yet", None)]


async def test_those_that_wait_are_read_in_parts_P7(connection: Connection) -> None:
    for number in range(messages.AT_ONCE + 5):
        await messages.keep(connection, "shop", b"%d" % number)
    first = await messages.waiting(connection, "shop")
    rest = await messages.waiting(connection, "shop", first[-1].id)
    assert (len(first), [each.body for each in rest]) == (messages.AT_ONCE, [b"100", b"101", b"102", b"103", b"104"])
