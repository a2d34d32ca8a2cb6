"""Grafana's dashboards as files, and what Grafana makes of their queries before it sends them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARDS = sorted((ROOT / "dashboards").glob("*.json"))
# as Grafana's data source for PostgreSQL finds them
_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")


class Query(msgspec.Struct, frozen=True):
    """A query of a dashboard in SQL. `panel` is None for the one of a variable or an annotation."""

    dashboard: str
    title: str
    row: str
    sql: str
    form: str
    panel: dict[str, Any] | None

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.title}"


def dashboard(name: str) -> dict[str, Any]:
    return dict(json.loads((ROOT / "dashboards" / f"{name}.json").read_text()))


def panels(board: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every panel but rows, with the title of its row: those of collapsed rows too."""
    row = ""
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield row, panel
            continue
        row = panel["title"]
        yield from ((row, inner) for inner in panel["panels"])


def promql(board: dict[str, Any]) -> Iterator[str]:
    """Yield every query for Prometheus, of panels and variables."""
    for _, panel in panels(board):
        yield from (target["expr"] for target in panel["targets"] if target["datasource"]["uid"] == "prometheus")
    variables = board["templating"]["list"]
    yield from (each["definition"] for each in variables if each["datasource"]["uid"] == "prometheus")


def queries() -> Iterator[Query]:
    """Yield every query in SQL: of panels, variables and annotations of all dashboards."""
    for path in DASHBOARDS:
        board, name = dashboard(path.stem), path.stem
        for row, panel in panels(board):
            for target in panel["targets"]:
                if "rawSql" in target:
                    title = f"{panel['title']} {target['refId']}"
                    yield Query(name, title, row, target["rawSql"], target["format"], panel)
        for each in board["templating"]["list"]:
            if each["datasource"]["uid"] == "orders":
                yield Query(name, f"variable {each['name']}", "", each["query"], "table", None)
        for each in board["annotations"]["list"]:
            yield Query(name, each["name"], "", each["target"]["rawSql"], each["target"]["format"], None)


def expanded(sql: str, since: datetime, until: datetime, **variables: Sequence[str]) -> str:
    """Return the statement that reaches the database.

    Raises ValueError on a macro, a variable or a format of it that these dashboards are not meant to use.
    """
    for name, values in variables.items():
        quoted = ",".join("'" + value.replace("'", "''") + "'" for value in values)
        sql = sql.replace(f"${{{name}:sqlstring}}", quoted)
    first, last = (f"'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'" for moment in (since, until))

    def macro(found: re.Match[str]) -> str:
        match found[1]:
            case "__timeFrom":
                return first
            case "__timeTo":
                return last
            case "__timeFilter":
                return f"{found[2]} BETWEEN {first} AND {last}"
        raise ValueError(f"macro {found[0]}")

    sql = _MACRO.sub(macro, sql)
    if "$" in sql:
        raise ValueError(f"left as it is: {sql[sql.index('$') :][:40]}")
    return sql
