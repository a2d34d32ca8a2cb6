"""The tests themselves: what several of them need is in `tests/support`."""

from __future__ import annotations

import ast
from pathlib import Path

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


def imported(file: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names] + [
        name for node in froms for name in (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))
    ]
