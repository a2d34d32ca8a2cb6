"""Records that name no order are settled by a good read of the same time (P4)."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("account", ["sandbox-ka", "sandbox-1688"])
async def test_a_backfill_of_days_settles_what_was_rejected_on_them_though_a_longer_window_brought_it(
    tell: Tell, account: str
) -> None:
    story = tell(orders=300)
    story.faults.set_rates({"malformed": 0.3})
    await story.sync(account)
    shown = "SELECT count(*), count(*) FILTER (WHERE resolved_at IS NULL) FROM sync.rejects WHERE listed_at IS NOT NULL"
    [(count, still_open)] = story.query(shown)
    assert count == still_open
    assert int(str(count)) > 0
    story.faults.set_rates({"malformed": 0})
    story.execute(
        "INSERT INTO sync.backfills (account, feed, starts_at, ends_at, everything) "
        "SELECT a.name, a.feed, min(r.listed_at) - interval '1 h', max(r.listed_at) + interval '1 h', true "
        "FROM sync.accounts AS a JOIN sync.rejects AS r ON r.account = a.name GROUP BY a.name, a.feed"
    )
    await story.sync(account)
    assert story.query(shown) == [(count, 0)]


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
