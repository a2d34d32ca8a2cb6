"""A row of GET /open/order/page as it is sent (the seed 000, api-facts 2.1).

Amounts are fen, times Asia/Shanghai.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Raw, Struct


class SubOrder(Struct):
    """A line. It has no id: `subOrderId` is null in the document. `purchaseAmount` is the price of one piece."""

    subOrderId: int | str | None = None
    orderNo: int | str | None = None
    quantity: Decimal | None = None
    title: str | None = None
    purchaseCurrency: str | None = None
    purchaseAmount: int | str | None = None  # "1"
    itemId: int | str | None = None
    skuId: int | str | None = None
    domesticPostFee: int | str | None = None
    closeReason: str | None = None
    subOrderResult: Raw = Raw()  # JSON in a string, at times another line's
    status: int | str | None = None
    errorCode: int | str | None = None
    errorMessage: str | None = None


class Order(Struct):
    id: int | str | None = None  # "1022505290408395575"
    orderNo: int | str | None = None
    sellerOrderNumber: int | str | None = None
    userName: str | None = None
    orderSource: str | None = None  # lazada
    createTime: str | None = None  # 2023-09-22 13:50:59
    payTime: str | None = None
    purchaseAmount: int | str | None = None  # 400
    status: int | str | None = None
    subOrderVOS: list[SubOrder] | None = None


ORDER = msgspec.json.Decoder(Order, strict=False)
