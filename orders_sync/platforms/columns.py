"""Tables of columns: which field of a wire struct becomes which column, and how.

    Columns(wire.BaseInfo, OrderRow, refund_amount=("refund", yuan), paid_at=("payTime", moment), ...)

reads as: target column, source field as the platform spells it, conversion (`conversion.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from orders_sync.platforms.conversion import CACHED, LONGEST_KEY, LONGEST_SHORT, Convert, Notes, key, text


class Field(NamedTuple):
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
        self.source = source
        unknown = [name for name in table if name not in row.__struct_fields__]
        assert not unknown, f"{row.__name__} has no {unknown}"
        columns = {name: column for column, (name, _) in table.items()}
        assert len(columns) == len(table), "a field stands in two columns"
        attributes = {field.encode_name: field.name for field in msgspec.structs.fields(source)}
        assert columns.keys() <= attributes.keys(), f"{source.__name__} has no {columns.keys() - attributes.keys()}"
        self._fields = [  # in the order of the source, which is that of the notes
            Field(columns[name], name, attribute, table[columns[name]][1])
            for name, attribute in attributes.items()
            if name in columns
        ]
        self._read_plain = compiled(self._fields)

    def read(self, source: msgspec.Struct, notes: Notes, at: str = "") -> dict[str, Any]:
        """The columns of which the source says something. `at` is the place for notes, such as "line 2: "."""
        try:
            return self._read_plain(source)
        except ValueError:
            return self.read_noting(source, notes, at)

    def read_noting(self, source: msgspec.Struct, notes: Notes, at: str = "") -> dict[str, Any]:
        """The same, field by field: one that cannot be converted is noted, and the others are read all the same."""
        found = {
            field.column: notes.read(field.name, field.convert, getattr(source, field.attribute), at)
            for field in self._fields
        }
        return {column: value for column, value in found.items() if value is not None}


def compiled(fields: Sequence[Field]) -> Callable[[msgspec.Struct], dict[str, Any]]:
    """Return a function that reads these fields of a struct, and raises ValueError where one cannot be converted.

    It holds for each field what one would write by hand. A text that a conversion would return as it is, or find in its
    cache, does without the call:

        value = source.pay_time
        if value is not None:
            value = cached7(value) if value.__class__ is str and len(value) <= 64 else convert7(value)
            if value is not None:
                row["paid_at"] = value

    A loop over the table takes 1.7 to 2 times as long (a line of 1688: 1.7 µs instead of 1.0).
    """
    lines = ["def read(source):", " row = {}"]
    names: dict[str, Any] = {}
    for number, field in enumerate(fields):
        names[f"convert{number}"] = field.convert
        value = f"convert{number}(value)"
        if field.convert in (text, key):
            limit = f" and len(value) <= {LONGEST_KEY}" if field.convert is key else ""
            value = f"(value or None) if value.__class__ is str{limit} else {value}"
        elif field.convert in CACHED:
            names[f"cached{number}"] = CACHED[field.convert]
            value = f"cached{number}(value) if value.__class__ is str and len(value) <= {LONGEST_SHORT} else {value}"
        lines += [
            f" value = source.{field.attribute}",
            " if value is not None:",
            f"  value = {value}",
            "  if value is not None:",
            f"   row[{field.column!r}] = value",
        ]
    exec("\n".join([*lines, " return row"]), names)  # noqa: S102 - the text is made of this module's own tables
    return names["read"]  # type: ignore[no-any-return]
