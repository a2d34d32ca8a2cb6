"""Actions of people: each does what it says, once, and is recorded; whatever is wrong is a plain sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from orders_sync.domain.activity import Actor, Origin
from orders_sync.domain.errors import ChangedError, NotFoundError, UsageError
from orders_sync.domain.windows import Feed, Window
from orders_sync.engine import backfill
from orders_sync.engine.actions import accounts, backfills, orders, rejects, windows
from orders_sync.engine.actions.backfills import Requested
from orders_sync.store.order_numbers import OrderKey
from orders_sync.store.reject_lists import Chosen
from tests.support.story import Story, Tell

ANA = Actor("ana", Origin.CONSOLE)
KA = "sandbox-ka"
ACTIVITY = "SELECT action, account, subject, details FROM sync.activity ORDER BY id"
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


async def request(story: Story) -> Requested:
    async with story.pool.connection() as connection:
        shown = await backfill.preview(
            connection, story.sources(KA), Window(BEGIN, BEGIN + DAY), Feed.CREATED, datetime.now(UTC)
        )
        return await backfills.start(connection, ANA, story.sources(), shown.plan)


async def again(story: Story, number: int) -> Requested:
    async with story.pool.connection() as connection:
        return await backfills.again(connection, ANA, story.sources(), number, datetime.now(UTC))


async def test_what_is_not_complete_of_a_cancelled_backfill_is_requested_again(tell: Tell) -> None:
    story = tell()
    first = await request(story)
    with pytest.raises(UsageError, match="still open"):
        await again(story, first.number)
    async with story.pool.connection() as connection:
        await backfills.cancel(connection, ANA, first.number, whole_request=True)
    second = await again(story, first.number)
    rows = story.query("SELECT id, account, starts_at, ends_at, state FROM sync.backfills ORDER BY id")
    assert rows == [
        (first.number, KA, BEGIN, BEGIN + DAY, "cancelled"),
        (second.number, KA, BEGIN, BEGIN + DAY, "planned"),
    ]
    await story.sync(KA)
    with pytest.raises(UsageError, match="is complete"):
        await again(story, second.number)
    with pytest.raises(NotFoundError, match="there is no request 999"):
        await again(story, 999)


async def test_a_request_for_single_orders_is_not_taken_for_a_range(tell: Tell) -> None:
    story = tell()
    await story.sync(KA)
    [(order_id,)] = story.query("SELECT order_id FROM orders ORDER BY order_id LIMIT 1")
    async with story.pool.connection() as connection:
        fetching = await orders.fetch(connection, ANA, story.sources(), [str(order_id)], datetime.now(UTC))
    assert fetching.requested is not None
    with pytest.raises(UsageError, match="single orders"):
        await again(story, fetching.requested.number)


async def failed_windows(story: Story, count: int) -> list[int]:
    await request(story)
    rows = story.query(
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, attempts, finished_at) "
        "SELECT %s, 'incremental', 'created', %s + n * interval '1 h', %s + (n + 1) * interval '1 h', 'failed', 9, "
        "now() FROM generate_series(1, %s) AS n RETURNING id",
        KA,
        BEGIN,
        BEGIN,
        count,
    )
    story.query("DELETE FROM sync.activity RETURNING 1")
    return [int(str(number)) for (number,) in rows]


async def test_failed_windows_are_retried_all_or_those_that_are_named(tell: Tell) -> None:
    story = tell()
    ids = await failed_windows(story, 3)
    state = "SELECT id FROM sync.windows WHERE state = 'failed' ORDER BY id"
    async with story.pool.connection() as connection:
        assert await windows.retry(connection, ANA, KA, [ids[1]]) == 1
        assert story.query(state) == [(ids[0],), (ids[2],)]
        for account, named in ((KA, [ids[1]]), (KA, []), ("sandbox-open", None), ("nobody", None)):
            with pytest.raises(NotFoundError, match="failed"):
                await windows.retry(connection, ANA, account, named)
        assert await windows.retry(connection, ANA, KA) == 2
    assert story.query(state) == []
    assert story.query(ACTIVITY) == [
        ("windows.retry", KA, None, {"count": 1, "ids": [ids[1]]}),
        ("windows.retry", KA, None, {"count": 2, "ids": [ids[0], ids[2]]}),
    ]


async def test_no_more_rejects_are_replayed_than_were_seen(tell: Tell) -> None:
    story = tell()
    reject = (
        "INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at) "
        "SELECT %s, 'xportcn_ka', n::text, '{}', decode(md5(n::text), 'hex'), 'x', now() "
        "FROM generate_series(1, 3) AS n RETURNING 1"
    )
    story.query(reject, KA)
    async with story.pool.connection() as connection:
        with pytest.raises(ChangedError, match="than the 2 that were seen"):
            await rejects.replay_matching(connection, ANA, Chosen(account=KA), 2)
        assert story.query(ACTIVITY) == []
        result = await rejects.replay_matching(connection, ANA, Chosen(account=KA), 3)
    assert len(result.rejected) == 3
    [(action, account, _, details)] = story.query(ACTIVITY)
    assert (action, account) == ("rejects.replay", KA)
    assert details == {"count": 3, "ids": [1, 2, 3]}


async def test_personal_data_of_an_order_is_shown_only_once_it_is_recorded_who_asked(tell: Tell) -> None:
    story = tell()
    await story.sync(story.shop)
    [(platform, order_id)] = story.query("SELECT platform, order_id FROM orders ORDER BY order_id LIMIT 1")
    key = OrderKey(str(platform), str(order_id))
    async with story.pool.connection() as connection:
        persons = await orders.reveal_personal_data(connection, ANA, key)
        assert {"receiver_name", "receiver_phone", "customer_login", "province", "city"} <= persons.keys()
        with pytest.raises(NotFoundError, match="there is no order 0 of 1688"):
            await orders.reveal_personal_data(connection, ANA, OrderKey("1688", "0"))
        await connection.execute("ALTER TABLE sync.activity ADD CHECK (action <> 'persons.reveal') NOT VALID")
        with pytest.raises(Exception, match="activity"):
            await orders.reveal_personal_data(connection, ANA, key)
    assert story.query(ACTIVITY) == [
        ("persons.reveal", story.shop, f"order {order_id}", {"platform": platform}),
    ]


async def test_an_account_is_paused_by_its_name_in_the_settings_until_a_time_that_is_yet_to_come(tell: Tell) -> None:
    story = tell()
    listed = [SimpleNamespace(name=each.account.name, identity=each.account.identity) for each in story.sources()]
    listed.append(SimpleNamespace(name="unknown", identity=None))
    async with story.pool.connection() as connection:
        for name in ("nobody", "unknown"):
            with pytest.raises(NotFoundError, match=f"there is no account {name}"):
                await accounts.pause(connection, ANA, listed, name)
        with pytest.raises(UsageError, match="lies in the past"):
            await accounts.pause(connection, ANA, listed, KA, until=datetime.now(UTC) - timedelta(minutes=1))
        later = datetime.now(UTC) + DAY
        paused = await accounts.pause(connection, ANA, listed, KA, "moves", later)
        assert paused.paused_by.startswith("ana in the console as ")
        assert (paused.paused_until, paused.paused_because) == (later, "moves")
        await accounts.resume(connection, ANA, KA)
        with pytest.raises(NotFoundError, match="neither paused nor suspended"):
            await accounts.resume(connection, ANA, KA)
    assert [(action, account) for action, account, *_ in story.query(ACTIVITY)] == [
        ("account.pause", KA),
        ("account.resume", KA),
    ]


async def test_each_account_is_asked_again_by_the_feed_it_was_asked_by(tell: Tell) -> None:
    story = tell()
    async with story.pool.connection() as connection:
        now = datetime.now(UTC)
        shown = await backfill.preview(connection, story.sources(), Window(BEGIN, BEGIN + DAY), None, now)
        first = await backfills.start(connection, ANA, story.sources(), shown.plan)
        await backfills.cancel(connection, ANA, first.number, whole_request=True)
    second = await again(story, first.number)
    feeds = "SELECT account, feed FROM sync.backfills WHERE coalesce(request_id, id) = %s ORDER BY account"
    assert story.query(feeds, second.number) == story.query(feeds, first.number)
    assert {feed for _, feed in story.query(feeds, second.number)} == {"created", "updated"}
