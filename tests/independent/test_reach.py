"""History that a platform does not list, or lists as empty: it is never shown as complete, and holds up nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.independent.installation import Installation
from tests.independent.oddities import answers
from tests.independent.platform import Oddity, Order, Query, Response, failure

DAY = timedelta(days=1)
MONTH = 31 * DAY
Install = Callable[..., Installation]


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def orders_aged(*days: float) -> list[Order]:
    return [
        Order(4_000_000_000_000_000_300 + n, now() - age * DAY, now() - age * DAY, "waitsellersend")
        for n, age in enumerate(days)
    ]


def is_beyond(query: Query) -> bool:
    return query.start < now() - MONTH


def refused_beyond_a_month(response: Response) -> Oddity:
    return answers(response, when=is_beyond)


def lists_a_month_only() -> Oddity:
    def apply(stages: object) -> None:
        usual = stages.select  # type: ignore[attr-defined]

        def select(query: Query, orders: list[Order]) -> list[Order]:
            return [order for order in usual(query, orders) if query.time_of(order) > now() - MONTH]

        stages.select = select  # type: ignore[attr-defined]

    return apply


CODE = Response(failure("1688", -1, "只能查询最近1个月的订单"))
BAD_REQUEST = Response(b"start_created is too early", 400)


@pytest.mark.parametrize("answer", [CODE, BAD_REQUEST], ids=["a code", "HTTP 400"])
async def test_a_history_beyond_reach_holds_up_nothing_and_is_never_called_complete_P5(
    install: Install, answer: Response
) -> None:
    shop = install("1688", orders_aged(1, 5, 20, 25), refused_beyond_a_month(answer), history=328 * DAY)
    outcome = await shop.sync()
    shop.assert_holds_the_truth()
    assert not outcome.errors
    assert not outcome.failed_windows
    assert shop.is_current()
    ((age,),) = shop.query("SELECT now() - proven_from FROM sync.accounts")
    assert MONTH - DAY < age < MONTH  # type: ignore[operator]
    calls = len(shop.fake.calls)
    await shop.sync(passes=3)
    assert not [query for query in shop.fake.calls[calls:] if is_beyond(query)]


async def test_what_is_listed_as_empty_beyond_the_reach_proves_nothing_P5(install: Install) -> None:
    shop = install("1688", orders_aged(1, 20, 40, 200), lists_a_month_only(), history=328 * DAY)
    await shop.sync()
    assert len(shop.held()) == 2
    assert shop.query("SELECT DISTINCT state FROM sync.windows WHERE ends_at < now() - interval '31 days'") == [
        ("beyond",)
    ]
    assert shop.query(
        "SELECT proven_from > now() - interval '31 days', watermark > proven_from FROM sync.accounts"
    ) == [(True, True)]


async def test_what_is_listed_beyond_the_documented_reach_lands_and_counts(install: Install) -> None:
    shop = install("1688", orders_aged(1, 20, 45, 60, 80, 110), history=112 * DAY)
    await shop.sync()
    shop.assert_holds_the_truth()
    assert shop.query("SELECT proven_from FROM sync.accounts") == [(None,)]


async def test_a_busy_platform_closes_no_window_beyond_its_reach_for_good(install: Install) -> None:
    busy = answers(Response(b"busy", 503), when=is_beyond)
    shop = install("1688", orders_aged(1, 20, 40), busy, history=60 * DAY)
    outcome = await shop.sync()
    assert outcome.errors
    assert shop.query("SELECT count(*) FROM sync.windows WHERE state = 'beyond'") == [(0,)]
    assert len(shop.held()) >= 1


async def test_a_backfill_beyond_the_reach_ends_and_says_so(install: Install) -> None:
    shop = install("1688", orders_aged(1, 5), refused_beyond_a_month(CODE), history=10 * DAY)
    await shop.sync()
    shop.query(
        "SELECT sync.request_backfill('shop', now() - interval '90 days', now() - interval '60 days')",
    )
    await shop.sync()
    ((state, error),) = shop.query("SELECT state, error FROM sync.backfills")
    assert state == "done"
    assert "is documented to list 31 d back" in str(error)


# a range that is listed as empty


def let_the_pause_pass(shop: Installation) -> None:
    shop.query("UPDATE sync.windows SET not_before = now() WHERE not_before IS NOT NULL RETURNING id")


async def test_emptiness_of_more_than_a_day_is_believed_when_it_is_said_twice_P1(install: Install) -> None:
    shop = install("xportcn_open", [], history=1000 * DAY)
    outcome = await shop.sync()
    assert not outcome.errors
    assert shop.query("SELECT watermark > history_from FROM sync.accounts") in ([(None,)], [(False,)])
    calls = len(shop.fake.calls)
    await shop.sync()
    assert len(shop.fake.calls) <= calls + 1  # nothing is asked again before the pause is over
    let_the_pause_pass(shop)
    await shop.sync()
    assert shop.is_current()
    assert len(shop.fake.calls) <= 2 * calls + 4


async def test_orders_that_are_listed_only_minutes_after_the_first_read_are_not_lost_P1(install: Install) -> None:
    shop = install("xportcn_open", [Order(7_000_000 + n, now() - n * DAY, now(), "10") for n in range(1, 200, 9)])
    shop.history_from = now() - 300 * DAY
    for order in shop.fake.orders:
        order.is_listed = False
    await shop.sync()
    for order in shop.fake.orders:
        order.is_listed = True
    let_the_pause_pass(shop)
    await shop.sync()
    shop.assert_holds_the_truth()
    let_the_pause_pass(shop)
    await shop.sync()
    assert shop.is_current()
