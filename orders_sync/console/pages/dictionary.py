"""The data dictionary: every table, view and column, with what it means."""

from __future__ import annotations

from itertools import groupby

from starlette.responses import Response

from orders_sync.console.pages import page
from orders_sync.console.visit import Visit
from orders_sync.store import dictionary
from orders_sync.store.dictionary import ColumnEntry


async def show(visit: Visit) -> Response:
    """Show the relations whose name, or that of a column, holds the text that was typed; all of them without one."""
    text = visit.query.get("q", "").strip().lower()[:100]
    columns = await visit.site.ask(dictionary.columns)
    relations = [
        (f"{schema}.{relation}", found)
        for (schema, relation), each in groupby(columns, key=lambda column: (column.schema, column.relation))
        if (found := [column for column in each if _holds(column, text)])
    ]
    return visit.render("dictionary.html", relations=relations, text=text)


def _holds(column: ColumnEntry, text: str) -> bool:
    return text in f"{column.schema}.{column.relation} {column.name} {column.meaning}".lower()


PAGES = [page("/dictionary", show)]
