"""The ledger: who reads which window, what came of it, and a watermark that never lies (P5), on a real Postgres."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace
from psycopg import errors

from orders_sync import embedded_postgres
from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import IdentityMismatchError, LeaseLostError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.sandbox import Faults
from orders_sync.store import claims, closing, ledger, load
from orders_sync.store.claims import LEASE
from orders_sync.store.database import Connection, Pool
from tests.support.databases import one
from tests.support.homes import Homes
from tests.support.ledger_steps import SHOP, WAITING, at, claim, finish, hours, plan, register
from tests.support.prepared_server import folder_of_run
from tests.support.story import Story
from tests.support.worlds import an_hour_ago, world_of


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


def utc_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


async def watermark(connection: Connection, account: str = SHOP) -> datetime | None:
    return (await ledger.planned_times(connection, account)).watermark


async def states(connection: Connection) -> list[Any]:
    rows = await connection.execute("SELECT starts_at, ends_at, state FROM sync.windows ORDER BY starts_at, id")
    return [(Window(start, end), state) for start, end, state in await rows.fetchall()]  # type: ignore[arg-type]


async def let_leases_run_out(connection: Connection) -> None:
    await connection.execute("UPDATE sync.windows SET lease_until = clock_timestamp() - interval '1 second'")


# plan


async def test_an_account_that_is_new_has_planned_and_landed_nothing(connection: Connection) -> None:
    await register(connection)
    planned = await ledger.planned_times(connection, SHOP)
    assert (planned.history_from, planned.planned_to, planned.watermark) == (None, None, None)
    assert planned.now == await one(connection, "SELECT %s::timestamptz", planned.now)
    assert await claims.claim(connection, SHOP, "worker") is None
    assert await claims.seconds_to_next_expiry(connection, SHOP) is None


async def test_registering_again_changes_only_what_is_different(connection: Connection) -> None:
    await register(connection)
    before = await one(connection, "SELECT xmin::text, xmax::text FROM sync.accounts")
    await register(connection)
    assert await one(connection, "SELECT xmin::text, xmax::text FROM sync.accounts") != before  # locked, not written
    assert await one(connection, "SELECT xmin::text FROM sync.accounts") == before[0]
    await connection.execute("UPDATE sync.accounts SET removed_at = now(), retired_at = now(), host = NULL")
    await register(connection)  # whoever has it in the settings refreshes it
    assert await one(connection, "SELECT host, removed_at, retired_at FROM sync.accounts") == ("", None, None)


@pytest.mark.parametrize(
    ("platform", "host", "seller"), [("1688", "h", "x"), ("1688", "x", "s"), ("xportcn_ka", "h", "s")]
)
async def test_a_name_that_means_another_account_in_the_tables_plans_and_claims_nothing_P5(
    connection: Connection, platform: str, host: str, seller: str
) -> None:
    ours = Account(SHOP, "1688", "https://h", "s", "app", "secret")
    theirs = Account(SHOP, platform, f"https://{host}", seller, "app", "secret")
    await ledger.register(connection, ours, Feed.UPDATED)
    with pytest.raises(IdentityMismatchError, match=SHOP):
        await ledger.register(connection, theirs, Feed.UPDATED)
    await ledger.plan(connection, SHOP, WindowKind.INCREMENTAL, Feed.UPDATED, [hours(0, 1)])
    assert await claims.claim(connection, SHOP, "worker", identity=theirs.identity) is None
    assert await claims.claim(connection, SHOP, "worker", identity=ours.identity) is not None


async def test_an_account_that_has_another_name_in_the_tables_is_not_entered_again(connection: Connection) -> None:
    await register(connection)
    with pytest.raises(IdentityMismatchError, match="other"):
        await ledger.register(connection, Account("other", "1688", "", f"seller of {SHOP}", "a", "s"), Feed.UPDATED)
    assert await one(connection, "SELECT name FROM sync.accounts") == SHOP


async def test_what_is_planned_is_how_far_the_account_reaches(connection: Connection) -> None:
    await plan(connection, hours(0, 1), hours(1, 2))
    planned = await ledger.planned_times(connection, SHOP)
    assert (planned.history_from, planned.planned_to, planned.watermark) == (at(0), at(2), None)
    await plan(connection, hours(-5, 0), hours(1.5, 3))
    planned = await ledger.planned_times(connection, SHOP)
    assert (planned.history_from, planned.planned_to) == (at(-5), at(3))


async def test_a_sweep_does_not_change_how_far_the_account_reaches(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    await plan(connection, hours(-9, 9), kind=WindowKind.SWEEP)
    planned = await ledger.planned_times(connection, SHOP)
    assert (planned.history_from, planned.planned_to) == (at(0), at(1))


async def test_planning_nothing_is_nothing(connection: Connection) -> None:
    await plan(connection)
    assert await states(connection) == []


# claim, renew, give back, fail


async def test_the_last_days_are_claimed_first_and_sweeps_last(connection: Connection) -> None:
    await plan(connection, hours(-3, -2), kind=WindowKind.SWEEP)
    await plan(connection, hours(2, 3), hours(0, 1), hours(1, 2))
    claimed = [await claim(connection) for _ in range(4)]
    assert [each.window for each in claimed] == [hours(2, 3), hours(1, 2), hours(0, 1), hours(-3, -2)]
    assert [each.kind for each in claimed] == [WindowKind.INCREMENTAL] * 3 + [WindowKind.SWEEP]
    assert await claims.claim(connection, SHOP, "worker") is None


async def test_messages_never_take_two_windows_in_a_row_while_anything_else_waits(connection: Connection) -> None:
    await plan(connection, *[hours(n, n + 1) for n in range(10, 16)], kind=WindowKind.HOOK)
    await plan(connection, hours(0, 1), hours(1, 2))
    await plan(connection, hours(3, 4), kind=WindowKind.SWEEP)
    kinds = [(await claim(connection)).kind for _ in range(9)]
    assert kinds == [
        WindowKind.HOOK,
        WindowKind.INCREMENTAL,
        WindowKind.HOOK,
        WindowKind.INCREMENTAL,
        WindowKind.HOOK,
        WindowKind.SWEEP,
        WindowKind.HOOK,
        WindowKind.HOOK,
        WindowKind.HOOK,
    ]


async def test_another_accounts_messages_take_no_turn_of_ours(connection: Connection) -> None:
    await plan(connection, hours(0, 1), hours(2, 3), kind=WindowKind.HOOK, account="other")
    await plan(connection, hours(0, 1), hours(4, 5), kind=WindowKind.HOOK)
    await plan(connection, hours(2, 3))
    assert (await claim(connection)).kind == WindowKind.HOOK
    await claim(connection, account="other")
    assert (await claim(connection)).kind == WindowKind.INCREMENTAL
    assert (await claim(connection)).kind == WindowKind.HOOK


async def test_a_claim_says_everything_and_the_database_knows_who_holds_it(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    claimed = await claim(connection, "host:1")
    assert (claimed.account, claimed.kind, claimed.feed) == (SHOP, WindowKind.INCREMENTAL, Feed.UPDATED)
    assert (claimed.window, claimed.parent_id, claimed.attempts) == (hours(0, 1), None, 1)
    assert await one(connection, "SELECT state, owner, fence, attempts FROM sync.windows") == (
        "running",
        "host:1",
        claimed.fence,
        1,
    )
    assert await one(connection, "SELECT lease_until - started_at FROM sync.windows") <= LEASE
    assert await one(connection, "SELECT %s BETWEEN started_at AND clock_timestamp() FROM sync.windows", claimed.now)


async def test_every_claim_has_a_fence_of_its_own_that_only_grows_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 1), hours(1, 2))
    fences = [(await claim(connection)).fence for _ in range(2)]
    await let_leases_run_out(connection)
    fences += [(await claim(connection)).fence for _ in range(2)]
    assert fences == sorted(set(fences))


async def test_windows_of_another_account_are_not_claimed(connection: Connection) -> None:
    await plan(connection, hours(0, 1), account="other")
    await register(connection)
    assert await claims.claim(connection, SHOP, "worker") is None
    assert (await claim(connection, account="other")).account == "other"


async def test_a_window_that_overlaps_one_being_read_waits(connection: Connection) -> None:
    await plan(connection, hours(0, 1), hours(1, 3), hours(2, 4))
    first = await claim(connection)
    assert first.window == hours(2, 4)
    assert (await claim(connection)).window == hours(0, 1)
    assert await claims.claim(connection, SHOP, "worker") is None
    await finish(connection, first)
    assert (await claim(connection)).window == hours(1, 3)


async def test_old_windows_that_failed_again_are_read_after_those_that_did_not(connection: Connection) -> None:
    newest = Window(utc_now() - timedelta(hours=1), utc_now())
    await plan(connection, hours(0, 1), hours(1, 2), hours(2, 3), newest)
    for window in (newest, hours(2, 3)):
        for _ in range(2):
            failing = await claim(connection)
            assert failing.window == window
            await closing.fail(connection, failing, "why", calls=1)
            await ledger.replan_failed(connection, SHOP, at_once=True)
        if window == newest:
            await finish(connection, await claim(connection))
    assert [(await claim(connection)).window for _ in range(3)] == [hours(1, 2), hours(0, 1), hours(2, 3)]


async def test_many_claim_at_once_and_every_window_is_read_by_one_P5(pool: Pool) -> None:
    async with pool.connection() as connection:
        await plan(connection, *(hours(number, number + 1.5) for number in range(20)))

    async def worker(name: str) -> list[int]:
        mine = []
        async with pool.connection() as connection:
            while await one(connection, "SELECT count(*) FROM sync.windows WHERE state <> 'done'"):
                claimed = await claims.claim(connection, SHOP, name)
                if claimed is not None:
                    mine.append(claimed.id)
                    await finish(connection, claimed)
        return mine

    done = await asyncio.gather(*(worker(str(number)) for number in range(4)))
    assert sorted(number for mine in done for number in mine) == sorted({number for mine in done for number in mine})
    async with pool.connection() as connection:
        assert await one(connection, "SELECT count(*), sum(attempts) FROM sync.windows") == (20, 20)
        assert await watermark(connection) == at(20.5)


START_LINE = """
    CREATE FUNCTION wait_for_the_others() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN new; END $$;
    CREATE TRIGGER start_line BEFORE UPDATE ON sync.windows FOR EACH ROW EXECUTE FUNCTION wait_for_the_others()
