"""One pass of the engine against the sandbox, on a real Postgres. Promise numbers: docs/design.md."""

from __future__ import annotations

import asyncio
import gc
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from orders_sync.domain.activity import Actor, Origin
from orders_sync.domain.errors import EXCERPT, LeaseLostError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.sweep_cost import calls_for
from orders_sync.domain.sweeps import Sweep, SweepPolicy, Tier
from orders_sync.domain.times import platform_text
from orders_sync.domain.windows import Window, WindowKind
from orders_sync.engine import page_client, planner
from orders_sync.engine import sync as engine
from orders_sync.engine.actions import accounts
from orders_sync.engine.claimed_window import ClaimedWindow
from orders_sync.engine.run_context import RunContext, rate_limiters
from orders_sync.engine.sources import AccountSource
from orders_sync.sandbox import SandboxTransport
from orders_sync.sandbox.faults import KINDS
from orders_sync.store import claims, closing, ledger, load, suspensions
from orders_sync.store.database import Connection
from tests.support.story import Story, Tell

# a success without data, said twice, is believed (tests/independent): that takes two minutes, which no test here waits
UNBELIEVED = [kind for kind in KINDS if kind != "null_data"]


async def test_everything_listed_lands_exactly_as_it_is_P1(tell: Tell) -> None:
    story = tell(orders=450, samples=True)
    outcomes = await story.sync()
    assert {name: outcome.rows.new for name, outcome in outcomes.items()} == {
        each.name: each.orders for each in story.world.accounts
    }
    story.assert_equal()


async def test_a_second_run_costs_a_call_or_two_an_account_and_writes_no_row_P3(tell: Tell) -> None:
    story = tell()
    await story.sync()
    before = story.row_versions()
    outcomes = await story.sync()
    assert all(outcome.calls <= 2 for outcome in outcomes.values())
    assert story.row_versions() == before


async def test_rereading_everything_unchanged_writes_no_row_P3(tell: Tell) -> None:
    story = tell()
    await story.sync()
    before = story.row_versions()
    outcomes = await story.sync(sweep=Sweep.ALL)
    assert outcomes["sandbox-ka"].rows.unchanged == 100
    assert outcomes["sandbox-ka"].rows.changed == 0
    assert story.row_versions() == before


async def test_row_that_moves_forward_while_paged_is_not_lost_P1(tell: Tell) -> None:
    """After each page the oldest order of the window changes and leaves it: all after it slide one place forward.

    Read from the first page to the last, one order a page would slip from an unread page into a read one.
    """
    story = tell(orders=600, page_size=10)
    story.with_limits(slots=1)
    shop = story.world.shop(story.shop)
    victims = iter(sorted(shop.index.orders.values(), key=lambda order: order.modified))
    moved = []

    def move() -> None:
        victim = next(victims, None)
        if victim is not None and victim.quirk != "sample":
            moved.append(victim.order_id)
            story.world.change(story.shop, victim.order_id, "write_memo", now=datetime.now(UTC))

    story.world.between_calls = move
    await story.sync(story.shop)
    story.world.between_calls = None
    assert len(moved) > 20
    await story.sync(story.shop)
    story.assert_equal(story.shop)


async def test_order_indexed_late_is_found_through_the_overlap_P1(tell: Tell) -> None:
    story = tell()
    now = datetime.now(UTC)
    late = [story.world.create(1, now, each.name, index_delay=120)[0] for each in story.world.accounts]
    await story.sync()
    assert story.query("SELECT count(*) FROM orders WHERE order_id = ANY(%s)", [o.order_id for o in late]) == [(0,)]
    story.world.publish(now + timedelta(seconds=121))
    await story.sync()
    assert story.query("SELECT count(*) FROM orders WHERE order_id = ANY(%s)", [o.order_id for o in late]) == [(3,)]
    story.assert_equal()


async def test_changes_come_in_with_the_next_run_and_leave_history(tell: Tell) -> None:
    story = tell()
    await story.sync()
    for _ in range(3):
        story.world.mutate(40, datetime.now(UTC))
        story.world.create(5, datetime.now(UTC))
    await story.sync(sweep=Sweep.ALL)
    story.assert_equal()
    assert story.query("SELECT count(*) > 0 FROM order_history WHERE 'status' = ANY(changed)") == [(True,)]


