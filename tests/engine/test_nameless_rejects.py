"""Records that name no order are settled by a good read of the same time (P4)."""

from __future__ import annotations

from orders_sync.domain.sweeps import Sweep
from tests.support.story import Tell

KA = "sandbox-ka"
OPEN = "SELECT count(*) FROM sync.rejects WHERE order_id IS NULL AND resolved_at IS NULL"


async def test_rejects_without_an_id_are_gone_once_the_platform_sends_whole_records_again_P4(tell: Tell) -> None:
    story = tell(orders=300)
    story.faults.set_rates({"malformed": 0.2})
    await story.sync(KA)
    [(nameless,)] = story.query(OPEN)
    assert int(str(nameless)) > 0
    await story.sync(KA, sweep=Sweep.ALL)
    assert story.query(OPEN) == [(nameless,)]  # they come again: nothing is settled
    story.faults.set_rates({"malformed": 0})
    await story.sync(KA, sweep=Sweep.ALL)
    assert story.query(OPEN) == [(0,)]
    story.assert_equal(KA)


async def test_an_ignored_reject_is_swept_no_more_and_settles_all_the_same(tell: Tell) -> None:
    story = tell(orders=300)
    story.faults.set_rates({"malformed": 0.2})
    await story.sync(KA)
    story.execute("UPDATE sync.rejects SET ignored_at = now()")
    story.faults.set_rates({"malformed": 0})
    story.execute(
        "INSERT INTO sync.backfills (account, feed, starts_at, ends_at, everything) "
        f"SELECT name, feed, history_from, date_trunc('second', watermark), true FROM sync.accounts WHERE name = '{KA}'"
    )
    await story.sync(KA)
    assert story.query(OPEN) == [(0,)]
    story.assert_equal(KA)