"""
NO_START_LINE = "SELECT pg_advisory_unlock_all(); DROP FUNCTION wait_for_the_others CASCADE"


async def test_many_who_claim_overlapping_windows_at_the_same_moment_do_not_hinder_each_other(pool: Pool) -> None:
    async def try_to_claim() -> Claim | None:
        async with pool.connection() as connection:
            return await claims.claim(connection, SHOP, "worker")

    async with pool.connection() as connection:
        await plan(connection, *(hours(number, number + 100) for number in range(8)))
        await connection.execute(START_LINE)
        try:
            for _ in range(15):
                await connection.execute("SELECT pg_advisory_lock(1)")
                claiming = [asyncio.create_task(try_to_claim()) for _ in range(8)]
                while await one(connection, WAITING) < 8:
                    pass
                await connection.execute("SELECT pg_advisory_unlock(1)")
                held = [each for each in await asyncio.gather(*claiming) if each is not None]
                assert len(held) == 1
                await claims.release(connection, held[0], calls=0)
        finally:
            await connection.execute(NO_START_LINE)


async def test_the_database_itself_refuses_two_readers_of_overlapping_windows_P2(connection: Connection) -> None:
    insert = "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state) VALUES (%s, %s, %s, %s, %s, %s)"

    async def run(account: str, feed: str, window: Window, state: str = "running") -> None:
        await connection.execute(insert, [account, WindowKind.INCREMENTAL, feed, window.start, window.end, state])

    await run(SHOP, "updated", hours(0, 2))
    with pytest.raises(errors.ExclusionViolation):
        await run(SHOP, "updated", hours(1, 3))
    with pytest.raises(errors.ExclusionViolation):
        await run(SHOP, "updated", Window(at(2) - timedelta(seconds=1), at(2)))
    await run(SHOP, "updated", hours(2, 3))  # half-open: they touch
    await run(SHOP, "updated", hours(1, 3), "planned")
    await run(SHOP, "created", hours(1, 3))
    await run("other", "updated", hours(1, 3))
    with pytest.raises(errors.ExclusionViolation):
        await connection.execute("UPDATE sync.windows SET state = 'running' WHERE state = 'planned'")


@pytest.mark.parametrize("state", ["finished", ""])
async def test_the_database_knows_the_states_and_no_empty_window(connection: Connection, state: str) -> None:
    insert = (
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state) VALUES ('a', 'b', 'c', %s, %s, %s)"
    )
    with pytest.raises(errors.CheckViolation):
        await connection.execute(insert, [at(0), at(1), state])
    with pytest.raises(errors.CheckViolation):
        await connection.execute(insert, [at(1), at(1), "planned"])


async def test_a_hold_that_is_renewed_is_kept_and_one_that_runs_out_is_anybodys_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    frozen = await claim(connection, "frozen")
    assert await claims.claim(connection, SHOP, "heir") is None
    await connection.execute("UPDATE sync.windows SET lease_until = clock_timestamp() + interval '1 second'")
    await claims.renew(connection, frozen)
    assert await one(connection, "SELECT lease_until > clock_timestamp() + %s FROM sync.windows", LEASE / 2)
    await let_leases_run_out(connection)
    heir = await claim(connection, "heir")
    assert (heir.id, heir.window, heir.attempts) == (frozen.id, frozen.window, 2)
    assert heir.fence > frozen.fence
    assert await one(connection, "SELECT owner FROM sync.windows") == "heir"


@pytest.mark.parametrize("end", ["finish", "fail", "release"])
async def test_a_renewal_that_waits_for_the_end_of_its_own_window_loses_nothing(pool: Pool, end: str) -> None:
    """The rows are committed: a worker must not log the window as lost because its renewal came too late."""
    async with pool.connection() as ours, pool.connection() as renewing:
        await plan(ours, hours(0, 1))
        held = await claim(ours)
        async with ours.transaction():
            if end == "finish":
                await closing.finish(ours, held, total=1, seen=1, calls=1, landed=LoadCounts())
            elif end == "fail":
                await closing.fail(ours, held, "no answer", calls=1)
            else:
                await claims.release(ours, held, calls=1)
            before = await states(ours)
            renewal = asyncio.create_task(claims.renew(renewing, held))
            async with asyncio.timeout(300):
                while await one(ours, WAITING) == 0:  # noqa: ASYNC110  only the server knows
                    await asyncio.sleep(0.01)
        await renewal
        assert await states(ours) == before


async def test_how_long_a_hold_lasts_at_most(connection: Connection) -> None:
    await plan(connection, hours(0, 1), hours(1, 2))
    await claim(connection)
    seconds = await claims.seconds_to_next_expiry(connection, SHOP)
    assert seconds is not None
    assert 0 < seconds <= LEASE.total_seconds()
    await let_leases_run_out(connection)
    assert await claims.seconds_to_next_expiry(connection, SHOP) == 0


async def test_a_window_handed_back_is_planned_again(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    first = await claim(connection)
    await claims.release(connection, first, calls=2)
    assert await claims.seconds_to_next_expiry(connection, SHOP) is None
    assert await one(connection, "SELECT state, calls FROM sync.windows") == ("planned", 2)
    assert (await claim(connection)).attempts == 2


async def test_a_window_that_failed_says_why_and_gets_another_chance(connection: Connection) -> None:
    await plan(connection, hours(0, 1), hours(1, 2))
    await closing.fail(connection, await claim(connection), "no answer\x00in time", calls=3)
    assert await states(connection) == [(hours(0, 1), "planned"), (hours(1, 2), "failed")]
    assert await one(connection, "SELECT error, calls FROM sync.windows WHERE state = 'failed'") == (
        "no answer\\0in time",
        3,
    )
    assert (await claim(connection)).window == hours(0, 1)
    assert await claims.claim(connection, SHOP, "worker") is None
    assert await ledger.replan_failed(connection, "other", at_once=True) == 0
    assert await ledger.replan_failed(connection, SHOP, at_once=True) == 1
    again = await claim(connection)
    assert again.window == hours(1, 2)
    await finish(connection, again)
    assert await one(connection, "SELECT error, calls FROM sync.windows WHERE id = %s", again.id) == (None, 4)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 30), (2, 60), (3, 120), (7, 1920), (8, 3600), (9, 3600), (2_000_000, 3600)]
)
async def test_the_pause_after_a_failure_doubles_up_to_an_hour_P6(
    connection: Connection, attempts: int, seconds: int
) -> None:
    await plan(connection, hours(0, 1))
    await closing.fail(connection, await claim(connection), "over", calls=1)
    begun = "UPDATE sync.windows SET attempts = %s, finished_at = clock_timestamp() - %s * interval '1 s'"
    await connection.execute(begun, [attempts, seconds - 20])
    assert await ledger.replan_failed(connection, SHOP) == 0
    [failed] = await ledger.failed_windows(connection, SHOP)
    finished = await one(connection, "SELECT finished_at FROM sync.windows")
    assert (failed.attempts, failed.retry_at) == (attempts, finished + timedelta(seconds=seconds))
    await connection.execute(begun, [attempts, seconds])
    assert await ledger.replan_failed(connection, SHOP) == 1
    assert await ledger.failed_windows(connection, SHOP) == []


async def test_the_reason_of_a_failure_is_kept_up_to_a_length(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    await closing.fail(connection, await claim(connection), "x" * 100_000, calls=1)
    assert await one(connection, "SELECT length(error) FROM sync.windows") == ledger.LONGEST_ERROR


async def test_a_window_done_keeps_what_came_of_it(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    claimed = await claim(connection)
    async with connection.transaction():
        await closing.finish(
            connection,
            claimed,
            total=9,
            seen=10,
            calls=3,
            landed=LoadCounts(new=1, changed=2, unchanged=3, stale=4, rejected=5),
        )
    assert await one(
        connection,
        """
        SELECT state, total, seen, calls, rows_new, rows_changed, rows_unchanged, rows_stale, rows_rejected,
            finished_at >= started_at
        FROM sync.windows
        """,
    ) == ("done", 9, 10, 3, 1, 2, 3, 4, 5, True)


async def test_an_account_keeps_its_last_error_until_a_run_without_one(connection: Connection) -> None:
    await register(connection)
    await ledger.record_error(connection, SHOP, "refused\x00")
    assert await one(connection, "SELECT last_error FROM sync.accounts") == "refused\\0"
    before = await one(connection, "SELECT xmin::text FROM sync.accounts")
    await ledger.record_error(connection, SHOP, "refused\x00")
    assert await one(connection, "SELECT xmin::text FROM sync.accounts") == before
    await ledger.record_error(connection, SHOP, None)
    assert await one(connection, "SELECT last_error FROM sync.accounts") is None


# split


async def test_a_window_too_full_is_replaced_by_its_parts(connection: Connection) -> None:
    await plan(connection, hours(0, 2))
    whole = await claim(connection)
    async with connection.transaction():
        await closing.split(connection, whole, [hours(0, 1), hours(1, 2)], total=2, calls=1)
    assert await one(connection, "SELECT state, total, calls FROM sync.windows WHERE id = %s", whole.id) == (
        "split",
        2,
        1,
    )
    parts = [await claim(connection), await claim(connection)]
    assert [(part.window, part.parent_id, part.kind) for part in parts] == [
        (hours(1, 2), whole.id, WindowKind.INCREMENTAL),
        (hours(0, 1), whole.id, WindowKind.INCREMENTAL),
    ]
    await finish(connection, parts[0])
    assert await watermark(connection) == at(0)
    await finish(connection, parts[1])
    assert await watermark(connection) == at(2)


@pytest.mark.parametrize(
    ("ending", "was_read"), [("too full", True), ("after an error", False), ("done", True), ("failed", False)]
)
async def test_only_a_window_that_was_answered_says_that_the_account_is_read(
    connection: Connection, ending: str, was_read: bool
) -> None:
    await plan(connection, hours(0, 2))
    whole, parts = await claim(connection), [hours(0, 1), hours(1, 2)]
    if ending == "done":
        await finish(connection, whole)
    elif ending == "failed":
        await closing.fail(connection, whole, "HTTP 403", calls=1)
    elif ending == "too full":
        await closing.split(connection, whole, parts, total=4000, calls=1)
    else:
        await closing.split(connection, whole, parts, total=None, calls=1, reason="HTTP 403")
    assert await ledger.was_read_within(connection, SHOP, timedelta(minutes=10)) is was_read


async def test_the_parts_of_a_sweep_are_sweeps_and_move_nothing(connection: Connection) -> None:
    await plan(connection, hours(0, 2), kind=WindowKind.SWEEP)
    whole = await claim(connection)
    async with connection.transaction():
        await closing.split(connection, whole, [hours(0, 1), hours(1, 2)], total=5000, calls=1)
    part = await claim(connection)
    assert part.kind == WindowKind.SWEEP
    await finish(connection, part)
    planned = await ledger.planned_times(connection, SHOP)
    assert (planned.history_from, planned.planned_to, planned.watermark) == (None, None, None)


# the fence


async def _lost(connection: Connection, how: str) -> Claim:
    """A claim that is not ours any more."""
    await plan(connection, hours(0, 1))
    lost = await claim(connection, "zombie")
    if how == "taken by another":
        await let_leases_run_out(connection)
        await claim(connection, "heir")
    elif how == "done by another":
        await let_leases_run_out(connection)
        await finish(connection, await claim(connection, "heir"))
    elif how == "handed back":
        await claims.release(connection, lost, calls=0)
    elif how == "failed":
        await closing.fail(connection, lost, "why", calls=0)
    elif how == "done by ourselves":
        await finish(connection, lost)
    return lost


LOST = ["taken by another", "done by another", "handed back", "failed", "done by ourselves"]


@pytest.mark.parametrize("how", LOST)
async def test_whoever_lost_the_window_writes_nothing_at_all_P5(connection: Connection, how: str) -> None:
    lost = await _lost(connection, how)
    before = await one(
        connection, "SELECT to_jsonb(w)::text, to_jsonb(a)::text FROM sync.windows AS w, sync.accounts AS a"
    )

    async def zombie_finishes() -> None:
        async with connection.transaction():
            await connection.execute("INSERT INTO order_statuses VALUES ('1688', 'zombie', 'z', 'z', 'other', false)")
            await closing.finish(connection, lost, total=1, seen=1, calls=1, landed=LoadCounts(new=7))

    async def zombie_found_nothing() -> None:
        await closing.finish(connection, lost, total=0, seen=0, calls=1, landed=LoadCounts())

    async def zombie_splits() -> None:
        async with connection.transaction():
            await closing.split(connection, lost, [hours(0, 0.5), hours(0.5, 1)], total=9, calls=9)

    for attempt in (
        zombie_finishes(),
        zombie_found_nothing(),
        zombie_splits(),
        *([claims.renew(connection, lost)] if how.endswith("another") else []),
        closing.close_beyond(connection, lost, "zombie", calls=9),
        closing.fail(connection, lost, "zombie", calls=9),
        claims.release(connection, lost, calls=9),
    ):
        with pytest.raises(LeaseLostError) as caught:
            await attempt
        assert caught.value.window_id == lost.id
    if not how.endswith("another"):
        await claims.renew(connection, lost)  # it came too late, and does nothing
    after = await one(
        connection, "SELECT to_jsonb(w)::text, to_jsonb(a)::text FROM sync.windows AS w, sync.accounts AS a"
    )
    assert after == before
    assert await one(connection, "SELECT count(*) FROM order_statuses WHERE status = 'zombie'") == 0


async def test_whoever_lost_a_window_beyond_the_reach_says_nothing_of_its_backfill_P5(connection: Connection) -> None:
    lost = await _lost(connection, "taken by another")
    insert = "INSERT INTO sync.backfills (account, feed, starts_at, ends_at, state) VALUES (%s, 'updated', %s, %s, %s)"
    number = await one(connection, f"{insert} RETURNING id", SHOP, at(0), at(1), "planned")
    await connection.execute("UPDATE sync.windows SET backfill_id = %s", [number])
    lost = replace(lost, backfill_id=number)
    with pytest.raises(LeaseLostError):
        await closing.close_beyond(connection, lost, "beyond", calls=1)
    query = "SELECT state, error FROM sync.backfills"
    assert await one(connection, query) == ("planned", None)
    fence = await one(connection, "SELECT fence FROM sync.windows")
    await closing.close_beyond(connection, replace(lost, fence=fence), "beyond", calls=1)
    assert await one(connection, query) == ("done", "beyond")


@pytest.mark.db
async def test_a_fence_is_never_given_twice_though_the_server_crashed_right_after_P5(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The crash forgets whatever was not on the disk yet; the worker that claimed lives on."""
    home = Homes(folder_of_run(tmp_path_factory)).migrated(tmp_path).home
    with embedded_postgres.running(home) as server:
        async with await Connection.connect(server.url, autocommit=True) as connection:
            await connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")  # nobody else brings it to the disk
            await connection.execute("SELECT pg_reload_conf()")
            await connection.execute("CHECKPOINT")
            await plan(connection, hours(0, 1))
            survivor = await claim(connection, "survivor")
        postmaster = psutil.Process(int((server.data_dir / "postmaster.pid").read_text().split()[0]))
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(120)
        server.ensure()
        async with await Connection.connect(server.url, autocommit=True) as connection:
            await let_leases_run_out(connection)
            heir = await claim(connection, "heir")
            assert heir.id == survivor.id
            assert heir.fence != survivor.fence
            with pytest.raises(LeaseLostError):
                await finish(connection, survivor)
            await finish(connection, heir)


