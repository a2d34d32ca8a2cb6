"""The statuses of an order in both of Xportcn's lists (api-facts 2.3), in the order of its life."""

from __future__ import annotations

from orders_sync.domain.statuses import Status, StatusGroup

STATUSES = (
    Status("12", "创建中", "being created", StatusGroup.CREATING),
    Status("0", "待付款", "to be paid", StatusGroup.AWAITING_PAYMENT),
    Status("1", "已付款/待财务确认", "paid, to be confirmed by finance", StatusGroup.AWAITING_CONFIRMATION),
    Status("2", "财务确认通过", "confirmed by finance", StatusGroup.AWAITING_CONFIRMATION),
    Status("3", "财务确认不通过", "refused by finance", StatusGroup.REJECTED),
    Status("5", "待财务系统付款", "waiting for the finance system to pay", StatusGroup.AWAITING_CONFIRMATION),
    Status("10", "待发货", "to be shipped", StatusGroup.AWAITING_SHIPMENT),
    Status("11", "已发货", "shipped", StatusGroup.SHIPPED),
    Status("4", "已取消", "cancelled", StatusGroup.CANCELLED, is_final=True),
    Status("9", "其他", "other", StatusGroup.OTHER),
)
