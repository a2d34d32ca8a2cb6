"""The state of the service as its tables show it."""

from __future__ import annotations

import time

import psycopg
import pytest

from orders_sync.store import service_metrics
from orders_sync.store.database import Connection
from orders_sync.store.service_metrics import AccountMetrics, Jobs
from tests.support.ledgers import ACCOUNTS, fill

DAY = 86_400


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


def about(seconds: float) -> object:
    """However slow the machine is."""
    return pytest.approx(seconds, abs=300)


@pytest.fixture
async def seen(connection: Connection) -> service_metrics.ServiceMetrics:
    await fill(connection)
    return await service_metrics.read(connection, ACCOUNTS)


def of(seen: service_metrics.ServiceMetrics, name: str) -> AccountMetrics:
    return next(each for each in seen.accounts if each.name == name)


def test_only_accounts_asked_for_are_returned(seen: service_metrics.ServiceMetrics) -> None:
    """One that left the settings keeps its row, and must not raise alerts for ever."""
    assert [each.name for each in seen.accounts] == ACCOUNTS


def test_account_is_as_far_behind_as_what_was_read_last(seen: service_metrics.ServiceMetrics) -> None:
    assert of(seen, "busy").behind == about(4 * 3600)


def test_account_nothing_was_read_of_is_as_far_behind_as_its_history(seen: service_metrics.ServiceMetrics) -> None:
    assert of(seen, "quiet").watermark is None
    assert of(seen, "quiet").history_share is None
    assert of(seen, "quiet").behind == about(9 * DAY)


async def test_account_whose_last_days_are_read_is_current_though_its_history_is_not(connection: Connection) -> None:
    await connection.execute(
        """INSERT INTO sync.accounts (name, platform, seller, feed, history_from, watermark)
        VALUES ('new', '1688', 's', 'updated', now() - interval '100 d', now() - interval '100 d')"""
    )
    await connection.execute(
        """INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, not_before)
        SELECT 'new', 'incremental', 'updated', now() - t * interval '10 d', now() - (t - 1) * interval '10 d',
            CASE WHEN t < 3 THEN 'done' ELSE 'planned' END, CASE WHEN t = 3 THEN now() + interval '2 m' END
        FROM generate_series(1, 10) AS t"""
    )
    [new] = (await service_metrics.read(connection, ["new"])).accounts
    assert new.behind == about(0)
    assert new.history_share == pytest.approx(0.3)  # two are done, one was listed as empty once
    assert new.watermark == new.proven_from == pytest.approx(time.time() - 100 * DAY, abs=300)


def test_account_says_whether_calls_are_made_for_it(seen: service_metrics.ServiceMetrics) -> None:
    flags = {each.name: (each.is_suspended, each.is_resting) for each in seen.accounts}
    assert flags == {"busy": (False, True), "quiet": (False, False), "refused": (True, False)}


def test_what_is_open_is_counted(seen: service_metrics.ServiceMetrics) -> None:
    busy, quiet = of(seen, "busy"), of(seen, "quiet")
    assert (busy.planned, busy.running, busy.failed, busy.rejects) == (2, 1, 1, 1)
    assert (quiet.planned, quiet.rejects, quiet.messages) == (0, 0, 2)
    assert quiet.oldest_message == about(50 * 60)


def test_last_audit_that_ended_counts_without_what_was_repaired(seen: service_metrics.ServiceMetrics) -> None:
    busy, quiet = of(seen, "busy"), of(seen, "quiet")
    assert busy.audit_age == about(3600)
    assert busy.differences == 1
    assert (quiet.audit_age, quiet.differences) == (None, 0)


def test_jobs_that_wait_run_or_failed_are_counted(seen: service_metrics.ServiceMetrics) -> None:
    wanted = {Jobs("drain", "todo", 1), Jobs("drain", "doing", 1), Jobs("audit", "todo", 2), Jobs("audit", "failed", 1)}
    assert set(seen.jobs) == wanted


def test_job_put_in_for_later_waits_from_then_on(seen: service_metrics.ServiceMetrics) -> None:
    """One was put in 20 minutes ago, one two hours ago for 10 minutes ago, one for in an hour."""
    assert seen.oldest_job == about(20 * 60)


async def test_job_for_later_does_not_wait_yet(connection: Connection) -> None:
    await fill(connection)
    await connection.execute("SET search_path = sync_jobs")  # their triggers ask for it
    await connection.execute("DELETE FROM sync_jobs.procrastinate_jobs WHERE coalesce(scheduled_at, now()) <= now()")
    await connection.execute("RESET search_path")
    assert (await service_metrics.read(connection, ACCOUNTS)).oldest_job == 0


async def test_no_job_waits_in_an_empty_queue(connection: Connection) -> None:
    seen = await service_metrics.read(connection, ACCOUNTS)
    assert (seen.jobs, seen.oldest_job, seen.accounts, seen.rates) == ([], 0, [], [])


def test_rate_says_how_long_calls_are_given_away(seen: service_metrics.ServiceMetrics) -> None:
    assert [each.seconds for each in seen.rates] == [about(3600), 0]


async def test_a_query_that_takes_long_is_given_up(connection: Connection, url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("LOCK TABLE sync.windows")
        with pytest.raises(psycopg.errors.QueryCanceled):
            await service_metrics.read(connection, ACCOUNTS)


async def test_accounts_in_no_settings_whose_orders_nobody_refreshes_are_named(connection: Connection) -> None:
    for name, removed, retired in (("kept", False, False), ("gone", True, False), ("retired", True, True)):
        await connection.execute(
            "INSERT INTO sync.accounts (name, platform, host, seller, feed, removed_at, retired_at)"
            " VALUES (%s, '1688', 'h', %s, 'updated', CASE WHEN %s THEN now() END, CASE WHEN %s THEN now() END)",
            [name, name, removed, retired],
        )
        await connection.execute(
            "INSERT INTO orders (platform, account, order_id, status, status_group, line_count, currency)"
            " VALUES ('1688', %s, %s, 'paid', 'other', 0, 'CNY')",
            [name, name],
        )
    assert (await service_metrics.read(connection, ["kept"])).removed == ["gone"]
