"""Names and groups of order statuses. Each platform package lists its own statuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class StatusGroup(StrEnum):
    """The meaning of a status on every platform: `orders.status_group`."""

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


UNSHIPPED = "unshipped"  # what still has to be sent: `bi.orders.is_unshipped`, which is of several groups
MAY_BE_UNSHIPPED = (  # the groups in which `bi.orders.is_unshipped` may be true
    StatusGroup.AWAITING_CONFIRMATION,
    StatusGroup.AWAITING_SHIPMENT,
    StatusGroup.PARTLY_SHIPPED,
    StatusGroup.OTHER,
)
STATES = (UNSHIPPED, *StatusGroup)  # by which lists and exports can be narrowed


@dataclass(frozen=True, slots=True)
class Status:
    """A status in the platform's spelling, misspellings included.

    `is_final`: no documented change follows it except a refund.
    """

    status: str
    name_zh: str
    name_en: str
    group: StatusGroup
    is_final: bool = False


def groups(statuses: Iterable[Status]) -> Mapping[str, StatusGroup]:
    """Return the group of each status. An undocumented status has none and counts as `StatusGroup.OTHER`."""
    return {each.status: each.group for each in statuses}


def open_statuses(statuses: Iterable[Status]) -> tuple[str, ...]:
    """Return the statuses that are not final, in the given order."""
    return tuple(each.status for each in statuses if not each.is_final)


def partly_shipped(group: StatusGroup, lines_shipped: list[bool]) -> StatusGroup:
    """Return the group with regard to the lines: an order may await shipment while a line has left (api-facts 2.3)."""
    return StatusGroup.PARTLY_SHIPPED if group is StatusGroup.AWAITING_SHIPMENT and any(lines_shipped) else group
