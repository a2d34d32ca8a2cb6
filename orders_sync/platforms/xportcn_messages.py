"""What Xportcn's message service sends: a body that is JSON in a string, of which only the order's numbers are used.

    {"messageType": "ORDER_CREATE", "messageBody": "{\\"orderId\\": ...}", "messagePlatform": 1, "timestamp": "1779..."}

Source: api-facts 3. The list of types is cut off there, the bodies of Taobao's messages and a signature are not public:
so a message is a hint at most, its type is not looked at, and what it says of an order is not believed.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from orders_sync.domain.text import storable
from orders_sync.domain.times import local_time
from orders_sync.platforms.contract import Hint
from orders_sync.platforms.xportcn_results import LONGEST_KEY, text, unpacked

THE_1688_ORDERS = "1"  # messagePlatform; 0 is Taobao, which both lists are of (api-facts 2 and 3)


class Message(Struct):
    messageType: int | str | None = None
    messageBody: Raw = Raw()  # JSON in a string
    messagePlatform: int | str | None = None


class Body(Struct):
    """What all order messages have; a refund's has `refundId` besides (the rest of it is cut off)."""

    orderId: int | str | None = None  # "3305075341149134260"
    orderNo: int | str | None = None
    tbCreateTime: object = None  # "2026-05-20 15:40:00", Asia/Shanghai


_MESSAGE = msgspec.json.Decoder(Message, strict=False)
_BODY = msgspec.json.Decoder(Body, strict=False)


def hint(body: bytes) -> Hint:
    """What a message says. Raises nothing, whatever the bytes: what cannot be read is in `reason`."""
    try:
        message = unpacked(_MESSAGE, body.strip())
    except ValueError as error:
        return Hint(reason=f"the message is {error}"[:200])
    if message is None:
        return Hint(reason="the message is empty")
    kind = storable(text(message.messageType) or "")[:LONGEST_KEY] or None
    try:
        told = unpacked(_BODY, bytes(message.messageBody))
    except ValueError as error:
        return Hint(kind, reason=f"messageBody is {error}"[:200])
    if told is None:
        return Hint(kind, reason="messageBody is empty")
    order_no, order_id = _number(told.orderNo), _number(told.orderId)
    return Hint(
        kind,
        order_no,
        order_id,
        _moment(told.tbCreateTime),
        text(message.messagePlatform) == THE_1688_ORDERS,
        "" if order_no or order_id else "it names no order",
    )


def _number(value: int | str | None) -> str | None:
    """A number an order may be found by; no column holds a longer one."""
    found = text(value)
    return storable(found) if found and len(found) <= LONGEST_KEY else None


def _moment(value: object) -> datetime | None:
    try:
        return local_time(value) if isinstance(value, str) else None
    except ValueError:
        return None
