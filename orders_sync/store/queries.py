"""Run a statement and take its rows as typed values.

`fetch_...` is for connections of the service, `select_...` for those of commands, which block. A row is converted to
its type by `msgspec`: enums become enums, and a column of another type than its field raises
`msgspec.ValidationError`. Rows by the order are read without it (`store/load.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec

from orders_sync.domain.windows import Window
from orders_sync.store.database import Connection, Session

Values = Sequence[object] | Mapping[str, object] | None
T = TypeVar("T")


def typed_row(kind: type[T]) -> Callable[[Any], Callable[[Sequence[Any]], T]]:
    """Return the row factory that makes a struct or dataclass of each row, by the names of the columns."""

    def factory(cursor: Any) -> Callable[[Sequence[Any]], T]:
        names = [column.name for column in cursor.description or ()]
        return lambda row: msgspec.convert(dict(zip(names, row, strict=True)), kind)

    return factory


def typed_value(kind: type[T]) -> Callable[[Any], Callable[[Sequence[Any]], T | None]]:
    """Return the row factory that takes the first column of each row, None where it is NULL."""
    return lambda cursor: lambda row: None if row[0] is None else msgspec.convert(row[0], kind)


async def fetch_now(connection: Connection) -> datetime:
    """Return the time of the database's clock, in UTC, whenever the transaction began."""
    return await fetch_value(connection, "SELECT clock_timestamp()", None, datetime)


async def fetch_rows(connection: Connection, query: str, values: Values, kind: type[T]) -> list[T]:
    """Return all rows."""
    async with connection.cursor(row_factory=typed_row(kind)) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()


async def fetch_row(connection: Connection, query: str, values: Values, kind: type[T]) -> T | None:
    """Return the first row, None where there is none."""
    async with connection.cursor(row_factory=typed_row(kind)) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchone()


async def fetch_values(connection: Connection, query: str, values: Values, kind: type[T]) -> list[T]:
    """Return the first column of all rows. Raises LookupError where one is NULL."""
    async with connection.cursor(row_factory=typed_value(kind)) as cursor:
        await cursor.execute(query.encode(), values)
        return [_present(value, query) for value in await cursor.fetchall()]


async def fetch_value(connection: Connection, query: str, values: Values, kind: type[T]) -> T:
    """Return the first column of the first row. Raises LookupError where there is no row or it is NULL."""
    return _present(await fetch_optional(connection, query, values, kind), query)


async def fetch_optional(connection: Connection, query: str, values: Values, kind: type[T]) -> T | None:
    """Return the first column of the first row, None where there is no row or it is NULL."""
    async with connection.cursor(row_factory=typed_value(kind)) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchone()


async def fetch_windows(connection: Connection, query: str, values: Values) -> list[Window]:
    """Return the first two columns of all rows, a start and an end, as windows."""
    cursor = await connection.execute(query.encode(), values)
    return [Window(start, end) for start, end in cast("list[tuple[datetime, datetime]]", await cursor.fetchall())]


async def fetch_dict(connection: Connection, query: str, values: Values, kind: type[T]) -> T:
    """Return the second column of all rows by the first; `kind` is a dictionary's type."""
    cursor = await connection.execute(query.encode(), values)
    return msgspec.convert(dict(cast("list[tuple[object, object]]", await cursor.fetchall())), kind)


def select_rows(session: Session, query: str, values: Values, kind: type[T]) -> list[T]:
    """Return all rows."""
    with session.cursor(row_factory=typed_row(kind)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def select_row(session: Session, query: str, values: Values, kind: type[T]) -> T | None:
    """Return the first row, None where there is none."""
    with session.cursor(row_factory=typed_row(kind)) as cursor:
        return cursor.execute(query.encode(), values).fetchone()


def select_values(session: Session, query: str, values: Values, kind: type[T]) -> list[T]:
    """Return the first column of all rows. Raises LookupError where one is NULL."""
    with session.cursor(row_factory=typed_value(kind)) as cursor:
        return [_present(value, query) for value in cursor.execute(query.encode(), values).fetchall()]


def select_value(session: Session, query: str, values: Values, kind: type[T]) -> T:
    """Return the first column of the first row. Raises LookupError where there is no row or it is NULL."""
    return _present(select_optional(session, query, values, kind), query)


def select_optional(session: Session, query: str, values: Values, kind: type[T]) -> T | None:
    """Return the first column of the first row, None where there is no row or it is NULL."""
    with session.cursor(row_factory=typed_value(kind)) as cursor:
        return cursor.execute(query.encode(), values).fetchone()


def select_dict(session: Session, query: str, values: Values, kind: type[T]) -> T:
    """Return the second column of all rows by the first; `kind` is a dictionary's type."""
    rows = cast("list[tuple[object, object]]", session.execute(query.encode(), values).fetchall())
    return msgspec.convert(dict(rows), kind)


def select_groups(session: Session, query: str, values: Values, kind: type[T]) -> dict[str, list[T]]:
    """Return the rows in lists by their first column, a text that is no field of `kind`."""
    groups: dict[str, list[T]] = {}
    with session.cursor() as cursor:
        cursor.execute(query.encode(), values)
        names = [column.name for column in cursor.description or ()][1:]
        for key, *row in cursor:
            groups.setdefault(str(key), []).append(msgspec.convert(dict(zip(names, row, strict=True)), kind))
    return groups


def _present(value: T | None, query: str) -> T:
    if value is None:
        raise LookupError(f"no value: {query}")
    return value
