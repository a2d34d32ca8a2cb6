"""The answers of Example Shop in its own spelling. Any field may be something else: the conversions judge values."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from orders_sync.platforms.conversion import Number
from orders_sync.platforms.wire_types import Id, Quantity, Text, Time, Yuan


class Line(Struct, gc=False):
    line_id: Id = None
    product_id: Id = None
    sku_id: Id = None
    title: Text = None
    quantity: Quantity = None
    price: Yuan = None  # of one piece, yuan in text
    amount: Yuan = None


class Receiver(Struct, gc=False):
    name: Text = None
    phone: Text = None
    province: Text = None
    city: Text = None
    address: Text = None


class Order(Struct, gc=False):
    id: Id = None  # "2026090100000001"
    state: Text = None
    created_at: Time = None  # 2026-09-01T08:00:00Z
    updated_at: Time = None
    paid_at: Time = None
    total: Yuan = None
    shipping: Yuan = None
    buyer: Text = None
    lines: list[Line | None] | None = None
    receiver: Receiver | None = None


class Head(Struct, gc=False):
    """The fields of an order that `identify` reads, and nothing else."""

    id: Id = None
    created_at: Time = None
    updated_at: Time = None


class Listing(Struct):
    """`total`: rows over all pages. `orders`: left as bytes, so that they can be stored as they came."""

    total: int | str | None = None
    orders: list[Raw] | None = None

    @property
    def rows(self) -> list[Raw] | None:
        """The records, under the name that `answers.listed` expects."""
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
HEAD = msgspec.json.Decoder(Head, float_hook=Number)
SUCCESS = msgspec.json.Decoder(Success, strict=False)
ENVELOPE = msgspec.json.Decoder(Envelope, strict=False)
