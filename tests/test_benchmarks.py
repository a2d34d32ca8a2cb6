"""The benchmarks run, and what they measure fits together. How fast anything is, no test says."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.routing import Route

from benchmarks import console_data, console_pages
from benchmarks.console_questions import QUESTIONS
from benchmarks.environment import Environment
from benchmarks.truth import LAST_PASSES, repeat_until_equal
from benchmarks.worker_processes import ServiceWorker, SyncWorker, Worker
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.console.pages import all_pages
from orders_sync.platforms import PLATFORMS
from orders_sync.sandbox import World
from orders_sync.store import bi, database
from tests.support import prepared_server
from tests.support.benchmarks import forked_commands, measured, variables
from tests.support.questions import questions
from tests.support.terminal import platforms

pytestmark = pytest.mark.db
ROOT = Path(__file__).parent.parent
ORDERS = 300
ACCOUNT = """
[[accounts]]
name = "shop"
platform = "1688"
seller_nick = "shop"
app_id = "1"
app_secret = "secret"
history_from = "2025-01-01"
"""


def benchmark(name: str, *options: str, **of_run: Any) -> Any:
    """Return what `python -m benchmarks.NAME --orders 300 --json` prints; it must succeed."""
    return measured(name, "--orders", str(ORDERS), *options, **of_run)


@pytest.fixture(scope="module")
def calm(server: str, template: str) -> dict[str, str]:
    """A server that nobody else uses meanwhile, for what is measured of its log; that of TEST_DATABASE_URL is none."""
    return {} if os.environ.get("TEST_DATABASE_URL") else {"server": server, "template": template}


@pytest.fixture(scope="module")
def speed(calm: dict[str, str]) -> Any:
    return benchmark("speed", **calm, started=["sync"])


def test_speed_reads_every_order_both_times(speed: Any) -> None:
    only = speed["runs"][0]
    assert only["first_load"]["orders"] == only["resync"]["orders"] == only["copy"]["orders"] == ORDERS


def test_p3_reading_everything_again_writes_no_row_version(speed: Any) -> None:
    assert speed["first_load"]["row_versions"] > ORDERS * 4
    assert speed["resync"]["row_versions"] == 0
    assert "public" not in (speed["runs"][0]["wal_resync"] or {})


def test_speed_figures_fit_together(speed: Any) -> None:
    for load in (speed["first_load"], speed["resync"]):
        assert 0 < load["reading_seconds"] < load["seconds"]
        assert load["orders_per_second"] == pytest.approx(ORDERS / load["seconds"])
        assert load["cpu_seconds"] > 0
        assert load["cpu_seconds_postgres"] > 0
        assert load["peak_memory_bytes"] > 10_000_000
    assert 0 < speed["resync"]["wal_bytes"] < speed["first_load"]["wal_bytes"]
    assert len(speed["goals"]) == 4


def test_normalizing_is_measured_on_every_platform_that_there_is() -> None:
    costs = {cost["platform"]: cost for cost in benchmark("normalize", "--passes", "5")}
    assert costs.keys() == PLATFORMS.keys()
    for cost in costs.values():
        assert cost["orders"] == ORDERS
        assert 0 < cost["recognize"] < cost["normalize"]
        assert 0 <= cost["noted"] < 1


def test_p1_tables_equal_platforms_that_changed_and_failed_during_the_sync(server: str, template: str) -> None:
    options = "--seconds", "0", "--rate", "10", "--wait", "0", "--faults"
    result = benchmark("truth", *options, server=server, template=template)
    assert result["equal"]
    assert result["changes"] > 0
    assert sum(result["api_faults"].values()) > 0
    assert sum(account["orders"] + account["rejects"] for account in result["accounts"]) >= ORDERS


def test_every_message_is_stored_once_beside_a_sync(server: str, template: str) -> None:
    """In a process of its own, as a person starts it: it forks."""
    options = "--orders", str(ORDERS), "--messages", "100", "--senders", "2", "--json"
    command = [sys.executable, "-m", "benchmarks.hooks", *options]
    ran = subprocess.run(command, cwd=ROOT, env=variables(server, template), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    result = json.loads(ran.stdout)
    assert result["stored"] == result["messages"] == 100
    assert result["codes"] == {"200": 110}


@pytest.mark.waits
def test_everything_holds_in_a_short_fault_campaign_P1_P2_P3_P4_P5(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The seed chooses a worker that is killed, Postgres that crashes, is restarted, and connections that are cut."""
    prepared_server.prepare(tmp_path, prepared_server.folder_of_run(tmp_path_factory))
    options = "--minutes", "0.05", "--interval", "1", "--wait", "0", "--seed", "2259"
    campaign = benchmark("faults", *options, home=tmp_path, template=prepared_server.TEMPLATE)
    assert sum(campaign["infrastructure_faults"].values()) > 0
    assert sum(campaign["api_faults"].values()) > 0
    assert campaign["orders"] >= ORDERS
    found = {what: campaign[what] for what in ("missed", "stale", "surplus", "doubled", "unexpected_exits")}
    assert found == {"missed": 0, "stale": 0, "surplus": 0, "doubled": 0, "unexpected_exits": []}


