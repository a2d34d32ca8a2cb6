"""Dashboards as files: every query runs, as the login they are given, and adds up nothing that has no sum."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction

from orders_sync.store import roles
from tests.support import grafana
from tests.support.databases import Tables, made_database
from tests.support.grafana import Query
from tests.support.landed import WORLD_TIME, land_world

ROOT = Path(__file__).parent.parent
QUERIES = list(grafana.queries())
PANELS = [query for query in QUERIES if query.panel]
SALES = [query for query in PANELS if query.row == "Sales"]
PURCHASES = [query for query in PANELS if query.row.startswith("Purchases")]
ACCOUNTS = ["sandbox-1688", "sandbox-ka", "sandbox-open"]
UNTIL = WORLD_TIME + timedelta(hours=6)
Session = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def sandbox(server: str, template: str) -> Iterator[Tables]:
    with made_database(server, "dashboards", template) as tables:
        asyncio.run(land_world(tables.url))
        yield tables


@pytest.fixture
def session(sandbox: Tables) -> Iterator[Session]:
    """A transaction that is rolled back."""
    with psycopg.connect(sandbox.url) as connection:
        yield connection
        connection.rollback()


def run(session: Session, query: Query, accounts: Sequence[str] = ACCOUNTS) -> list[dict[str, Any]]:
    sql = grafana.expanded(query.sql, UNTIL - timedelta(days=40), UNTIL, account=accounts)
    cursor = session.execute(sql.encode())
    return [dict(zip([each.name for each in cursor.description or ()], row, strict=True)) for row in cursor]


def by_title(title: str) -> Query:
    [found] = [query for query in QUERIES if query.title == title]
    return found


def test_there_are_two_dashboards_with_the_data_sources_they_name() -> None:
    sources = {
        each["uid"]: each["type"]
        for path in (grafana.ROOT / "provisioning" / "datasources").glob("*.yml")
        for each in yaml.safe_load(path.read_text())["datasources"]
    }
    assert [path.stem for path in grafana.DASHBOARDS] == ["orders-sync", "sales"]
    for path in grafana.DASHBOARDS:
        board = grafana.dashboard(path.stem)
        asked = [panel["datasource"] for _, panel in grafana.panels(board)]
        asked += [target["datasource"] for _, panel in grafana.panels(board) for target in panel["targets"]]
        asked += [each["datasource"] for each in board["templating"]["list"] + board["annotations"]["list"]]
        assert [each for each in asked if sources.get(each["uid"]) != each["type"]] == []


@pytest.mark.parametrize("path", grafana.DASHBOARDS, ids=lambda path: path.stem)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(path: Path) -> None:
    board = grafana.dashboard(path.stem)
    shown = [*board["panels"], *(inner for panel in board["panels"] for inner in panel.get("panels", ()))]
    numbers = [panel["id"] for panel in shown]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for panel in shown:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_every_query_runs_for_the_role_of_readers(session: Session, query: Query) -> None:
    session.execute(f"SET ROLE {roles.READER}".encode())
    session.execute("SET TRANSACTION READ ONLY")
    rows = run(session, query)
    assert rows or query.panel is None
    if query.form == "time_series":
        assert list(rows[0])[:2] == ["time", "metric"]
        assert len(rows[0]) == 3, "with a second value, Grafana would name the series after both"
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_query_takes_an_account_without_orders_and_one_with_a_quote_in_its_name(
    session: Session, query: Query
) -> None:
    run(session, query, ["o'neill", "none"])


@pytest.mark.parametrize("query", SALES + PURCHASES, ids=str)
def test_figures_of_sales_hold_no_purchase_and_those_of_purchases_no_sale(session: Session, query: Query) -> None:
    other = "purchase" if query in SALES else "sale"
    before = run(session, query)
    session.execute("DELETE FROM orders WHERE direction = %s", [other])
    assert run(session, query) == before
    session.execute("DELETE FROM orders")
    assert run(session, query) == []


@pytest.mark.parametrize("query", [each for each in SALES + PURCHASES if "amount" in each.sql], ids=str)
def test_no_figure_adds_up_two_currencies(session: Session, query: Query) -> None:
    session.execute("UPDATE orders SET currency = 'USD' WHERE order_id::text ~ '[02468]$'")
    session.execute("UPDATE sub_orders SET currency = 'USD' WHERE order_id::text ~ '[02468]$'")
    found = {value for row in run(session, query) for name, value in row.items() if name in ("currency", "metric")}
    assert {each.split()[-1] for each in found} == {"CNY", "USD"}


@pytest.mark.parametrize("query", SALES + PURCHASES, ids=str)
def test_every_figure_shows_up_to_when_it_is_complete(session: Session, query: Query) -> None:
    """A table in a column; a chart by the shaded part, which the annotation makes on every chart."""
    [annotation] = grafana.dashboard("sales")["annotations"]["list"]
    if query.form == "table":
        assert all(row["complete_until"] for row in run(session, query))
    else:
        assert annotation["enable"]
        assert "filter" not in annotation


def test_a_chart_is_shaded_from_where_the_first_account_is_not_complete(session: Session) -> None:
    query = by_title("Not complete yet")
    assert run(session, query) == []
    moved = "UPDATE sync.accounts SET watermark = %s WHERE name = %s"
    session.execute(moved, [UNTIL - timedelta(days=3), ACCOUNTS[1]])
    session.execute(moved, [UNTIL - timedelta(days=1), ACCOUNTS[2]])
    [row] = run(session, query)
    assert (row["time"], row["timeend"]) == (UNTIL - timedelta(days=3), UNTIL)
    session.execute(moved, [None, ACCOUNTS[0]])
    [row] = run(session, query)
    assert row["time"] == UNTIL - timedelta(days=40)
    assert f"{ACCOUNTS[0]}, nothing is proven" in row["text"]


def test_the_freshness_of_every_account_stands_first() -> None:
    _, panel = next(grafana.panels(grafana.dashboard("sales")))
    assert "bi.sync_freshness" in panel["targets"][0]["rawSql"]


def test_sales_by_shop_are_those_of_the_tables(sandbox: Tables, session: Session) -> None:
    [row] = run(session, by_title("Sales by shop A"))
    valid = "status_group IN ('awaiting_shipment', 'partly_shipped', 'shipped', 'received', 'completed')"
    [(orders, amount)] = sandbox.query(
        f"""SELECT count(*), sum(total_amount) FROM orders WHERE platform = '1688'
            AND ({valid} OR status_group = 'other' AND paid_at IS NOT NULL)
            AND (created_at + interval '8 hours')::date >= (%s::timestamptz + interval '8 hours')::date""",
        UNTIL - timedelta(days=40),
    )
    assert (row["account"], row["currency"], row["orders"], row["amount"]) == (ACCOUNTS[0], "CNY", orders, amount)
    charted = run(session, by_title("Amount by day ordered A"))
    assert sum(each["amount"] for each in charted) == amount


@pytest.mark.db
@pytest.mark.skipif(not shutil.which("psql"), reason="psql is not on PATH")
def test_the_login_of_the_dashboards_reads_and_does_nothing_else(url: str, tmp_path: Path) -> None:
    if "//postgres@" not in url:
        pytest.skip("a role of TEST_DATABASE_URL's server may not log in as this one does")
    tables, name, file = Tables(url), f"orders_grafana_{os.getpid()}", tmp_path / "password"
    parts = psycopg.conninfo.conninfo_to_dict(url)
    variables = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    environment = {**os.environ, **{variables[key]: str(parts[key]) for key in variables if key in parts}}
    command = ["sh", str(ROOT / "deploy" / "postgres" / "reader.sh"), name, str(file)]
    try:
        subprocess.run(command, env=environment, check=True)
        password = file.read_text()
        subprocess.run(command, env=environment, check=True)
        assert file.read_text() == password, "a second run keeps it, so that Grafana's stays right"
        assert len(password) == 48
        login = psycopg.conninfo.make_conninfo(url, user=name, password=password)
        with psycopg.connect(login, autocommit=True) as connection:
            connection.execute("SELECT * FROM bi.sync_freshness")
            for statement in ("SELECT * FROM bi.order_persons", "SELECT payload FROM raw_orders"):
                with pytest.raises(InsufficientPrivilege):
                    connection.execute(statement.encode())
            with pytest.raises(ReadOnlySqlTransaction):
                connection.execute("DELETE FROM orders")
            connection.execute("SET default_transaction_read_only = off")
            with pytest.raises(InsufficientPrivilege):
                connection.execute("DELETE FROM orders")
    finally:
        tables.execute(f"DROP OWNED BY {name}")
        tables.execute(f"DROP ROLE {name}")


def test_compose_gives_grafana_the_login_it_makes() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    reader, shown = services["reader"], services["grafana"]
    [source] = yaml.safe_load((grafana.ROOT / "provisioning" / "datasources" / "orders.yml").read_text())["datasources"]
    _, _, name, file = reader["entrypoint"]
    assert source["user"] == name
    assert source["secureJsonData"]["password"] == f"$__file{{{file}}}"
    assert source["url"].split(":")[0] == reader["environment"]["PGHOST"] in services
    assert source["jsonData"]["database"] == reader["environment"]["PGDATABASE"]
    assert f"reader:{Path(file).parent}" in reader["volumes"]
    assert f"reader:{Path(file).parent}:ro" in shown["volumes"]
    assert shown["depends_on"]["reader"] == {"condition": "service_completed_successfully"}
