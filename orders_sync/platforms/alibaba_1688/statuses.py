"""The statuses of an order on 1688 (api-facts 4, status filter and sample), in the order of its life."""

from __future__ import annotations

from orders_sync.domain.statuses import Status, StatusGroup

STATUSES = (
    Status("waitbuyerpay", "等待买家付款", "waiting for the buyer to pay", StatusGroup.AWAITING_PAYMENT),
    Status("waitsellersend", "等待卖家发货", "waiting for the seller to ship", StatusGroup.AWAITING_SHIPMENT),
    Status(
        "waitlogisticstakein",
        "等待物流公司揽件",
        "waiting for the carrier to collect",
        StatusGroup.AWAITING_SHIPMENT,
    ),
    Status("waitbuyerreceive", "等待买家收货", "waiting for the buyer to receive", StatusGroup.SHIPPED),
    Status("waitbuyersign", "等待买家签收", "waiting for the buyer to sign", StatusGroup.SHIPPED),
    Status("signinsuccess", "买家已签收", "signed for by the buyer", StatusGroup.RECEIVED),
    Status("confirm_goods", "已收货", "received", StatusGroup.RECEIVED),
    Status("success", "交易成功", "completed", StatusGroup.COMPLETED, is_final=True),
    Status("cancel", "交易取消", "cancelled", StatusGroup.CANCELLED, is_final=True),
    Status("terminated", "交易终止", "terminated", StatusGroup.CANCELLED, is_final=True),
)