async def test_who_finishes_while_the_window_is_taken_over_commits_nothing_P5(pool: Pool) -> None:
    """The heir's claim is not committed yet when the zombie finishes: the zombie waits for it, then gives up."""
    async with pool.connection() as ours, pool.connection() as theirs:
        await plan(ours, hours(0, 1))
        frozen = await claim(ours, "zombie")
        await let_leases_run_out(ours)
        async with theirs.transaction():
            heir = await claim(theirs, "heir")
            finishing = await made_to_wait(pool, finish(ours, frozen))
        with pytest.raises(LeaseLostError):
            await finishing
        assert await watermark(ours) is None
        await finish(theirs, heir)
        assert await watermark(ours) == at(1)


# the watermark


async def made_to_wait(pool: Pool, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start work that has to wait for a lock; returns as soon as it does."""
    task = asyncio.create_task(work)
    async with pool.connection() as watching:
        while not task.done() and await one(watching, WAITING) == 0:
            pass
    assert not task.done()
    return task


async def test_the_watermark_is_where_the_oldest_open_window_begins_in_whatever_order_they_finish_P5(
    connection: Connection,
) -> None:
    windows = [hours(number, number + 1) for number in range(4)]
    for order in permutations(range(4)):
        account = f"shop {order}"
        await plan(connection, *windows, account=account)
        held = [await claim(connection, account=account) for _ in range(4)][::-1]
        left = set(range(4))
        for number in order:
            await finish(connection, held[number])
            left.remove(number)
            assert await watermark(connection, account) == at(min(left, default=4))


@pytest.mark.parametrize("ending", ["failed", "handed back", "still running", "split"])
async def test_the_watermark_stays_before_what_is_not_done_P5(connection: Connection, ending: str) -> None:
    await plan(connection, hours(0, 1), hours(1, 2), hours(2, 3))
    first, second, third = [await claim(connection) for _ in range(3)]
    if ending == "failed":
        await closing.fail(connection, second, "why", calls=1)
    elif ending == "handed back":
        await claims.release(connection, second, calls=1)
    elif ending == "split":
        async with connection.transaction():
            await closing.split(connection, second, [hours(1, 1.5), hours(1.5, 2)], total=9, calls=1)
    assert await watermark(connection) is None
    await finish(connection, first)
    await finish(connection, third)
    assert await watermark(connection) == at(1)


async def test_a_history_moved_back_moves_the_watermark_back_at_once_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 2))
    await finish(connection, await claim(connection))
    assert await watermark(connection) == at(2)
    await plan(connection, hours(-3, -1), hours(-1, 0), hours(1, 3))
    assert await watermark(connection) == at(-3)  # though the platform may be down and no window be finished for days
    earliest = await claim(connection)
    await finish(connection, await claim(connection))
    assert await watermark(connection) == at(-3)
    await finish(connection, earliest)
    await finish(connection, await claim(connection))
    assert await watermark(connection) == at(3)


async def test_a_history_moved_back_before_anything_was_proven_proves_nothing_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 2))
    await plan(connection, hours(-3, 0))
    assert await watermark(connection) is None


@pytest.mark.parametrize("done", [0, 1, 2])
async def test_what_was_not_read_of_a_history_that_begins_later_is_given_up_and_not_claimed_P5(
    connection: Connection, done: int
) -> None:
    await plan(connection, hours(0, 1), hours(1, 2), hours(2, 3), hours(3, 4))
    *held, newest = [await claim(connection) for _ in range(4)][::-1]
    await claims.release(connection, newest, calls=0)
    for number, each in enumerate(held):
        if number == done:
            await finish(connection, each)
        else:
            await closing.fail(connection, each, "beyond what the platform lists", calls=1)
    assert await ledger.forget_before(connection, SHOP, at(2))
    planned = await ledger.planned_times(connection, SHOP)
    assert planned.history_from == (at(1) if done == 1 else at(2))
    assert not await ledger.forget_before(connection, SHOP, at(2))
    await ledger.replan_failed(connection, SHOP, at_once=True)
    while (left := await claims.claim(connection, SHOP, "worker")) is not None:
        await finish(connection, left)
    assert await watermark(connection) == at(4)


async def test_a_window_being_read_is_not_given_up_with_the_history_before_it(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    held = await claim(connection)
    assert not await ledger.forget_before(connection, SHOP, at(5))
    await finish(connection, held)
    assert (await ledger.planned_times(connection, SHOP)).history_from == at(0)


async def test_failing_alone_moves_no_watermark_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    await finish(connection, await claim(connection))
    await plan(connection, hours(0.5, 2))
    await closing.fail(connection, await claim(connection), "why", calls=1)
    assert await watermark(connection) == at(1)


async def test_overlapping_windows_are_done_when_all_of_them_are_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 2))
    await finish(connection, await claim(connection))
    await plan(connection, hours(1.5, 3), hours(3, 4))
    late, early = await claim(connection), await claim(connection)
    await finish(connection, late)
    assert await watermark(connection) == at(2)
    await finish(connection, early)
    assert await watermark(connection) == at(4)


async def test_reading_proven_time_again_never_moves_the_watermark_back_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 2))
    await finish(connection, await claim(connection))
    await plan(connection, hours(1.5, 3))
    await plan(connection, hours(2.5, 4))
    newest = await claim(connection)
    assert newest.window == hours(2.5, 4)
    await finish(connection, newest)
    assert await watermark(connection) == at(2)
    await closing.fail(connection, await claim(connection), "why", calls=1)
    await plan(connection, hours(3.5, 5))
    await finish(connection, await claim(connection))
    assert await watermark(connection) == at(2)


async def test_a_history_that_begins_earlier_moves_the_watermark_back_as_it_is_planned_P5(
    connection: Connection,
) -> None:
    await plan(connection, hours(0, 2))
    await finish(connection, await claim(connection))
    await plan(connection, hours(1.5, 3))
    await finish(connection, await claim(connection))
    assert await watermark(connection) == at(3)
    await plan(connection, hours(-5, -3), hours(-3, 0))
    assert await watermark(connection) == at(-5)
    await finish(connection, await claim(connection))
    assert await watermark(connection) == at(-5)
    await finish(connection, await claim(connection))
    assert await watermark(connection) == at(3)


async def test_an_earlier_history_proves_nothing_before_anything_was_read_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 2))
    await plan(connection, hours(-5, 0))
    assert await watermark(connection) is None


# the newest window, as long as nobody reads it


async def test_the_newest_window_is_known_as_long_as_nobody_claimed_it(connection: Connection) -> None:
    await plan(connection, hours(0, 1), hours(1, 2))
    newest = (await ledger.planned_times(connection, SHOP)).newest
    assert newest is not None
    assert newest.window == hours(1, 2)
    claimed = await claim(connection)
    assert claimed.id == newest.id
    assert (await ledger.planned_times(connection, SHOP)).newest is None
    await claims.release(connection, claimed, calls=1)
    assert (await ledger.planned_times(connection, SHOP)).newest is None


async def test_who_plans_holds_the_newest_window_and_a_claim_passes_it_over_P5(pool: Pool) -> None:
    async with pool.connection() as planner, pool.connection() as worker:
        await plan(worker, hours(0, 1), hours(1, 2))
        async with planner.transaction():
            newest = (await ledger.planned_times(planner, SHOP)).newest
            assert newest is not None
            assert (await claim(worker)).window == hours(0, 1)
            await ledger.remove_superseded(planner, newest)
            await ledger.plan(planner, SHOP, WindowKind.INCREMENTAL, Feed.UPDATED, [hours(1, 3)])
        assert (await claim(worker)).window == hours(1, 3)


async def test_a_sweep_never_moves_the_watermark_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    await finish(connection, await claim(connection))
    await plan(connection, hours(1, 2))
    await plan(connection, hours(-5, 0), hours(2, 9), kind=WindowKind.SWEEP)
    await claim(connection)
    for _ in range(2):
        swept = await claim(connection)
        assert swept.kind == WindowKind.SWEEP
        await finish(connection, swept)
        assert await watermark(connection) == at(1)


async def test_an_open_sweep_holds_no_watermark_back(connection: Connection) -> None:
    await plan(connection, hours(0, 1), kind=WindowKind.SWEEP)
    await plan(connection, hours(1, 2))
    await finish(connection, await claim(connection))
    assert await watermark(connection) == at(2)


async def test_another_account_moves_no_watermark_of_ours(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    await plan(connection, hours(5, 6), account="other")
    await finish(connection, await claim(connection))
    assert await watermark(connection) == at(1)
    assert await watermark(connection, "other") is None


async def test_rows_result_and_watermark_commit_together_or_not_at_all_P5(connection: Connection) -> None:
    await plan(connection, hours(0, 1))
    claimed = await claim(connection)

    async def finish_then_break() -> None:
        async with connection.transaction():
            await closing.finish(connection, claimed, total=1, seen=1, calls=1, landed=LoadCounts())
            await connection.execute("SELECT 1 / 0")

    with pytest.raises(errors.DivisionByZero):
        await finish_then_break()
    assert await states(connection) == [(hours(0, 1), "running")]
    assert await watermark(connection) is None


async def test_a_landing_that_breaks_off_leaves_no_row_no_result_and_no_watermark_P5(
    pool: Pool, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes down when a window's rows are written and its transaction is not committed yet."""
    story = Story(pool, url, world_of(60, now=an_hour_ago(), samples=True), Faults())
    land, landed = load.land, []

    async def land_then_break(*given: Any) -> LoadCounts:
        landed.append((await land(*given)).new)
        raise errors.AdminShutdown("terminating connection due to administrator command")

    monkeypatch.setattr(load, "land", land_then_break)
    with pytest.raises(errors.AdminShutdown):
        await story.sync(story.shop)
    assert sum(landed) > 0
    assert story.query("SELECT count(*) FROM orders") == [(0,)]
    assert story.query("SELECT count(*) FROM sync.windows WHERE state = 'done'") == [(0,)]
    assert story.query("SELECT watermark FROM sync.accounts") == [(None,)]


@pytest.mark.parametrize("first", [0, 1])
async def test_two_who_finish_at_once_leave_the_watermark_behind_both_P5(pool: Pool, first: int) -> None:
    """Each would see the other's window still open: the second waits for the first to commit."""
    async with pool.connection() as one_worker, pool.connection() as other_worker:
        await plan(one_worker, hours(0, 1), hours(1, 2))
        held = [await claim(one_worker), await claim(other_worker)]
        async with one_worker.transaction():
            await closing.finish(one_worker, held[first], total=1, seen=1, calls=1, landed=LoadCounts())
            finishing = await made_to_wait(pool, finish(other_worker, held[1 - first]))
        await finishing
        assert await watermark(one_worker) == at(2)


async def test_who_plans_while_a_window_is_finished_waits_for_the_watermark_P5(pool: Pool) -> None:
    async with pool.connection() as planner, pool.connection() as worker:
        await plan(worker, hours(0, 1))
        claimed = await claim(worker)
        async with planner.transaction():
            planned = await ledger.planned_times(planner, SHOP)
            finishing = await made_to_wait(pool, finish(worker, claimed))
            await ledger.plan(planner, SHOP, WindowKind.INCREMENTAL, Feed.UPDATED, [hours(0.5, 3)])
        await finishing
        assert planned.planned_to == at(1)
        assert await watermark(worker) == at(0.5)


async def test_an_account_that_is_not_registered_has_no_reach(connection: Connection) -> None:
    with pytest.raises(LookupError):
        await ledger.planned_times(connection, "nobody")


# by status


async def test_lists_by_status_come_before_other_sweeps_and_the_last_status_of_an_order_s_life_first(
    connection: Connection,
) -> None:
    await register(connection)
    async with connection.transaction():
        for status, window in (("1", hours(0, 9)), ("11", hours(0, 5)), ("1", hours(9, 18)), ("11", hours(5, 9))):
            await ledger.plan(connection, SHOP, WindowKind.SWEEP, Feed.UPDATED, [window], status=status)
        await plan(connection, hours(-9, -8), kind=WindowKind.SWEEP)
        await plan(connection, hours(3, 4))
    found = []
    while claimed := await claims.claim(connection, SHOP, "worker", ("1", "11")):
        found.append((claimed.kind, claimed.status, claimed.window))
        await finish(connection, claimed)
    assert found == [
        (WindowKind.INCREMENTAL, None, hours(3, 4)),
        (WindowKind.SWEEP, "11", hours(0, 5)),
        (WindowKind.SWEEP, "11", hours(5, 9)),
        (WindowKind.SWEEP, "1", hours(0, 9)),
        (WindowKind.SWEEP, "1", hours(9, 18)),
        (WindowKind.SWEEP, None, hours(-9, -8)),
    ]


async def test_parts_of_a_list_by_status_keep_its_status(connection: Connection) -> None:
    await register(connection)
    await ledger.plan(connection, SHOP, WindowKind.SWEEP, Feed.UPDATED, [hours(0, 2)], status="11")
    await closing.split(connection, await claim(connection), [hours(0, 1), hours(1, 2)], total=9, calls=1)
    assert [(await claim(connection)).status for _ in range(2)] == ["11", "11"]


@pytest.mark.parametrize("kind", [WindowKind.INCREMENTAL, WindowKind.CONFIRM, WindowKind.BACKFILL, WindowKind.REPAIR])
async def test_only_a_sweep_may_ask_for_a_status_for_it_proves_nothing_P5(
    connection: Connection, kind: WindowKind
) -> None:
    await register(connection)
    with pytest.raises(errors.CheckViolation):
        await ledger.plan(connection, SHOP, kind, Feed.UPDATED, [hours(0, 1)], status="11")
