"""Telling which order a row is, and whether two ids are one."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from orders_sync.domain.sanitize import sanitize
from orders_sync.platforms.conversion import Notes, Number, id_text
from orders_sync.platforms.records import decode_record, order_id_of


class Identity(Struct, gc=False):
    """The part of a record that names the order."""

    id: Any = None


# the id where a row says it first, as documented: an unchanged order is known by it, and nothing else of it is read
_FIRST_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*(?:"([A-Za-z0-9]{1,64})"|([1-9][0-9]{0,18}))\s*[,}]')
_IDENTITY = msgspec.json.Decoder(Identity, float_hook=Number)


def identify(record: bytes) -> str:
    """The row's `id`, as `normalize` gives it. Raises `InvalidRecordError`."""
    if first_id := _FIRST_ID.match(record):
        return (first_id[1] or first_id[2]).decode()
    return sanitize(order_id_of(decode_record(_IDENTITY, record, Notes()).id, "id"))


def same(one: Any, other: Any) -> bool | None:
    """Whether two ids, as number or as text, are one; None where either is not said."""
    if one.__class__ is str and one and one == other:
        return True
    own, its = id_text(one), id_text(other)
    return None if own is None or its is None else own == its
