"""The statuses of an order on Example Shop, in the order of its life."""

from __future__ import annotations

from orders_sync.domain.statuses import Status, StatusGroup

STATUSES = (
    Status("new", "待付款", "to be paid", StatusGroup.AWAITING_PAYMENT),
    Status("paid", "待发货", "to be shipped", StatusGroup.AWAITING_SHIPMENT),
    Status("sent", "已发货", "shipped", StatusGroup.SHIPPED),
    Status("done", "已完成", "completed", StatusGroup.COMPLETED, is_final=True),
    Status("void", "已取消", "cancelled", StatusGroup.CANCELLED, is_final=True),
)
