"""Texts no JSON encoder likes: lone surrogates are sent as escapes, as the platforms' Java does."""

from __future__ import annotations

import json
from typing import Any

import msgspec

encode = msgspec.json.Encoder().encode


def sendable(text: str | None) -> str | msgspec.Raw | None:
    """Text as it goes into a record; the same object unless it holds a lone surrogate."""
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return msgspec.Raw(json.dumps(text).encode())
    return text


def json_text(value: Any) -> str:
    """JSON as text, to be put into a string; lone surrogates stay escapes inside it."""
    try:
        return encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))


def landed(text: str | None) -> str | None:
    """How a text should stand in a column: NUL as its picture, a lone surrogate as the replacement character."""
    if not text:
        return None
    return "".join("\u2400" if c == "\0" else "\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
