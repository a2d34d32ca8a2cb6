"""Refused calls: by the gateway itself, by something in front of it, or for a clock that is wrong (P6)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from orders_sync.engine import lease
from orders_sync.store import claims
from tests.independent.installation import Installation
from tests.independent.oddities import answers, blocked_by_firewall, page_size_capped, redirected_to
from tests.independent.platform import Query, Response, failure, of_kind, orders_every

Install = Callable[..., Installation]
MINUTE = timedelta(minutes=1)
SUSPENDED = "SELECT suspended_at IS NOT NULL FROM sync.accounts"


@pytest.mark.parametrize("kind", ["1688", "xportcn_open"])
async def test_one_answer_of_a_firewall_suspends_nobody(install: Install, kind: str) -> None:
    shop = install(kind, [])
    for count, status in ((5, 401), (10, 403)):
        shop.fake.orders = of_kind(kind, orders_every(MINUTE, count))  # the second time five more than before
        shop.fake.behave(blocked_by_firewall(status, times=1, retry_after=0))
        outcome = await shop.sync()
        assert "firewall" in outcome.errors[0], status
        assert shop.query(SUSPENDED) == [(False,)], status
        assert outcome.calls <= 2, status
        await shop.sync()
        shop.assert_holds_the_truth()
        shop.forget_reads()


async def test_a_firewall_that_stays_suspends_after_a_few_single_calls_P6(install: Install) -> None:
    shop = install("1688", orders_every(MINUTE, 5), blocked_by_firewall())
    calls = 0
    for _ in range(6):
        calls += (await shop.sync()).calls
    assert shop.query(SUSPENDED) == [(True,)]
    assert calls <= 20


async def test_a_window_that_failed_often_and_meets_a_firewall_suspends_nobody(install: Install) -> None:
    shop = install("1688", orders_every(MINUTE, 5))
    await shop.sync(passes=2)  # the account is served
    often = "UPDATE sync.windows SET state = 'failed', attempts = 9 WHERE id = (SELECT max(id) FROM sync.windows)"
    shop.query(f"{often} RETURNING id")
    shop.fake.add(blocked_by_firewall(times=2, retry_after=0))  # the newest window, then this one
    outcome = await shop.sync()
    assert len(outcome.errors) == 2
    assert all("firewall" in error for error in outcome.errors)
    assert shop.query(SUSPENDED) == [(False,)]


@pytest.mark.parametrize("kind", ["1688", "xportcn_open", "xportcn_ka"])
async def test_a_window_of_more_calls_than_a_firewall_lets_pass_is_split_until_it_is_read(
    install: Install, kind: str
) -> None:
    """Every ninth call is blocked: no window of more pages is ever read as a whole."""
    shop = install(kind, orders_every(3 * MINUTE, 100), page_size_capped(10))
    blocked = Response(b"<html>blocked</html>", 403, {"Content-Type": "text/html"})
    shop.fake.add(answers(blocked, when=lambda _: len(shop.fake.calls) % 9 == 0))
    for _ in range(12):
        if not (await shop.sync()).failed_windows:
            break
    assert shop.query(SUSPENDED) == [(False,)]
    assert shop.query("SELECT id FROM sync.windows WHERE state = 'failed' AND attempts > 2") == []
    assert shop.query("SELECT count(*) > 0 FROM sync.windows WHERE state = 'split'") == [(True,)]
    shop.assert_holds_the_truth()


@pytest.mark.parametrize("status", [200, 401, 403])
async def test_a_refusal_in_the_gateway_s_own_words_suspends_at_once_P6(install: Install, status: int) -> None:
    refusal = Response(failure("1688", "gw.SignatureInvalid", "signature"), status)
    shop = install("1688", orders_every(MINUTE, 5), answers(refusal))
    outcome = await shop.sync()
    assert outcome.calls == 1
    assert shop.query(SUSPENDED) == [(True,)]


@pytest.mark.parametrize("status", [200, 401])
async def test_a_refusal_beside_a_wrong_clock_is_said_and_tried_again(install: Install, status: int) -> None:
    headers = {"Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    refusal = Response(failure("1688", "gw.SignatureInvalid", "timestamp"), status, headers)
    shop = install("1688", orders_every(MINUTE, 5), answers(refusal, times=2))
    outcome = await shop.sync()
    assert "set the clock right" in outcome.errors[0]
    assert shop.query(SUSPENDED) == [(False,)]
    await shop.sync()
    shop.assert_holds_the_truth()


async def test_a_redirect_says_where_to_and_is_not_followed_P8(install: Install) -> None:
    shop = install("1688", orders_every(MINUTE, 5))
    for status in (301, 302, 307, 308):
        shop.fake.behave(redirected_to("https://other.example/login?sign=abc", status))
        outcome = await shop.sync()
        assert "https://other.example/login: check base_url" in outcome.errors[0], status
        assert "sign=abc" not in outcome.errors[0], status
        shop.forget_reads()


async def test_renewals_that_fail_neither_lose_a_window_nor_end_the_pass_P5(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Semaphore(0)

    async def renew(*_: object) -> None:
        failed.release()
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(claims, "renew", renew)
    monkeypatch.setattr(lease, "LEASE", timedelta(seconds=0.03))
    shop = install("1688", orders_every(MINUTE, 5))
    usual = shop.fake.stages.respond

    def respond(query: Query, body: Callable[[], bytes]) -> Response:
        assert failed.acquire(timeout=120)
        assert failed.acquire(timeout=120)
        return usual(query, body)

    shop.fake.stages.respond = respond
    assert not (await shop.sync()).errors
    shop.assert_holds_the_truth()
