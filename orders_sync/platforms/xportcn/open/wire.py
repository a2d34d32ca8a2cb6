"""A row of GET /open/order/page as it is sent (the seed 000, api-facts 2.1).

Amounts are fen in the document, times Asia/Shanghai. Any field may be something else: the conversions judge values.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from orders_sync.platforms.conversion import Number


class SubOrder(Struct, gc=False):
    """A line. It has no id: `subOrderId` is null in the document. `purchaseAmount` is the price of one piece there."""

    subOrderId: Any = None
    orderNo: Any = None
    quantity: Any = None
    title: Any = None
    purchaseCurrency: Any = None
    purchaseAmount: Any = None  # "1"
    itemId: Any = None
    skuId: Any = None
    domesticPostFee: Any = None
    closeReason: Any = None
    subOrderResult: Any = None  # JSON in a string, at times another line's
    status: Any = None
    errorCode: Any = None
    errorMessage: Any = None


class Order(Struct, gc=False):
    id: Any = None  # "1022505290408395575"
    orderNo: Any = None
    sellerOrderNumber: Any = None
    userName: Any = None
    orderSource: Any = None  # lazada
    createTime: Any = None  # 2023-09-22 13:50:59
    payTime: Any = None
    purchaseAmount: Any = None  # 400
    status: Any = None
    subOrderVOS: list[SubOrder | None] | None = None


ORDER = msgspec.json.Decoder(Order, float_hook=Number)
