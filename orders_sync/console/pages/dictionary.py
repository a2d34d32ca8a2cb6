"""The data dictionary: every table, view and column, with what it means."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from starlette.responses import Response

from orders_sync.console.dictionary_terms import TERMS, english
from orders_sync.console.pages import page
from orders_sync.console.view_words import VIEWS
from orders_sync.console.visit import Visit
from orders_sync.store import dictionary
from orders_sync.store.dictionary import ColumnEntry


async def show(visit: Visit) -> Response:
    """Show the relations whose name, or that of a column, holds the text that was typed; all of them without one."""
    text = visit.query.get("q", "").strip().lower()[:100]
    texts = english(text)
    columns = await visit.site.ask(dictionary.columns)
    relations = [
        (f"{schema}.{relation}", found)
        for (schema, relation), each in groupby(columns, key=lambda column: (column.schema, column.relation))
        if (found := [column for column in each if _holds(column, texts)])
    ]
    return visit.render("dictionary.html", relations=relations, text=text, about=VIEWS, terms=TERMS)


def _holds(column: ColumnEntry, texts: Sequence[str]) -> bool:
    described = f"{column.schema}.{column.relation} {column.name} {column.meaning} {column.about or ''}".lower()
    return any(text in described for text in texts)


PAGES = [page("/dictionary", show)]
