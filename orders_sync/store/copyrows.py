"""Rows as COPY takes them: CSV with marks no order uses, so that next to nothing must be quoted or escaped.

    value TAB value TAB value CR LF        NULL is nothing at all, and so is ""; a value with TAB, CR or LF in it, or
                                           the mark itself, stands between two marks (U+0001)

The csv module writes a row in one go; a function of ours called for every value would cost more than all the rest.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import msgspec

FORMAT = r"(FORMAT csv, DELIMITER E'\t', QUOTE E'\x01')"
_TAB, _MARK, _END = "\t", "\x01", "\r\n"  # the csv module only quotes what its line end holds, COPY minds both
_MARK_BYTES = _MARK.encode()


class RowWriter:
    """Turns rows into text. Values: str, int, bool, Decimal, datetime, None, list[str] (text[]) and dict (jsonb)."""

    def __init__(self) -> None:
        self._written: list[str] = []
        sink = SimpleNamespace(write=self._written.append)
        self._csv = csv.writer(
            sink, delimiter=_TAB, quotechar=_MARK, quoting=csv.QUOTE_MINIMAL, lineterminator=_END, strict=True
        )

    def text(self, rows: Iterable[Sequence[object]]) -> str:
        """Rows of plain values; a list or a dict must be `literal` already."""
        self._csv.writerows(rows)
        text = "".join(self._written)
        self._written.clear()
        return text

    def head(self, first: Sequence[object]) -> str:
        """The beginning of rows that all begin with the same values."""
        return self.text([first]).removesuffix(_END) + _TAB


def values(row: msgspec.Struct) -> tuple[object, ...]:
    """The fields of a row struct, lists and dicts as `literal`s."""
    found = msgspec.structs.astuple(row)
    places = _places(type(row))
    if all(found[place] is None for place in places):
        return found
    changed = list(found)
    for place in places:
        changed[place] = literal(changed[place])
    return tuple(changed)


def literal(value: object) -> object:
    """A list of texts as an array, a dict as JSON, in Postgres' spelling; anything else as it is."""
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    if isinstance(value, list):
        return "{" + ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value) + "}"
    return value


def with_payload(head: str, payload: bytes) -> bytes:
    """A row whose last value is UTF-8 bytes: most of what is copied, so it never becomes a str. `head`: one row."""
    if _MARK_BYTES in payload:
        payload = payload.replace(_MARK_BYTES, _MARK_BYTES * 2)
    return b"".join((head.removesuffix(_END).encode(), b"\t\x01", payload, b"\x01\r\n"))


@cache
def _places(row: type[msgspec.Struct]) -> tuple[int, ...]:
    """Where a row struct holds lists and dicts."""
    fields = msgspec.structs.fields(row)
    return tuple(place for place, field in enumerate(fields) if _is_container(field.type))


def _is_container(annotation: Any) -> bool:
    parts = getattr(annotation, "__args__", ()) if type(None) in getattr(annotation, "__args__", ()) else (annotation,)
    return any(getattr(part, "__origin__", part) in (list, dict) for part in parts)
