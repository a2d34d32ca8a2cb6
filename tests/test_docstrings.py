"""Docstrings begin with a verb or a noun phrase (CONTRIBUTING): a clause that begins with a question is read twice."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("orders_sync", "benchmarks", "examples", "migrations")
QUESTIONS = {"As", "How", "What", "When", "Where", "Whether", "Which", "Who", "Whose", "Why"}
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
PERHAPS = re.compile(rf'"\s*({"|".join(QUESTIONS)})\b')  # in most files no text begins so: they need no parsing


def questions(source: str) -> Iterator[str]:
    if PERHAPS.search(source) is None:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            if text.partition(" ")[0] in QUESTIONS:
                yield text.splitlines()[0]


def test_a_docstring_begins_with_a_verb_or_a_noun_phrase() -> None:
    found = [f"{path.relative_to(ROOT)}: {text}" for path in FILES for text in questions(path.read_text())]
    assert found == []


def test_a_docstring_that_begins_with_a_question_is_seen() -> None:
    source = '"""What it is."""\nclass A:\n    """A class."""\n    def f(self):\n        """Whether it is."""\n'
    assert list(questions(source)) == ["What it is.", "Whether it is."]
