"""docs/dictionary.md says what the database says of itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import psycopg
import pytest

from orders_sync.domain.statuses import StatusGroup
from orders_sync.store import bi, dictionary
from orders_sync.store.tables import BUSINESS, metadata
from tests.support.databases import Tables, made_database
from tests.support.dictionary import FILE, render
from tests.support.landed import land_world
from tests.support.questions import questions


@pytest.fixture(scope="module")
def sandbox(server: str, template: str) -> Iterator[Tables]:
    with made_database(server, "dictionary", template) as tables:
        asyncio.run(land_world(tables.url))
        yield tables


def test_the_file_is_what_the_database_says(sandbox: Tables) -> None:
    stale = "docs/dictionary.md is stale: run `python -m tests.support.dictionary`"
    assert FILE.read_text(encoding="utf-8") == render(sandbox.url), stale


def test_a_changed_comment_or_a_new_column_makes_it_stale(sandbox: Tables) -> None:
    added = ("something else", "| `later` |")
    with psycopg.connect(sandbox.url) as session:
        session.execute("COMMENT ON COLUMN bi.orders.net_amount IS 'something else'")
        session.execute("ALTER TABLE orders ADD COLUMN later text")
        text = dictionary.render(session)
        session.rollback()
    assert [words in text for words in added] == [True, True]
    assert [words in FILE.read_text(encoding="utf-8") for words in added] == [False, False]


def test_every_table_view_and_function_of_ours_is_in_it() -> None:
    text = FILE.read_text(encoding="utf-8")
    for each in bi.definitions():
        assert (f"| `bi.{each.name}` |" if each.kind == "FUNCTION" else f"### bi.{each.name}\n") in text
    for name in metadata.tables:
        assert f"### {name}\n" in text


def test_the_diagram_holds_every_table_of_orders() -> None:
    diagram = FILE.read_text(encoding="utf-8").partition("```mermaid")[2].partition("```")[0]
    for table in BUSINESS:
        assert f"    {table.name} {{\n" in diagram


def test_each_question_is_listed_with_the_views_that_answer_it() -> None:
    text = FILE.read_text(encoding="utf-8")
    for each in questions():
        assert each.title in text


def test_functions_are_listed_with_what_they_take_and_return() -> None:
    [row] = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line.startswith("| `bi.changes_since`")]
    assert "(since text DEFAULT NULL::text, max_rows integer DEFAULT 1000) → TABLE(" in row
    assert "cursor text" in row


def test_every_word_of_a_group_of_statuses_or_a_verdict_has_its_meaning_in_the_document() -> None:
    document = (FILE.parent / "bi.md").read_text(encoding="utf-8")
    [freshness] = [each for each in bi.definitions() if each.name == "sync_freshness"]
    verdicts = re.findall(r"(?:THEN|ELSE) '(.*?)'", freshness.statement)
    assert len(verdicts) > 6
    for word in (*StatusGroup, *verdicts):
        assert re.search(rf"^  \| .*`{word}`.* \| ", document, re.MULTILINE), word
    group = next(each for each in bi.definitions() if each.name == "orders").columns["status_group"]
    assert all(word in group for word in StatusGroup)
