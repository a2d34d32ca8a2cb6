"""Rows in the format of COPY: CSV with marks that orders do not use, so that hardly anything must be quoted.

    value TAB value TAB value LF        NULL is nothing at all, and so is ""; a value with TAB, CR, LF or the mark
                                        itself in it stands between two marks (U+0001)

Landing spends most of its time here, so work is done per row, not per value: msgspec formats amounts and times, and a
row is searched for characters that need quoting after it was joined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import to_builtins
from msgspec.structs import astuple

FORMAT = r"(FORMAT csv, DELIMITER E'\t', QUOTE E'\x01')"
_MARK = "\x01"
_MARK_BYTES = _MARK.encode()


def fields(row: msgspec.Struct) -> list[str]:
    """Return the fields of a row struct as text; "" for None.

    They may be str, int, bool, Decimal, datetime, list[str] (text[]), dict (jsonb) or None: another type is a
    programming error.
    """
    as_text = _AS_TEXT
    return ["" if v is None else v if type(v) is str else as_text[type(v)](v) for v in to_builtins(astuple(row))]


def line(values: Sequence[str]) -> str:
    """Return one row of these texts."""
    text = "\t".join(values)
    if "\n" in text or "\r" in text or _MARK in text or text.count("\t") >= len(values):
        text = "\t".join(map(_quoted, values))
    return text + "\n"


def line_with_payload(values: Sequence[str], payload: bytes) -> bytes:
    """Return a row whose last value is UTF-8 bytes: most of what is copied, so it never becomes a str."""
    if _MARK_BYTES in payload:
        payload = payload.replace(_MARK_BYTES, _MARK_BYTES * 2)
    return b"".join((line(values)[:-1].encode(), b"\t\x01", payload, b"\x01\n"))


def array(items: Sequence[str]) -> str:
    """Return the literal of a text[]."""
    return "{" + ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items) + "}"


def _quoted(value: str) -> str:
    if "\n" in value or "\r" in value or "\t" in value or _MARK in value:
        return _MARK + value.replace(_MARK, _MARK * 2) + _MARK
    return value


_AS_TEXT: dict[type, Callable[[Any], str]] = {
    int: str,
    bool: str,
    list: array,
    dict: lambda value: msgspec.json.encode(value).decode(),
}
