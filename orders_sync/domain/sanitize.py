r"""Replace characters that JSON allows but Postgres cannot store: visibly, never dropping them.

    NUL (\u0000)                 -> U+2400, its picture: Postgres cannot store it
    lone surrogate (\ud800)      -> U+FFFD, the replacement character: Postgres cannot store it

The payload in `raw_orders` keeps the bytes as received; only columns see the replacement, and the order notes it.
"""

from __future__ import annotations

import re

NUL, NUL_PICTURE = "\x00", "\u2400"
REPLACEMENT = "\ufffd"
REPAIRED = b"\\ufffd"  # the same as a JSON escape
BACKSLASH = ord("\\")

_HIGH, _LOW, _ANY = (
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}",
    rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}",
    rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
)
_SURROGATE = re.compile(_HIGH + _LOW + b"|" + _ANY)
_LONE = re.compile("[\ud800-\udfff]")  # in text, where a pair is one character
_SUSPECT = re.compile(rb"\\u(?:0000|005[cC]|[dD][89a-fA-F])")  # 005c: may begin an inner escape


def may_need_sanitizing(payload: bytes) -> bool:
    """Return whether a record may hold such characters, at any depth of JSON in strings. Fast; True may be wrong."""
    return b"\\" in payload and _SUSPECT.search(payload) is not None  # one byte is found ten times as fast


def replace_lone_surrogates(payload: bytes) -> bytes | bytearray:
    """Replace every escape of a lone surrogate in JSON text by `REPAIRED`, of the same length, so that offsets hold."""
    repaired: bytearray | None = None
    for match in _SURROGATE.finditer(payload):
        start, end = match.span()
        is_pair = end - start == 12
        is_text = _is_escaped(payload, start)
        if is_text == is_pair:  # a pair whose first backslash is text itself: the second half stands alone
            if repaired is None:
                repaired = bytearray(payload)  # in place: a page has megabytes
            repaired[end - 6 : end] = REPAIRED
    return payload if repaired is None else repaired


def _is_escaped(payload: bytes, at: int) -> bool:
    """Return whether the backslash at `at` follows an odd number of backslashes."""
    first = at
    while first > 0 and payload[first - 1] == BACKSLASH:
        first -= 1
    return (at - first) % 2 == 1


def sanitize(text: str) -> str:
    """Return text that Postgres can store; the same object if nothing had to be replaced."""
    if NUL in text:
        text = text.replace(NUL, NUL_PICTURE)
    if not text.isascii() and _LONE.search(text):
        text = _LONE.sub(REPLACEMENT, text)
    return text
