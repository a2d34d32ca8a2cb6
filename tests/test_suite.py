"""The tests themselves: what several of them need is in `tests/support`, and quick ones start no Postgres."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("*.py"))


def test_no_test_imports_another_test_or_a_conftest() -> None:
    sideways = [
        f"{file.relative_to(TESTS)} imports {module}"
        for file in FILES
        for module in imported(file)
        if module.startswith("tests.") and module.split(".")[-1].startswith(("test_", "conftest"))
    ]
    assert sideways == []


@pytest.mark.parametrize("program", ["postgres", "/somewhere/bin/initdb", "orders-sync"])
def test_a_test_without_the_mark_db_can_start_no_server_and_not_the_whole_program(program: str) -> None:
    with pytest.raises(RuntimeError, match=r"pytest\.mark\.db"):
        subprocess.run([program, "--version"])


def imported(file: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names] + [
        name for node in froms for name in (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))
    ]
