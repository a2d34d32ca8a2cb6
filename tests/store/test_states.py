"""Every state, kind and feed in SQL is a member of its enum, and the database accepts exactly these states."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import psycopg
import pytest
from procrastinate.jobs import Status as JobStatus

from orders_sync.domain.ledger import OPEN_BACKFILLS, BackfillState
from orders_sync.domain.reject_reasons import RejectState
from orders_sync.domain.requests import RequestKind
from orders_sync.domain.statuses import StatusGroup
from orders_sync.domain.windows import OPEN_WINDOWS, READ_WINDOWS, Feed, WindowKind, WindowState
from orders_sync.store import reject_lists

STORE = sorted((Path(__file__).parents[2] / "orders_sync" / "store").rglob("*.py"))
STATES: dict[str, type[Enum]] = {"sync.windows": WindowState, "sync.backfills": BackfillState}
COLUMNS: dict[str, type[Enum]] = {"kind": WindowKind, "feed": Feed, "status": JobStatus, "status_group": StatusGroup}
# `w.state = 'done'`, `state IN ('done', 'split')`, `%(feed)s = 'updated'`
COMPARED = re.compile(
    r"(?:\b(\w+)\.)?\b(state|kind|feed|status|status_group)\b(?:\)s)?"
    r"\s*(?:=|<>|\bNOT IN|\bIN)\s*('\w*'|\([^()]*\))"
)
FROM = re.compile(r"(sync\.\w+)(?: AS (\w+))?")


def statements(source: str) -> Iterator[str]:
    """The strings of a file, with `{}` for what is filled into them."""
    nodes = list(ast.walk(ast.parse(source)))
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def enums(statement: str, alias: str, column: str) -> list[type[Enum]]:
    """Return the types a column may have: of the table its alias stands for, else of all tables that are named."""
    if column == "kind" and "sync.requests" in statement:
        return [RequestKind, WindowKind]
    if column != "state":
        return [COLUMNS[column]]
    named = [(name, STATES[table]) for table, name in FROM.findall(statement) if table in STATES]
    aliased = [enum for name, enum in named if alias and name == alias]
    return aliased or [enum for _, enum in named] or [*STATES.values()]


def unknown(source: str) -> list[str]:
    """The literals of a file that are in no enum of their column."""
    return [
        f"{column} {literal}"
        for statement in statements(source)
        for alias, column, compared in COMPARED.findall(statement)
        for literal in re.findall(r"'(\w*)'", compared)
        if not any(literal in {each.value for each in enum} for enum in enums(statement, alias, column))
    ]


def test_a_state_in_a_statement_is_one_of_its_column() -> None:
    assert [f"{path.name}: {each}" for path in STORE for each in unknown(path.read_text())] == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM sync.windows WHERE state = 'complete'",
        "SELECT FROM sync.windows WHERE state IN ('planned', 'requested')",
        "SELECT FROM sync.windows AS w JOIN sync.backfills AS b USING (id) WHERE b.state <> 'split'",
        "SELECT FROM sync.windows WHERE kind NOT IN ('hook', 'sweeps')",
        "SELECT CASE WHEN %(feed)s = 'modified' THEN 1 END",
        "state = 'waiting', calls = calls + %s",
    ],
)
def test_a_state_that_no_column_holds_is_seen(statement: str) -> None:
    assert len(unknown(repr(statement))) == 1
    assert len(unknown(f'f"{statement} AND {{MORE}}"')) == 1


def test_a_reject_is_listed_in_every_state_of_the_enum() -> None:
    assert set(re.findall(r"'(\w+)'", reject_lists._STATE)) == {each.value for each in RejectState}


def literals(url: str, query: str, name: str) -> set[str]:
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [name]).fetchone()
    assert row is not None
    return set(re.findall(r"'(\w+)'", row[0]))


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("ck_windows_state", WindowState),
        ("ck_backfills_state", BackfillState),
        ("ck_windows_status", [WindowKind.SWEEP]),
    ],
)
def test_the_database_accepts_the_states_of_the_enum(url: str, name: str, states: list[Enum]) -> None:
    query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s"
    assert literals(url, query, name) == {each.value for each in states}


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("ix_windows_open", OPEN_WINDOWS),
        ("ix_windows_finished", READ_WINDOWS),
        ("ix_backfills_open", OPEN_BACKFILLS),
        ("ex_windows_one_reader", [WindowState.RUNNING]),
    ],
)
def test_a_partial_index_holds_the_states_that_queries_ask_for(url: str, name: str, states: list[Enum]) -> None:
    query = "SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indexrelid = ('sync.' || %s)::regclass"
    assert literals(url, query, name) == {each.value for each in states}
