"""What Example Shop sends, in its own spelling. Any field may be something else: the conversions judge values."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from orders_sync.platforms.conversion import Number


class Line(Struct, gc=False):
    line_id: Any = None
    product_id: Any = None
    sku_id: Any = None
    title: Any = None
    quantity: Any = None
    price: Any = None  # of one piece, yuan in text
    amount: Any = None  # yuan in text


class Receiver(Struct, gc=False):
    name: Any = None
    phone: Any = None
    province: Any = None
    city: Any = None
    address: Any = None


class Order(Struct, gc=False):
    id: Any = None  # "2026090100000001"
    state: Any = None
    created_at: Any = None  # 2026-09-01T08:00:00Z
    updated_at: Any = None
    paid_at: Any = None
    total: Any = None  # yuan in text
    shipping: Any = None
    buyer: Any = None
    lines: list[Line | None] | None = None
    receiver: Receiver | None = None


class Identity(Struct, gc=False):
    id: Any = None


class Times(Struct, gc=False):
    created_at: int | str | None = None
    updated_at: int | str | None = None


class Listing(Struct):
    """`total`: rows over all pages. `orders`: left as bytes, so that they can be stored as they came."""

    total: int | str | None = None
    orders: list[Raw] | None = None

    @property
    def rows(self) -> list[Raw] | None:
        return self.orders


class Success(Struct):
    code: int | str
    data: Listing | list[Raw] | str | None = None


class Envelope(Struct):
    """Any answer: next to a code that is no success, `data` may be anything."""

    code: int | str | None = None
    message: str | None = None


# `Number` keeps a number with a point as it is spelled: an amount never passes through a float
ORDER = msgspec.json.Decoder(Order, float_hook=Number)
IDENTITY = msgspec.json.Decoder(Identity, float_hook=Number)
TIMES = msgspec.json.Decoder(Times, strict=False)
SUCCESS = msgspec.json.Decoder(Success, strict=False)
ENVELOPE = msgspec.json.Decoder(Envelope, strict=False)
