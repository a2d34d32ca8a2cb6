"""A range asked for by hand: stored, read where nothing is proven yet, cut off and taken up again, cancelled."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from orders_sync.domain.ledger import BackfillState
from orders_sync.domain.sweeps import Sweep
from orders_sync.domain.windows import Feed, Window
from orders_sync.sandbox.states import State
from orders_sync.store import backfill_ranges, backfills
from orders_sync.store.backfill_ranges import AskedRange, RangeState
from orders_sync.store.database import Connection
from tests.support.backfills import request_backfill
from tests.support.story import Story, Tell

DAY = timedelta(days=1)
STATES = "SELECT state FROM sync.backfills ORDER BY id"


def last_days(number: int) -> Window:
    now = datetime.now(UTC).replace(microsecond=0)
    return Window(now - number * DAY, now)


async def ask(story: Story, window: Window, account: str = "sandbox-1688", *, everything: bool = False) -> int:
    feed = Feed.UPDATED if account == "sandbox-1688" else Feed.CREATED
    async with story.pool.connection() as connection:
        return await request_backfill(connection, account, feed, window, everything=everything)


async def state(connection: Connection, account: str, window: Window) -> RangeState:
    """Ask for the state of a range by creation time."""
    asked = AskedRange(account, Feed.CREATED, window.end, timedelta(days=7), 100)
    [found] = await backfill_ranges.states(connection, [asked], window.start, window.end)
    return found


async def test_what_is_complete_is_not_read_again_and_the_request_is_done_at_once(tell: Tell) -> None:
    story = tell(orders=120)
    await story.sync(story.shop)
    end = story.query("SELECT watermark FROM sync.accounts WHERE name = %s", story.shop)[0][0]
    assert isinstance(end, datetime)
    await ask(story, Window(end - 20 * DAY, end))
    outcomes = await story.sync(story.shop)
    assert story.query(STATES) == [("done",)]
    assert outcomes[story.shop].calls <= 2


async def test_only_what_no_complete_window_covers_is_read(tell: Tell) -> None:
    story = tell(orders=120)
    await story.sync(story.shop)
    whole = last_days(20)
    middle = Window(whole.start + 8 * DAY, whole.start + 12 * DAY)
    for window in (middle, whole):
        async with story.pool.connection() as connection:
            await request_backfill(connection, story.shop, Feed.CREATED, window, everything=False)
        await story.sync(story.shop)
    assert story.query("SELECT starts_at, ends_at FROM sync.windows WHERE feed = 'created' ORDER BY id") == [
        (middle.start, middle.end),
        (whole.start, middle.start),
        (middle.end, whole.end),
    ]
    assert story.query(STATES) == [("done",), ("done",)]


async def test_a_backfill_that_was_cut_off_goes_on_with_the_next_pass(tell: Tell) -> None:
    story = tell(orders=450)
    await story.sync(story.shop)
    await ask(story, last_days(30), everything=True)
    story.faults.set_rates({"http_5xx": 1.0})
    story.with_limits(tries=1)
    await story.sync(story.shop)
    assert story.query(STATES) == [("planned",)]
    story.faults.clear()
    await story.sync(story.shop)
    assert story.query(STATES) == [("done",)]
    story.assert_equal(story.shop)


async def test_cancelled_means_that_nothing_of_it_is_read_any_more_parts_of_a_split_included(tell: Tell) -> None:
    story = tell(orders=450)
    await story.sync(story.shop)
    number = await ask(story, last_days(30), everything=True)
    story.with_limits(window_rows=20)  # the first answer says: split
    left: list[object] = []  # windows that were being read when it was cancelled

    def cancel() -> None:
        if not story.query("SELECT 1 FROM sync.windows WHERE backfill_id = %s AND state = 'running'", number):
            return
        story.world.between_calls = None
        with psycopg.connect(story.url) as connection:
            connection.execute("UPDATE sync.backfills SET state = 'cancelled' WHERE id = %s", [number])
            connection.execute("DELETE FROM sync.windows WHERE backfill_id = %s AND state = 'planned'", [number])
        left.extend(story.query("SELECT id FROM sync.windows WHERE backfill_id = %s ORDER BY id", number))

    story.world.between_calls = cancel
    await story.sync(story.shop)
    assert story.query("SELECT id FROM sync.windows WHERE backfill_id = %s ORDER BY id", number) == left
    assert ("split",) in story.query("SELECT state FROM sync.windows WHERE backfill_id = %s", number)
    assert story.query(STATES) == [("cancelled",)]


@pytest.mark.parametrize("became", ["failed", "planned"])
async def test_a_window_of_a_cancelled_backfill_that_fails_or_is_released_is_not_read_again(
    tell: Tell, became: str
) -> None:
    story = tell(orders=450)
    await story.sync(story.shop)
    number = await ask(story, last_days(20), everything=True)
    windows = ("SELECT state FROM sync.windows WHERE backfill_id = %s", number)

    def cancel() -> None:
        if ("running",) in story.query(*windows):
            story.world.between_calls = None
            assert story.query("SELECT sync.cancel_backfill(%s)", number) == [(1,)]
            story.faults.set_rates({"http_5xx": 1.0})

    story.world.between_calls = cancel
    story.with_limits(tries=1)
    await story.sync(story.shop)
    assert story.query(STATES) == [("cancelled",)]
    assert story.query(*windows) == [("failed",)]
    story.query("UPDATE sync.windows SET state = %s WHERE backfill_id = %s RETURNING id", became, number)
    story.faults.clear()
    await story.sync(story.shop)
    assert story.query(*windows) == []
    assert story.query("SELECT state, cancelled_windows FROM sync.backfills") == [("cancelled", 1)]


async def test_plain_sql_asks_for_the_same(tell: Tell) -> None:
    story = tell(orders=120)
    await story.sync("sandbox-ka")
    assert story.query("SELECT sync.request_backfill('sandbox-ka', '2026-10-01', '2026-10-02')") == [(1,)]
    assert story.query("SELECT feed, starts_at, ends_at FROM sync.backfills") == [
        ("created", datetime(2026, 9, 30, 16, tzinfo=UTC), datetime(2026, 10, 1, 16, tzinfo=UTC))
    ]
    await story.sync("sandbox-ka")
    assert story.query(STATES) == [("done",)]
    with pytest.raises(psycopg.errors.RaiseException, match="no account is named nobody"):
        story.query("SELECT sync.request_backfill('nobody', '2026-10-01', '2026-10-02')")


async def test_sql_asks_for_many_accounts_at_once_and_cancels_them_as_one(tell: Tell) -> None:
    story = tell(orders=30)
    await story.sync()
    many = "SELECT sync.request_backfills(array_agg(name ORDER BY name), '2026-10-01', '2026-10-02') FROM sync.accounts"
    assert story.query(many) == [(1,)]
    rows = "SELECT account, coalesce(request_id, id), starts_at FROM sync.backfills ORDER BY id"
    start = datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert story.query(rows) == [(name, 1, start) for name in ("sandbox-1688", "sandbox-ka", "sandbox-open")]
    assert story.query("SELECT sync.cancel_backfill(2), sync.cancel_backfill(2)") == [(1, 0)]
    assert story.query("SELECT sync.cancel_backfill_request(1), sync.cancel_backfill_request(1)") == [(2, 0)]
    assert story.query("SELECT DISTINCT state FROM sync.backfills") == [("cancelled",)]
    with pytest.raises(psycopg.errors.RaiseException, match="no account is named nobody"):
        story.query("SELECT sync.request_backfills(ARRAY['sandbox-ka', 'nobody'], '2026-10-01', '2026-10-02')")
    with pytest.raises(psycopg.errors.RaiseException, match="begins in the future"):
        story.query(
            "SELECT sync.request_backfills(ARRAY['sandbox-ka'], now() + interval '1 d', now() + interval '2 d')"
        )
    assert story.query("SELECT count(*) FROM sync.backfills") == [(3,)]


async def test_what_there_is_to_know_of_a_range_stands_with_the_request(tell: Tell) -> None:
    story = tell(orders=30)
    await story.sync()
    for asked in (
        "'sandbox-1688', now() - interval '90 days', now() - interval '80 days'",
        "'sandbox-ka', now() - interval '2 days', now() + interval '2 days'",
        "'sandbox-ka', now() + interval '1 day', now() + interval '2 days'",
        "'sandbox-open', '2026-10-01', '2026-10-02'",
        "'sandbox-open', '2026-10-01', '2026-10-02'",
    ):
        story.query(f"SELECT sync.request_backfill({asked})")
    await story.sync()
    found = story.query("SELECT state, concat(notice, error) FROM sync.backfills ORDER BY id")
    for (state, said), (expected, words) in zip(
        found,
        (
            ("done", "documented to list orders from"),
            ("done", "ends in the future: it is read up to"),
            ("failed", "lies in the future"),
            ("done", ""),
            ("done", "request 4, "),
        ),
        strict=True,
    ):
        assert state == expected
        assert words in str(said)
    assert found[3][1] == ""


async def test_reads_for_messages_do_not_count_as_windows_of_the_range(tell: Tell) -> None:
    story = tell(orders=120)
    await story.sync("sandbox-ka")
    window = last_days(2)
    async with story.pool.connection() as connection:
        before = await state(connection, "sandbox-ka", window)
        await connection.execute(
            "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, orders, finished_at, attempts) "
            "SELECT 'sandbox-ka', kind, 'created', %s, %s, 'failed', orders, now(), 1 "
            "FROM (VALUES ('hook', NULL), ('repair', ARRAY['7'])) AS v (kind, orders)",
            [window.start, window.start + timedelta(seconds=1)],
        )
        assert await state(connection, "sandbox-ka", window) == before


async def test_a_backfill_that_is_being_read_is_said_to_be(tell: Tell) -> None:
    story = tell(orders=120)
    await story.sync(story.shop)
    number = await ask(story, last_days(20), everything=True)
    story.faults.set_rates({"http_5xx": 1.0})
    story.with_limits(tries=1)
    await story.sync(story.shop)
    async with story.pool.connection() as connection:
        [row] = await backfills.listed(connection)
        assert (row["id"], row["state"], row["progress"]) == (number, "planned", "reading")
        assert await backfills.listed(connection, state=BackfillState.DONE) == []
        assert await backfills.listed(connection, request_id=number + 1) == []


async def test_a_time_the_platform_does_not_list_by_is_said_on_the_request(tell: Tell) -> None:
    story = tell(orders=30)
    await story.sync("sandbox-ka")
    story.query("SELECT sync.request_backfill('sandbox-ka', '2026-10-01', '2026-10-02', 'updated')")
    await story.sync("sandbox-ka")
    [(state, error)] = story.query("SELECT state, error FROM sync.backfills")
    assert state == "failed"
    assert "does not list by updated time" in str(error)


FROM = "SELECT sync.request_backfill('sandbox-ka', "
MOMENTS = "SELECT starts_at, ends_at FROM sync.backfills"


async def test_a_range_asked_for_in_sql_is_the_same_in_every_zone_and_on_whole_seconds(tell: Tell) -> None:
    story = tell(orders=30)
    await story.sync("sandbox-ka")
    ranges = (
        "'2026-10-01', '2026-10-02'",
        "date '2026-10-01', date '2026-10-02'",
        "timestamp '2026-10-01 00:00:00.4', timestamp '2026-10-01 23:59:59.000001'",
        "timestamptz '2026-09-30 16:00:00.999999Z', timestamptz '2026-10-01 15:59:59.5Z'",
        "'2026-10-01', timestamptz '2026-10-01 16:00Z'",
        "'2026-09-30T16:00:00.25Z', '2026-10-02'",
        "(timestamptz '2026-09-30 16:00Z')::timestamp AT TIME ZONE current_setting('timezone'), '2026-10-01 16:00Z'",
    )
    for zone in ("UTC", "America/New_York", "Asia/Shanghai"):
        with psycopg.connect(story.url, autocommit=True, options=f"-c timezone={zone}") as connection:
            for asked in ranges:
                connection.execute(f"{FROM}{asked})".encode())
                [made] = story.query(MOMENTS)
                expected = (datetime(2026, 9, 30, 16, tzinfo=UTC), datetime(2026, 10, 1, 16, tzinfo=UTC))
                assert made == expected, (asked, zone)
                story.execute("DELETE FROM sync.backfills")


async def test_a_range_nobody_can_read_is_refused_where_it_is_asked_for(tell: Tell) -> None:
    story = tell(orders=30)
    await story.sync("sandbox-ka")
    said = {}
    for asked in (
        "'-infinity', 'infinity'",
        "now() - interval '1 day', timestamptz 'infinity'",
        "'0001-01-01', '2026-10-01'",
        "'4713-01-01 BC', '2026-10-01'",
        "'2026-10-01', '9999-12-31'",
        "date 'infinity', date 'infinity'",
    ):
        try:
            said[asked] = str(story.query(f"{FROM}{asked})"))
        except psycopg.Error as error:
            said[asked] = str(error)
    refused = r"cannot be read|nothing lies between"
    assert {asked: text for asked, text in said.items() if not re.search(refused, text)} == {}
    with pytest.raises(psycopg.errors.CheckViolation):
        story.query(
            "INSERT INTO sync.backfills (account, feed, starts_at, ends_at) "
            "VALUES ('sandbox-ka', 'created', now() - interval '1.5 us', 'infinity') RETURNING 1"
        )


async def test_a_request_that_cannot_be_planned_fails_alone_with_its_reason(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with it: here a feed nobody knows, a value Postgres refuses, and an error of our own."""
    story = tell(orders=60)
    await story.sync()
    insert = (
        "INSERT INTO sync.backfills (account, feed, starts_at, ends_at) VALUES ('sandbox-ka', %s, %s, %s) RETURNING 1"
    )
    window = last_days(2)
    story.query(insert, "nonsense", window.start, window.end)
    story.query(insert, "created", window.start - DAY, window.end - DAY)
    story.query(insert, "created", window.start - 9 * DAY, window.end - 5 * DAY)
    await ask(story, window, everything=True)
    unproven = backfills.unproven

    async def broken(connection: Connection, account: str, feed: Feed, asked: Window) -> list[Window]:
        if asked.start == window.start - DAY:
            await connection.execute("SELECT 1 / 0")
        return await unproven(connection, account, feed, asked)

    monkeypatch.setattr(backfills, "unproven", broken)
    outcomes = await story.sync()
    assert [outcome.errors for outcome in outcomes.values()] == [[], [], []]
    states = story.query("SELECT state, error FROM sync.backfills ORDER BY id")
    assert [state for state, _ in states] == ["failed", "failed", "done", "done"]
    assert "nonsense" in str(states[0][1])
    assert "division by zero" in str(states[1][1])


