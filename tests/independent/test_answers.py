"""Answers of a shape no document shows: nothing said in other words, bytes in front, one record among many (P1, P4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.independent.installation import Installation
from tests.independent.oddities import byte_order_mark, nothing_as, total_is
from tests.independent.platform import SHAPES, of_kind, orders_every

KINDS = sorted(SHAPES)
Install = Callable[..., Installation]
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_success_without_data_is_an_empty_range_once_it_was_said_twice_P1(install: Install, kind: str) -> None:
    policy = {"longest_window": timedelta(days=1)}  # most windows are empty; longer ones are asked once more anyway
    shop = install(kind, [], history=timedelta(days=3), policy=policy)
    for number, data in enumerate((b"null", b"[]", b'""', b"{}", b"")):
        shop.fake.orders = of_kind(kind, orders_every(MINUTE, 5 * (number + 1)))  # five more than before
        shop.fake.behave(nothing_as(data))
        shop.fake.calls.clear()
        assert not (await shop.sync()).errors, data
        shop.assert_holds_the_truth()
        assert shop.is_current(), data
        asked = Counter((call.start, call.end) for call in shop.fake.calls)
        assert sorted(asked.values()) == [1] + [2] * 3, data
        shop.forget_reads()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_byte_order_mark_changes_nothing(install: Install, kind: str) -> None:
    shop = install(kind, orders_every(MINUTE, 210), byte_order_mark())
    shop.shrink(5)
    assert not (await shop.sync()).errors
    shop.assert_holds_the_truth()


async def test_an_absurd_total_is_an_answer_that_cannot_be_read(install: Install) -> None:
    shop = install("1688", orders_every(MINUTE, 5))
    for total in (10**9, 10**18, -1, '"many"'):
        shop.fake.behave(total_is(total))
        outcome = await shop.sync()
        assert "total" in outcome.errors[0], total
        assert len(shop.query("SELECT 1 FROM sync.windows")) <= 5, total
        shop.forget_reads()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_record_nested_beyond_reading_becomes_a_reject_and_its_neighbours_land_P4(
    install: Install, kind: str
) -> None:
    shop = install(kind, orders_every(MINUTE, 20))
    evil = shop.fake.orders[7]
    evil.record = b'{"id":' + b"[" * 2000 + b"]" * 2000 + b"}"
    outcome = await shop.sync()
    assert not outcome.errors
    assert shop.held().keys() == shop.fake.truth().keys() - {str(evil.number)}
    assert shop.query("SELECT payload FROM sync.rejects") == [(evil.record,)]
    assert shop.is_current()
