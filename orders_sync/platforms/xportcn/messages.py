r"""Messages of Xportcn's message service: a body that is JSON in a string, of which only the order's numbers are used.

    {"messageType": "ORDER_CREATE", "messageBody": "{\"orderId\": ...}", "messagePlatform": 1, "timestamp": "1779..."}

Source: api-facts 3. The list of types is cut off there, the bodies of Taobao's messages and a signature are not public:
so only its order numbers are used: its type is ignored, and what it says of an order is not believed. The platform
waits 1000 ms for a 200 and sends again after 30 minutes, five times at most. Its console's "Verify" is a GET.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.messages import MessageContent
from orders_sync.domain.sanitize import sanitize
from orders_sync.platforms.contract import MessageService
from orders_sync.platforms.conversion import Notes, Number, id_text, key, kind_of, moment
from orders_sync.platforms.decoding import decode_record, fitted
from orders_sync.platforms.wire_types import Id, Json, Text, Time

T = TypeVar("T")

THE_1688_ORDERS = "1"  # messagePlatform; 0 is Taobao, which both lists are of (api-facts 2 and 3)


class Message(Struct):
    """The envelope of a message."""

    messageType: Text = None
    messageBody: Json = None
    messagePlatform: Text = None


class Body(Struct):
    """The fields that all order messages have; a refund's has `refundId` besides (the rest of it is cut off)."""

    orderId: Id = None  # "3305075341149134260"
    orderNo: Id = None
    tbCreateTime: Time = None  # "2026-05-20 15:40:00", Asia/Shanghai


_MESSAGE = msgspec.json.Decoder(Message, float_hook=Number)
_BODY = msgspec.json.Decoder(Body, float_hook=Number)


def parse(body: bytes) -> MessageContent:
    """Return the content of a message. Raises nothing, whatever the bytes: `reason` says what cannot be read."""
    try:
        message = _unpacked(_MESSAGE, body.strip(), "the message")
    except InvalidRecordError as error:
        return MessageContent(reason=error.reason)
    kind = sanitize(_number(message.messageType) or "") or None
    try:
        fields = _unpacked(_BODY, message.messageBody, "messageBody")
    except InvalidRecordError as error:
        return MessageContent(kind, reason=error.reason)
    order_no, order_id = _number(fields.orderNo), _number(fields.orderId)
    return MessageContent(
        kind,
        order_no,
        order_id,
        Notes().convert("", moment, fields.tbCreateTime),
        "a 1688 order of Xportcn" if id_text(message.messagePlatform) == THE_1688_ORDERS else "",
        "" if order_no or order_id else "it names no order",
    )


def _unpacked(decoder: msgspec.json.Decoder[T], packed: Any, name: str) -> T:
    """JSON, in a string or not. Raises `InvalidRecordError` that says why there is none."""
    if packed in (None, "", b"", "null", b"null"):
        raise InvalidRecordError(f"{name} is empty")
    try:
        if isinstance(packed, bytes | str) and not isinstance(packed, Number):
            return decode_record(decoder, packed, Notes())
    except InvalidRecordError as error:
        raise InvalidRecordError(f"{name} is {error.reason}"[:200]) from None
    found: T | None = fitted(decoder.type, packed, name, Notes())
    if found is None:
        raise InvalidRecordError(f"{name} is {kind_of(packed)}, not an object")
    return found


def _number(value: Any) -> str | None:
    """A number an order may be found by; no column holds a longer one."""
    found = Notes().convert("", key, value)
    return sanitize(found) if found else None


MESSAGES = MessageService(path="xportcn", parse=parse, waits=timedelta(seconds=1))
