"""What a status of an order is called and which group it belongs to. Each platform package lists its own statuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class StatusGroup(StrEnum):
    CREATING = "creating"
    AWAITING_PAYMENT = "awaiting_payment"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    AWAITING_SHIPMENT = "awaiting_shipment"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    RECEIVED = "received"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Status:
    """A status as the platform spells it, misspellings included. `is_final`: no way out of it is documented but a
    refund."""

    status: str
    name_zh: str
    name_en: str
    group: StatusGroup
    is_final: bool = False


def groups(statuses: Iterable[Status]) -> Mapping[str, StatusGroup]:
    """Return the group of each status. A status that nobody documents is in none: it is `StatusGroup.OTHER`."""
    return {each.status: each.group for each in statuses}


def open_statuses(statuses: Iterable[Status]) -> tuple[str, ...]:
    """Return those an order may still leave, in the given order."""
    return tuple(each.status for each in statuses if not each.is_final)


def partly_shipped(group: StatusGroup, lines_shipped: list[bool]) -> StatusGroup:
    """Return the group once the lines are looked at: a header may wait for shipment while a line has left
    (api-facts 2.3)."""
    return StatusGroup.PARTLY_SHIPPED if group is StatusGroup.AWAITING_SHIPMENT and any(lines_shipped) else group
