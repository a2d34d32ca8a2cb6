"""Files for deployment name only metrics, alerts, services and paths that the product has."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from orders_sync.cli import COMMANDS
from orders_sync.domain.errors import IncompleteWindowError
from orders_sync.service.liveness import Liveness
from orders_sync.service.metrics import Metrics, component_metrics, liveness_metrics, settings_metrics, table_metrics
from orders_sync.settings.models import SECTIONS
from orders_sync.settings.tables import fields, variable
from orders_sync.store import database, service_metrics
from tests.support import grafana
from tests.support.closed_windows import DONE
from tests.support.databases import made_database
from tests.support.ledgers import ACCOUNTS, fill
from tests.support.scrape import samples

ROOT = Path(__file__).parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"
README_OF_DOCKER = next(line for line in (ROOT / "README.md").read_text().splitlines() if "docker compose up" in line)
NAME = re.compile(r"\b(?:orders_sync|process)_\w+")
ONE_OF_EACH_ALERT = re.compile(r"^### `?(OrdersSync\w+)`?", re.MULTILINE)


@cache
def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return list(group["rules"])


def queries() -> Iterator[str]:
    for path in grafana.DASHBOARDS:
        yield from grafana.promql(grafana.dashboard(path.stem))


@cache
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


@pytest.fixture(scope="module")
def exported(server: str, template: str) -> set[str]:
    """Every name a scrape of this version may hold."""
    with made_database(server, "scraped", template) as tables:
        return asyncio.run(scraped(tables.url))


async def scraped(url: str) -> set[str]:
    async with database.connected(url, size=1) as pool, pool.connection() as connection:
        await fill(connection)
        read = await service_metrics.read(connection, ACCOUNTS)
    metrics = Metrics()
    metrics.count(DONE)
    metrics.count(replace(DONE, landed=None, error=IncompleteWindowError("rows are missing")))
    metrics.hook_refused("", "token")
    metrics.add_channel("dingtalk")
    liveness = Liveness()
    liveness.watch(schedules=True, works=True)
    liveness.planning_failed("shop", "why")
    tables = table_metrics(read)
    of_process = component_metrics({"worker": None}), liveness_metrics(liveness), settings_metrics(["shop"])
    return set(samples(metrics.exposition(tables, *of_process)))


def test_alerts_ask_for_metrics_there_are(exported: set[str]) -> None:
    asked = {name for rule in alerts() for name in NAME.findall(rule["expr"])}
    assert asked
    assert asked - exported == set()


def test_dashboards_ask_for_metrics_there_are(exported: set[str]) -> None:
    asked = {name for query in queries() for name in NAME.findall(query)}
    assert asked
    assert asked - exported == set()


def test_dashboards_show_every_metric_of_ours(exported: set[str]) -> None:
    """Save the sum and the count of the histogram, which is shown by its buckets."""
    asked = {name for query in queries() for name in NAME.findall(query)}
    ours = {name for name in exported if name.startswith("orders_sync_")}
    assert {name for name in ours - asked if not name.endswith(("_sum", "_count"))} == set()


def test_every_alert_is_explained_and_tested() -> None:
    names = {rule["alert"] for rule in alerts()}
    assert set(ONE_OF_EACH_ALERT.findall((ROOT / "docs" / "operations.md").read_text())) == names
    assert {
        case["alertname"]
        for file in PROMETHEUS.glob("*_test.yml")
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    } == names


def test_prometheus_scrapes_services_of_compose() -> None:
    services = set(compose()["services"])
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    hosts = {
        target.split(":")[0] for job in jobs for each in job.get("static_configs", ()) for target in each["targets"]
    }
    names = {name for job in jobs for each in job.get("dns_sd_configs", ()) for name in each["names"]}
    assert hosts | names == {"console", "scheduler", "worker"}
    assert hosts | names <= services


def mounts() -> dict[str, str]:
    """Return what the services mount, by its source."""
    found = {}
    for service in compose()["services"].values():
        for volume in service.get("volumes", ()):
            long = (
                volume if isinstance(volume, dict) else dict(zip(("source", "target"), volume.split(":"), strict=False))
            )
            found[long["source"]] = long["target"]
    return found


def test_compose_mounts_files_there_are() -> None:
    files = [path for path in mounts() if path.startswith("./") and path != "./orders_sync.toml"]  # the user's own
    assert files
    assert [path for path in files if not (ROOT / path).exists()] == []


def test_the_settings_that_compose_mounts_are_those_it_reads_and_never_become_a_folder() -> None:
    for name, service in compose()["services"].items():
        if service.get("image") != "orders-sync":
            continue
        assert service["environment"]["ORDERS_SYNC_CONFIG"] == mounts()["./orders_sync.toml"], name
        [volume] = service["volumes"]
        assert volume["bind"]["create_host_path"] is False
        assert "orders_sync.toml" in README_OF_DOCKER


def test_services_of_compose_run_commands_there_are_with_variables_that_are_read() -> None:
    known = {"DATABASE_URL", "PGPASSWORD", "ORDERS_SYNC_CONFIG", "ORDERS_SYNC_HOME"}
    for model in SECTIONS:
        known |= {variable(model, key) for key in fields(SECTIONS[model])}
    for service in compose()["services"].values():
        if service.get("image") == "orders-sync":
            assert service["command"][0] in COMMANDS
            assert set(service["environment"]) <= known
            assert "postgres" in service["depends_on"] or "migrate" in service["depends_on"]
            assert "profiles" in service or service["command"] == ["migrate"] or service["healthcheck"]["test"]


def test_every_alert_leads_to_its_heading() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    slugs = {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.M)
    }
    for rule in alerts():
        file, slug = rule["annotations"]["runbook_url"].split("#")
        assert (file, slug) == ("docs/operations.md", rule["alert"].lower())
        assert slug in slugs


def test_alerts_of_200_accounts_are_one_message() -> None:
    """They differ in nothing that messages are grouped by."""
    settings = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text())
    assert settings["route"]["group_by"] == ["alertname"]
    assert not [route for route in settings["route"]["routes"] if "group_by" in route]
    names = {receiver["name"] for receiver in settings["receivers"]}
    assert {route["receiver"] for route in [settings["route"], *settings["route"]["routes"]]} == names
    named = re.findall(r"OrdersSync\w+", str(settings["inhibit_rules"]))
    assert set(named) <= {rule["alert"] for rule in alerts()}
    [alertmanagers] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["alerting"]["alertmanagers"]
    [target] = alertmanagers["static_configs"][0]["targets"]
    assert target.split(":")[0] in compose()["services"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),  # and the rules that it names
        ("test", "rules", "alerts_test.yml", "alerts_days_test.yml"),
    ],
)
def test_promtool_has_nothing_to_say(arguments: tuple[str, ...]) -> None:
    result = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.db  # it starts a program of that name
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="changes the user")
def test_a_command_by_hand_has_the_settings_the_secrets_and_the_user_of_the_service(tmp_path: Path) -> None:
    secrets = {"PLAIN": "a=b $HOME `id` \\ 'x", "QUOTED": " with spaces ", "EMPTY": ""}
    lines = ["# a comment", "", f"PLAIN={secrets['PLAIN']}", f'QUOTED="{secrets["QUOTED"]}"', "no name", "EMPTY="]
    (tmp_path / "environment").write_text("\n".join(lines))
    program = tmp_path / "program"
    shown = '"$PLAIN" "$QUOTED" "$EMPTY" "$ORDERS_SYNC_CONFIG" "$(id -un)" "$ORDERS_SYNC_USER" "$@"'
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" {shown}\n')
    for path in (tmp_path, program):
        path.chmod(0o755)
    for folder in tmp_path.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o011)
    said = subprocess.run(
        [ROOT / "deploy" / "systemd" / "orders-sync", "db", "shell -c"],
        env={
            **os.environ,
            "ORDERS_SYNC_ETC": str(tmp_path),
            "ORDERS_SYNC_PROGRAM": str(program),
            "ORDERS_SYNC_RUN_AS": "nobody",
            "ORDERS_SYNC_USER": "ana",  # the person, of whom this machine knows nothing
        },
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [*secrets.values(), f"{tmp_path}/orders_sync.toml", "nobody", "ana", "db", "shell -c"]
    assert said.stdout.split("\n")[:-1] == expected
