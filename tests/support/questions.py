"""docs/queries.md: questions, SQL, results. `python -m tests.support.questions` writes the results anew."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import msgspec
import psycopg

from tests.support.landed import land_world
from tests.support.prepared_server import migrated_server

FILE = Path(__file__).parents[2] / "docs" / "queries.md"
_QUESTION = re.compile(
    r"^## (\d+)\. (.*?)\n\n(.*?)\n\n```sql\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL | re.MULTILINE
)


class Question(msgspec.Struct, frozen=True):
    """A question of the document. `result`: the rows below its SQL, as `answer` writes them."""

    number: int
    title: str
    about: str
    query: str
    result: str


def questions() -> list[Question]:
    """Return every question of the document, in its order."""
    found = _QUESTION.findall(FILE.read_text(encoding="utf-8"))
    return [Question(int(number), *rest) for number, *rest in found]


def answer(session: psycopg.Connection[tuple[object, ...]], query: str) -> str:
    """Return the rows of a query as an aligned table, with its columns as the first line."""
    cursor = session.execute(query.encode())
    head = [column.name for column in cursor.description or ()]
    rows = [["" if value is None else str(value) for value in row] for row in cursor]
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    lines = ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) for row in [head, *rows]]
    return "".join(f"{line.rstrip()}\n" for line in lines) + ("" if rows else "(no rows)\n")


def main() -> None:
    with migrated_server() as url:
        asyncio.run(land_world(url))
        text = FILE.read_text(encoding="utf-8")
        with psycopg.connect(url, autocommit=True, options="-c timezone=Asia/Shanghai") as session:
            for each in questions():
                after = f"{each.query}```\n\n```text\n"
                text = text.replace(f"{after}{each.result}```", f"{after}{answer(session, each.query)}```")
        FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
