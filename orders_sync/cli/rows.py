"""Rows of a query as dictionaries, for commands that print whatever columns there are."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

Session = psycopg.Connection[tuple[object, ...]]


def fetch(connection: Session, query: str, values: Any = None) -> list[dict[str, Any]]:
    """Return the rows by column name. Raises psycopg.Error."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()
