"""Every status the platforms document, what it is called, and the group it belongs to.

1688: seed 004 and api-facts 4 (status filter). Xportcn: api-facts 2.3. The words are kept as the platforms spell them,
misspellings included.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


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


class Status(NamedTuple):
    """`is_final`: the platform documents no way out of it but a refund."""

    platform: str
    status: str
    name_zh: str
    name_en: str
    status_group: StatusGroup
    is_final: bool = False


_G = StatusGroup

_1688 = (
    ("waitbuyerpay", "等待买家付款", "waiting for the buyer to pay", _G.AWAITING_PAYMENT),
    ("waitsellersend", "等待卖家发货", "waiting for the seller to ship", _G.AWAITING_SHIPMENT),
    ("waitlogisticstakein", "等待物流公司揽件", "waiting for the carrier to collect", _G.AWAITING_SHIPMENT),
    ("waitbuyerreceive", "等待买家收货", "waiting for the buyer to receive", _G.SHIPPED),
    ("waitbuyersign", "等待买家签收", "waiting for the buyer to sign", _G.SHIPPED),
    ("signinsuccess", "买家已签收", "signed for by the buyer", _G.RECEIVED),
    ("confirm_goods", "已收货", "received", _G.RECEIVED),
    ("success", "交易成功", "completed", _G.COMPLETED, True),
    ("cancel", "交易取消", "cancelled", _G.CANCELLED, True),
    ("terminated", "交易终止", "terminated", _G.CANCELLED, True),
)

_XPORTCN = (
    ("12", "创建中", "being created", _G.CREATING),
    ("0", "待付款", "to be paid", _G.AWAITING_PAYMENT),
    ("1", "已付款/待财务确认", "paid, to be confirmed by finance", _G.AWAITING_CONFIRMATION),
    ("2", "财务确认通过", "confirmed by finance", _G.AWAITING_CONFIRMATION),
    ("3", "财务确认不通过", "refused by finance", _G.REJECTED),
    ("5", "待财务系统付款", "waiting for the finance system to pay", _G.AWAITING_CONFIRMATION),
    ("10", "待发货", "to be shipped", _G.AWAITING_SHIPMENT),
    ("11", "已发货", "shipped", _G.SHIPPED),
    ("4", "已取消", "cancelled", _G.CANCELLED, True),
    ("9", "其他", "other", _G.OTHER),
)

STATUSES: tuple[Status, ...] = tuple(
    Status(platform, *row)
    for platform, rows in (("1688", _1688), ("xportcn_open", _XPORTCN), ("xportcn_ka", _XPORTCN))
    for row in rows
)

_GROUPS = {(s.platform, s.status): s.status_group for s in STATUSES}


def open_statuses(platform: str) -> tuple[str, ...]:
    """The documented statuses an order may still leave, in the order of its life."""
    return tuple(s.status for s in STATUSES if s.platform == platform and not s.is_final)


def status_group(platform: str, status: str) -> StatusGroup:
    """The group of a status; an unknown status is `other`, never an error."""
    return _GROUPS.get((platform, status), StatusGroup.OTHER)


def partly_shipped(group: StatusGroup, lines_shipped: list[bool]) -> StatusGroup:
    """The group once the lines are looked at: a header may wait for shipment while a line has left (api-facts 2.3)."""
    return _G.PARTLY_SHIPPED if group is _G.AWAITING_SHIPMENT and any(lines_shipped) else group
