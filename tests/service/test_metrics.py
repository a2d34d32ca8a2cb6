"""Metrics of the windows that this process finished, and of the tables."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from orders_sync.domain import errors
from orders_sync.domain.errors import AuthenticationError, IncompleteWindowError, LeaseLostError
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.windows import WindowKind
from orders_sync.engine.results import WindowResult
from orders_sync.service.metrics import ERROR_LABELS, Metrics, component_metrics, table_metrics
from orders_sync.store import service_metrics
from orders_sync.store.database import Connection
from tests.support.closed_windows import DONE
from tests.support.ledgers import ACCOUNTS, fill
from tests.support.scrape import Samples, samples
from tests.support.story import Story


def counted(*windows: WindowResult) -> dict[str, Samples]:
    metrics = Metrics()
    for window in windows:
        metrics.count(window)
    return samples(metrics.exposition())


@pytest.mark.parametrize(
    ("closed", "ended"),
    [
        (DONE, "done"),
        (replace(DONE, landed=None, is_split=True), "split"),
        (replace(DONE, landed=None, is_split=True, error=IncompleteWindowError("rows are missing")), "split"),
        (replace(DONE, landed=None, error=IncompleteWindowError("rows are missing")), "failed"),
        (replace(DONE, landed=LoadCounts(), why_no_proof="unconfirmed"), "unconfirmed"),
        (
            replace(DONE, landed=LoadCounts(), why_no_proof="beyond", error=IncompleteWindowError("not listed")),
            "beyond",
        ),
        (replace(DONE, landed=None, error=LeaseLostError(1)), "lost"),
        (replace(DONE, landed=None, error=AuthenticationError("no")), "refused"),
    ],
)
def test_window_is_counted_by_how_it_ended(closed: WindowResult, ended: str) -> None:
    exposed = counted(closed)
    assert exposed["orders_sync_windows_closed_total"] == {("shop", ended, "sweep"): 1}


def test_calls_and_rows_of_windows_add_up() -> None:
    exposed = counted(DONE, replace(DONE, landed=LoadCounts(new=1, stale=5, rejected=6)))
    assert exposed["orders_sync_calls_total"] == {("shop",): 6}
    assert exposed["orders_sync_rows_total"] == {
        ("shop", "new"): 5,
        ("shop", "changed"): 2,
        ("shop", "unchanged"): 1,
        ("shop", "stale"): 5,
        ("shop", "rejected"): 6,
    }


def test_calls_of_a_window_given_up_are_counted_and_its_error_by_kind() -> None:
    exposed = counted(
        replace(DONE, landed=None, error=LeaseLostError(1)), replace(DONE, landed=None, error=IncompleteWindowError(""))
    )
    assert exposed["orders_sync_calls_total"] == {("shop",): 6}
    assert exposed["orders_sync_errors_total"] == {("shop", "lost_window"): 1, ("shop", "incomplete"): 1}
    assert "orders_sync_rows_total" not in exposed


def test_every_label_of_an_error_belongs_to_an_error_there_is() -> None:
    classes = vars(errors)
    assert all(issubclass(classes[name], Exception) for name in ERROR_LABELS)
    assert len(set(ERROR_LABELS.values())) == len(ERROR_LABELS)


def test_duration_of_a_window_falls_into_its_bucket() -> None:
    buckets = counted(DONE)["orders_sync_window_duration_seconds_bucket"]
    assert (buckets["sweep", "0.25"], buckets["sweep", "0.5"]) == (0, 1)


def test_two_processes_in_one_count_apart() -> None:
    """A registry of its own: nothing of another one, and nothing global."""
    Metrics().count(DONE)
    assert "orders_sync_calls_total" not in counted()


def test_memory_of_the_process_is_reported() -> None:
    assert counted()["process_resident_memory_bytes"][()] > 0


async def test_counters_say_what_the_ledger_says(tell: Callable[..., Story], connection: Connection) -> None:
    """A first pass: windows that are split, and windows that land."""
    story = tell(orders=300)
    metrics = Metrics()
    await story.sync()
    for window in story.progress.closed_windows:
        metrics.count(window)
    exposed = samples(metrics.exposition())
    cursor = await connection.execute(
        """SELECT account, sum(calls), sum(rows_new), sum(rows_rejected), count(*) FILTER (WHERE state = 'done')
        FROM sync.windows GROUP BY account"""
    )
    rows = await cursor.fetchall()
    assert len(rows) == 3
    for account, calls, new, rejected, done in rows:
        assert exposed["orders_sync_calls_total"][str(account),] == calls
        assert exposed["orders_sync_rows_total"][str(account), "new"] == new
        assert exposed["orders_sync_rows_total"][str(account), "rejected"] == rejected
        assert exposed["orders_sync_windows_closed_total"][str(account), "done", WindowKind.INCREMENTAL] == done


async def test_gauges_say_what_the_tables_say(connection: Connection) -> None:
    await fill(connection)
    exposed = samples(Metrics().exposition(table_metrics(await service_metrics.read(connection, ACCOUNTS))))
    assert exposed["orders_sync_database_up"] == {(): 1}
    assert exposed["orders_sync_account_history_ratio"]["busy",] == pytest.approx(1 - 4 / 216, abs=0.01)
    assert set(exposed["orders_sync_account_proven_from_timestamp_seconds"]) == {("busy",), ("quiet",), ("refused",)}
    assert exposed["orders_sync_account_suspended"] == {("busy",): 0, ("quiet",): 0, ("refused",): 1}
    assert exposed["orders_sync_account_resting"] == {("busy",): 1, ("quiet",): 0, ("refused",): 0}
    assert exposed["orders_sync_windows_open"]["busy", "planned"] == 2
    assert exposed["orders_sync_windows_open"]["quiet", "failed"] == 0
    assert exposed["orders_sync_account_listing_late_seconds"] == {("busy",): 1200, ("quiet",): 0, ("refused",): 0}
    assert exposed["orders_sync_rejects_open"] == {("busy",): 1, ("quiet",): 0, ("refused",): 0}
    assert exposed["orders_sync_messages_waiting"]["quiet",] == 2
    assert exposed["orders_sync_queue_jobs"]["drain", "todo"] == 1


async def test_what_is_not_known_is_left_out(connection: Connection) -> None:
    """No audit is not an audit without differences, no watermark is not 1970."""
    await fill(connection)
    exposed = samples(Metrics().exposition(table_metrics(await service_metrics.read(connection, ACCOUNTS))))
    assert exposed["orders_sync_audit_differences"] == {("busy",): 1}
    assert list(exposed["orders_sync_audit_age_seconds"]) == [("busy",)]
    assert ("quiet",) not in exposed["orders_sync_account_watermark_timestamp_seconds"]


def test_parts_of_the_process_are_exposed() -> None:
    exposed = samples(Metrics().exposition(component_metrics({"scheduler": None, "worker": "it fails"})))
    assert exposed["orders_sync_component_up"] == {("scheduler",): 1, ("worker",): 0}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
async def test_names_and_help_keep_prometheus_conventions(connection: Connection) -> None:
    await fill(connection)
    metrics = Metrics()
    metrics.count(DONE)
    text = metrics.exposition(
        table_metrics(await service_metrics.read(connection, ACCOUNTS)), component_metrics({"scheduler": None})
    )
    exposed = await asyncio.to_thread(subprocess.run, ["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (exposed.stdout + exposed.stderr, exposed.returncode) == (b"", 0)
