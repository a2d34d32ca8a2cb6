"""JSON of texts with lone surrogates: they are sent as escapes, as the platforms' Java servers do."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

encode = msgspec.json.Encoder().encode
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def encodable(text: str | None) -> str | msgspec.Raw | None:
    """Return a value that `encode` accepts: the same text, or raw JSON if it contains a lone surrogate."""
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return msgspec.Raw(json.dumps(text).encode())
    return text


def json_text(value: Any) -> str:
    """Return compact JSON as text, for embedding in a JSON string. Lone surrogates are escaped."""
    try:
        return encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))


def stored_text(text: str | None) -> str | None:
    """Return the text as a column stores it: NUL as U+2400, a lone surrogate as U+FFFD, None for empty."""
    if not text:
        return None
    return _UNSTORABLE.sub(lambda found: "\u2400" if found[0] == "\0" else "\ufffd", text)
