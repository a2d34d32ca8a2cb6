"""What was deleted or changed in the tables by hand comes back by each command that the runbook names for it (P1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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


def damage(story: Story, account: str, *damages: str) -> None:
    """Run each statement for three orders of the last days of its own."""
    newest = "SELECT order_id FROM orders WHERE account = %s AND created_at > now() - interval '9 days' LIMIT %s"
    ids = [f"'{row[0]}'" for row in story.query(newest, account, 3 * len(damages))]
    for statements in damages:
        own = [ids.pop() for _ in range(3)]
        story.execute(statements.format(some=f"order_id IN ({', '.join(own)})"))
    verdict = story.verify(account)[account]
    assert len(verdict.missed) + len(verdict.different) == 3 * len(damages)


async def test_renormalize_brings_rows_back_without_a_call(tell: Tell) -> None:
    story = tell(orders=90)
    await story.sync()
    calls = story.calls.total()
    for account in ACCOUNTS:
        damage(story, account, *ROWS)
        async with story.pool.connection() as connection:
            result = await renormalize(connection, story.world.shop(account).platform, account, story.progress)
        assert (result.rebuilt, result.rejected, story.calls.total()) == (3 * len(ROWS), 0, calls), account
    story.assert_equal()


async def test_a_backfill_of_everything_brings_rows_back(tell: Tell) -> None:
    story = tell(orders=90)
    await story.sync()
    now = datetime.now(UTC).replace(microsecond=0)
    for account in ACCOUNTS:
        damage(story, account, *ROWS, UNKNOWN)
        feed = Feed.UPDATED if account == "sandbox-1688" else Feed.CREATED
        async with story.pool.connection() as connection:
            window = Window(now - timedelta(days=30), now)
            await request_backfill(connection, account, feed, window, everything=True)
    await story.sync()
    story.assert_equal()
    assert story.query("SELECT FROM sync.rejects") == []


async def test_an_audit_sees_orders_without_their_row_and_its_repair_brings_them_back(tell: Tell) -> None:
    story = tell(orders=90)
    await story.sync()
    for account in ACCOUNTS:
        damage(story, account, ROWS[0])
    for account, audited in (await story.audit()).items():
        assert sum(each.missing for each in audited.differences if each.feed is Feed.CREATED) == 3, account
    for account, audited in (await story.audit(repair=True)).items():
        assert audited.remaining == [], account
    story.assert_equal()
