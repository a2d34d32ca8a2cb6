"""Rows as the text format of COPY: one line a row, tabs between values, `\\N` for NULL.

Rows are joined by control characters first and escaped at once as a whole, for a call a value would cost more than all
the rest. No value may hold one of these characters: `domain.text.storable` replaces them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

NULL, VALUE_END, ROW_END = "\x1d", "\x1f", "\x1e"

_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
_MARKS = ((NULL, "\\N"), (VALUE_END, "\t"), (ROW_END, "\n"))
_BYTE_ESCAPES = tuple((character.encode(), escape.encode()) for character, escape in _ESCAPES)


def fields(values: Iterable[object]) -> list[str]:
    """Values of str, int, bool, Decimal, datetime, bytes (bytea), list[str] (text[]), dict (jsonb) or None, as text.

    Another type is a programming error.
    """
    as_text = _AS_TEXT
    return [NULL if v is None else v if type(v) is str else as_text[type(v)](v) for v in values]


def row(values: Iterable[object]) -> str:
    """One row, to be joined with others and then `escaped`."""
    return VALUE_END.join(fields(values)) + ROW_END


def escaped(rows: str) -> bytes:
    """Rows as COPY takes them. Raises UnicodeEncodeError for a lone surrogate."""
    for character, escape in _ESCAPES + _MARKS:
        rows = rows.replace(character, escape)
    return rows.encode()


def row_with_payload(values: Iterable[object], payload: bytes) -> bytes:
    """One row as COPY takes it whose last value is UTF-8 bytes: most of what is copied, so it never becomes a str."""
    for character, escape in _BYTE_ESCAPES:
        if character in payload:
            payload = payload.replace(character, escape)
    return escaped(VALUE_END.join(fields(values)) + VALUE_END) + payload + b"\n"


def _array(items: list[str]) -> str:
    quoted = ('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items)
    return "{" + ",".join(quoted) + "}"


class _ByType(dict[type, Callable[..., str]]):
    def __missing__(self, kind: type) -> Callable[..., str]:
        """A subclass is written like its base: an enumeration of words is a word."""
        self[kind] = next(self[base] for base in kind.__mro__[1:] if base in self)
        return self[kind]


_AS_TEXT = _ByType(
    {
        str: str,
        int: str,
        bool: lambda value: "t" if value else "f",
        Decimal: str,
        datetime: datetime.isoformat,
        bytes: lambda value: "\\x" + value.hex(),
        list: _array,
        dict: lambda value: msgspec.json.encode(value).decode(),
    }
)
