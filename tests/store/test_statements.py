"""SQL stands in `store/` alone, and no value becomes part of a statement."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "orders_sync"
STORE = sorted((PACKAGE / "store").rglob("*.py"))
STATEMENT = re.compile(r"SELECT\b[\s\S]*\bFROM\b|INSERT INTO |DELETE FROM |UPDATE [\w.]+ ")
VERB = re.compile("SELECT|INSERT|DELETE|UPDATE")  # in most files none stands: they need no parsing
# constants all the same: names of our own tables and columns, and what callers in the same file give as literals
MADE_OF_NAMES = {
    "audits.py": {"column"},
    "backfill_ranges.py": {"kind"},
    "capped.py": {"rows", "most"},
    "claims.py": {"assignments"},
    "open_differences.py": {"condition"},
    "order_numbers.py": {"column", "table"},
    "removal.py": {"table"},
    "restoration.py": None,  # made once, of the columns that `tables/` describes
    "rights.py": None,
    "statements.py": None,  # made once, of the columns that `tables/` describes
}
OF_CONSTANTS = {
    "capped",
    "_listed",
    "unsettled_ranges",
    "open_by_account",
}  # functions that make a part of a statement of what they are given
# the sandbox checks the tables from outside; the embedded server makes the database before there are tables; help of a
# command quotes SQL; an export composes its columns and conditions with `psycopg.sql`
ELSEWHERE = {"sandbox/verify.py", "embedded_postgres/server.py", "cli/db.py", "cli/help.py", "exports/source.py"}


def is_constant(node: ast.expr, names: set[str]) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper() or name in names
        case ast.BinOp(left=one, right=other) | ast.IfExp(body=one, orelse=other):
            return is_constant(one, names) and is_constant(other, names)
        case ast.Call(func=ast.Attribute(value=text, attr="format"), args=args):
            return all(is_constant(each, names) for each in (text, *args))
        case ast.Call(func=ast.Name(id=function), args=args) if function in OF_CONSTANTS:
            return all(is_constant(each, names) for each in args)
        case ast.Call(
            func=ast.Attribute(value=text, attr="join"), args=[ast.Call(func=ast.Name(id="map"), args=parts)]
        ):
            return all(is_constant(each, names | OF_CONSTANTS) for each in (text, *parts))
        case ast.Tuple(elts=parts):
            return all(is_constant(each, names) for each in parts)
        case ast.JoinedStr(values=values):
            parts = [part.value for part in values if isinstance(part, ast.FormattedValue)]
            return all(is_constant(each, names) for each in parts)
    return False


def pieces(source: str) -> Iterator[ast.expr]:
    """Yield the expressions that are filled into the statements of a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr) and STATEMENT.search(ast.unparse(node)):
            yield from (part.value for part in node.values if isinstance(part, ast.FormattedValue))


def test_a_statement_is_made_of_constants() -> None:
    found = []
    for path in STORE:
        names = MADE_OF_NAMES.get(path.name, set())
        if names is not None:
            odd = [each for each in pieces(path.read_text()) if not is_constant(each, names)]
            found += [f"{path.name}: {ast.unparse(each)}" for each in odd]
    assert found == []


def test_sql_stands_in_the_store_alone() -> None:
    found = set()
    for path in set(PACKAGE.rglob("*.py")) - set(STORE):
        name, source = path.relative_to(PACKAGE).as_posix(), path.read_text()
        if VERB.search(source) is None:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.search(node.value):
                found.add(name)
    assert found <= ELSEWHERE


def test_a_value_in_a_statement_is_seen() -> None:
    source = """run(f"SELECT id FROM orders WHERE account = '{account}' AND {IS_OPEN}")"""
    assert [ast.unparse(each) for each in pieces(source) if not is_constant(each, set())] == ["account"]
