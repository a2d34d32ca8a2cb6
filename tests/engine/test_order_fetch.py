"""Single orders are read by the second they were created in; of every other number it is said why it cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.activity import Actor, Origin
from orders_sync.domain.errors import ChangedError, UsageError
from orders_sync.domain.windows import SECOND, Window
from orders_sync.engine import order_fetch
from orders_sync.engine.actions import backfills as actions
from orders_sync.engine.actions import orders
from orders_sync.engine.actions.orders import Fetching
from orders_sync.engine.order_fetch import OrdersPreview
from tests.support.story import Story, Tell

ANA = Actor("ana", Origin.CONSOLE)
KA = "sandbox-ka"
WINDOWS = (
    "SELECT account, kind, feed, starts_at, ends_at, orders FROM sync.windows WHERE backfill_id IS NOT NULL ORDER BY id"
)


async def preview(story: Story, *texts: str, names: tuple[str, ...] = ()) -> OrdersPreview:
    async with story.pool.connection() as connection:
        return await order_fetch.preview(connection, story.sources(*names), texts, datetime.now(UTC))


async def fetch(story: Story, *texts: str) -> Fetching:
    async with story.pool.connection() as connection:
        return await orders.fetch(connection, ANA, story.sources(), texts, datetime.now(UTC))


def some_orders(story: Story, account: str, count: int) -> list[tuple[str, datetime]]:
    """Orders that were created in seconds of their own, the youngest first."""
    query = "SELECT order_id, created_at FROM orders WHERE account = %s ORDER BY created_at DESC, order_id LIMIT %s"
    return [(str(order_id), created) for order_id, created in story.query(query, account, count)]  # type: ignore[misc]


async def test_five_orders_of_two_shops_are_read_by_a_call_each_and_land_as_the_platform_has_them(tell: Tell) -> None:
    story = tell(orders=120)
    await story.sync(KA, story.shop)
    wanted = {account: some_orders(story, account, count) for account, count in ((KA, 2), (story.shop, 3))}
    ids = [order_id for each in wanted.values() for order_id, _ in each]
    for order_id in ids:
        story.query("UPDATE orders SET status = 'out of date' WHERE order_id = %s RETURNING 1", order_id)
    fetching = await fetch(story, "\n".join(ids))
    assert fetching.requested is not None
    seconds = {(name, created.replace(microsecond=0)) for name, each in wanted.items() for _, created in each}
    assert (len(fetching.plan.orders), fetching.plan.not_fetched) == (5, [])
    assert fetching.plan.calls <= len(seconds)
    planned = story.query(WINDOWS)
    assert {row[0:3] for row in planned} == {(KA, "repair", "created"), (story.shop, "repair", "created")}
    assert sorted(order_id for row in planned for order_id in row[5]) == sorted(ids)  # type: ignore[attr-defined]
    assert story.query("SELECT account, action, subject FROM sync.activity ORDER BY account") == [
        (name, "order.fetch", f"request {fetching.requested.number}") for name in sorted(wanted)
    ]
    await story.sync(KA, story.shop)
    assert story.query("SELECT count(*) FROM orders WHERE status = 'out of date'") == [(0,)]
    assert story.query("SELECT DISTINCT state FROM sync.backfills") == [("done",)]
    story.assert_equal(KA, story.shop)


async def test_an_order_that_is_found_unchanged_is_not_read_once_more(tell: Tell) -> None:
    story = tell()
    await story.sync(KA)
    [(order_id, _)] = some_orders(story, KA, 1)
    await fetch(story, order_id)
    await story.sync(KA)
    assert story.query("SELECT count(*) FROM sync.windows WHERE repeats > 0") == [(0,)]


async def test_numbers_that_nothing_can_be_read_of_say_why(tell: Tell) -> None:
    story = tell()
    await story.sync(KA)
    [(order_id, _)] = some_orders(story, KA, 1)
    shown = await preview(story, f"{order_id} 99887766 3.956E+18", names=(story.shop,))
    reasons = {each.number: each.reason for each in shown.not_fetched}
    assert shown.plan is None
    assert f"belongs to {KA}" in reasons[order_id]
    assert "no platform can be asked for a number" in reasons["99887766"]
    commands = {each.number: each.command or "" for each in shown.not_fetched}
    assert "audit --account NAME --from DAY --to DAY --repair" in commands["99887766"]
    assert "spreadsheet" in reasons["3.956E+18"]
    assert story.query("SELECT count(*) FROM sync.backfill_plans") == [(0,)]
    for texts in (["", " , "], [" ".join(map(str, range(1000, 1101)))]):
        with pytest.raises(UsageError):
            await preview(story, *texts)


async def test_a_reject_and_an_order_an_audit_misses_are_read_where_they_were_seen(tell: Tell) -> None:
    story = tell()
    await story.sync(KA, story.shop)
    start = datetime(2026, 10, 1, tzinfo=UTC)
    story.query(
        "INSERT INTO sync.windows (id, account, kind, feed, starts_at, ends_at, state) OVERRIDING SYSTEM VALUE "
        "VALUES (901, %s, 'incremental', 'updated', %s, %s, 'done') RETURNING 1",
        story.shop,
        start,
        start + timedelta(hours=1),
    )
    story.query(
        "INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at, window_id) "
        "VALUES (%s, '1688', '77', '', '', 'x', now(), 901), (%s, '1688', '78', '', 'x', 'x', now(), 902) RETURNING 1",
        story.shop,
        story.shop,
    )
    story.query(
        "WITH a AS (INSERT INTO sync.audits (account, starts_at, ends_at) VALUES (%s, %s, %s) RETURNING id) "
        "INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders, missing_ids) "
        "SELECT id, %s, %s, 1, 0, ARRAY['79'] FROM a RETURNING 1",
        KA,
        start,
        start + timedelta(days=1),
        start,
        start + timedelta(hours=2),
    )
    shown = await preview(story, "77, 78, 79")
    assert [(each.number, each.account, each.feed, each.window) for each in shown.orders] == [
        ("77", story.shop, "updated", Window(start, start + timedelta(hours=1))),
        ("79", KA, "created", Window(start, start + timedelta(hours=2))),
    ]
    assert [(each.number, "no longer in the ledger" in each.reason) for each in shown.not_fetched] == [("78", True)]


async def test_a_plan_of_orders_is_refused_when_an_order_belongs_to_another_account_by_then(tell: Tell) -> None:
    story = tell()
    await story.sync(KA)
    [(order_id, created)] = some_orders(story, KA, 1)
    shown = await preview(story, order_id)
    assert shown.plan is not None
    assert shown.orders[0].window == Window(created.replace(microsecond=0), created.replace(microsecond=0) + SECOND)
    story.query("UPDATE orders SET account = 'sandbox-open' WHERE order_id = %s RETURNING 1", order_id)
    async with story.pool.connection() as connection:
        with pytest.raises(ChangedError):
            await actions.start(connection, ANA, story.sources(), shown.plan)
