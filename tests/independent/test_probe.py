"""A probe says of each undocumented assumption whether it holds, with a few calls, and keeps that with the account."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.assumptions import ASSUMPTIONS, ProbeResult
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.probe import Probed
from tests.independent.installation import Installation
from tests.independent.oddities import (
    answers,
    begin_exclusive,
    blocked_by_firewall,
    body_changed,
    end_exclusive,
    filter_by_created,
    filter_by_date_only,
    filter_ignored,
    last_page_repeated,
    nothing_as,
    page_size_capped,
    random_order,
    range_refused_beyond,
    reversed_order,
    times_taken_as_utc,
)
from tests.independent.platform import Order, Query, Response, failure, orders_every

Install = Callable[..., Installation]
KINDS = ["1688", "xportcn_open", "xportcn_ka"]
MOST_CALLS = 10
HOUR = timedelta(hours=1)


def shop_orders(count: int = 600, step: timedelta = HOUR) -> list[Order]:
    """Return orders that changed some hours after they were placed, none in the same order as the others."""
    orders = orders_every(step, count, end=datetime.now(UTC).replace(microsecond=0) - timedelta(hours=12))
    for number, order in enumerate(orders):
        order.modified += timedelta(minutes=7 * (number % 50), seconds=number % 60)
    return orders


def with_fractions(orders: Iterable[Order]) -> list[Order]:
    fraction = timedelta(milliseconds=448)
    return [replace(order, created=order.created + fraction, modified=order.modified + fraction) for order in orders]


def otherwise(probed: Probed) -> dict[str, str]:
    """A probe finds what is otherwise and what a person has to do about it, within the calls that are allowed."""
    assert not probed.fault
    assert 0 < probed.calls <= MOST_CALLS
    assert all(each.said for each in probed.answers.values() if each.result is ProbeResult.OTHERWISE)
    return {name: each.remedy for name, each in probed.answers.items() if each.result is ProbeResult.OTHERWISE}


def unknown(probed: Probed) -> set[str]:
    return {name for name, each in probed.answers.items() if each.result is ProbeResult.UNKNOWN}


@pytest.mark.parametrize("kind", KINDS)
async def test_on_a_plain_platform_everything_holds(install: Install, kind: str) -> None:
    shop = install(kind, shop_orders())
    probed = await shop.probe()
    assert otherwise(probed) == {}
    assert unknown(probed) == set()
    assert set(probed.answers) == set(ASSUMPTIONS) - (set() if kind == "1688" else {"updated_time"})
    assert len(shop.fake.calls) == probed.calls


@pytest.mark.parametrize("kind", KINDS)
async def test_what_reading_allows_for_is_said_and_needs_nobody(install: Install, kind: str) -> None:
    shop = install(kind, shop_orders())
    for oddity, name, says in (
        (end_exclusive(), "end_inclusive", "the last second"),
        (begin_exclusive(), "begin_inclusive", "the first second"),
        (page_size_capped(50), "page_size", "a page holds 50 orders"),
        (nothing_as(b"null"), "empty_range", "without list and count"),
        (nothing_as(b""), "empty_range", "without list and count"),
        (last_page_repeated(), "past_last_page", "repeats"),
        (random_order(), "order", "in no order"),
    ):
        shop.fake.behave(oddity)
        probed = await shop.probe()
        assert otherwise(probed) == {name: ""}
        assert says in probed.answers[name].said


@pytest.mark.parametrize("kind", KINDS)
async def test_a_range_that_is_taken_otherwise_is_said_with_its_setting(install: Install, kind: str) -> None:
    shop = install(kind, shop_orders(2000, timedelta(minutes=11)), history=timedelta(days=10))
    for oddity, says in (
        (filter_ignored(), "outside the range"),
        (filter_by_date_only(), "the day alone"),
        (times_taken_as_utc(), "as UTC"),
    ):
        shop.fake.behave(oddity)
        probed = await shop.probe()
        found = otherwise(probed)
        assert any(says in each.said for each in probed.answers.values()), says
        assert found.keys() <= {"filter", "updated_time", "created_time"}, says
        assert all("row_times" in remedy for remedy in found.values()), says
        assert {"end_inclusive", "begin_inclusive"} <= unknown(probed), says


async def test_times_taken_as_utc_are_found_among_few_orders(install: Install) -> None:
    orders = shop_orders(7, timedelta(hours=31))
    probed = await install("xportcn_open", orders, times_taken_as_utc()).probe()
    assert "UTC" in probed.answers["created_time"].said
    assert set(otherwise(probed)) == {"created_time"}


async def test_a_list_by_creation_where_changes_were_asked_for_is_found(install: Install) -> None:
    probed = await install("1688", shop_orders(), filter_by_created()).probe()
    found = otherwise(probed)
    assert found.keys() & {"updated_time", "filter"}
    assert "created_time" not in found
    assert any("another time" in each.said for each in probed.answers.values())


async def test_a_range_that_is_taken_otherwise_needs_nobody_where_the_settings_allow_it(install: Install) -> None:
    shop = install("1688", shop_orders(), filter_by_date_only(), policy={"trusts_filter": True})
    assert otherwise(await shop.probe()) == {"filter": ""}


@pytest.mark.parametrize("kind", KINDS)
async def test_parts_of_a_second_behind_whole_ones_are_found(install: Install, kind: str) -> None:
    """They resemble an exclusive end: which of both it is cannot be decided, and need not be."""
    probed = await install(kind, with_fractions(shop_orders())).probe()
    assert otherwise(probed) == {"end_inclusive": ""}
    assert "parts of a second" in probed.answers["end_inclusive"].said
    assert unknown(probed) == {"whole_seconds"}


async def test_parts_of_a_second_that_are_shown_are_found(install: Install) -> None:
    shows = body_changed(lambda body: body.replace(b"000+0800", b"448+0800"))
    probed = await install("1688", with_fractions(shop_orders()), shows).probe()
    assert otherwise(probed) == {"whole_seconds": ""}


@pytest.mark.parametrize("kind", KINDS)
async def test_which_orders_come_first_is_said(install: Install, kind: str) -> None:
    shop = install(kind, shop_orders())
    for is_turned in (False, True):
        shop.fake.behave(*[reversed_order()] * is_turned)
        probed = await shop.probe()
        assert otherwise(probed) == {}, is_turned
        assert probed.answers["order"].said == ("oldest first" if (kind == "1688") ^ is_turned else "newest first")


async def test_an_error_instead_of_an_empty_list_is_said(install: Install) -> None:
    shop = install("1688", shop_orders())
    orders = shop.fake.orders
    is_empty = answers(
        Response(failure("1688", "NoData", "没有数据")),
        when=lambda query: not any(query.start <= query.time_of(order) <= query.end for order in orders),
    )
    shop.fake.add(is_empty)
    probed = await shop.probe()
    assert otherwise(probed).keys() == {"empty_range"}
    assert "NoData" in probed.answers["empty_range"].said
    assert probed.answers["empty_range"].remedy


async def test_an_error_behind_the_last_page_needs_nobody(install: Install) -> None:
    refused = answers(Response(failure("1688", 17, "page")), when=lambda query: query.page_no > 1)
    assert otherwise(await install("1688", shop_orders(), refused).probe()) == {"past_last_page": ""}


async def test_a_platform_that_refuses_long_ranges_is_asked_for_a_day(install: Install) -> None:
    probed = await install("1688", shop_orders(), range_refused_beyond(timedelta(days=7))).probe()
    assert otherwise(probed) == {}
    assert "page_size" in unknown(probed)


async def test_a_platform_odd_in_every_way_costs_no_more_calls(install: Install) -> None:
    oddities = (end_exclusive(), random_order(), page_size_capped(20), nothing_as(b"[]"), last_page_repeated())
    refused = range_refused_beyond(timedelta(days=7))
    assert otherwise(await install("1688", with_fractions(shop_orders()), *oddities, refused).probe())


async def test_an_order_that_changes_while_it_is_looked_for_says_nothing(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = install("1688", shop_orders(40))
    moved: list[Order] = []

    usual = shop.fake.answer

    def answer(query: Query) -> Response:
        if len(shop.fake.calls) == 1 and not moved:
            for order in shop.fake.orders:
                order.modified = datetime.now(UTC).replace(microsecond=0) - 3 * HOUR
            moved.extend(shop.fake.orders)
        return usual(query)

    monkeypatch.setattr(shop.fake, "answer", answer)
    probed = await shop.probe()
    assert moved
    assert otherwise(probed).keys() <= {"filter"}
    assert "updated_time" in unknown(probed)


@pytest.mark.parametrize("kind", KINDS)
async def test_without_orders_only_the_empty_list_is_known(install: Install, kind: str) -> None:
    probed = await install(kind, []).probe()
    assert probed.calls == 1
    assert probed.answers["empty_range"].result is ProbeResult.HOLDS
    assert unknown(probed) == probed.answers.keys() - {"empty_range"}


async def test_a_single_order_shows_what_it_can(install: Install) -> None:
    probed = await install("xportcn_open", shop_orders(1)).probe()
    assert otherwise(probed) == {}
    assert unknown(probed) == {"page_size", "order"}


async def test_a_fault_ends_the_probe_without_an_answer_after_one_call(install: Install) -> None:
    shop = install("1688", shop_orders())
    await shop.sync()
    await shop.probe()
    faults = set()
    for oddity in (answers(Response(b"busy", 503)), blocked_by_firewall(), answers(Response(b"{"))):
        shop.fake.behave(oddity)
        probed = await shop.probe()
        assert (probed.calls, probed.answers) == (1, {}), probed.fault
        assert probed.fault
        ((kept, fault),) = shop.query(
            "SELECT observed #> '{probe,answers}', observed #>> '{probe,fault}' FROM sync.accounts"
        )
        assert kept, f"answers of an earlier probe stay after {probed.fault}"
        assert fault == probed.fault
        assert shop.query("SELECT suspended_at FROM sync.accounts") == [(None,)], probed.fault
        faults.add(fault)
    assert len(faults) == 3


def probing(shop: Installation) -> Installation:
    shop.limits = Limits(retry_policy=shop.limits.retry_policy, probes=True)
    return shop


@pytest.mark.parametrize("kind", KINDS)
async def test_a_new_account_is_probed_once_after_its_first_orders(install: Install, kind: str) -> None:
    shop = probing(install(kind, [], page_size_capped(50)))
    await shop.sync()
    assert shop.query("SELECT observed -> 'probe' FROM sync.accounts") == [(None,)]
    shop.fake.orders += install(kind, shop_orders(500)).fake.orders
    shop.forget_reads()
    await shop.sync()
    ((size, verdict),) = shop.query(
        "SELECT observed -> 'page_size', observed #>> '{probe,answers,page_size,verdict}' FROM sync.accounts"
    )
    assert (size, verdict) == (50, "otherwise")
    shop.assert_holds_the_truth()
    before = shop.query("SELECT observed FROM sync.accounts")
    await shop.sync()
    assert shop.query("SELECT observed FROM sync.accounts") == before


async def test_what_needs_somebody_is_reported_by_the_sync_that_found_it(install: Install) -> None:
    shop = probing(install("1688", shop_orders(), filter_by_date_only()))
    await shop.sync()
    assert any("the day alone" in line and "row_times" in line for line in shop.progress.shown)


async def test_a_suspended_account_is_not_probed_P6(install: Install) -> None:
    shop = probing(install("1688", shop_orders()))
    shop.fake.add(answers(Response(failure("1688", "gw.SignatureInvalid", "no")), when=lambda query: bool(shop.held())))
    await shop.sync()
    shop.query("UPDATE sync.accounts SET observed = NULL RETURNING name")
    shop.query("DELETE FROM sync.windows RETURNING id")
    await shop.sync()
    shop.fake.calls.clear()
    await shop.sync()
    assert shop.fake.calls == []
    assert shop.query("SELECT observed -> 'probe' FROM sync.accounts") == [(None,)]


async def test_a_probe_that_a_fault_ended_is_made_again_an_hour_later(install: Install) -> None:
    shop = probing(install("1688", shop_orders(), answers(Response(b"busy", 503), when=_is_narrow)))
    assert not (await shop.sync()).errors
    assert "503" in str(shop.query("SELECT observed -> 'probe' ->> 'fault' FROM sync.accounts"))
    shop.fake.behave()
    shop.forget_reads()
    await shop.sync()
    assert shop.query("SELECT observed -> 'probe' -> 'answers' FROM sync.accounts") == [(None,)]
    shop.query(
        "UPDATE sync.accounts SET observed = jsonb_set(observed, '{probe,begun_at}', to_jsonb(now() - interval '2h'))"
        " RETURNING name"
    )
    shop.forget_reads()
    await shop.sync()
    assert shop.query("SELECT observed -> 'probe' ->> 'fault' FROM sync.accounts") == [("",)]
    assert shop.query("SELECT observed -> 'probe' -> 'answers' -> 'filter' ->> 'verdict' FROM sync.accounts") == [
        ("holds",)
    ]


def _is_narrow(query: Query) -> bool:
    return query.end - query.start <= timedelta(minutes=1)
