"""An order whose modify time went back on the platform is found and repaired without anybody asking for it (P1)."""

from __future__ import annotations

from datetime import timedelta

from orders_sync.domain.versions import BELIEVED_AFTER
from tests.support.story import Tell

REMEMBERED = "SELECT order_id FROM sync.older_versions"
REPAIRS = "SELECT count(*) FROM sync.windows WHERE kind = 'repair'"


async def test_an_order_whose_modify_time_went_back_is_read_again_an_hour_later_and_repaired(tell: Tell) -> None:
    story = tell(orders=60)
    await story.sync(story.shop)
    [(order_id, status)] = story.query(
        "SELECT order_id, status FROM orders WHERE account = %s ORDER BY modified_at DESC LIMIT 1", story.shop
    )
    # as if a version had landed that the platform dates later than what it lists now
    story.execute(
        f"""
        UPDATE orders SET status = 'of later', modified_at = modified_at + interval '1 day'
        WHERE order_id = '{order_id}';
        UPDATE raw_orders SET payload_hash = 'another', rows_hash = 'another',
            modified_at = modified_at + interval '1 day' WHERE order_id = '{order_id}'
        """
    )
    story.execute("UPDATE sync.accounts SET watermark = NULL, history_from = NULL; DELETE FROM sync.windows")
    await story.sync(story.shop)
    assert story.query(REMEMBERED) == [(order_id,)]
    await story.sync(story.shop)
    assert story.query(REPAIRS) == [(0,)]  # the hour is not over

    earlier = BELIEVED_AFTER + timedelta(minutes=1)
    for table in ("sync.older_versions", "raw_orders"):
        story.query(f"UPDATE {table} SET read_at = read_at - %s RETURNING 1", earlier)
    await story.sync(story.shop)
    assert story.query(REMEMBERED) == []
    assert story.query(REPAIRS) == [(1,)]
    assert story.query("SELECT status FROM orders WHERE order_id = %s", order_id) == [(status,)]


async def test_an_order_that_is_listed_as_stored_when_it_is_read_again_is_read_once(tell: Tell) -> None:
    story = tell(orders=60)
    await story.sync(story.shop)
    story.execute(
        f"""
        INSERT INTO sync.older_versions (platform, order_id, account, modified_at, read_at)
        SELECT platform, order_id, account, modified_at - interval '1 day', now() - interval '2 hours' FROM orders
        WHERE account = '{story.shop}' ORDER BY created_at DESC LIMIT 1
        """
    )
    await story.sync(story.shop)
    assert story.query(REMEMBERED) == []
    calls = story.query(REPAIRS)
    assert calls == [(1,)]
    await story.sync(story.shop)
    assert story.query(REPAIRS) == calls
    story.assert_equal(story.shop)


async def test_a_repair_by_update_time_does_not_stand_for_the_read_by_creation_time(tell: Tell) -> None:
    """It says nothing of an order that was created in its range and changed later."""
    story = tell(orders=60)
    await story.sync(story.shop)
    story.execute(
        f"""
        INSERT INTO sync.older_versions (platform, order_id, account, modified_at, read_at)
        SELECT platform, order_id, account, modified_at - interval '1 day', now() - interval '2 hours' FROM orders
        WHERE account = '{story.shop}' ORDER BY created_at DESC LIMIT 1;
        INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, finished_at)
        SELECT account, 'repair', 'updated', created_at - interval '1 h', created_at + interval '1 h', 'done', now()
        FROM orders WHERE account = '{story.shop}' ORDER BY created_at DESC LIMIT 1
        """
    )
    await story.sync(story.shop)
    assert story.query(f"{REPAIRS} AND feed = 'created'") == [(1,)]
    assert story.query(REMEMBERED) == []
