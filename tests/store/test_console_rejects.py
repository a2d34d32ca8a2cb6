"""Rejects as their page shows them: by reason, in pages, one with the place of its flaw."""

from __future__ import annotations

import hashlib

import pytest

from orders_sync.domain.reject_reasons import UNSETTLED, RejectReason, RejectState
from orders_sync.store.console import rejects
from orders_sync.store.console.rejects import RejectDetail
from orders_sync.store.database import Connection
from tests.support.databases import one


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def reject(
    connection: Connection,
    payload: bytes = b"{}",
    reason: str = "id: missing",
    key: str = "no_order_id",
    account: str = "shop",
    state: RejectState = RejectState.OPEN,
    platform: str = "1688",
) -> int:
    number = await one(connection, "SELECT count(*) FROM sync.rejects")
    return int(
        await one(
            connection,
            "INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, reason_key, read_at, "
            "resolved_at, ignored_at) VALUES (%s, %s, %s, %s, %s, %s, now(), CASE WHEN %s THEN now() END, "
            "CASE WHEN %s THEN now() END) RETURNING id",
            account,
            platform,
            payload,
            hashlib.sha256(f"{number}".encode()).digest(),
            reason,
            key,
            state is RejectState.SETTLED,
            state is RejectState.IGNORED,
        )
    )


async def test_rejects_are_counted_by_reason_and_platform_the_most_frequent_first(connection: Connection) -> None:
    assert await rejects.groups(connection) == []
    await reject(connection, key="not_json", reason="not JSON")
    newest = [await reject(connection, account=account) for account in ("shop", "shop", "other")][-1]
    await reject(connection, platform="xportcn_ka")
    await reject(connection, state=RejectState.IGNORED, platform="xportcn_ka")
    await reject(connection, state=RejectState.SETTLED, key="database")
    await reject(connection, key="a kind of a newer version")
    found = await rejects.groups(connection)
    assert [(each.reason_key, each.platform, each.records, each.ignored, each.accounts) for each in found] == [
        ("no_order_id", "1688", 3, 0, 2),
        ("no_order_id", "xportcn_ka", 1, 1, 1),
        ("a kind of a newer version", "1688", 1, 0, 1),
        ("not_json", "1688", 1, 0, 1),
    ]
    assert (found[0].example, found[0].example_reason, found[0].is_more) == (newest, "id: missing", False)
    assert [each.records for each in await rejects.groups(connection, "other")] == [1]
    only_ignored = await rejects.groups(connection, states=[RejectState.IGNORED])
    assert [(each.records, each.ignored) for each in only_ignored] == [(0, 1)]


async def test_counts_stop_and_say_so(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = rejects._GROUPS.replace("LIMIT 10001", "LIMIT 4").replace("> 10000", "> 3")
    assert limited.count("4") > rejects._GROUPS.count("4")
    monkeypatch.setattr(rejects, "_GROUPS", limited)
    for _ in range(9):
        await reject(connection)
    await reject(connection, key="other")
    assert [(each.records, each.is_more) for each in await rejects.groups(connection)] == [(4, True), (1, False)]


@pytest.mark.parametrize("reason", [None, "no_order_id"])
@pytest.mark.parametrize("account", [None, "shop"])
async def test_pages_together_hold_every_reject_once(
    connection: Connection, reason: str | None, account: str | None
) -> None:
    numbers = []
    for place in range(12):
        key, whose = ("no_order_id", "other", "not_json")[place % 3], ("shop", "other")[place % 2]
        number = await reject(connection, key=key, account=whose)
        if reason in (None, key) and account in (None, whose):
            numbers.append(number)
    await reject(connection, state=RejectState.SETTLED)
    await reject(connection, state=RejectState.IGNORED)
    seen: list[int] = []
    while found := await rejects.listed(connection, reason, account, before=seen[-1] if seen else None, limit=2):
        seen += [each.id for each in found]
    assert seen == numbers[::-1]


@pytest.mark.parametrize("state", RejectState)
async def test_a_reject_in_every_state_may_have_every_column_empty(connection: Connection, state: RejectState) -> None:
    number = await reject(connection, state=state)
    found = await rejects.record(connection, number)
    assert found is not None
    assert (found.state, found.order_id, found.window_id, found.ignored_by) == (state, None, None, None)
    listed = await rejects.listed(connection, states=UNSETTLED)
    assert [each.state for each in listed] == ([] if state is RejectState.SETTLED else [state])
    assert await rejects.record(connection, number + 1) is None


@pytest.mark.parametrize(
    ("payload", "reason", "key", "marked"),
    [
        (b'{"id": " ", "x": 1}', "id: missing or empty", RejectReason.NO_ORDER_ID, '" "'),
        (b'{"x": 1}', "id: missing", RejectReason.NO_ORDER_ID, '{"x": 1}'),
        (b'{"baseInfo": {"idOfStr": 1.5}}', "baseInfo.idOfStr: a number with a fraction", "damaged_order_id", "1.5"),
        (b'{"lines": [{}, {"id": null}]}', "lines[2].id: missing", RejectReason.NO_ORDER_ID, "null"),
        (b'{"x": 1 2}', "not JSON", RejectReason.NOT_JSON, "2}"),
        (b'{"x": 1}', "refused by the database: it is odd", RejectReason.DATABASE, None),
        (b"\xff\xfe", "not UTF-8: invalid start byte", RejectReason.NOT_UTF8, None),
        (b"", "id: missing", RejectReason.NO_ORDER_ID, None),
    ],
)
async def test_the_place_of_the_flaw_is_marked(
    connection: Connection, payload: bytes, reason: str, key: str, marked: str | None
) -> None:
    found = await rejects.record(connection, await reject(connection, payload, reason, key))
    assert isinstance(found, RejectDetail)
    place = found.flaw
    assert (None if place is None else found.text[place.start : place.end]) == marked


async def test_bytes_that_are_no_text_are_shown_as_their_numbers(connection: Connection) -> None:
    found = await rejects.record(connection, await reject(connection, b"a\xff\x00"))
    assert found is not None
    assert found.text == "a\\xff\x00"
