"""Messages that Example Shop posts when an order changes: {"event": "order_changed", "order_id": "2026090100000001"}.

A message says which order to read again. What lands is what the list says, so a forged message does no harm.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.sanitize import sanitize
from orders_sync.platforms import MessageContent, MessageService
from orders_sync.platforms.conversion import Notes, key
from orders_sync.platforms.decoding import decode_record


class Message(Struct):
    """A message as it is sent."""

    event: Any = None
    order_id: Any = None


_MESSAGE = msgspec.json.Decoder(Message)


def parse(body: bytes) -> MessageContent:
    """Return the content of a message. Raises nothing, whatever the bytes: `reason` says what cannot be read."""
    try:
        message = decode_record(_MESSAGE, body, Notes())
    except InvalidRecordError as error:
        return MessageContent(reason=f"the message is {error.reason}")
    event, order_id = (Notes().convert("", key, value) for value in (message.event, message.order_id))
    return MessageContent(
        message_type=sanitize(event) if event else None,
        order_id=sanitize(order_id) if order_id else None,
        reason="" if order_id else "it names no order",
    )


def _answer(status: int) -> str:
    return "success" if status == 200 else "failure"


MESSAGES = MessageService(path="example_shop", parse=parse, answer=_answer, media_type="text/plain")
