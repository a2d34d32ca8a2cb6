"""A row of POST /open/purchase/page as it is sent (the seed 001, api-facts 2.1).

Amounts are fen in the document, times Asia/Shanghai. Any field may be something else: the conversions judge values.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from orders_sync.platforms.conversion import Number


class Address(Struct, gc=False):
    """Where the goods go: a warehouse, or a person."""

    state: Any = None  # 浙江省
    zip: Any = None
    country: Any = None
    address: Any = None
    phone: Any = None
    city: Any = None
    district: Any = None
    name: Any = None
    mobilePhone: Any = None
    mobile_phone: Any = None
    taxId: Any = None


class CreateSubOrderResult(Struct, gc=False):
    """What was known when the line was placed; the estimate may differ from what is paid (api-facts 2.2)."""

    quantity: Any = None
    order_line_no: Any = None  # LINE002
    item_id: Any = None
    sku_id: Any = None
    estimate_amount: Any = None  # 5965
    estimate_currency: Any = None
    sub_purchase_order_id: Any = None  # a number here, text everywhere else


class SubOrder(Struct, gc=False):
    id: Any = None  # "1362127951428059595"
    orderNo: Any = None
    subOrderStatus: Any = None  # WAIT_BUYER_P
    createSubOrderResult: Any = None  # JSON in a string
    subOrderResult: Any = None  # JSON in a string
    taobaoPurchaseId: Any = None
    taobaoSubPurchaseId: Any = None
    errorCode: Any = None
    errorMessage: Any = None
    refundStatus: Any = None  # 0 none .. 100 refunded, -10 refused, -20 closed (api-facts 2.3)
    refundId: Any = None
    itemImageUrl: Any = None


class Order(Struct, gc=False):
    """A purchase. Several may carry one `orderNo`; `purchaseId` is `taobaoPurchaseId` as a number."""

    id: Any = None  # "234804"
    purchaseId: Any = None
    orderNo: Any = None
    createTime: Any = None  # 2026-04-16 18:10:12
    payTime: Any = None
    purchaseAmount: Any = None  # 5245
    warehouseAddressInfoVO: Address | None = None
    remark: Any = None
    subOrderVOS: list[SubOrder | None] | None = None
    userName: Any = None  # sifu:ap1
    userId: Any = None
    status: Any = None
    orderStatusDesc: Any = None  # WAIT_BUYER_P
    supplierNick: Any = None
    purchaseOrderOuterId: Any = None


ORDER = msgspec.json.Decoder(Order, float_hook=Number)
CREATED = msgspec.json.Decoder(CreateSubOrderResult, float_hook=Number)
