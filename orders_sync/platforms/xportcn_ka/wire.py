"""A row of POST /open/purchase/page as it is sent (the seed 001, api-facts 2.1).

Amounts are fen, times Asia/Shanghai.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Raw, Struct


class Address(Struct):
    """Where the goods go: a warehouse, or a person."""

    state: str | None = None  # 浙江省
    zip: int | str | None = None
    country: str | None = None
    address: str | None = None
    phone: int | str | None = None
    city: str | None = None
    district: str | None = None
    name: str | None = None
    mobilePhone: int | str | None = None
    mobile_phone: int | str | None = None
    taxId: int | str | None = None


class CreateSubOrderResult(Struct):
    """What was known when the line was placed; the estimate may differ from what is paid (api-facts 2.2)."""

    quantity: Decimal | None = None
    order_line_no: int | str | None = None  # LINE002
    item_id: int | str | None = None
    sku_id: int | str | None = None
    estimate_amount: int | str | None = None  # 5965
    estimate_currency: str | None = None
    sub_purchase_order_id: int | str | None = None  # a number here, text everywhere else


class SubOrder(Struct):
    id: int | str | None = None  # "1362127951428059595"
    orderNo: int | str | None = None
    subOrderStatus: int | str | None = None  # WAIT_BUYER_P
    createSubOrderResult: Raw = Raw()  # JSON in a string
    subOrderResult: Raw = Raw()  # JSON in a string
    taobaoPurchaseId: int | str | None = None
    taobaoSubPurchaseId: int | str | None = None
    errorCode: int | str | None = None
    errorMessage: str | None = None
    refundStatus: int | str | None = None  # 0 none .. 100 refunded, -10 refused, -20 closed (api-facts 2.3)
    refundId: int | str | None = None
    itemImageUrl: str | None = None


class Order(Struct):
    """A purchase. Several may carry one `orderNo`; `purchaseId` is `taobaoPurchaseId` as a number."""

    id: int | str | None = None  # "234804"
    purchaseId: int | str | None = None
    orderNo: int | str | None = None
    createTime: str | None = None  # 2026-04-16 18:10:12
    payTime: str | None = None
    purchaseAmount: int | str | None = None  # 5245
    warehouseAddressInfoVO: Raw = Raw()
    remark: str | None = None
    subOrderVOS: list[SubOrder] | None = None
    userName: str | None = None  # sifu:ap1
    userId: int | str | None = None
    status: int | str | None = None
    orderStatusDesc: int | str | None = None  # WAIT_BUYER_P
    supplierNick: str | None = None
    purchaseOrderOuterId: int | str | None = None


ORDER = msgspec.json.Decoder(Order, strict=False)
ADDRESS = msgspec.json.Decoder(Address, strict=False)
CREATED = msgspec.json.Decoder(CreateSubOrderResult, strict=False)
