"""`orders-sync export`, as it is typed."""

from __future__ import annotations

import csv
import json

import pytest

from orders_sync.exports import views
from tests.support.landed import Landed
from tests.support.terminal import Terminal


def test_orders_of_a_shop_come_as_a_file_and_the_command_says_how_many(landed: Landed) -> None:
    folder = landed.terminal.folder
    said = landed.terminal.run("export", "bi.orders", "-o", "orders.csv").assert_well()
    with (folder / "orders.csv").open(encoding="utf-8", newline="") as file:
        ids = [row["order_id"] for row in csv.DictReader(file)]
    assert sorted(ids) == sorted(row[0] for row in landed.tables.query("SELECT order_id FROM orders"))
    assert f"{len(ids):,} rows in orders.csv" in said.err
    said = landed.terminal.run("export", "orders", "-o", "out", "--format", "parquet", "--json").assert_well()
    assert json.loads(said.out) == {"file": "out", "rows": len(ids), "notes": []}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["orders", "-o", "orders.xls"], "its ending is none of csv, xlsx, parquet"),
        (["orders", "-o", "a.csv", "--format", "json"], "--format: json is none of"),
        (["orders", "-o", "no/such/folder/a.csv"], "No such file or directory"),
        (["orders", "-o", "a.csv", "--from", "2026-11-02", "--to", "2026-11-01"], "nothing lies between"),
        (["persons", "-o", "a.csv"], "Did you mean order_persons"),
    ],
)
def test_a_mistake_is_one_sentence(landed: Landed, arguments: list[str], words: str) -> None:
    landed.terminal.run("export", *arguments).assert_complains(words)


def test_a_view_that_does_not_exist_is_wrong_usage_also_where_there_is_no_database(terminal: Terminal) -> None:
    for name in ("nonsense", "bi.nonsense"):
        said = terminal.run("export", name, "-o", "a.csv").assert_complains("no view bi.nonsense", code=2)
        assert all(view in said for view in views())
    said = json.loads(terminal.run("export", "nonsense", "-o", "a.csv", "--json").err)
    assert (said["kind"], said["exit_code"]) == ("usage", 2)
