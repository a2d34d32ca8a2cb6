"""The mark `db`, and proof that a test without it starts no Postgres: a pytest plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator

import pytest

FIXTURES = {"server", "terminal", "homes"}  # each test that asks for one of them has the mark
SLOW_PROGRAMS = {"initdb", "postgres", "pgbouncer", "orders-sync"}
_running_without_mark: list[str] = []


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
