"""Records broken on purpose: always the same orders, so that a test knows which."""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

from orders_sync.sandbox.texts import encode, json_text

# only a record that names no order, or two, is kept out of the tables; everything else lands with a note
KINDS = ("no_id", "null_id", "blank_id", "object_id", "two_ids", "not_an_object")

_IDS = {"1688": ("baseInfo", "idOfStr"), "xportcn_open": ("id",), "xportcn_ka": ("id",)}


def kind_for(order_id: str, rate: float) -> str | None:
    """Which way this order is broken when this share of all orders is; None for a sound one."""
    dice = crc32(order_id.encode())
    return KINDS[dice % len(KINDS)] if dice < rate * 2**32 else None


def broken(platform: str, record: bytes, kind: str) -> bytes:
    """The record, broken this way."""
    whole: Any = json.loads(record)
    *way, name = _IDS[platform]
    owner = whole
    for part in way:
        owner = owner[part]
    if kind == "no_id":
        owner.pop(name)
    elif kind == "null_id":
        owner[name] = None
    elif kind == "blank_id":
        owner[name] = " "
    elif kind == "object_id":
        owner[name] = {"value": owner[name]}
    elif kind == "two_ids":  # the second one is what most parsers see
        return _encode(whole)[:-1] + b', "' + _IDS[platform][0].encode() + b'": null}'
    elif kind == "not_an_object":
        return json_text("not an object").encode()
    else:
        raise ValueError(f"no such way to break a record: {kind}")
    return _encode(whole)


def _encode(whole: Any) -> bytes:
    try:
        return encode(whole)
    except UnicodeEncodeError:  # a lone surrogate in the record
        return json.dumps(whole).encode()
