"""What was deleted or changed in the tables by hand comes back by each command that the runbook names for it (P1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.windows import Feed, Window
from orders_sync.engine.renormalize import renormalize
from tests.support.backfills import request_backfill
from tests.support.story import Story, Tell

ACCOUNTS = ("sandbox-1688", "sandbox-open", "sandbox-ka")
ROWS = [
    "DELETE FROM orders WHERE {some}",
    "DELETE FROM sub_orders WHERE {some}",
    "DELETE FROM product_items WHERE {some}",
    "DELETE FROM orders WHERE {some}; DELETE FROM sub_orders WHERE {some}; DELETE FROM product_items WHERE {some}",
    "UPDATE orders SET total_amount = total_amount + 1, status = 'mine', buyer_name = NULL WHERE {some}",
    "UPDATE sub_orders SET amount = 0, removed_at = now() WHERE {some}",
    "UPDATE product_items SET quantity = 99, title = NULL WHERE {some}",
]
UNKNOWN = "DELETE FROM raw_orders WHERE {some}; UPDATE orders SET status = 'mine' WHERE {some}"


def damage(story: Story, account: str, statements: str) -> None:
    """Run statements for seven orders of the last days."""
    newest = "SELECT order_id FROM orders WHERE account = %s AND created_at > now() - interval '9 days' LIMIT 7"
    ids = ", ".join(f"'{row[0]}'" for row in story.query(newest, account))
    story.execute(statements.format(some=f"order_id IN ({ids})"))
    assert not story.verify(account)[account].is_equal


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_renormalize_brings_rows_back_without_a_call(tell: Tell, account: str) -> None:
    story = tell(orders=90)
    await story.sync(account)
    calls = story.calls.total()
    for statements in ROWS:
        damage(story, account, statements)
        async with story.pool.connection() as connection:
            result = await renormalize(connection, story.world.shop(account).platform, account, story.progress)
        assert (result.rebuilt, result.rejected, story.calls.total()) == (7, 0, calls), statements
        story.assert_equal(account)


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_a_backfill_of_everything_brings_rows_back(tell: Tell, account: str) -> None:
    story = tell(orders=90)
    await story.sync(account)
    feed = Feed.UPDATED if account == "sandbox-1688" else Feed.CREATED
    for statements in (*ROWS, UNKNOWN):
        damage(story, account, statements)
        now = datetime.now(UTC).replace(microsecond=0)
        async with story.pool.connection() as connection:
            window = Window(now - timedelta(days=30), now)
            await request_backfill(connection, account, feed, window, everything=True)
        await story.sync(account)
        story.assert_equal(account)
    assert story.query("SELECT FROM sync.rejects") == []


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_an_audit_sees_orders_without_their_row_and_its_repair_brings_them_back(tell: Tell, account: str) -> None:
    story = tell(orders=90)
    await story.sync(account)
    damage(story, account, ROWS[0])
    audited = (await story.audit(account))[account]
    assert sum(each.missing for each in audited.differences if each.feed is Feed.CREATED) == 7
    audited = (await story.audit(account, repair=True))[account]
    assert audited.remaining == []
    story.assert_equal(account)