@pytest.mark.parametrize("page_size", [3, 100])
async def test_orders_of_a_backfill_before_the_history_are_kept_current_and_no_others_come_with_them_P1(
    tell: Tell, page_size: int
) -> None:
    """Several days of it, with days between that nobody asked for. Small pages would make lists by status cheaper."""
    story, shop = tell(orders=900, days=8, page_size=page_size), "sandbox-ka"
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 2 * DAY
    story.history_from = begin
    await story.sync(shop)
    ranges = [Window(begin - number * DAY, begin - (number - 1) * DAY) for number in (5, 3)]
    for window in ranges:
        await ask(story, window, shop)
    await story.sync(shop)
    held = story.query("SELECT order_id FROM orders WHERE account = %s ORDER BY order_id", shop)
    listed = story.world.shop(shop).index.orders.values()
    old = [
        order
        for order in listed
        if order.state is State.SHIPPED
        and not order.quirk
        and any(window.start.timestamp() <= order.created < window.end.timestamp() for window in ranges)
    ]
    assert len(old) > 2
    for order in old:
        story.world.change(shop, order.order_id, "terminate", datetime.now(UTC))
    outcome = (await story.sync(shop, sweep=Sweep.OPEN))[shop]
    assert outcome.rows.changed == len(old)
    days = {window.start.date() for window in ranges} | {window.end.date() for window in ranges}
    come = story.query("SELECT order_id, created_at FROM orders WHERE account = %s ORDER BY order_id", shop)
    for order_id, created in come:
        assert (order_id,) in held or (isinstance(created, datetime) and created.astimezone(UTC).date() in days)
    assert not story.query("SELECT FROM sync.windows WHERE status IS NOT NULL AND starts_at < %s", begin)
