"""The mark `db`, and proof that a test without it starts no Postgres: a pytest plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FIXTURES = {"server", "terminal", "homes"}  # each test that asks for one of them has the mark
SLOW_PROGRAMS = {"initdb", "postgres", "pgbouncer", "orders-sync"}
FOLDERS = {"browser", "embedded_postgres", "independent"}  # all of their tests have it: `test_suite.py` checks that
_running_without_mark: list[str] = []


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what would be imported and then not run."""
    is_left_out = collection_path.parent == TESTS and collection_path.name in FOLDERS
    return True if is_left_out and config.option.markexpr == "not db" else None


@pytest.hookimpl(tryfirst=True)  # before the tests are put in order by it
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.db)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if item.get_closest_marker("db") is None:
        _running_without_mark.append(item.nodeid)
    try:
        return (yield)
    finally:
        _running_without_mark.clear()


def _refuse_programs(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and _running_without_mark:
        program = os.path.basename(os.fsdecode(arguments[0]))  # type: ignore[arg-type]
        if program in SLOW_PROGRAMS:
            raise RuntimeError(f"{_running_without_mark[0]} starts {program}: mark it with @pytest.mark.db")


sys.addaudithook(_refuse_programs)
