"""Superset's dashboard as files: they fit together and the views, and add up nothing that has no sum."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from orders_sync.store import roles
from tests.support import superset
from tests.support.databases import Tables, made_database
from tests.support.landed import land_world

DATABASES, DATASETS, CHARTS, DASHBOARDS = map(superset.assets, ("databases", "datasets", "charts", "dashboards"))
[DASHBOARD] = DASHBOARDS.values()
[DATABASE] = DATABASES.values()
BY_UUID = {each["uuid"]: each for kind in (DATABASES, DATASETS, CHARTS, DASHBOARDS) for each in kind.values()}
OF_DIRECTION = sorted(set(DATASETS) - {"freshness"})
Session = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def sandbox(server: str, template: str) -> Iterator[Tables]:
    with made_database(server, "superset", template) as tables:
        asyncio.run(land_world(tables.url))
        yield tables


@pytest.fixture
def session(sandbox: Tables) -> Iterator[Session]:
    """A transaction that is rolled back."""
    with psycopg.connect(sandbox.url) as connection:
        yield connection
        connection.rollback()


def columns_of(session: Session, sql: str) -> dict[str, str]:
    """Return the type of each column of a query, by its name."""
    session.execute(f"CREATE TEMP VIEW asked AS {sql}".encode())
    found = session.execute(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'asked'::regclass"
    ).fetchall()
    return dict(found)


def needed(params: dict[str, Any]) -> set[str]:
    """Return every column and saved metric that a chart names."""
    names = {*params["groupby"], *params["metrics"], *params.get("all_columns", ())}
    names |= {params[key] for key in ("x_axis", "timeseries_limit_metric") if params.get(key)}
    names |= {json.loads(each)[0] for each in params.get("order_by_cols", ())}
    return names | {each["subject"] for each in params.get("adhoc_filters", ())}


def test_the_files_name_each_other_by_uuids_of_their_own() -> None:
    every = [each["uuid"] for kind in (DATABASES, DATASETS, CHARTS, DASHBOARDS) for each in kind.values()]
    assert [uuid for uuid, times in Counter(every).items() if times > 1] == []
    assert {each["database_uuid"] for each in DATASETS.values()} == {DATABASE["uuid"]}
    assert {each["dataset_uuid"] for each in CHARTS.values()} <= {each["uuid"] for each in DATASETS.values()}
    shown = superset.charts_on(DASHBOARD)
    assert {each["uuid"]: each["sliceName"] for each in shown} == {
        each["uuid"]: each["slice_name"] for each in CHARTS.values()
    }
    assert sorted(each["chartId"] for each in shown) == list(range(1, len(CHARTS) + 1))
    for each in DASHBOARD["metadata"]["native_filter_configuration"]:
        assert set(each["scope"]["excluded"]) <= {one["chartId"] for one in shown}
        for target in filter(None, each["targets"]):
            columns = {column["column_name"] for column in BY_UUID[target["datasetUuid"]]["columns"]}
            assert target["column"]["name"] in columns


def test_parts_of_the_dashboard_stand_where_they_say() -> None:
    position = DASHBOARD["position"]
    for name, item in position.items():
        for child in item.get("children", ()) if isinstance(item, dict) else ():
            assert position[child]["id"] == child
            assert position[child]["parents"][-1] == name
        if isinstance(item, dict) and item["type"] == "ROW":
            assert sum(position[child]["meta"]["width"] for child in item["children"]) == 12


def test_the_database_holds_no_secret_and_takes_no_writes() -> None:
    assert DATABASE["sqlalchemy_uri"] == "postgresql+psycopg2://", "all else comes from libpq's variables"
    assert not any(DATABASE[key] for key in ("allow_dml", "allow_ctas", "allow_cvas", "allow_file_upload"))


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_has_the_columns_of_its_query_with_their_types(session: Session, name: str) -> None:
    dataset = DATASETS[name]
    stated = {each["column_name"]: each["type"].lower().replace(" ", "") for each in dataset["columns"]}
    assert columns_of(session, dataset["sql"]) == stated
    days = {each["column_name"] for each in dataset["columns"] if each["is_dttm"]}
    assert days == {column for column, kind in stated.items() if kind == "date"}
    assert dataset["main_dttm_col"] in {*days, None}


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_and_its_metrics_can_be_read_by_the_role_of_readers(session: Session, name: str) -> None:
    session.execute(f"SET ROLE {roles.READER}".encode())
    dataset = DATASETS[name]
    metrics = ", ".join(each["expression"] for each in dataset["metrics"]) or "count(*)"
    [row] = session.execute(f"SELECT {metrics} FROM ({dataset['sql']}) AS virtual_table".encode()).fetchall()
    assert all(row), "shows something"


@pytest.mark.parametrize("name", OF_DIRECTION)
def test_a_dataset_holds_sales_or_purchases_alone(session: Session, name: str) -> None:
    query = f"SELECT * FROM ({DATASETS[name]['sql']}) AS virtual_table ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9".encode()
    before = session.execute(query).fetchall()
    session.execute("DELETE FROM orders WHERE direction = %s", ["sale" if "purchases" in name else "purchase"])
    assert session.execute(query).fetchall() == before
    session.execute("DELETE FROM orders")
    assert session.execute(query).fetchall() == []


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_asks_for_what_its_dataset_has(name: str) -> None:
    chart = CHARTS[name]
    dataset = BY_UUID[chart["dataset_uuid"]]
    had = {each["column_name"] for each in dataset["columns"]} | {each["metric_name"] for each in dataset["metrics"]}
    assert needed(chart["params"]) - had == set()
    assert chart["params"]["viz_type"] == chart["viz_type"]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_adds_up_no_two_currencies_and_no_two_units(name: str) -> None:
    chart = CHARTS[name]
    metrics = {each["metric_name"]: each["expression"] for each in BY_UUID[chart["dataset_uuid"]]["metrics"]}
    asked = " ".join(metrics[each] for each in chart["params"]["metrics"])
    assert "amount" not in asked or "currency" in chart["params"]["groupby"]
    assert "quantity" not in asked or "unit" in chart["params"]["groupby"]


def test_how_current_every_account_is_stands_above_all_figures() -> None:
    first, *others = superset.charts_on(DASHBOARD)
    assert BY_UUID[BY_UUID[first["uuid"]]["dataset_uuid"]] == DATASETS["freshness"]
    [days, account] = DASHBOARD["metadata"]["native_filter_configuration"]
    assert days["scope"]["excluded"] == [first["chartId"]], "of today, whatever days are shown"
    assert account["scope"]["excluded"] == []
    assert all(BY_UUID[each["uuid"]]["params"]["adhoc_filters"] for each in others), "the filter of days applies"
