"""Messages of an account, and what its platform was seen to do, as its page shows them."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from orders_sync.domain.assumptions import ProbeAnswer, ProbeResult
from orders_sync.store import probes
from orders_sync.store.console import account as page
from orders_sync.store.database import Connection


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def message(connection: Connection, account: str, number: int, *, waits: bool = False) -> None:
    await connection.execute(
        "INSERT INTO sync.messages (account, digest, body, handled_at) "
        "VALUES (%s, %s, '', CASE WHEN %s THEN NULL ELSE now() END)",
        [account, str(number).encode(), waits],
    )


async def account(connection: Connection, observed: object) -> None:
    await connection.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed, observed) "
        "VALUES ('shop', '1688', 's', 'updated', %s)",
        [None if observed is None else Jsonb(observed)],
    )


async def test_messages_are_paged_the_newest_first_and_those_of_others_left_out(connection: Connection) -> None:
    for number in range(7):
        await message(connection, "shop", number, waits=number == 2)
        await message(connection, "other", number)
    seen, before = [], None
    for _ in range(9):
        found = await page.messages(connection, "shop", before, limit=3)
        if not found:
            break
        seen += [each.id for each in found]
        before = found[-1].id
    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen, reverse=True)
    assert await page.messages(connection, "nobody") == []


async def test_a_message_that_waits_is_shown_however_many_came_since(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = page._MESSAGES.replace("LIMIT 20000", "LIMIT 4")
    assert narrow != page._MESSAGES
    monkeypatch.setattr(page, "_MESSAGES", narrow)
    await message(connection, "shop", 1, waits=True)
    await message(connection, "shop", 2)
    for number in range(9):
        await message(connection, "other", number)
    assert [each.handled_at for each in await page.messages(connection, "shop")] == [None]


async def test_a_message_may_have_every_column_empty(connection: Connection) -> None:
    await message(connection, "shop", 1, waits=True)
    [found] = await page.messages(connection, "shop")
    assert (found.message_type, found.order_no, found.order_id, found.outcome) == (None, None, None, None)


async def test_the_checks_of_the_platform_are_shown(connection: Connection) -> None:
    await account(connection, {"page_size": 20})
    await probes.keep(connection, "shop", {"order": ProbeAnswer(ProbeResult.OTHERWISE, "it is not sorted")})
    found = await page.observed(connection, "shop")
    assert (found.page_size, found.probe is not None and found.probe.answers["order"].said) == (20, "it is not sorted")


@pytest.mark.parametrize(
    "observed",
    [None, {}, {"page_size": None, "probe": None}, {"page_size": "many", "probe": {"answers": 7}}, {"probe": {}}],
)
async def test_what_was_seen_may_be_empty_or_of_another_version(connection: Connection, observed: object) -> None:
    await account(connection, observed)
    assert await page.observed(connection, "shop") == page.Observed()
    assert await page.observed(connection, "nobody") == page.Observed()


@pytest.mark.parametrize("observed", [[], 7, "text"])
async def test_what_was_seen_may_be_no_object(connection: Connection, observed: object) -> None:
    await account(connection, observed)
    assert await page.observed(connection, "shop") == page.Observed()
