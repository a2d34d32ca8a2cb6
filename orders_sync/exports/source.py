"""The rows of a view of schema `bi`, in values that every format can hold.

| in the database         | kind    | value                                   |
|-------------------------|---------|-----------------------------------------|
| timestamptz             | MOMENT  | datetime with a zone                    |
| date                    | DAY     | date                                    |
| boolean                 | BOOLEAN | bool                                    |
| smallint to bigint      | INTEGER | int                                     |
| numeric                 | DECIMAL | Decimal                                 |
| real, double precision  | FLOAT   | float                                   |
| interval                | DECIMAL | seconds; the column gets the suffix _s  |
| arrays, json            | TEXT    | JSON                                    |
| anything else           | TEXT    | as Postgres prints it: ids stay text    |
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from psycopg import sql

from orders_sync.domain import local_times
from orders_sync.domain.errors import SchemaVersionError, UsageError
from orders_sync.domain.sentences import Sentence
from orders_sync.domain.statuses import UNSHIPPED
from orders_sync.store import bi
from orders_sync.store.database import Session
from orders_sync.store.queries import select_rows, select_values

BATCH = 2000  # rows
PERSONAL_VIEW = "order_persons"  # the view whose export is recorded
# what a range of time means where nothing else is said: the first of these that a view has
TIMES = ("ordered_at", "ordered_day", "day", "entered_at", "refunded_at", "first_ordered_at")
_COLUMNS = """
SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type
FROM pg_attribute AS a WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_OF_UNSHIPPED = "(platform, order_id) IN (SELECT platform, order_id FROM bi.orders WHERE is_unshipped)"


class ColumnKind(Enum):
    """The kind of values in a column."""

    TEXT = auto()
    INTEGER = auto()
    DECIMAL = auto()
    FLOAT = auto()
    BOOLEAN = auto()
    DAY = auto()
    MOMENT = auto()