async def test_window_that_is_too_full_is_split_before_it_is_paged_P7(tell: Tell) -> None:
    story = tell(orders=600, page_size=10)
    story.with_limits(window_rows=20)
    await story.sync()
    story.assert_equal()
    assert story.query("SELECT max(seen) <= 20 FROM sync.windows WHERE state = 'done'") == [(True,)]
    assert story.query("SELECT count(*) > 20 FROM sync.windows WHERE state = 'done'") == [(True,)]


async def test_of_a_long_window_nobody_knows_a_page_is_not_asked_for_before_it_is_counted(tell: Tell) -> None:
    story = tell(orders=900)
    story.with_limits(window_rows=200)
    first: dict[str, int] = {}

    class Watching(SandboxTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked = json.loads(await request.aread())
            first.setdefault(f"{asked['beginDateTime']} {asked['endDateTime']}", asked["pageSize"])
            return await super().handle_async_request(request)

    story.transport = Watching
    await story.sync("sandbox-ka")
    await story.sync("sandbox-ka")
    for window in story.progress.closed_windows:
        start, end = (platform_text(each) for each in (window.claim.window.start, window.claim.window.end))
        is_new_month = window.claim.parent_id is None and window.claim.window.seconds > 7 * 86400
        is_counted_first = is_new_month or window.claim.expected > 100
        assert first[f"{start} {end}"] == (1 if is_counted_first else 100)
        if window.landed is not None:
            assert window.total is not None
            is_counted_for_nothing = is_counted_first and 0 < window.total <= 100
            is_looked_behind = window.total > 0 and window.total % 100 == 0  # its last page is just full
            assert window.calls == calls_for(window.total, 100) + is_counted_for_nothing + is_looked_behind
    assert {window.total == 0 for window in story.progress.closed_windows} == {True, False}
    story.assert_equal("sandbox-ka")


async def test_window_that_never_adds_up_is_split_until_it_does_P1(tell: Tell) -> None:
    story = tell(orders=900, page_size=10)
    story.with_limits(slots=1, attempts=6)
    story.faults.set_rates({"missing_rows": 0.3})  # one of 31 calls fails in each read of the whole
    outcome = (await story.sync(story.shop))[story.shop]
    assert (outcome.errors, outcome.failed_windows) == ([], [])
    story.assert_equal(story.shop)
    reasons = story.query("SELECT error FROM sync.windows WHERE state = 'split'")
    assert "read 6 times, never completely" in str(reasons[0])
    assert [window.is_split for window in story.progress.closed_windows if window.error] == [True] * len(reasons)


@pytest.mark.parametrize("place", [0, 1, 50])
async def test_a_page_that_never_comes_holds_up_its_own_orders_alone_P1(tell: Tell, place: int) -> None:
    story = tell(orders=300, page_size=10)
    victim = _in_time_order(story)[place]
    story.transport = _without(victim, status=200)
    for _ in range(8):
        outcome = (await story.sync(story.shop))[story.shop]
    assert len(outcome.failed_windows) == 1
    verdict = story.verify(story.shop)[story.shop]
    assert victim in verdict.missed
    assert len(verdict.missed) <= story.page_size
    story.transport = SandboxTransport
    await story.sync(story.shop)
    story.assert_equal(story.shop)


async def test_a_long_window_that_is_not_even_counted_is_split_when_it_fails_again_P1(tell: Tell) -> None:
    story = tell()

    class Slow(SandboxTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked = json.loads(await request.aread())
            length = datetime.fromisoformat(asked["endDateTime"]) - datetime.fromisoformat(asked["beginDateTime"])
            if length <= timedelta(days=7):
                return await super().handle_async_request(request)
            return httpx.Response(504)

    story.transport = Slow
    story.with_limits(tries=1)
    for _ in range(9):  # three windows a pass, each fails once
        outcome = (await story.sync("sandbox-ka"))["sandbox-ka"]
    assert outcome.failed_windows == []
    story.assert_equal("sandbox-ka")


async def test_a_platform_that_answers_nothing_past_the_last_page_is_read_after_an_outage_too_P1(tell: Tell) -> None:
    story = tell(orders=9)

    class Strict(SandboxTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            page_no = json.loads(await request.aread())["pageNum"]
            response = await super().handle_async_request(request)
            if page_no == 1 or response.status_code != 200 or json.loads(await response.aread())["data"]["data"]:
                return response
            return httpx.Response(500)

    story.transport = Strict
    story.with_limits(tries=1)
    story.faults.set_rates({"http_5xx": 1.0})
    for _ in range(2):
        await story.sync("sandbox-ka")
    story.faults.clear()
    for _ in range(2):
        outcome = (await story.sync("sandbox-ka"))["sandbox-ka"]
    assert outcome.failed_windows == []
    story.assert_equal("sandbox-ka")


async def test_an_outage_in_mid_window_splits_nothing_unless_it_comes_again(tell: Tell) -> None:
    story = tell(orders=300, page_size=10)
    story.with_limits(tries=1)
    story.transport = _without(_in_time_order(story)[50], status=503)
    for splits in (0, 1):
        await story.sync(story.shop)
        assert story.query("SELECT count(*) FROM sync.windows WHERE state = 'split'") == [(splits,)]


def _in_time_order(story: Story) -> list[str]:
    orders = story.world.shop(story.shop).index.orders.values()
    return [order.order_id for order in sorted(orders, key=lambda order: order.modified) if order.quirk != "sample"]


def _without(order_id: str, status: int) -> type[SandboxTransport]:
    """A platform that answers a page with this order by something for people."""

    class Spoiled(SandboxTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            body = await response.aread()
            return httpx.Response(status, text="<html>") if order_id.encode() in body else response

    return Spoiled


async def test_closed_windows_cover_the_history_without_a_gap_P1(tell: Tell) -> None:
    story = tell(samples=True)
    await story.sync()
    gaps = """
        SELECT account FROM (
            SELECT account, starts_at, max(ends_at) OVER (PARTITION BY account ORDER BY starts_at
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered
            FROM sync.windows WHERE state IN ('done', 'beyond')
        ) AS w WHERE starts_at > covered
    """
    assert story.query(gaps) == []
    watermarks = """
        SELECT bool_and(watermark = (SELECT max(ends_at) FROM sync.windows AS w WHERE w.account = a.name))
        FROM sync.accounts AS a
    """
    assert story.query(watermarks) == [(True,)]


@pytest.mark.parametrize("kind", UNBELIEVED)
async def test_each_fault_is_survived_and_nothing_is_missed_P1(tell: Tell, kind: str) -> None:
    story = tell(orders=120, page_size=5)
    story.faults.set_rates({kind: 0.3})
    story.with_limits(tries=6)
    for _ in range(4):
        outcomes = await story.sync()
        if not any(outcome.errors for outcome in outcomes.values()):
            break
    else:
        story.faults.clear()
        await story.sync()
    assert story.faults.counts[kind] > 0
    story.assert_equal()


async def test_all_faults_at_once_and_nothing_is_missed_P1(tell: Tell) -> None:
    story = tell(orders=450)
    story.faults.set_rates(dict.fromkeys(UNBELIEVED, 0.02) | {"malformed": 0.05})
    story.with_limits(tries=6, attempts=8)
    for _ in range(5):
        story.world.mutate(20, datetime.now(UTC))
        await story.sync(sweep=Sweep.ALL)
    story.faults.set_rates({"malformed": 0.05})
    await story.sync(sweep=Sweep.ALL)
    verdicts = story.verify()
    assert all(verdict.is_equal for verdict in verdicts.values()), [list(v.examples()) for v in verdicts.values()]
    assert sum(verdict.rejects for verdict in verdicts.values()) > 5


async def test_malformed_records_become_rejects_once_and_their_neighbours_land_P4(tell: Tell) -> None:
    story = tell(orders=450)
    story.faults.set_rates({"malformed": 0.1})
    await story.sync()
    await story.sync(sweep=Sweep.ALL)
    verdicts = story.verify()
    assert all(verdict.is_equal for verdict in verdicts.values()), [list(v.examples()) for v in verdicts.values()]
    rejects = sum(verdict.rejects for verdict in verdicts.values())
    assert rejects > 20
    assert story.query("SELECT count(*), count(DISTINCT payload) FROM sync.rejects WHERE order_id IS NOT NULL") == (
        story.query("SELECT count(DISTINCT order_id), count(DISTINCT order_id) FROM sync.rejects")
    )


async def test_watermark_stays_before_a_window_that_failed_P5(tell: Tell) -> None:
    story = tell(samples=True)
    story.with_limits(slots=1, tries=1, attempts=1)
    story.faults.script("html", account=story.shop)
    outcome = (await story.sync(story.shop))[story.shop]
    assert "not JSON" in outcome.errors[0]
    assert story.shop in outcome.errors[0]
    failed = "SELECT starts_at FROM sync.windows WHERE state = 'failed'"
    assert story.query(failed) == story.query("SELECT watermark FROM sync.accounts")
    assert "not JSON" in str(story.query("SELECT last_error FROM sync.accounts"))
    assert (await story.sync(story.shop))[story.shop].errors == []
    assert story.query("SELECT watermark > now() - interval '10 minutes', last_error FROM sync.accounts") == [
        (True, None)
    ]
    story.assert_equal(story.shop)


async def test_refused_signature_stops_the_account_after_one_call_P6(tell: Tell) -> None:
    story = tell(secret=lambda secret: secret + "x")
    outcomes = await story.sync()
    assert [outcome.calls for outcome in outcomes.values()] == [1, 1, 1]
    for name, outcome in outcomes.items():
        assert f"Check the credentials of {name}" in outcome.errors[0]
    assert story.query("SELECT count(*) FROM orders") == [(0,)]


async def test_account_that_answers_nothing_rests_and_the_others_go_on_P6(tell: Tell) -> None:
    story = tell()
    story.with_limits(tries=1, slots=1)
    story.faults.set_rates({"reset": 1.0}, account="sandbox-open")
    outcomes = await story.sync()
    assert outcomes["sandbox-open"].errors
    assert outcomes["sandbox-open"].calls <= 3
    story.assert_equal("sandbox-1688", "sandbox-ka")


async def test_zombie_that_lost_its_window_commits_nothing_P5(tell: Tell) -> None:
    """A worker is frozen after it claimed; its lease runs out, another takes the window; then the first goes on."""
    story = tell()
    source = story.sources(story.shop)[0]
    await _plan(story)
    async with story.pool.connection() as connection:
        frozen = await claims.claim(connection, story.shop, "frozen")
        assert frozen is not None
        assert await claims.claim(connection, story.shop, "early") is None
        await connection.execute("UPDATE sync.windows SET lease_until = now() - interval '1 second'")
        heir = await claims.claim(connection, story.shop, "heir")
    assert heir is not None
    assert heir.id == frozen.id
    async with httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app)) as http:
        with pytest.raises(LeaseLostError):
            await ClaimedWindow(
                story.pool, http, source, rate_limiters(story.pool, [source])[story.shop], story.limits, frozen
            ).run()
        assert story.query("SELECT count(*) FROM orders") == [(0,)]
        await ClaimedWindow(
            story.pool, http, source, rate_limiters(story.pool, [source])[story.shop], story.limits, heir
        ).run()
    assert story.query("SELECT count(*) > 0 FROM orders") == [(True,)]


async def _plan(story: Story) -> None:
    """Plan one window over the shop's last days."""
    source = story.sources(story.shop)[0]
    now = datetime.now(UTC).replace(microsecond=0)
    window = Window(now - timedelta(days=20), now)
    async with story.pool.connection() as connection, connection.transaction():
        await ledger.register(connection, source.account, source.platform.feed)
        await ledger.plan(connection, story.shop, WindowKind.INCREMENTAL, source.platform.feed, [window])


async def test_two_reads_of_overlapping_ranges_never_run_at_once(tell: Tell) -> None:
    story = tell()
    await _plan(story)
    await _plan(story)
    async with story.pool.connection() as connection:
        first = await claims.claim(connection, story.shop, "one")
        assert isinstance(first, Claim)
        assert await claims.claim(connection, story.shop, "two") is None
        await closing.fail(connection, first, "over", calls=0)
        assert await claims.claim(connection, story.shop, "two") is not None


async def test_two_processes_at_once_share_the_work_and_land_everything_once_P3(tell: Tell) -> None:
    story = tell(orders=450)
    story.with_limits(window_rows=50)
    first, second = await asyncio.gather(story.sync(), story.sync())
    assert sum(o.rows.new for o in [*first.values(), *second.values()]) == 450
    story.assert_equal()
    assert story.query("SELECT count(*) FROM order_history WHERE changed IS NULL") == [(450,)]


async def test_pass_that_is_interrupted_hands_its_windows_back(tell: Tell) -> None:
    story = tell()
    reading = asyncio.Event()
    story.world.between_calls = reading.set
    running = asyncio.create_task(story.sync())
    await reading.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert story.query("SELECT count(*) FROM sync.windows WHERE state = 'running'") == [(0,)]
    story.world.between_calls = None
    await story.sync()
    story.assert_equal()


@pytest.mark.parametrize("steps", range(6))
async def test_no_window_stays_held_wherever_around_its_claim_the_pass_is_interrupted(
    tell: Tell, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    story = tell(orders=300)
    running: list[asyncio.Task[object]] = []
    claim = claims.claim

    async def claim_and_interrupt(connection: Connection, account: str, *how: Any) -> Claim | None:
        found = await claim(connection, account, *how)
        if found is not None:
            asyncio.get_running_loop().call_soon(_cancel_after, running[0], steps)
            if steps == 0:  # while the claim is still on its way back
                await asyncio.sleep(0)
        return found

    monkeypatch.setattr(claims, "claim", claim_and_interrupt)
    running.append(asyncio.create_task(story.sync(story.shop)))
    with pytest.raises(asyncio.CancelledError):
        await running[0]
    assert story.query("SELECT state FROM sync.windows WHERE state = 'running'") == []


def _cancel_after(task: asyncio.Task[object], steps: int) -> None:
    """Cancel a task so many turns of the loop from now."""
    if steps <= 1:
        task.cancel()
    else:
        asyncio.get_running_loop().call_soon(_cancel_after, task, steps - 1)


async def test_a_sweep_of_what_is_open_brings_every_change_of_it_P2(tell: Tell) -> None:
    story = tell(orders=450)
    await story.sync()
    final = "SELECT o.order_id FROM orders AS o JOIN order_statuses USING (platform, status) WHERE is_final"
    final_before = {str(row[0]) for row in story.query(final)}
    for _ in range(3):
        story.world.mutate(40, datetime.now(UTC))
    outcomes = await story.sync(sweep=Sweep.OPEN)
    assert [problem for each in outcomes.values() for problem in (*each.errors, *each.failed_windows)] == []
    assert sum(outcome.rows.changed for outcome in outcomes.values()) > 20
    differing = [line for verdict in story.verify().values() for line in verdict.examples()]
    assert [line for line in differing if not any(order_id in line for order_id in final_before)] == []
    await story.sync(sweep=Sweep.ALL)
    story.assert_equal()


async def test_a_sweep_is_planned_when_a_period_has_passed_since_the_last_plan(tell: Tell) -> None:
    story = tell(orders=450)
    hour = timedelta(hours=1)
    story.sweeps = SweepPolicy((Tier(timedelta(days=365), hour),), timedelta(0))
    await story.sync()
    story.query("UPDATE sync.windows SET starts_at = starts_at - %s, ends_at = ends_at - %s RETURNING 1", hour, hour)
    await story.sync(sweep=Sweep.NONE)
    swept = "SELECT count(*) FROM sync.windows WHERE kind = 'sweep'"
    assert story.query(swept) == [(0,)]
    story.query("UPDATE sync.windows SET starts_at = starts_at - %s, ends_at = ends_at - %s RETURNING 1", hour, hour)
    await story.sync(sweep=Sweep.DUE)
    assert story.query(swept) > [(0,)]


async def test_a_reject_is_read_again_by_a_sweep_and_resolves_itself_P4(tell: Tell) -> None:
    story = tell(orders=450)
    story.faults.set_rates({"malformed": 0.1})
    await story.sync("sandbox-ka")
    story.faults.clear()
    open_rejects = "SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL AND order_id IS NOT NULL"
    assert story.query(open_rejects) > [(1,)]
    await story.sync("sandbox-ka", sweep=Sweep.OPEN)
    assert story.query(open_rejects) == [(0,)]
    story.assert_equal("sandbox-ka")


async def test_orders_without_a_creation_time_are_read_again_by_the_window_that_brought_them_P2(tell: Tell) -> None:
    story = tell(orders=150)
    await story.sync("sandbox-ka")
    story.query("UPDATE orders SET created_at = NULL RETURNING 1")
    story.query("UPDATE raw_orders SET payload_hash = 'other', rows_hash = 'other' RETURNING 1")
    await story.sync("sandbox-ka", sweep=Sweep.OPEN)
    left = """
        SELECT count(*) FROM orders LEFT JOIN order_statuses USING (platform, status)
        WHERE created_at IS NULL AND NOT coalesce(is_final, false)
    """
    assert story.query(left) == [(0,)]
    story.assert_equal("sandbox-ka")


async def test_suspended_account_gets_no_call_until_its_credentials_change_P6(tell: Tell) -> None:
    story = tell(secret=lambda secret: secret + "x")
    outcome = (await story.sync(story.shop))[story.shop]
    assert f"orders-sync accounts resume {story.shop}" in outcome.errors[0]
    assert story.query("SELECT suspended_at IS NOT NULL, suspended_because <> '', credentials FROM sync.accounts") == [
        (True, True, story.sources(story.shop)[0].account.fingerprint)
    ]
    assert story.query("SELECT DISTINCT state FROM sync.windows") == [("planned",)]
    calls = story.calls.total()
    again = (await story.sync(story.shop))[story.shop]
    assert (again.calls, story.calls.total()) == (0, calls)
    assert "suspended since" in again.errors[0]
    assert "suspended since" not in str(story.query("SELECT suspended_because FROM sync.accounts"))

    story.secret = str
    assert (await story.sync(story.shop))[story.shop].errors == []
    assert story.query("SELECT suspended_at, suspended_because, credentials, last_error FROM sync.accounts") == [
        (None, None, None, None)
    ]
    story.assert_equal(story.shop)


async def test_suspended_account_gets_one_more_call_once_resumed_P6(tell: Tell) -> None:
    story = tell(secret=lambda secret: secret + "x")
    await story.sync(story.shop)
    async with story.pool.connection() as connection:
        assert await suspensions.resume(connection, story.shop)
        assert not await suspensions.resume(connection, story.shop)
    assert (await story.sync(story.shop))[story.shop].calls == 1
    assert (await story.sync(story.shop))[story.shop].calls == 0


async def test_what_is_planned_for_a_suspended_account_is_not_drained_P6(tell: Tell) -> None:
    story = tell(secret=lambda secret: secret + "x")
    await story.sync(story.shop)
    calls = story.calls.total()
    async with httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app)) as http:
        sources = story.sources(story.shop)
        run_context = RunContext(story.pool, http, sources, story.limits, story.progress)
        [outcome] = await engine.drain_all(run_context, sources)
    assert "suspended since" in outcome.errors[0]
    assert story.calls.total() == calls


async def test_failed_window_waits_and_the_outcome_says_so_unless_told_to_retry_P6(tell: Tell) -> None:
    story = tell()
    story.with_limits(tries=1, attempts=1)
    story.faults.script("html", account=story.shop)
    first = (await story.sync(story.shop))[story.shop]
    assert [failed.attempts for failed in first.failed_windows] == [1]
    second = (await story.sync(story.shop, retry=False))[story.shop]
    assert (second.errors, second.failed_windows) == ([], first.failed_windows)
    assert story.query("SELECT last_error FROM sync.accounts") == [(first.errors[-1],)]
    third = (await story.sync(story.shop, retry=True))[story.shop]
    assert (third.errors, third.failed_windows) == ([], [])
    story.assert_equal(story.shop)


async def test_a_pass_that_takes_a_request_reads_failed_windows_for_it_P6(tell: Tell) -> None:
    story = tell()
    story.with_limits(tries=1, attempts=1)
    story.faults.script("html", account=story.shop)
    assert (await story.sync(story.shop))[story.shop].failed_windows
    async with story.pool.connection() as connection:
        await accounts.sync_now(connection, Actor("lin", Origin.CONSOLE), story.shop)
    second = (await story.sync(story.shop, retry=False))[story.shop]
    assert (second.errors, second.failed_windows) == ([], [])
    story.assert_equal(story.shop)


async def test_answer_that_cannot_be_read_is_kept_with_its_window_without_a_secret_P8(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = tell()
    story.with_limits(tries=1, attempts=1)
    secret = story.sources(story.shop)[0].account.app_secret
    page = f"<html>your secret is {secret}</html>\x00{'x' * 5000}".encode()

    async def fetch(*_: object) -> bytes:
        return page

    monkeypatch.setattr(page_client, "fetch", fetch)
    await story.sync(story.shop)
    [(error,)] = story.query("SELECT error FROM sync.windows WHERE state = 'failed' LIMIT 1")
    assert "<html>your secret is ***</html>\\0xxx" in str(error)
    assert 1900 < str(error).count("x") <= EXCERPT
    assert secret not in str(story.query("SELECT error, last_error FROM sync.windows, sync.accounts"))


async def test_no_window_is_done_and_no_watermark_moves_before_the_rows_are_in_P5(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = tell()

    async def gone(*_: object) -> None:
        raise psycopg.OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(load, "land", gone)
    with pytest.raises(psycopg.OperationalError):
        await story.sync(story.shop)
    assert story.query("SELECT count(*) FROM sync.windows WHERE state = 'done'") == [(0,)]
    assert story.query("SELECT watermark FROM sync.accounts") == [(None,)]


async def test_an_account_with_an_error_of_its_own_stops_no_other(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    story = tell()
    plan = planner.plan

    async def broken(connection: Connection, source: AccountSource, sweep: Sweep, *, retry: bool = False) -> None:
        if source.account.name == story.shop:
            raise ValueError("no such thing")
        await plan(connection, source, sweep, retry=retry)

    monkeypatch.setattr(planner, "plan", broken)
    outcomes = await story.sync()
    assert "no such thing" in outcomes[story.shop].errors[-1]
    story.assert_equal("sandbox-ka", "sandbox-open")


async def test_an_error_of_ours_fails_its_window_and_the_others_are_read(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = tell()
    run, broken = ClaimedWindow.run, set[int]()

    async def once(self: ClaimedWindow) -> object:
        if not broken:
            broken.add(self._claim.id)
            raise IndexError("a mistake")
        return await run(self)

    monkeypatch.setattr(ClaimedWindow, "run", once)
    outcomes = await story.sync(story.shop)
    assert "a mistake" in outcomes[story.shop].errors[-1]
    assert story.query("SELECT id, error LIKE %s FROM sync.windows WHERE state = 'failed'", "%a mistake%") == [
        (each, True) for each in broken
    ]
    await story.sync()
    story.assert_equal()


async def test_a_claim_that_fails_while_a_pass_is_interrupted_is_no_noise(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of a window that nobody awaits any more must not be printed as never retrieved."""
    story, claiming, noise = tell(), asyncio.Event(), list[str]()

    async def never_answered(*_: object) -> None:
        claiming.set()
        await asyncio.sleep(0.01)
        raise psycopg.OperationalError("couldn't get a connection after 5.00 sec")

    monkeypatch.setattr(claims, "claim", never_answered)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(str(context["message"])))
    sync = asyncio.create_task(story.sync(story.shop))
    await claiming.wait()
    sync.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sync
    del sync
    gc.collect()
    await asyncio.sleep(0)
    assert noise == []
