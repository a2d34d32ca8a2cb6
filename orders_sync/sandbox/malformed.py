"""Malformed records, for the same orders each time, so that a test knows which."""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

from orders_sync.sandbox.json_text import encode, json_text

# only a record without exactly one valid id is rejected; any other defect lands with a note
KINDS = ("no_id", "null_id", "blank_id", "object_id", "two_ids", "not_an_object")

_ID_PATHS = {"1688": ("baseInfo", "idOfStr"), "xportcn_open": ("id",), "xportcn_ka": ("id",)}


def malformed_kind_for(order_id: str, rate: float) -> str | None:
    """Return how this order is malformed when a share `rate` of all orders is; None for a valid record."""
    hashed = crc32(order_id.encode())
    return KINDS[hashed % len(KINDS)] if hashed < rate * 2**32 else None


def malform_record(platform: str, record: bytes, kind: str) -> bytes:
    """Return the record malformed in this way (one of `KINDS`). Raises ValueError for an unknown kind."""
    decoded: Any = json.loads(record)
    *parents, name = _ID_PATHS[platform]
    owner = decoded
    for part in parents:
        owner = owner[part]
    if kind == "no_id":
        owner.pop(name)
    elif kind == "null_id":
        owner[name] = None
    elif kind == "blank_id":
        owner[name] = " "
    elif kind == "object_id":
        owner[name] = {"value": owner[name]}
    elif kind == "two_ids":  # most parsers keep the second one
        return _encode(decoded)[:-1] + b', "' + _ID_PATHS[platform][0].encode() + b'": null}'
    elif kind == "not_an_object":
        return json_text("not an object").encode()
    else:
        raise ValueError(f"unknown kind of malformed record: {kind}")
    return _encode(decoded)


def _encode(decoded: Any) -> bytes:
    try:
        return encode(decoded)
    except UnicodeEncodeError:  # a lone surrogate in the record
        return json.dumps(decoded).encode()
