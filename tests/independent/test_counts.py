"""Pages smaller than asked for, totals that are wrong, rows counted and not listed.

What was read lands, what does not add up is not proven, and nothing is asked for ever (P1, P4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.independent.installation import Installation
from tests.independent.oddities import (
    answers,
    counted_never_listed,
    filter_ignored,
    last_page_repeated,
    listed_twice,
    page_size_capped,
    reach_capped,
    total_capped,
    total_is,
    total_of_page,
    total_too_high_by,
)
from tests.independent.platform import Oddity, Response, failure, orders_every

Install = Callable[..., Installation]
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("kind", "cap"), [("1688", 100), ("1688", 20), ("xportcn_open", 50), ("xportcn_ka", 10), ("xportcn_open", 30)]
)
async def test_a_page_size_that_is_not_honoured_is_learned_once_and_kept_to_P1(
    install: Install, kind: str, cap: int
) -> None:
    shop = install(kind, orders_every(MINUTE, 250), page_size_capped(cap))
    outcome = await shop.sync()
    assert not outcome.errors
    shop.assert_holds_the_truth()
    assert shop.is_current()
    assert shop.query("SELECT observed ->> 'page_size' FROM sync.accounts") == [(str(cap),)]
    shop.query("DELETE FROM sync.windows RETURNING 1")
    shop.fake.calls.clear()
    await shop.sync()
    assert {call.size for call in shop.fake.calls} <= {1, cap}


async def test_a_page_with_a_hole_once_is_no_smaller_page(install: Install) -> None:
    shop = install("xportcn_open", orders_every(MINUTE, 250))
    usual, holes = shop.fake.stages.page, [10]
    shop.fake.stages.page = lambda query, found, size: usual(query, found, size)[(holes.pop() if holes else 0) :]
    await shop.sync()
    shop.assert_holds_the_truth()
    assert shop.is_current()


@pytest.mark.parametrize("oddity", ["twice", "counted"])
@pytest.mark.parametrize("place", [0, 75])
async def test_one_row_too_many_keeps_no_innocent_order_out_and_is_shown_P4(
    install: Install, oddity: str, place: int
) -> None:
    orders = orders_every(timedelta(seconds=270), 100)
    number = orders[place].number
    shop = install("xportcn_open", orders, listed_twice(number) if oddity == "twice" else counted_never_listed(number))
    shop.shrink(5)
    await shop.sync(passes=2)
    missing = shop.fake.truth().keys() - shop.held().keys()
    assert missing == (set() if oddity == "twice" else {str(number)})
    assert not shop.is_current()
    assert any("distinct ones were read" in reason for reason in shop.reasons())


async def test_rows_read_before_a_page_fails_land_P4(install: Install) -> None:
    broken = answers(Response(b"<html>", 500), when=lambda query: query.page_no == 2)
    shop = install("1688", orders_every(timedelta(seconds=1), 1600), broken)
    await shop.sync()
    assert len(shop.held()) >= 600  # pages 4 and 3
    assert not shop.is_current()


@pytest.mark.parametrize(
    ("kind", "oddities"),
    [
        ("xportcn_open", [total_capped(100)]),
        ("1688", [total_capped(200)]),
        ("1688", [total_capped(100)]),
        ("xportcn_open", [reach_capped(80)]),
        ("xportcn_open", [total_capped(140)]),
        ("1688", [total_of_page()]),
        ("xportcn_open", [total_is(0)]),
        ("xportcn_open", [total_is(0), page_size_capped(10)]),
        ("xportcn_open", [total_is(14)]),
        ("1688", [total_is(0), last_page_repeated()]),
        ("xportcn_open", [total_capped(100), last_page_repeated()]),
    ],
)
async def test_orders_behind_a_total_that_is_capped_or_wrong_land_P1(
    install: Install, kind: str, oddities: list[Oddity]
) -> None:
    """Of 250 orders, in pages of 100 or 20; a window holds 200 of them."""
    shop = install(kind, orders_every(9 * MINUTE, 250), *oddities)
    shop.shrink(5)
    shop.limits = replace(shop.limits, window_rows=200)
    await shop.sync(passes=2)
    shop.assert_holds_the_truth()


@pytest.mark.parametrize("kind", ["1688", "xportcn_open"])
async def test_orders_behind_a_total_and_a_reach_of_the_same_cap_land_P1(install: Install, kind: str) -> None:
    most = 1000  # no platform is taken to count no more than a smaller number
    shop = install(kind, orders_every(MINUTE, most + 200), total_capped(most), reach_capped(most))
    await shop.sync(passes=2)
    shop.assert_holds_the_truth()


async def test_a_platform_that_answers_an_error_behind_its_last_page_is_read_all_the_same(install: Install) -> None:
    orders = orders_every(MINUTE, 100)
    beyond = answers(
        Response(failure("xportcn_open", 422, "beyond the last page")), when=lambda query: query.page_no > 1
    )
    shop = install("xportcn_open", orders, beyond, history=timedelta(days=3))
    assert not (await shop.sync()).errors
    shop.assert_holds_the_truth()
    assert shop.is_current()


@pytest.mark.parametrize("oddity", [total_too_high_by(3), filter_ignored()])
async def test_no_wrong_answer_has_windows_split_for_ever(install: Install, oddity: Oddity) -> None:
    shop = install("xportcn_open", orders_every(20 * MINUTE, 300), oddity)
    shop.limits = replace(shop.limits, window_rows=250, slots=1)  # of parts read at once none knows of the others
    await shop.sync(passes=2)
    assert len(shop.fake.calls) < 120
    assert not shop.is_current()
    assert shop.reasons()