_KINDS = {
    "timestamp with time zone": ColumnKind.MOMENT,
    "date": ColumnKind.DAY,
    "boolean": ColumnKind.BOOLEAN,
    "smallint": ColumnKind.INTEGER,
    "integer": ColumnKind.INTEGER,
    "bigint": ColumnKind.INTEGER,
    "numeric": ColumnKind.DECIMAL,
    "interval": ColumnKind.DECIMAL,
    "real": ColumnKind.FLOAT,
    "double precision": ColumnKind.FLOAT,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an export. `expression`: the SQL of its values; `title`: what heads it instead of its name."""

    name: str
    kind: ColumnKind
    expression: sql.Composable
    title: str | None = None

    @property
    def heading(self) -> str:
        """The heading of the column in a file for people: the title, else the name."""
        return self.title or self.name


@dataclass(frozen=True, slots=True)
class Selection:
    """The selection of rows: those of a view whose column `by` lies in `start` (included) to `end` (not included).

    `by` is None: the first of `TIMES` that the view has. `accounts`, `states` or `directions` is empty: all of them.
    `states`: values of `status_group`, or `UNSHIPPED` for rows of orders that are unshipped now. `orders`: platforms
    and ids of the orders whose rows are wanted; empty: all of them. `titles`: what heads the columns of a CSV file or
    a workbook, by their names; the columns stand in the order of `titles`, others behind. None: their names.
    """

    view: str
    start: datetime | None = None
    end: datetime | None = None
    by: str | None = None
    accounts: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    titles: Mapping[str, str] | None = None
    directions: tuple[str, ...] = ()
    orders: tuple[tuple[str, str], ...] = ()

    @property
    def reveals_personal_data(self) -> bool:
        """Tell whether it is personal data: whoever writes it to a file records who asked."""
        return self.view == PERSONAL_VIEW

    @property
    def described(self) -> dict[str, object]:
        """The choice as details of an action, without what was left open."""
        asked = {
            "view": self.view,
            "from": self.start,
            "to": self.end,
            "accounts": list(self.accounts),
            "states": list(self.states),
            "numbers": [order_id for _, order_id in self.orders],
        }
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True, slots=True)
class _Attribute:
    name: str
    type: str


class Rows:
    """The columns of a selection, and its rows in batches."""

    def __init__(self, columns: Sequence[Column], cursor: Any) -> None:
        self.columns = columns
        self._cursor = cursor

    def __iter__(self) -> Iterator[list[tuple[Any, ...]]]:
        while batch := self._cursor.fetchmany(BATCH):
            yield batch


def views() -> list[str]:
    """Return the names of the views that can be exported."""
    return sorted(each.name for each in bi.definitions() if each.kind == "VIEW")


def must_be_view(name: str) -> None:
    """Raise `UsageError`, with those there are, for a name that no view has."""
    if name not in views():
        near = difflib.get_close_matches(name, views(), 1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no view bi.{name}. {meant}There are {', '.join(views())}")


@contextmanager
def stream(session: Session, selection: Selection) -> Iterator[Rows]:
    """Yield the rows of a selection as they were at one moment, read in batches.

    Raises `UsageError` for a view, column or account that does not exist, and for a range where the view has no time;
    `SchemaVersionError` where the views are older than this version.
    """
    must_be_view(selection.view)
    if difference := bi.difference(session):
        raise SchemaVersionError(difference)
    _must_be_accounts(session, selection.accounts)
    attributes = _attributes(session, selection.view)
    columns = _titled([_column(each) for each in attributes], selection.titles)
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(", ").join(column.expression for column in columns),
        sql.Identifier(bi.SCHEMA, selection.view),
        sql.SQL(" AND ").join(_conditions(selection, {each.name: each.type for each in attributes})),
    )
    with session.transaction():
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        with session.cursor(name="export") as cursor:
            cursor.itersize = BATCH
            cursor.execute(query)
            yield Rows(columns, cursor)


def _titled(columns: list[Column], titles: Mapping[str, str] | None) -> list[Column]:
    """Return the columns with their titles, in the order of these."""
    if titles is None:
        return columns
    places = {name: place for place, name in enumerate(titles)}
    ordered = sorted(columns, key=lambda each: places.get(each.name, len(places)))
    return [replace(each, title=titles.get(each.name)) for each in ordered]


def _must_be_accounts(session: Session, names: Collection[str]) -> None:
    if not names:
        return
    known = select_values(session, "SELECT account FROM bi.shops ORDER BY 1", None, str)
    if missing := [name for name in names if name not in known]:
        raise UsageError(f"no account is named {', '.join(missing)}. There are {', '.join(known) or 'none yet'}")


def _attributes(session: Session, view: str) -> list[_Attribute]:
    return select_rows(session, _COLUMNS, [f"{bi.SCHEMA}.{view}"], _Attribute)


def _column(attribute: _Attribute) -> Column:
    kind = _KINDS.get(attribute.type, ColumnKind.TEXT)
    name = sql.Identifier(attribute.name)
    if attribute.type == "interval":
        return Column(f"{attribute.name}_s", kind, sql.SQL("extract(epoch FROM {})").format(name))
    if attribute.type.endswith("[]"):
        return Column(attribute.name, kind, sql.SQL("array_to_json({})::text").format(name))
    return Column(attribute.name, kind, sql.SQL("{}::text").format(name) if kind is ColumnKind.TEXT else name)


def _conditions(selection: Selection, types: dict[str, str]) -> list[sql.Composable]:
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if selection.accounts:
        if "account" not in types:
            text = Sentence("bi.%(view)s has no accounts: leave out --account", view=selection.view)
            raise UsageError(text, argument="account")
        conditions.append(sql.SQL("account = ANY({})").format(sql.Literal(list(selection.accounts))))
    if selection.states:
        if "status_group" not in types:
            text = Sentence("bi.%(view)s has no states of orders: leave out --state", view=selection.view)
            raise UsageError(text, argument="state")
        conditions.append(_in_states(selection.states, types))
    if selection.directions:
        if "direction" not in types:
            text = Sentence("bi.%(view)s does not tell sales from purchases: choose both", view=selection.view)
            raise UsageError(text, argument="direction")
        conditions.append(sql.SQL("direction = ANY({})").format(sql.Literal(list(selection.directions))))
    if selection.orders:
        if not {"platform", "order_id"} <= types.keys():
            raise UsageError(Sentence("bi.%(view)s has no rows of single orders", view=selection.view), argument="view")
        keys = [sql.SQL("({}, {})").format(*map(sql.Literal, key)) for key in selection.orders]
        conditions.append(sql.SQL("(platform, order_id) IN ({})").format(sql.SQL(", ").join(keys)))
    if selection.start is None and selection.end is None:
        return conditions
    by = _time_of(selection, types)
    is_day = types[by] == "date"
    for comparison, moment in ((">=", selection.start), ("<", selection.end)):
        if moment is not None:
            value = _day(moment, by) if is_day else moment
            conditions.append(sql.SQL(f"{{}} {comparison} {{}}").format(sql.Identifier(by), sql.Literal(value)))
    return conditions


def _in_states(states: Collection[str], types: Collection[str]) -> sql.Composable:
    """Return the condition that a row is of an order in one of these states."""
    condition = sql.SQL("status_group = ANY({})").format(sql.Literal([each for each in states if each != UNSHIPPED]))
    if UNSHIPPED not in states:
        return condition
    unshipped = sql.SQL("is_unshipped" if "is_unshipped" in types else _OF_UNSHIPPED)
    return sql.SQL("({} OR {})").format(condition, unshipped)


def _time_of(selection: Selection, types: dict[str, str]) -> str:
    times = [name for name, type_ in types.items() if _KINDS.get(type_) in (ColumnKind.DAY, ColumnKind.MOMENT)]
    by = selection.by or next((name for name in TIMES if name in times), None)
    if by in times:
        return by
    if selection.by is None:
        text = Sentence(
            "bi.%(view)s does not say by which time a range is meant: leave out --from and --to", view=selection.view
        )
        raise UsageError(text, argument="from")
    raise UsageError(f"bi.{selection.view} has no time {selection.by}. There are {', '.join(times) or 'none'}")


def _day(moment: datetime, by: str) -> str:
    if not local_times.shown(moment).endswith(" 00:00:00"):
        raise UsageError(f"{by} holds days: give a date, not {local_times.stamp(moment)}")
    return local_times.day(moment)
