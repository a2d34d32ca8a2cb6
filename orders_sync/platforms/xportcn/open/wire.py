"""A row of GET /open/order/page as it is sent (api-facts 2.1).

Amounts are fen in the document, times Asia/Shanghai. Any field may be something else: the conversions judge values.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from orders_sync.platforms.conversion import Number
from orders_sync.platforms.wire_types import Fen, Id, Json, Quantity, Text, Time


class SubOrder(Struct, gc=False):
    """A line. It has no id: `subOrderId` is null in the document. `purchaseAmount` is the price of one piece there."""

    subOrderId: Id = None
    orderNo: Id = None
    quantity: Quantity = None
    title: Text = None
    purchaseCurrency: Text = None
    purchaseAmount: Fen = None  # "1"
    itemId: Id = None
    skuId: Id = None
    domesticPostFee: Fen = None
    closeReason: Text = None
    subOrderResult: Json = None  # JSON in a string, at times another line's
    status: Text = None
    errorCode: Text = None
    errorMessage: Text = None


class Order(Struct, gc=False):
    id: Id = None  # "1022505290408395575"
    orderNo: Id = None
    sellerOrderNumber: Id = None
    userName: Text = None
    orderSource: Text = None  # lazada
    createTime: Time = None  # 2023-09-22 13:50:59
    payTime: Time = None
    purchaseAmount: Fen = None  # 400
    status: Text = None
    subOrderVOS: list[SubOrder | None] | None = None


ORDER = msgspec.json.Decoder(Order, float_hook=Number)
