"""Messages, by which a platform reports that something happened to an order, and what they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

READ_AGAIN = "its order is read again"  # the outcome of a message
COMES_WITH_CHANGES = "its order was not known: it comes with the changes up to then"  # an outcome
NEVER_LISTED = "its order was not known, and no list has brought it since"  # the outcome after that one, if it did not


@dataclass(frozen=True, slots=True)
class MessageContent:
    """The decoded content of a message: that something happened to an order, never its new state.

    `order_no` and `order_id`: as the message calls them. `created`: when its order was placed, by the message; aware.
    `elsewhere`: what kind of order it speaks of, if that is in none of the lists read here, such as "a return".
    `reason`: why it names no order.
    """

    message_type: str | None = None
    order_no: str | None = None
    order_id: str | None = None
    created: datetime | None = None
    elsewhere: str = ""
    reason: str = ""

    @property
    def numbers(self) -> list[str]:
        """The numbers by which its order may be found."""
        return [number for number in (self.order_no, self.order_id) if number]


class Message(msgspec.Struct, frozen=True):
    """A message as it was received, not acted on yet. `outcome`: what it waits for; None when it is new."""

    id: int
    body: bytes
    received_at: datetime
    outcome: str | None


class KnownOrder(msgspec.Struct, frozen=True):
    """An order in the tables, by one of its numbers. `read_at`: when the read that brought it as it is now began."""

    number: str
    created_at: datetime
    read_at: datetime | None
    order_id: str = ""


class MessageOutcome(msgspec.Struct, frozen=True):
    """The meaning of a message and the action taken; `is_handled`: it waits no longer."""

    id: int
    message_type: str | None
    order_no: str | None
    order_id: str | None
    outcome: str
    is_handled: bool
