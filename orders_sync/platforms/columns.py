"""Tables of columns: the source field of a wire struct and the conversion of each column.

    Columns(wire.BaseInfo, OrderRow, refund_amount=("refund", yuan), paid_at=("payTime", moment), ...)

reads as: target column, source field as the platform spells it, conversion (`conversion.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import msgspec

from orders_sync.platforms.conversion import CACHED, LONGEST_KEY, LONGEST_SHORT, Convert, Notes, key, text


class Fill(Protocol):
    """A function that fills a row from a wire struct."""

    def __call__(self, row: Any, source: msgspec.Struct, notes: Notes, at: str = "") -> None:
        """Set the fields of `row`. `at`: the path of `source` in the record, for notes."""


@dataclass(frozen=True)
class Field:
    """One column of a table."""

    column: str
    name: str  # as the platform spells it, for notes
    attribute: str  # of the wire struct
    convert: Convert


class Columns:
    """A table of columns: target column = (source field as the platform spells it, conversion)."""

    def __init__(
        self, source: type[msgspec.Struct], row: type[msgspec.Struct], /, **table: tuple[str, Convert]
    ) -> None:
        self.source, self.row = source, row
        unknown = [name for name in table if name not in row.__struct_fields__]
        assert not unknown, f"{row.__name__} has no {unknown}"
        columns = {name: column for column, (name, _) in table.items()}
        assert len(columns) == len(table), "a field stands in two columns"
        attributes = dict(zip(source.__struct_encode_fields__, source.__struct_fields__, strict=True))
        assert columns.keys() <= attributes.keys(), f"{source.__name__} has no {columns.keys() - attributes.keys()}"
        self._fields = [  # in the order of the source, which is that of the notes
            Field(columns[name], name, attribute, table[columns[name]][1])
            for name, attribute in attributes.items()
            if name in columns
        ]

    @cached_property
    def fill(self) -> Fill:
        """Set the columns of a row of which a source says something; one that has a value keeps it.

        `at`: the place for notes, such as "line 2: ". Compiled at the first use: a sync without a change needs none.
        """
        return compiled(self._fields, _SET_ATTRIBUTE, {"put": add_missing, "convert_noting": self.convert_noting})

    @cached_property
    def _fill_dict(self) -> Fill:
        return compiled(self._fields, _SET_ITEM, {"put": dict.update, "convert_noting": self.convert_noting})

    def convert(self, source: msgspec.Struct, notes: Notes, at: str = "") -> dict[str, Any]:
        """Return the columns that the source has a value for, for a row that does not exist yet."""
        row: dict[str, Any] = {}
        self._fill_dict(row, source, notes, at)
        return row

    def convert_noting(self, source: msgspec.Struct, notes: Notes, at: str = "") -> dict[str, Any]:
        """Convert field by field, as `convert` does: what cannot be converted is noted, all others are returned."""
        found = {
            field.column: notes.convert(field.name, field.convert, getattr(source, field.attribute), at)
            for field in self._fields
        }
        return {column: value for column, value in found.items() if value is not None}


def add_missing(row: msgspec.Struct, columns: dict[str, Any]) -> None:
    """Set the columns that a row has no value of."""
    for column, value in columns.items():
        if getattr(row, column) is None:
            setattr(row, column, value)


_FUNCTION = """
def fill(row, source, notes, at=""):
    try:
{fields}
    except ValueError:
        put(row, convert_noting(source, notes, at))
"""
_FIELD = """
        value = source.{attribute}
        if value is not None:
            value = {converted}
            if value is not None:
                {store}
"""
_SET_ATTRIBUTE = "if row.{column} is None: row.{column} = value"
_SET_ITEM = "row[{column!r}] = value"


def compiled(fields: Sequence[Field], store: str, names: dict[str, Any]) -> Fill:
    """Return a function that reads these fields of a struct, by `convert_noting` where one of them cannot be converted.

    It holds for each field what one would write by hand. What a conversion would return as it is, or find in its cache,
    does without the call:

        value = source.pay_time
        if value is not None:
            value = cached7(value) if value.__class__ is str and len(value) <= 64 else convert7(value)
            if value is not None:
                if row.paid_at is None: row.paid_at = value

    A loop over the table takes 1.7 to 2 times as long (a line of 1688: 1.7 µs instead of 1.0), and so do a dictionary
    of columns and a row made of it.
    """
    found = []
    for number, field in enumerate(fields):
        names[f"convert{number}"] = field.convert
        converted = f"convert{number}(value)"
        if field.convert in (text, key):
            limit = f" and len(value) <= {LONGEST_KEY}" if field.convert is key else ""
            converted = f"(value or None) if value.__class__ is str{limit} else {converted}"
        elif field.convert in CACHED:
            names[f"cached{number}"] = CACHED[field.convert]
            is_short = f"value.__class__ is int or (value.__class__ is str and len(value) <= {LONGEST_SHORT})"
            converted = f"cached{number}(value) if {is_short} else {converted}"
        stored = store.format(column=field.column)
        found.append(_FIELD.format(attribute=field.attribute, converted=converted, store=stored))
    exec(_FUNCTION.format(fields="".join(found)), names)  # noqa: S102 - made of the tables of these packages alone
    return names["fill"]  # type: ignore[no-any-return]
