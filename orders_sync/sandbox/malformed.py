"""Records broken on purpose: always the same orders, so that a test knows which."""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

from orders_sync.sandbox.texts import encode, json_text

KINDS = ("no_id", "null_id", "garbage_time", "lines_string", "not_an_object", "garbage_money")

_FIELDS = {  # where id, creation time, lines and total are
    "1688": (("baseInfo", "idOfStr"), ("baseInfo", "createTime"), ("productItems",), ("baseInfo", "totalAmount")),
    "xportcn_open": (("id",), ("createTime",), ("subOrderVOS",), ("purchaseAmount",)),
    "xportcn_ka": (("id",), ("createTime",), ("subOrderVOS",), ("purchaseAmount",)),
}


def kind_for(order_id: str, rate: float) -> str | None:
    """Which way this order is broken when this share of all orders is; None for a sound one."""
    dice = crc32(order_id.encode())
    return KINDS[dice % len(KINDS)] if dice < rate * 2**32 else None


def broken(platform: str, record: bytes, kind: str) -> bytes:
    """The record, broken this way."""
    whole: Any = json.loads(record)
    identity, time, lines, total = _FIELDS[platform]
    if kind == "no_id":
        _owner(whole, identity).pop(identity[-1])
    elif kind == "null_id":
        _owner(whole, identity)[identity[-1]] = None
    elif kind == "garbage_time":
        _owner(whole, time)[time[-1]] = "not a time"
    elif kind == "lines_string":
        _owner(whole, lines)[lines[-1]] = "not a list"
    elif kind == "garbage_money":
        _owner(whole, total)[total[-1]] = "12,50元"
    elif kind == "not_an_object":
        whole = "not an object"
    else:
        raise ValueError(f"no such way to break a record: {kind}")
    return json_text(whole).encode() if kind == "not_an_object" else _encode(whole)


def _encode(whole: Any) -> bytes:
    try:
        return encode(whole)
    except UnicodeEncodeError:  # a lone surrogate in the record
        return json.dumps(whole).encode()


def _owner(whole: Any, path: tuple[str, ...]) -> Any:
    for name in path[:-1]:
        whole = whole[name]
    return whole
