"""Ids of orders: the head of a row, and the comparison of two ids."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from orders_sync.domain.records import Head
from orders_sync.domain.times import platform_time
from orders_sync.domain.windows import Feed
from orders_sync.platforms.conversion import Number, id_text
from orders_sync.platforms.decoding import decode_head
from orders_sync.platforms.wire_types import Id, Time


class RowHead(Struct, gc=False):
    """The fields of a row that name the order and say when it was created."""

    id: Id = None
    createTime: Time = None


# as documented: the id first, and the time before anything nested, so the rest need not be read
_DOCUMENTED = re.compile(
    rb'\s*\{\s*"id"\s*:\s*(?:"([A-Za-z0-9]{1,64})"|([1-9][0-9]{0,18}))\s*,'
    rb'[^{}\[\]\\]*?"createTime"\s*:\s*"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"'
)
_HEAD = msgspec.json.Decoder(RowHead, float_hook=Number)


def identify(record: bytes, feed: Feed) -> Head:
    """Return the row's `id` and its time of creation, whatever the feed: it shows no time of change. Raises nothing."""
    if found := _DOCUMENTED.match(record):
        with suppress(ValueError):
            return Head((found[1] or found[2]).decode(), platform_time(found[3].decode()))
    return decode_head(_HEAD, record, "id", _fields)


def _fields(row: RowHead) -> tuple[Any, Any]:
    return row.id, row.createTime


def same(one: Any, other: Any) -> bool | None:
    """Return whether two ids, as number or as text, are equal; None where either is missing."""
    if one.__class__ is str and one and one == other:
        return True
    own, its = id_text(one), id_text(other)
    return None if own is None or its is None else own == its
