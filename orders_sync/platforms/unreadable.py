"""Repair of a page that does not decode as a whole, so that its sound records still land.

One record may be nested deeper than a decoder goes, or hold what is no JSON. It is found by its brackets alone, without
recursion, and covered with a string of the same length: so all others decode, and its own bytes are taken from the body
as received and become a reject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

LARGEST = 16 * 2**20  # bytes; brackets are counted one by one, and other windows wait meanwhile
LIST_DEPTH = 3  # {"data": {"items": [ record, ... ]}}, on every platform

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def isolated(body: bytes | bytearray) -> bytes | None:
    """Return the body with each container among its records that does not decode covered, length unchanged.

    None where that mends nothing: the body is too large, its brackets do not match, or every record decodes.
    """
    if len(body) > LARGEST:
        return None
    mended = None
    for start, end in _records(body):
        if not _decodes(body[start:end]):
            mended = mended or bytearray(body)
            mended[start:end] = b'"' + b"x" * (end - start - 2) + b'"'
    return None if mended is None else bytes(mended)


def _records(body: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Yield start and end (exclusive) of each object or list in the list of records."""
    depth = start = 0
    for token in _TOKEN.finditer(body):
        kind = token[0][:1]
        if kind in (b"{", b"["):
            if depth == LIST_DEPTH:
                start = token.start()
            depth += 1
        elif kind in (b"}", b"]"):
            depth -= 1
            if depth == LIST_DEPTH:
                yield start, token.end()


def _decodes(record: bytes | bytearray) -> bool:
    try:
        msgspec.json.decode(record, type=msgspec.Raw)
    except _UNREADABLE:
        return False
    return True