@pytest.mark.parametrize("kind", [SyncWorker, ServiceWorker])
def test_a_worker_that_finds_no_database_is_no_fault_of_the_product(kind: type[Worker], tmp_path: Path) -> None:
    (tmp_path / "orders_sync.toml").write_text(ACCOUNT)
    environment = Environment(tmp_path, "postgresql://nobody@127.0.0.1:1/none", "none", None)
    worker = kind(environment, tmp_path / "orders_sync.toml", 2, random.Random(1))
    with forked_commands():
        worker.start()
        while not worker.exit_codes:
            worker.join(0.05)
        worker.stop()
        worker.join()
    assert worker.exit_codes[0] == ExitCode.DATABASE
    assert worker.unexpected_exits == []


def test_a_difference_counts_only_where_no_change_was_indexed_meanwhile() -> None:
    world = World(30, 3, seed=1, now=datetime.now(UTC), days=3)
    due = 5
    for number in range(1, due + 1):
        world.mutate(1, index_delay=3600 * number)
    compared = 0

    def is_equal() -> bool:
        nonlocal compared
        compared += 1
        world.publish(datetime.now(UTC) + timedelta(hours=compared, minutes=1))
        return compared == equal_at

    with platforms(world) as (root, _):
        equal_at = due
        assert repeat_until_equal(root, is_equal)
        equal_at = -1
        assert not repeat_until_equal(root, is_equal)
    assert compared == due + LAST_PASSES


def test_startup_compares_each_variant_with_the_unchanged_command(server: str, template: str) -> None:
    options = "--rounds", "1", "--only", "httpx"
    unchanged, *variants = measured("startup", *options, server=server, template=template)
    assert (unchanged["variant"], unchanged["saved"]) == ("unchanged", 0)
    assert [each["variant"] for each in variants] == ["httpx without its own command line"]
    for each in variants:
        assert each["saved"] == pytest.approx(1 - each["seconds"] / unchanged["seconds"])
        assert each["cpu_seconds"] > 0


def test_every_page_and_question_of_the_console_is_measured_with_its_plans(
    server: str, template: str, tmp_path: Path
) -> None:
    plans = tmp_path / "plans"
    options = "--accounts", "10", "--days", "3", "--repeats", "1", "--plans", str(plans), "--all-plans"
    found = benchmark("console", *options, server=server, template=template)
    asked = {each["page"]: each for each in found["pages"]} | {each["question"]: each for each in found["questions"]}
    assert asked.keys() > QUESTIONS.keys()
    for name, each in asked.items():
        assert 0 < each["p50"] <= each["p95"]
        if name != "log-in":  # nobody is looked up
            assert each["statements"] > 0
            assert f"-- {name}: " in plans.read_text()


def test_every_page_of_the_console_is_among_those_that_are_measured(url: str) -> None:
    with database.connect(url) as connection:
        console_data.fill(connection, console_data.Size(orders=300, accounts=10, days=3))
        paths = console_pages.pages(connection, datetime.now(UTC)).values()
    routes = [Route(each.path, lambda _: None) for each in all_pages() if each.method == "GET"]
    asked = {urlsplit(path).path for path in paths}
    unasked = [each.path for each in routes if not any(each.path_regex.match(path) for path in asked)]
    assert unasked == ["/backfills/{number}/events", "/export/file"]  # both take as long as what they send


def test_every_view_and_question_is_timed_on_copied_orders(server: str, template: str, tmp_path: Path) -> None:
    options = "--orders", "900", "--landed", "300", "--shops", "3", "--runs", "1", "--plans", str(tmp_path)
    found = measured("bi", *options, server=server, template=template)
    timed = {each["name"]: each["milliseconds"] for each in found}
    assert {f"view {each.name}" for each in bi.definitions() if each.kind == "VIEW"} <= timed.keys()
    assert {f"question {each.number:02}" for each in questions()} <= timed.keys()
    assert all(taken is not None for taken in timed.values())
    assert len(list(tmp_path.iterdir())) == len(found)
    rows = {each["name"]: each["rows"] for each in found}
    assert rows["question 13, all shops"] > 0
    assert rows["view check_daily_sales"] == 0


def test_indexes_cost_room_and_wal(calm: dict[str, str]) -> None:
    # of two rounds the least counts: a vacuum or ANALYZE of the server's own writes to its log, too
    found = {each["index"]: each for each in benchmark("indexes", "--rounds", "2", **calm)}
    for name in ("pk_raw_orders", "pk_orders", "pk_sub_orders", "ix_orders_account_created_at"):
        assert found[name]["orders"] == ORDERS
        assert found[name]["disk"] > 0
        assert found[name]["wal"] > 0
