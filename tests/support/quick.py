"""The mark `db`, and proof that a test without it starts no Postgres: a pytest plugin."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

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


def pytest_itemcollected(item: pytest.Item) -> None:
    """Set the mark as soon as there is a test: they are put in order by it."""
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


def refuse_slow(program: str | bytes | os.PathLike[str]) -> None:
    """Raise RuntimeError where a test without the mark is about to start one of `SLOW_PROGRAMS`."""
    if _running_without_mark and (name := os.path.basename(os.fsdecode(program))) in SLOW_PROGRAMS:
        raise RuntimeError(f"{_running_without_mark[0]} starts {name}: mark it with @pytest.mark.db")


# An audit hook would see all starts, too, but is called for every import, open and lookup of a whole run.
_start = subprocess.Popen.__init__


@functools.wraps(_start)
def _start_unless_slow(self: subprocess.Popen[Any], args: Any, *more: Any, **named: Any) -> None:
    refuse_slow(named.get("executable") or (args if isinstance(args, str | bytes | os.PathLike) else args[0]))
    _start(self, args, *more, **named)


subprocess.Popen.__init__ = _start_unless_slow  # type: ignore[method-assign]
