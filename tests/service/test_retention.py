"""Old rows are removed, and nothing that is still needed. On a real Postgres, aged by changing their times."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.ledger import PlannedTimes
from orders_sync.domain.sweeps import Sweep
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.engine.renormalize import renormalize
from orders_sync.service.retention import remove_old
from orders_sync.settings import RetentionSettings
from orders_sync.store import backfills, claims, closing, ledger, locks, retention
from orders_sync.store.database import Connection, Pool
from tests.support.backfills import request_backfill
from tests.support.databases import one
from tests.support.story import Story, Tell

DAY = timedelta(days=1)
KEPT = RetentionSettings()  # the defaults: 30 days, jobs one, history and payloads for ever
ALL = RetentionSettings(history=30 * DAY, raw=30 * DAY)
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SHOP = "kingdo"


def hours(first: float, last: float) -> Window:
    return Window(BEGIN + timedelta(hours=first), BEGIN + timedelta(hours=last))


async def ask(connection: Connection, query: str, *values: object) -> list[Any]:
    rows = await (await connection.execute(query.encode(), values)).fetchall()
    return [row[0] if len(row) == 1 else row for row in rows]


async def register(connection: Connection) -> None:
    await ledger.register(connection, Account(SHOP, "1688", "", "seller", "app", "secret"), Feed.UPDATED)


async def window(
    connection: Connection,
    place: Window,
    state: str = "done",
    kind: WindowKind = WindowKind.INCREMENTAL,
    days: int = 31,
    backfill: int | None = None,
) -> int:
    """A window that was finished so many days ago; its number."""
    await register(connection)
    await ledger.plan(connection, SHOP, kind, Feed.UPDATED, [place], backfill_id=backfill)
    [number] = await ask(
        connection,
        """
        UPDATE sync.windows SET state = %s, finished_at = now() - %s * interval '1 day'
        WHERE id = (SELECT max(id) FROM sync.windows) RETURNING id
        """,
        state,
        days,
    )
    return int(number)


async def windows(connection: Connection) -> list[Any]:
    return await ask(connection, "SELECT id FROM sync.windows ORDER BY id")


def age(story: Story, days: int = 31) -> None:
    """Everything the story left is so many days older."""
    for table, columns in {
        "sync.windows": ["finished_at"],
        "sync.rejects": ["resolved_at"],
        "order_history": ["seen_at"],
        "raw_orders": ["synced_at"],
    }.items():
        sets = ", ".join(f"{column} = {column} - {days} * interval '1 day'" for column in columns)
        story.query(f"UPDATE {table} SET {sets} RETURNING 1")


def without_clock(planned: PlannedTimes) -> tuple[object, ...]:
    return (planned.history_from, planned.planned_to, planned.watermark)


# the ledger


async def test_plans_watermark_and_proof_are_the_same_afterwards_and_nothing_is_read_twice_P1_P3(tell: Tell) -> None:
    story = tell(orders=300)
    story.with_limits(window_rows=20)
    await story.sync()
    await story.sync(sweep=Sweep.ALL)
    age(story)
    before = {}
    async with story.pool.connection() as connection:
        for each in story.world.accounts:
            before[each.name] = without_clock(await ledger.planned_times(connection, each.name))
    count = len(story.query("SELECT 1 FROM sync.windows"))
    removed = await remove_old(story.pool, KEPT)
    assert removed["windows"] > 30
    assert count - removed["windows"] == len(story.query("SELECT 1 FROM sync.windows"))
    async with story.pool.connection() as connection:
        for each in story.world.accounts:
            history_from, planned_to, watermark = before[each.name]
            assert without_clock(await ledger.planned_times(connection, each.name)) == before[each.name]
            assert planned_to == watermark
            assert isinstance(history_from, datetime)
            assert isinstance(watermark, datetime)
            feed = Feed.UPDATED if each.name == story.shop else Feed.CREATED
            query = "SELECT coalesce(proven_from, history_from) FROM sync.accounts WHERE name = %s"
            begins = await one(connection, query, each.name)  # later than the history where the platform lists less
            assert await backfills.unproven(connection, each.name, feed, Window(begins, watermark)) == []
            earlier = Window(history_from - DAY, begins)
            assert await backfills.unproven(connection, each.name, feed, Window(earlier.start, watermark)) == [earlier]
    rows = story.row_versions()
    outcomes = await story.sync()
    assert all(outcome.calls <= 2 for outcome in outcomes.values())
    assert story.row_versions() == rows
    story.assert_equal()


async def test_only_what_was_read_to_the_end_or_split_goes(pool: Pool, connection: Connection) -> None:
    kept = {
        state: await window(connection, hours(0, 1), state, WindowKind.SWEEP)
        for state in ("planned", "running", "failed")
    }
    kept["young"] = await window(connection, hours(0, 1), "done", WindowKind.SWEEP, days=29)
    kept["newest"] = await window(connection, hours(1, 2))
    for state in ("done", "split"):
        await window(connection, hours(0, 1), state, WindowKind.SWEEP)
        await window(connection, hours(0, 1), state)
    assert await remove_old(pool, KEPT) == {"windows": 4}
    assert await windows(connection) == sorted(kept.values())


@pytest.mark.parametrize("state", ["failed", "planned", "running"])
async def test_changes_behind_one_that_is_not_read_stay_for_they_prove_what_was_read(
    pool: Pool, connection: Connection, state: str
) -> None:
    await window(connection, hours(0, 1))
    await window(connection, hours(1, 2), state)
    await window(connection, hours(2, 3))
    await window(connection, hours(3, 4))
    assert await remove_old(pool, KEPT) == {"windows": 1}
    assert await backfills.unproven(connection, SHOP, Feed.UPDATED, hours(0, 4)) == [hours(1, 2)]
    assert (await ledger.planned_times(connection, SHOP)).planned_to == hours(3, 4).end


async def test_a_backfill_goes_before_its_windows_and_neither_while_one_is_open(
    pool: Pool, connection: Connection
) -> None:
    await register(connection)
    done, planned, cancelled = [
        await request_backfill(connection, SHOP, Feed.UPDATED, hours(0, 1), everything=True) for _ in range(3)
    ]
    for number, state in ((done, "done"), (planned, "planned"), (cancelled, "cancelled")):
        await ask(
            connection,
            "UPDATE sync.backfills SET state = %s, finished_at = now() - interval '31 days' WHERE id = %s RETURNING 1",
            state,
            number,
        )
    await window(connection, hours(0, 1), kind=WindowKind.BACKFILL, backfill=done)
    kept = [
        await window(connection, hours(0, 1), kind=WindowKind.BACKFILL, backfill=planned),
        await window(connection, hours(1, 2), "planned", WindowKind.BACKFILL, backfill=cancelled),
    ]
    assert await remove_old(pool, KEPT) == {"backfills": 1, "windows": 1}
    assert await windows(connection) == kept
    claimed = await claims.claim(connection, SHOP, "worker")
    assert claimed is not None
    async with connection.transaction():  # asks whether its backfill was cancelled
        await closing.split(connection, claimed, [hours(1, 1.5), hours(1.5, 2)], total=9, calls=1)
    assert await windows(connection) == kept


async def test_a_window_stays_while_what_it_brought_is_an_open_reject_and_settled_ones_go(
    pool: Pool, connection: Connection
) -> None:
    await window(connection, hours(1, 2))
    brought = [await window(connection, hours(0, 1), kind=WindowKind.SWEEP) for _ in range(3)]
    for number, resolved in zip(brought, (None, 31, 29), strict=True):
        await connection.execute(
            """
            INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, window_id, read_at, resolved_at)
            VALUES (%s, '1688', '', int8send(%s), 'odd', %s, now() - interval '99 days', now() - %s * interval '1 day')
            """,
            [SHOP, number, number, resolved],
        )
    assert await remove_old(pool, KEPT) == {"windows": 2, "rejects": 1}
    assert brought[0] in await windows(connection)
    assert await ask(connection, "SELECT window_id FROM sync.rejects ORDER BY 1") == [brought[0], brought[2]]


async def test_a_window_stays_while_it_brought_an_order_without_a_creation_time(
    pool: Pool, connection: Connection
) -> None:
    await window(connection, hours(1, 2))
    dated, undated = [await window(connection, hours(0, 1), kind=WindowKind.SWEEP) for _ in range(2)]
    for number, created in ((dated, "2026-11-01"), (undated, None)):
        await connection.execute(
            "INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count, created_at) "
            "VALUES ('xportcn_ka', %s, %s, '10', 'other', 'CNY', 0, %s)",
            [SHOP, str(number), created],
        )
        await connection.execute(
            "INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, read_at, window_id) "
            "VALUES ('xportcn_ka', %s, %s, '', '', now(), %s)",
            [SHOP, str(number), number],
        )
    await remove_old(pool, KEPT)
    left = await windows(connection)
    assert undated in left
    assert dated not in left


# audits, jobs, messages


async def test_older_versions_that_were_never_read_again_go(connection: Connection, pool: Pool) -> None:
    await ask(
        connection,
        "INSERT INTO sync.older_versions (platform, order_id, account, modified_at, read_at, noted_at) "
        "SELECT '1688', days::text, 'shop', now(), now(), now() - days * interval '1 day' "
        "FROM unnest(%s::int[]) AS days RETURNING 1",
        [29, 31],
    )
    assert (await remove_old(pool, KEPT))["older_versions"] == 1
    assert await ask(connection, "SELECT order_id FROM sync.older_versions") == ["29"]


async def test_audits_go_with_their_differences_but_the_newest_that_was_finished(
    pool: Pool, connection: Connection
) -> None:
    """`days` ago they began and, unless cut off, ended."""
    for account, days, is_cut_off in (
        ("a", 50, False),
        ("a", 40, True),
        ("a", 35, False),
        ("a", 32, True),
        ("b", 60, False),
        ("c", 33, True),
        ("c", 29, False),
    ):
        await connection.execute(
            """
            WITH audit AS (
                INSERT INTO sync.audits (account, starts_at, ends_at, started_at, finished_at)
                SELECT %s, now(), now(), t, CASE WHEN NOT %s THEN t END
                FROM (SELECT now() - %s * interval '1 day' AS t) AS x RETURNING id
            )
            INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders)
            SELECT id, now() + n * interval '1 s', now(), 1, 0 FROM audit, generate_series(1, 3) AS n
            """,
            [account, is_cut_off, days],
        )
    assert await remove_old(pool, KEPT, rows=4) == {"audit_differences": 6, "audits": 2}
    left = "SELECT account, extract(day FROM now() - started_at)::int FROM sync.audits ORDER BY 1, 2 DESC"
    # of c the one cut off counts as ended a week later
    assert await ask(connection, left) == [("a", 35), ("a", 32), ("b", 60), ("c", 33), ("c", 29)]
    assert await ask(connection, "SELECT count(DISTINCT audit_id) FROM sync.audit_differences") == [5]


async def test_jobs_of_the_queue_go_once_they_ended_with_their_events(pool: Pool, connection: Connection) -> None:
    old, young = timedelta(hours=25), timedelta(hours=23)
    await connection.execute("SET search_path = sync_jobs")  # its triggers name its tables without a schema
    for status in ("todo", "doing", "succeeded", "failed", "cancelled", "aborted"):
        for ended in (old, young):
            [number] = await ask(
                connection,
                "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', %s) RETURNING id",
                f"{status} {ended}",
            )
            await connection.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [status, number])
            await connection.execute(
                "UPDATE procrastinate_events SET at = now() - %s WHERE job_id = %s", [ended, number]
            )
    await connection.execute(
        """
        INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp, job_id)
        SELECT 'tick', 1, id FROM procrastinate_jobs WHERE status = 'succeeded' ORDER BY id LIMIT 1
        """
    )
    assert await remove_old(pool, KEPT) == {"jobs": 4}
    ended_since = [f"{status} {young}" for status in ("succeeded", "failed", "cancelled", "aborted")]
    left = [f"todo {old}", f"todo {young}", f"doing {old}", f"doing {young}", *ended_since]
    assert await ask(connection, "SELECT task_name FROM procrastinate_jobs ORDER BY id") == left
    assert await ask(connection, "SELECT count(DISTINCT job_id) FROM procrastinate_events") == [len(left)]
    assert await ask(connection, "SELECT job_id FROM procrastinate_periodic_defers") == [None]


async def test_messages_go_once_they_are_handled(pool: Pool, connection: Connection) -> None:
    for number, received, handled in ((1, 31, 31), (2, 31, None), (3, 31, 29), (4, 29, 29)):
        await connection.execute(
            """
            INSERT INTO sync.messages (account, digest, body, received_at, handled_at)
            VALUES (%s, int8send(%s), '', now() - %s * interval '1 day', now() - %s * interval '1 day')
            """,
            [SHOP, number, received, handled],
        )
    assert await remove_old(pool, KEPT) == {"messages": 1}
    assert await ask(connection, "SELECT id FROM sync.messages ORDER BY 1") == [2, 3, 4]


# orders


async def test_history_and_payloads_stay_for_ever_unless_told_otherwise(tell: Tell) -> None:
    story = tell(samples=True)
    await story.sync()
    age(story, days=4000)
    removed = await remove_old(story.pool, KEPT)
    assert set(removed) == {"windows"}
    assert len(story.query("SELECT 1 FROM order_history")) == 90
    assert story.query("SELECT count(*) FROM raw_orders WHERE payload IS NULL") == [(0,)]


async def test_without_its_payload_an_unchanged_order_costs_no_write_and_a_changed_one_brings_it_back_P3(
    tell: Tell,
) -> None:
    story = tell(orders=300)
    await story.sync()
    age(story)
    story.query("UPDATE order_history SET seen_at = now() WHERE platform <> '1688' RETURNING 1")
    story.query("UPDATE raw_orders SET synced_at = now() WHERE platform = '1688' RETURNING 1")
    removed = await remove_old(story.pool, ALL)
    assert (removed["history"], removed["payloads"]) == (100, 200)
    assert await remove_old(story.pool, ALL) == {}
    assert story.query("SELECT count(*) FROM raw_orders WHERE payload IS NOT NULL AND platform = '1688'") == [(100,)]
    rows = story.row_versions()
    await story.sync(sweep=Sweep.ALL)
    async with story.pool.connection() as connection:
        rebuilt = await renormalize(connection, "xportcn_ka", None, story.progress)
    assert (rebuilt.looked_at, rebuilt.rejected) == (0, 0)
    assert story.row_versions() == rows
    story.assert_equal()
    story.world.mutate(40, datetime.now(UTC))
    outcomes = await story.sync("sandbox-ka", sweep=Sweep.ALL)
    changed = outcomes["sandbox-ka"].rows
    assert changed.changed > 0
    brought = "SELECT count(*) FROM raw_orders WHERE payload IS NOT NULL AND platform = 'xportcn_ka'"
    assert story.query(brought) == [(changed.changed + changed.new,)]
    story.assert_equal("sandbox-ka")


# many at once


async def test_two_at_once_remove_everything_once(pool: Pool, connection: Connection) -> None:
    await window(connection, hours(90, 91))
    for number in range(40):
        await window(connection, hours(number, number + 1))
    removed = await asyncio.gather(*(remove_old(pool, KEPT, rows=3) for _ in range(4)))
    assert sum(each.get("windows", 0) for each in removed) == 40
    assert len(await windows(connection)) == 1


async def test_who_finds_another_one_at_it_leaves(pool: Pool, connection: Connection) -> None:
    await window(connection, hours(1, 2))
    await window(connection, hours(0, 1))
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [locks.RETENTION])
        assert await remove_old(pool, KEPT) == {}
    assert await remove_old(pool, KEPT) == {"windows": 1}


async def test_a_transaction_takes_no_more_than_a_batch_and_waits_for_nobody(
    pool: Pool, connection: Connection
) -> None:
    await window(connection, hours(90, 91))
    numbers = [await window(connection, hours(number, number + 1)) for number in range(7)]
    [rule] = [rule for rule in retention.RULES if rule.what == "windows"]
    async with connection.transaction(), pool.connection() as other:
        await connection.execute("SELECT FROM sync.windows WHERE id = %s FOR UPDATE", [numbers[0]])
        await other.execute("SET lock_timeout = '10s'")
        assert await retention.remove(other, rule, 30 * DAY, 4) == 4
        assert await retention.remove(other, rule, 30 * DAY, 4) == 2
    assert await remove_old(pool, KEPT) == {"windows": 1}


async def test_what_people_did_goes_by_its_age_alone(pool: Pool, connection: Connection) -> None:
    await connection.execute(
        """
        INSERT INTO sync.activity (actor, origin, action, at)
        SELECT 'ana', 'cli', 'x', now() - days * interval '1 day' FROM unnest(ARRAY[366, 364, 0]) AS days
        """
    )
    assert await remove_old(pool, KEPT) == {"activity": 1}
    assert await remove_old(pool, RetentionSettings(activity=None)) == {}
    assert await ask(connection, "SELECT id FROM sync.activity ORDER BY 1") == [2, 3]


async def test_requests_of_people_go_once_they_have_ended(pool: Pool, connection: Connection) -> None:
    await connection.execute(
        """
        INSERT INTO sync.requests (account, kind, requested_by, requested_at, finished_at)
        SELECT 'kingdo', 'sync', 'ana', now() - interval '90 days', now() - days * interval '1 day'
        FROM unnest(ARRAY[31, 29, NULL]) AS days
        """
    )
    assert await remove_old(pool, KEPT) == {"requests": 1}
    assert await ask(connection, "SELECT id FROM sync.requests ORDER BY 1") == [2, 3]
